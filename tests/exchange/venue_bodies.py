"""What each of nine venues says when all is well, put together from where its dialect says that things stand."""

from typing import Any

from arb.exchange.dialects.shape import QUOTE_ASSET, Dialect
from tests.exchange.captured import MARKET_IDS
from tests.exchange.loopback import ACCOUNT, NOW_MS, ORDER_ID
from tests.exchange.told import okx


def put(told: Any, path: str, value: object) -> None:
    """Set what stands at a dotted path; "" is nowhere."""
    if not path:
        return
    first, _, rest = path.partition(".")
    if isinstance(told, list):
        assert int(first) <= len(told)
        told += [None] * (int(first) + 1 - len(told))
        key: Any = int(first)
    else:
        key = first
        told.setdefault(key, None)
    if not rest:
        told[key] = value
        return
    if told[key] is None:
        told[key] = [] if rest.partition(".")[0].isdecimal() else {}
    put(told[key], rest, value)


def body(dialect: Dialect, path: str, content: object) -> Any:
    """The content at its path, with the venue's mark that all is well."""
    if not path:
        return content
    told: dict[str, Any] = {}
    put(told, *dialect.replies.well)
    put(told, path, content)
    return told


def listed(dialect: Dialect, row: object) -> Any:
    """A list of one row, as the venue lists."""
    return {"OX-1": row} if dialect.replies.by_id else [row]


def open_list(dialect: Dialect, row: object) -> Any:
    """The list of open orders, in groups where the venue groups them."""
    group = dialect.replies.open_group
    return body(
        dialect, dialect.replies.open_orders, listed(dialect, {group: [row]} if group else row)
    )


def order_row(dialect: Dialect, *, created: bool) -> dict[str, Any]:
    keys = dialect.created if created else dialect.order
    row: dict[str, Any] = {}
    put(row, keys.id, "28")
    put(row, keys.client, dialect.client_prefix + ORDER_ID)
    put(row, keys.market, MARKET_IDS[dialect.venue])
    put(row, keys.side, "buy")
    put(row, keys.status, _status(dialect))
    put(row, keys.amount, "0.0123")
    put(row, keys.filled, "0.0123")
    put(row, keys.made, NOW_MS)
    put(row, keys.cost, "614.99877")
    if keys.fills:
        trade = {"price": "49999.9", "qty": "0.0123", "commission": "0.0000123"}
        put(row, keys.fills, [{**trade, "commissionAsset": "BTC", "tradeId": 56}])
    return row


def _status(dialect: Dialect) -> object:
    told, _ = max(dialect.statuses, key=lambda one: one[1] == "closed")
    return {"True": True, "False": False}.get(told, told)


def trade_row(dialect: Dialect) -> dict[str, Any]:
    keys = dialect.trade
    row: dict[str, Any] = {}
    put(row, keys.id, "56")
    put(row, keys.order, "28")
    put(row, keys.client, dialect.client_prefix + ORDER_ID)
    put(row, keys.market, MARKET_IDS[dialect.venue])
    put(row, keys.side, "buy")
    put(row, keys.price, "49999.9")
    put(row, keys.amount, "0.0123")
    put(row, keys.cost, "614.99877")
    put(row, keys.fee, "0.0000123")
    put(row, "" if keys.fee_asset == QUOTE_ASSET else keys.fee_asset, "BTC")
    put(row, keys.made, NOW_MS)
    return row


BALANCES: dict[str, Any] = {
    "binance": ACCOUNT,
    "okx": okx({"details": [{"ccy": "BTC", "availBal": "1.5", "frozenBal": "0.25"}]}),
    "bybit": {
        "retCode": 0,
        "result": {"list": [{"coin": [{"coin": "BTC", "walletBalance": "1.5", "locked": "0.25"}]}]},
    },
    "kraken": {"error": [], "result": {"XXBT": {"balance": "1.5", "hold_trade": "0.2"}}},
    "coinbase": {
        "accounts": [
            {
                "currency": "BTC",
                "available_balance": {"value": "1", "currency": "BTC"},
                "hold": {"value": "0", "currency": "BTC"},
                "type": "ACCOUNT_TYPE_CRYPTO",
            }
        ],
        "has_next": False,
    },
    "kucoin": {
        "code": "200000",
        "data": [
            {"currency": "BTC", "type": "trade", "balance": "1", "available": "1", "holds": "0"}
        ],
    },
    "gate": [{"currency": "BTC", "available": "1", "locked": "0"}],
    "bitget": {
        "code": "00000",
        "data": [{"coin": "BTC", "available": "1", "frozen": "0", "locked": "0"}],
    },
    "mexc": {"balances": [{"asset": "BTC", "free": "1", "locked": "0"}]},
}
