"""Orders, trades, balances and markets in Binance's own fields, types and precisions."""

from decimal import Decimal
from typing import Final

from arb.clock import NS_PER_MS
from arb.exchange.paper.records import PaperFill, PaperOrder
from arb.exchange.port import Balance, BalanceChange
from arb.exchange.practice.hall import Told
from arb.market.book import Level, MarketRules
from arb.money import ZERO, plain, round_up

DECIMALS: Final = 8
UNIT: Final = Decimal("1E-8")
NO_STP: Final = "EXPIRE_TAKER"
PRICE_FACTOR_MAX: Final = 10**8  # the highest price, in ticks
PERCENT_UP: Final = Decimal(5)
PERCENT_DOWN: Final = Decimal("0.2")
Shape = dict[str, object]

_STATUS: Final = {"closed": "FILLED", "canceled": "CANCELED", "expired": "EXPIRED"}


def eight(value: Decimal) -> str:
    """Write with eight decimals, and with more only where the value has more."""
    text = f"{value:.{DECIMALS}f}"
    return text if Decimal(text) == value else plain(value)


def ms(at_ns: int) -> int:
    """Milliseconds, cut."""
    return at_ns // NS_PER_MS


def symbol_of(market: str) -> str:
    """`BTC/USDT` is BTCUSDT."""
    return market.replace("/", "")


def status_of(order: PaperOrder) -> str:
    """Name an order's state."""
    if order.status == "open":
        return "PARTIALLY_FILLED" if order.filled else "NEW"
    return _STATUS[order.status]


def cost_of(fills: tuple[PaperFill, ...]) -> Decimal:
    """Add up the quote amounts."""
    return sum((fill.cost for fill in fills), ZERO)


def _head(order: PaperOrder) -> Shape:
    return {"symbol": symbol_of(order.market), "orderId": order.number, "orderListId": -1}


def _amounts(told: Told) -> Shape:
    order = told.order
    return {
        "price": eight(order.limit or ZERO),
        "origQty": eight(order.amount),
        "executedQty": eight(order.filled),
        "origQuoteOrderQty": eight(ZERO),
        "cummulativeQuoteQty": eight(cost_of(told.fills)),
        "status": status_of(order),
        "timeInForce": order.time_in_force.upper() if order.kind == "limit" else "GTC",
        "type": order.kind.upper(),
        "side": order.side.upper(),
    }


def order_shape(told: Told) -> Shape:
    """An order as it is read."""
    order = told.order
    updated_ns = max([order.created_ns, order.closed_ns or 0, *(fill.at_ns for fill in told.fills)])
    return {
        **_head(order),
        "clientOrderId": order.client_order_id or "",
        **_amounts(told),
        "stopPrice": eight(ZERO),
        "icebergQty": eight(ZERO),
        "time": ms(order.created_ns),
        "updateTime": ms(updated_ns),
        "isWorking": True,
        "workingTime": ms(order.created_ns),
        "selfTradePreventionMode": NO_STP,
    }


def ack_shape(told: Told) -> Shape:
    """The shortest answer to a new order."""
    order = told.order
    return {
        **_head(order),
        "clientOrderId": order.client_order_id or "",
        "transactTime": ms(order.created_ns),
    }


def result_shape(told: Told) -> Shape:
    """The answer to a new order, without its trades."""
    return {
        **ack_shape(told),
        **_amounts(told),
        "workingTime": ms(told.order.created_ns),
        "selfTradePreventionMode": NO_STP,
    }


def full_shape(told: Told) -> Shape:
    """The answer to a new order, with its trades; their quote amounts are not in it."""
    return {
        **result_shape(told),
        "fills": [
            {
                "price": eight(fill.price),
                "qty": eight(fill.amount),
                "commission": eight(fill.fee),
                "commissionAsset": fill.fee_asset,
                "tradeId": fill.number,
            }
            for fill in told.fills
        ],
    }


def cancel_shape(told: Told, cancel_id: str, at_ns: int) -> Shape:
    """The answer to a cancel: the order's own id is the original one, the cancel has another."""
    order = told.order
    return {
        "symbol": symbol_of(order.market),
        "origClientOrderId": order.client_order_id or "",
        "orderId": order.number,
        "orderListId": -1,
        "clientOrderId": cancel_id,
        "transactTime": ms(at_ns),
        **_amounts(told),
        "selfTradePreventionMode": NO_STP,
    }


