"""Binance Spot's endpoints over a hall. REST and the WebSocket API both end here.

How a request is sent, and over what text it is signed, is theirs to know.
"""

from typing import Final

from arb.exchange.practice import fault_table as calls
from arb.exchange.practice.binance_account import Account
from arb.exchange.practice.binance_admission import Admission, Endpoint
from arb.exchange.practice.binance_limits import limit_rows
from arb.exchange.practice.binance_orders import Orders
from arb.exchange.practice.binance_params import Params
from arb.exchange.practice.binance_shapes import (
    Shape,
    eight,
    levels,
    market_shape,
    ms,
    symbol_of,
)
from arb.exchange.practice.doors import Grounds
from arb.money import ZERO

DEPTH_USUAL: Final = 100
DEPTH_MAX: Final = 5_000
_DEPTH_WEIGHTS: Final = ((100, 5), (500, 25), (1_000, 50), (DEPTH_MAX, 250))


class BinanceApi:
    """The endpoints, and who is let in to them."""

    def __init__(self, grounds: Grounds) -> None:
        self.admission: Final = Admission(grounds)
        self.orders: Final = Orders(grounds)
        self._account = Account(grounds, self.orders)
        self._hall = grounds.hall

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

    # --- the table

    def endpoints(self) -> dict[tuple[str, str], Endpoint]:
        """Every endpoint by method and path."""
        orders, account = self.orders, self._account
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
                calls.ACCOUNT, account.status, frozenset({"omitZeroBalances"}), 20
            ),
            ("GET", "/api/v3/account/commission"): Endpoint(
                calls.FEES, account.commission, symbol, 20
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
                calls.CHANGES, account.deposits, changes
            ),
            ("GET", "/sapi/v1/capital/withdraw/history"): Endpoint(
                calls.CHANGES, account.withdrawals, changes
            ),
            ("GET", "/sapi/v1/account/apiRestrictions"): Endpoint(calls.KEY, account.restrictions),
            ("GET", "/sapi/v1/asset/tradeFee"): Endpoint(calls.FEES, account.trade_fee, symbol),
            ("GET", "/sapi/v1/bnbBurn"): Endpoint(calls.FEES, account.bnb_burn),
            ("GET", "/sapi/v1/system/status"): Endpoint(
                calls.TIME, self.system_status, signed=False
            ),
        }


def _depth_weight(params: Params) -> int:
    most = params.limit(DEPTH_USUAL, DEPTH_MAX)
    return next(weight for limit, weight in _DEPTH_WEIGHTS if most <= limit)
