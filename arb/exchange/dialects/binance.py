"""The dialect of Binance Spot, and of a venue that speaks nearly the same protocol. Pure."""

from typing import Final

from msgspec.structs import replace

from arb.clock import NS_PER_DAY, NS_PER_S
from arb.exchange.dialects import refusals
from arb.exchange.dialects.shape import (
    UNTRIED,
    Cursor,
    Dialect,
    Lateness,
    Lookup,
    OrderKeys,
    Replies,
    TradeKeys,
)

_STATUSES: Final = (
    ("NEW", "open"),
    ("PENDING_NEW", "open"),
    ("PARTIALLY_FILLED", "open"),
    ("PENDING_CANCEL", "open"),
    ("FILLED", "closed"),
    ("CANCELED", "canceled"),
    ("REJECTED", "rejected"),
    ("EXPIRED", "expired"),
    ("EXPIRED_IN_MATCH", "expired"),  # self-trade prevention is an end like any other
)
_ORDER: Final = OrderKeys(
    id="orderId", client="clientOrderId", amount="origQty", filled="executedQty", made="time"
)
_TRADE: Final = TradeKeys(
    id="id",
    order="orderId",
    side="isBuyer",
    price="price",
    amount="qty",
    cost="quoteQty",
    fee="commission",
    fee_asset="commissionAsset",
    made="time",
)

BINANCE: Final = Dialect(
    name="binance",
    venue="binance",
    proven=True,
    recv_window_ns=5 * NS_PER_S,
    duplicate_rule="open orders only",
    fee_side="third",
    history_ns=90 * NS_PER_DAY,
    market_buy_unit="base, and quote when a price is given",
    create_key="newClientOrderId",
    lateness=Lateness(signed_time=True, window_param="recvWindow"),
    query=Lookup("parameter", "clientOrderId"),
    cancel=Lookup("parameter", "clientOrderId"),
    trades_page=1_000,
    # Of a span the oldest come first, as they do from an id on.
    trades_cursor=Cursor(parameter="fromId", key="id", step=1, untimed=True),
    replies=Replies(),
    order=_ORDER,
    created=replace(_ORDER, made="transactTime", fills="fills", cost="cummulativeQuoteQty"),
    trade=_TRADE,
    statuses=_STATUSES,
    codes=refusals.BINANCE,
    options=(
        ("defaultType", "spot"),
        ("fetchMarkets", {"types": ["spot"]}),
        ("fetchCurrencies", False),
        ("fetchMargins", False),
        ("fetchOpenOrders", {"warnWithoutSymbol": False}),
        ("newOrderRespType", {"limit": "FULL", "market": "FULL"}),
    ),
)

MEXC: Final = Dialect(
    name="mexc",
    venue="mexc",
    why_unproven=UNTRIED,
    recv_window_ns=5 * NS_PER_S,
    duplicate_rule="none",
    fee_side="third",
    history_ns=7 * NS_PER_DAY,
    market_buy_unit="base, and quote when a price is given",
    create_key="clientOrderId",
    lateness=Lateness(signed_time=True),
    query=Lookup("parameter", "clientOrderId"),
    cancel=Lookup("parameter", "clientOrderId"),
    trades_page=100,
    open_by_market=True,
    sent_force="type",
    sent_forces=(("ioc", "IMMEDIATE_OR_CANCEL"), ("fok", "FILL_OR_KILL")),
    replies=Replies(),
    order=_ORDER,
    created=replace(_ORDER, made="transactTime"),
    id_only=True,
    trade=replace(_TRADE, client="clientOrderId"),
    statuses=(
        ("NEW", "open"),
        ("PARTIALLY_FILLED", "open"),
        ("FILLED", "closed"),
        ("CANCELED", "canceled"),
        ("PARTIALLY_CANCELED", "canceled"),
    ),
    codes=refusals.MEXC,
    options=(
        ("defaultType", "spot"),
        ("fetchMarkets", {"types": {"spot": True, "swap": {"linear": False, "inverse": False}}}),
    ),
)