def trade_shape(fill: PaperFill) -> Shape:
    """A trade of the account."""
    return {
        "symbol": symbol_of(fill.market),
        "id": fill.number,
        "orderId": fill.order,
        "orderListId": -1,
        "price": eight(fill.price),
        "qty": eight(fill.amount),
        "quoteQty": eight(fill.cost),
        "commission": eight(fill.fee),
        "commissionAsset": fill.fee_asset,
        "time": ms(fill.at_ns),
        "isBuyer": fill.side == "buy",
        "isMaker": fill.maker,
        "isBestMatch": True,
    }


def held(balance: Balance) -> tuple[Decimal, Decimal]:
    """Free and locked to eight decimals; what is locked for a price of more is rounded up."""
    locked = round_up(balance.locked, UNIT)
    return balance.total - locked, locked


def balance_shape(asset: str, balance: Balance) -> Shape:
    """What the account holds of an asset."""
    free, locked = held(balance)
    return {"asset": asset, "free": eight(free), "locked": eight(locked)}


def deposit_shape(change: BalanceChange) -> Shape:
    """A deposit that arrived."""
    return {
        "id": change.change_id,
        "amount": plain(change.amount),
        "coin": change.asset,
        "network": change.asset,
        "status": 1,
        "address": "practice",
        "addressTag": "",
        "txId": f"practice-{change.change_id}",
        "insertTime": ms(change.venue_ns),
        "completeTime": ms(change.venue_ns),
        "transferType": 0,
        "confirmTimes": "1/1",
        "unlockConfirm": 1,
        "walletType": 0,
    }


def withdrawal_shape(change: BalanceChange, applied: str) -> Shape:
    """A withdrawal that is done; `applied` is its time in words, to the second."""
    return {
        "id": change.change_id,
        "amount": plain(-change.amount),
        "transactionFee": "0",
        "coin": change.asset,
        "status": 6,
        "address": "practice",
        "addressTag": "",
        "txId": f"practice-{change.change_id}",
        "applyTime": applied,
        "completeTime": applied,
        "network": change.asset,
        "transferType": 0,
        "info": "",
        "confirmNo": 1,
        "walletType": 0,
        "txKey": "",
    }


def levels(side: tuple[Level, ...], most: int) -> list[list[str]]:
    """Prices and sizes of one side of a book."""
    return [[eight(price), eight(size)] for price, size in side[:most]]


def market_shape(rules: MarketRules) -> Shape:
    """A symbol with its filters."""
    tick, step = eight(rules.tick_size), eight(rules.step_size)
    return {
        "symbol": symbol_of(rules.market),
        "status": "TRADING" if rules.active else "BREAK",
        "baseAsset": rules.base,
        "baseAssetPrecision": DECIMALS,
        "quoteAsset": rules.quote,
        "quotePrecision": DECIMALS,
        "quoteAssetPrecision": DECIMALS,
        "baseCommissionPrecision": DECIMALS,
        "quoteCommissionPrecision": DECIMALS,
        "orderTypes": ["LIMIT", "MARKET"],
        "icebergAllowed": False,
        "ocoAllowed": False,
        "otoAllowed": False,
        "quoteOrderQtyMarketAllowed": True,
        "allowTrailingStop": False,
        "cancelReplaceAllowed": False,
        "amendAllowed": False,
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "filters": [
            {
                "filterType": "PRICE_FILTER",
                "minPrice": tick,
                "maxPrice": eight(price_max(rules)),
                "tickSize": tick,
            },
            {
                "filterType": "LOT_SIZE",
                "minQty": eight(rules.amount_min),
                "maxQty": eight(rules.amount_max),
                "stepSize": step,
            },
            {
                "filterType": "MARKET_LOT_SIZE",
                "minQty": eight(ZERO),
                "maxQty": eight(rules.amount_max),
                "stepSize": eight(ZERO),
            },
            {
                "filterType": "PERCENT_PRICE_BY_SIDE",
                "bidMultiplierUp": plain(PERCENT_UP),
                "bidMultiplierDown": plain(PERCENT_DOWN),
                "askMultiplierUp": plain(PERCENT_UP),
                "askMultiplierDown": plain(PERCENT_DOWN),
                "avgPriceMins": 5,
            },
            {
                "filterType": "NOTIONAL",
                "minNotional": eight(rules.notional_min),
                "applyMinToMarket": True,
                "maxNotional": "9000000.00000000",
                "applyMaxToMarket": False,
                "avgPriceMins": 5,
            },
            {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": 200},
        ],
        "permissions": [],
        "permissionSets": [["SPOT"]],
        "defaultSelfTradePreventionMode": NO_STP,
        "allowedSelfTradePreventionModes": [NO_STP],
    }


def price_max(rules: MarketRules) -> Decimal:
    """The highest price that a market takes."""
    return rules.tick_size * PRICE_FACTOR_MAX
