"""Binance Spot's endpoints over a hall: what they take, what they check, and what they answer.

REST and the WebSocket API both end here; how a request is signed and sent is theirs to know.
"""

import datetime as dt
import hmac
from collections.abc import Callable
from hashlib import sha256
from typing import Final

from msgspec import Struct

from arb.clock import NS_PER_DAY, NS_PER_MS, NS_PER_S
from arb.exchange.port import BalanceChange
from arb.exchange.practice import fault_table as calls
from arb.exchange.practice.binance_limits import Usage, limit_rows
from arb.exchange.practice.binance_orders import Orders
from arb.exchange.practice.binance_params import Params
from arb.exchange.practice.binance_shapes import (
    Shape,
    balance_shape,
    deposit_shape,
    eight,
    levels,
    market_shape,
    ms,
    symbol_of,
    withdrawal_shape,
)
from arb.exchange.practice.binance_words import (
    AHEAD,
    INVALID_KEY,
    OUTSIDE_WINDOW,
    UNAUTHORIZED,
    excuse,
    lacking,
    refused,
)
from arb.exchange.practice.doors import Grounds, Said
from arb.exchange.practice.windows import FUTURE_NS, RECV_WINDOW_NS
from arb.money import ZERO

RECV_WINDOW_MS_MAX: Final = 60_000
RECV_WINDOW_MS_USUAL: Final = 5_000
DEPTH_USUAL: Final = 100
DEPTH_MAX: Final = 5_000
CHANGES_DAYS_MAX: Final = 90
KEY_CHARS: Final = 64
_DEPTH_WEIGHTS: Final = ((100, 5), (500, 25), (1_000, 50), (DEPTH_MAX, 250))


class Endpoint(Struct, frozen=True):
    """One thing that can be asked for."""

    call: str  # as the faults name it
    act: Callable[[Params], object]
    known: frozenset[str] = frozenset()
    weight: int | Callable[[Params], int] = 1
    signed: bool = True
    of_order: bool = False  # counts as an order sent


class BinanceApi:
    """The endpoints, and whose request is believed."""

    def __init__(self, grounds: Grounds) -> None:
        self.usage: Final = Usage()
        self._grounds = grounds
        self._hall = grounds.hall
        self.orders: Final = Orders(grounds)

    # --- who asks

    def admit(self, endpoint: Endpoint, params: Params, key: str | None, signing: str) -> None:
        """Let a request in; raises Said. `signing` is the text that its signature is of."""
        now_ns = self._hall.now_ns()
        cost = endpoint.weight if isinstance(endpoint.weight, int) else endpoint.weight(params)
        if not self.usage.weight.use(cost, now_ns):
            left_ns = self.usage.weight.left_ns(now_ns)
            self._grounds.faults.close("http_429", now_ns, left_ns)
            raise self._said("http_429", left_ns)
        if endpoint.signed:
            self.check_signed(params, key, signing)
        if endpoint.of_order:
            name = params.text("newClientOrderId")
            if name is not None:
                self._grounds.posts[name] += 1
            self._count_order(now_ns)

    def check_signed(self, params: Params, key: str | None, signing: str) -> None:
        """Check key, time and signature; raises Said."""
        if key is None or len(key) != KEY_CHARS or not key.isalnum():
            raise refused(-2014, "API-key format invalid.", UNAUTHORIZED)
        if self._grounds.key_revoked or not hmac.compare_digest(
            key, self._grounds.keys.binance_key
        ):
            raise refused(-2015, INVALID_KEY, UNAUTHORIZED)
        signature = params.need("signature")
        secret = self._grounds.keys.binance_secret.encode()
        true = hmac.new(secret, signing.encode(), sha256).hexdigest()
        if not hmac.compare_digest(true, signature.lower()):
            raise refused(-1022, "Signature for this request is not valid.")
        self._check_time(params)

    def _check_time(self, params: Params) -> None:
        stamped = params.whole("timestamp")
        if stamped is None:
            raise lacking("timestamp")
        window_ms = params.whole("recvWindow")
        if window_ms is not None and window_ms > RECV_WINDOW_MS_MAX:
            raise refused(-1131, "recvWindow must be less than 60000")
        asked_ns = (RECV_WINDOW_MS_USUAL if window_ms is None else window_ms) * NS_PER_MS
        late_ns = self._hall.now_ns() - stamped * NS_PER_MS
        if late_ns < -FUTURE_NS:
            raise refused(-1021, AHEAD)
        if late_ns > min(asked_ns, RECV_WINDOW_NS):
            raise refused(-1021, OUTSIDE_WINDOW)

    def _count_order(self, now_ns: int) -> None:
        for span, text in (
            (self.usage.orders_10s, "100 orders per 10 SECOND"),
            (self.usage.orders_day, "200000 orders per 1 DAY"),
        ):
            if not span.use(1, now_ns):
                raise refused(-1015, f"Too many new orders; current limit is {text}.", 429)

    def _said(self, fault: str, wait_ns: int) -> Said:
        return Said(excuse(fault, wait_ns, self._hall.now_ns()))

    # --- the market

    def ping(self, _: Params) -> Shape:
        """Answer."""
        return {}

    def time(self, _: Params) -> Shape:
        """Tell the venue's clock."""
        return {"serverTime": ms(self._hall.now_ns())}

    def system_status(self, _: Params) -> Shape:
        """Tell that the venue is open."""
        return {"status": 0, "msg": "normal"}

    def exchange_info(self, params: Params) -> Shape:
        """List the markets and their filters."""
        markets = self._hall.markets()
        if "symbol" in params:
            chosen = [self.orders.market_of(params.symbol())]
        elif "symbols" in params:
            names = params.need("symbols").strip("[]").replace('"', "").split(",")
            chosen = [self.orders.market_of(name) for name in names]
        else:
            chosen = list(markets)
        return {
            "timezone": "UTC",
            "serverTime": ms(self._hall.now_ns()),
            "rateLimits": limit_rows(),
            "exchangeFilters": [],
            "symbols": [market_shape(markets[name]) for name in chosen],
        }

    def depth(self, params: Params) -> Shape:
        """Tell a book."""
        market = self.orders.market_of(params.symbol())
        most = params.limit(DEPTH_USUAL, DEPTH_MAX)
        book, update_id = self._hall.depth(market)
        return {
            "lastUpdateId": update_id,
            "bids": levels(book.bids, most),
            "asks": levels(book.asks, most),
        }

    def book_ticker(self, params: Params) -> Shape | list[Shape]:
        """Tell the best prices of a market, or of all."""
        if "symbol" in params:
            return self._best(self.orders.market_of(params.symbol()))
        return [self._best(market) for market in self._hall.markets()]

    def _best(self, market: str) -> Shape:
        book, _ = self._hall.depth(market)
        bid, bid_size = book.bids[0] if book.bids else (ZERO, ZERO)
        ask, ask_size = book.asks[0] if book.asks else (ZERO, ZERO)
        return {
            "symbol": symbol_of(market),
            "bidPrice": eight(bid),
            "bidQty": eight(bid_size),
            "askPrice": eight(ask),
            "askQty": eight(ask_size),
        }

    # --- the account

    def account(self, params: Params) -> Shape:
        """Tell the balances and rates."""
        fees = self._hall.fees
        balances = self._hall.balances()
        rows = [balance_shape(asset, balance) for asset, balance in sorted(balances.items())]
        if params.flag("omitZeroBalances"):
            rows = [
                row
                for row, (_, balance) in zip(rows, sorted(balances.items()), strict=True)
                if balance.total
            ]
        else:
            listed = {
                asset for one in self._hall.markets().values() for asset in (one.base, one.quote)
            }
            nothing = {"free": eight(ZERO), "locked": eight(ZERO)}
            rows += [{"asset": asset, **nothing} for asset in sorted(listed - set(balances))]
        bps = 10_000
        return {
            "makerCommission": int(fees.maker * bps),
            "takerCommission": int(fees.taker * bps),
            "buyerCommission": 0,
            "sellerCommission": 0,
            "commissionRates": self._rates(charged=True),
            "canTrade": True,
            "canWithdraw": True,
            "canDeposit": True,
            "brokered": False,
            "requireSelfTradePrevention": False,
            "preventSor": False,
            "updateTime": ms(self._hall.now_ns()),
            "accountType": "SPOT",
            "balances": rows,
            "permissions": ["SPOT"],
            "uid": int(self._hall.account.uid),
        }

    def commission(self, params: Params) -> Shape:
        """Tell the rates of a market, and which asset pays less."""
        market = self.orders.market_of(params.symbol())
        third = self._hall.fees.fee_asset
        return {
            "symbol": symbol_of(market),
            "standardCommission": self._rates(charged=True),
            "specialCommission": self._rates(charged=False),
            "taxCommission": self._rates(charged=False),
            "discount": {
                "enabledForAccount": third is not None,
                "enabledForSymbol": third is not None,
                "discountAsset": third or "BNB",
                "discount": eight(self._hall.third_share),
            },
        }

    def _rates(self, *, charged: bool) -> Shape:
        fees = self._hall.fees
        return {
            "maker": eight(fees.maker if charged else ZERO),
            "taker": eight(fees.taker if charged else ZERO),
            "buyer": eight(ZERO),
            "seller": eight(ZERO),
        }

    def bnb_burn(self, _: Params) -> Shape:
        """Tell whether fees are paid in BNB."""
        return {"spotBNBBurn": self._hall.fees.fee_asset == "BNB", "interestBNBBurn": False}

    def restrictions(self, _: Params) -> Shape:
        """Tell what the key may do."""
        return {
            "ipRestrict": False,
            "createTime": 1_700_000_000_000,
            "enableReading": True,
            "enableWithdrawals": self._grounds.may_withdraw,
            "enableInternalTransfer": False,
            "enableMargin": False,
            "enableFutures": False,
            "permitsUniversalTransfer": False,
            "enableVanillaOptions": False,
            "enableFixApiTrade": False,
            "enableFixReadOnly": False,
            "enableSpotAndMarginTrading": True,
            "enablePortfolioMarginTrading": False,
        }

    def deposits(self, params: Params) -> list[Shape]:
        """List what arrived, newest first."""
        return [deposit_shape(one) for one in self._changes(params) if one.amount > 0]

    def withdrawals(self, params: Params) -> list[Shape]:
        """List what left, newest first."""
        return [
            withdrawal_shape(one, _words(one.venue_ns))
            for one in self._changes(params)
            if one.amount < 0
        ]

    def _changes(self, params: Params) -> list[BalanceChange]:
        day_ms = NS_PER_DAY // NS_PER_MS
        now_ms = ms(self._hall.now_ns())
        start = params.whole("startTime")
        end = params.whole("endTime")
        if start is None:
            start = (now_ms if end is None else end) - CHANGES_DAYS_MAX * day_ms
        if end is None:
            end = now_ms
        if end - start > CHANGES_DAYS_MAX * day_ms:
            raise refused(-1100, "The time interval must be within 0-90 days")
        coin = params.text("coin")
        found = [
            one
            for one in self._hall.changes(start * NS_PER_MS)
            if ms(one.venue_ns) <= end and coin in {None, one.asset}
        ]
        offset = params.whole("offset") or 0
        return list(reversed(found))[offset : offset + params.limit(1_000, 1_000)]

    # --- the table

    def endpoints(self) -> dict[tuple[str, str], Endpoint]:
        """Every endpoint by method and path."""
        orders = self.orders
        symbol = frozenset({"symbol"})
        span = frozenset({"startTime", "endTime", "limit"})
        changes = span | {"coin", "offset", "status", "withdrawOrderId", "txId", "includeSource"}
        info = symbol | {"symbols", "permissions", "showPermissionSets", "symbolStatus"}
        one_order = symbol | {"orderId", "origClientOrderId"}
        placed = symbol | {
            *("side", "type", "timeInForce", "quantity", "quoteOrderQty", "price"),
            *("newClientOrderId", "newOrderRespType", "selfTradePreventionMode"),
        }
        return {
            ("GET", "/api/v3/ping"): Endpoint(calls.TIME, self.ping, signed=False),
            ("GET", "/api/v3/time"): Endpoint(calls.TIME, self.time, signed=False),
            ("GET", "/api/v3/exchangeInfo"): Endpoint(
                calls.MARKETS, self.exchange_info, info, 20, signed=False
            ),
            ("GET", "/api/v3/depth"): Endpoint(
                calls.DEPTH, self.depth, symbol | {"limit"}, _depth_weight, signed=False
            ),
            ("GET", "/api/v3/ticker/bookTicker"): Endpoint(
                calls.TICKER,
                self.book_ticker,
                symbol | {"symbols"},
                lambda params: 2 if "symbol" in params else 4,
                signed=False,
            ),
            ("GET", "/api/v3/account"): Endpoint(
                calls.ACCOUNT, self.account, frozenset({"omitZeroBalances"}), 20
            ),
            ("GET", "/api/v3/account/commission"): Endpoint(
                calls.FEES, self.commission, symbol, 20
            ),
            ("POST", "/api/v3/order"): Endpoint(
                calls.CREATE, orders.place, placed, 1, of_order=True
            ),
            ("POST", "/api/v3/order/test"): Endpoint(calls.TIME, orders.test, placed, 1),
            ("GET", "/api/v3/order"): Endpoint(calls.ORDER, orders.read, one_order, 4),
            ("DELETE", "/api/v3/order"): Endpoint(
                calls.CANCEL,
                orders.cancel,
                one_order | {"newClientOrderId", "cancelRestrictions"},
                1,
            ),
            ("GET", "/api/v3/openOrders"): Endpoint(
                calls.OPEN_ORDERS,
                orders.open_orders,
                symbol,
                lambda params: 6 if "symbol" in params else 80,
            ),
            ("GET", "/api/v3/allOrders"): Endpoint(
                calls.ORDERS, orders.all_orders, span | symbol | {"orderId"}, 20
            ),
            ("GET", "/api/v3/myTrades"): Endpoint(
                calls.TRADES,
                orders.my_trades,
                span | symbol | {"orderId", "fromId"},
                lambda params: 5 if "orderId" in params else 20,
            ),
            ("GET", "/sapi/v1/capital/deposit/hisrec"): Endpoint(
                calls.CHANGES, self.deposits, changes
            ),
            ("GET", "/sapi/v1/capital/withdraw/history"): Endpoint(
                calls.CHANGES, self.withdrawals, changes
            ),
            ("GET", "/sapi/v1/account/apiRestrictions"): Endpoint(calls.KEY, self.restrictions),
            ("GET", "/sapi/v1/bnbBurn"): Endpoint(calls.FEES, self.bnb_burn),
            ("GET", "/sapi/v1/system/status"): Endpoint(
                calls.TIME, self.system_status, signed=False
            ),
        }


def _depth_weight(params: Params) -> int:
    most = params.limit(DEPTH_USUAL, DEPTH_MAX)
    return next(weight for limit, weight in _DEPTH_WEIGHTS if most <= limit)


def _words(at_ns: int) -> str:
    at = dt.datetime.fromtimestamp(at_ns // NS_PER_S, dt.UTC)
    return at.strftime("%Y-%m-%d %H:%M:%S")
