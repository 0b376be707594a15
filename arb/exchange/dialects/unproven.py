"""Dialects that nobody has tried against the venue itself: refused in live mode without the operator's explicit word. Pure."""

from typing import Final

from arb.clock import NS_PER_DAY, NS_PER_S
from arb.exchange.dialects import refusals
from arb.exchange.dialects.shape import (
    MARGIN_UNENFORCED_NS,
    QUOTE_ASSET,
    UNTRIED,
    Dialect,
    Lateness,
    Lookup,
    OrderKeys,
    Replies,
    TradeKeys,
)

_HOUR_NS: Final = 3_600 * NS_PER_S

_BYBIT_ORDER: Final = OrderKeys(
    id="orderId",
    client="orderLinkId",
    status="orderStatus",
    amount="qty",
    filled="cumExecQty",
    made="createdTime",
)
BYBIT: Final = Dialect(
    name="bybit",
    venue="bybit",
    why_unproven=UNTRIED,
    recv_window_ns=5 * NS_PER_S,
    duplicate_rule="always refused",
    history_ns=NS_PER_DAY,  # its list of recent orders; cancelled ones leave it after a day
    market_buy_unit="base, and quote when a price is given",
    create_key="orderLinkId",
    lateness=Lateness(signed_time=True),
    # Asked for one order it sends `orderId=None`; the lists take our id and nothing else.
    query=Lookup("lists", "orderLinkId"),
    closed_method="fetch_canceled_and_closed_orders",  # "closed" alone is filled orders only
    cancel=Lookup("parameter", "orderLinkId"),
    by_exchange_id=(("acknowledged", True),),
    trades_window_ns=7 * NS_PER_DAY - NS_PER_S,
    trades_page=100,
    open_page=50,
    sent_amount="qty",
    replies=Replies(
        well=("retCode", "0"),
        created="result",
        order="result.list.0",
        open_orders="result.list",
        closed_orders="result.list",
        trades="result.list",
    ),
    order=_BYBIT_ORDER,
    created=_BYBIT_ORDER,
    id_only=True,
    trade=TradeKeys(
        id="execId",
        order="orderId",
        client="orderLinkId",
        price="execPrice",
        amount="execQty",
        cost="execValue",
        fee="execFee",
        fee_asset="feeCurrency",
        made="execTime",
    ),
    statuses=(
        ("Created", "open"),
        ("New", "open"),
        ("PartiallyFilled", "open"),
        ("PartiallyFilledCanceled", "canceled"),
        ("Filled", "closed"),
        ("Cancelled", "canceled"),
        ("Rejected", "rejected"),
    ),
    codes=refusals.BYBIT,
    options=(
        ("defaultType", "spot"),
        ("fetchMarkets", {"types": ["spot"]}),
        # Without these it asks what kind of account this is before the first order.
        ("enableUnifiedMargin", False),
        ("enableUnifiedAccount", True),
    ),
)

_KRAKEN_ORDER: Final = OrderKeys(
    id="id",
    client="cl_ord_id",
    market="descr.pair",
    side="descr.type",
    amount="vol",
    filled="vol_exec",
    made="opentm",
)
KRAKEN: Final = Dialect(
    name="kraken",
    venue="kraken",
    why_unproven=UNTRIED,
    recv_window_ns=5 * NS_PER_S,
    duplicate_rule="open orders only",
    history_ns=30 * NS_PER_DAY,
    create_key="clientOrderId",
    lateness=Lateness(param="deadline"),
    # One order cannot be asked for by our id (the client sends it as `userref`); both lists can.
    query=Lookup("lists", "clientOrderId"),
    cancel=Lookup("parameter", "clientOrderId"),
    growing_nonce=True,
    trades_page=50,
    trades_of_all=True,
    trades_unit_ns=NS_PER_S,
    sent_amount="volume",
    sent_market="pair",
    sent_side="type",
    sent_force="timeinforce",
    replies=Replies(
        created="result",
        order="result",
        by_id=True,
        open_orders="result.open",
        closed_orders="result.closed",
        trades="result.trades",
    ),
    order=_KRAKEN_ORDER,
    created=OrderKeys(
        id="txid.0", client="cl_ord_id", amount="vol", filled="vol_exec", made="opentm"
    ),
    id_only=True,
    trade=TradeKeys(
        id="id",
        order="ordertxid",
        market="pair",
        side="type",
        price="price",
        amount="vol",
        cost="cost",
        fee="fee",
        fee_asset=QUOTE_ASSET,
        made="time",
    ),
    statuses=(
        ("pending", "open"),
        ("open", "open"),
        ("closed", "closed"),
        ("canceled", "canceled"),
        ("expired", "expired"),
    ),
    codes=refusals.KRAKEN,
)

COINBASE: Final = Dialect(
    name="coinbase",
    venue="coinbase",
    why_unproven=UNTRIED,
    why_no_absence=(
        "an order cannot be looked up there by our id, and sending it again, which would show it, is "
        "never done"
    ),
    recv_window_ns=120 * NS_PER_S,
    visibility_ns=MARGIN_UNENFORCED_NS,
    duplicate_rule="returns the original",
    history_ns=NS_PER_DAY,
    market_buy_unit="quote",
    create_key="client_order_id",  # the unified key is dropped, and another id sent
    lateness=Lateness(),
    query=Lookup("never"),
    cancel=Lookup("never"),
    trades_page=250,
    open_page=100,
    sent_amount="base_size",
    sent_price="limit_price",
    sent_market="product_id",
    sent_force="",
    replies=Replies(
        created="success_response", order="order", open_orders="orders", trades="fills"
    ),
    order=OrderKeys(
        id="order_id",
        client="client_order_id",
        market="product_id",
        amount="order_configuration.sor_limit_ioc.base_size",
        filled="filled_size",
        made="created_time",
    ),
    created=OrderKeys(
        id="order_id", client="client_order_id", market="product_id", amount="", filled="", made=""
    ),
    id_only=True,
    trade=TradeKeys(
        id="trade_id",
        order="order_id",
        market="product_id",
        price="price",
        amount="size",
        cost="",
        fee="commission",
        fee_asset=QUOTE_ASSET,
        made="trade_time",
    ),
    statuses=(
        ("PENDING", "open"),
        ("OPEN", "open"),
        ("FILLED", "closed"),
        ("CANCELLED", "canceled"),
        ("EXPIRED", "expired"),
        ("FAILED", "rejected"),
    ),
    codes=refusals.COINBASE,
)

KUCOIN: Final = Dialect(
    name="kucoin",
    venue="kucoin",
    why_unproven=UNTRIED,
    recv_window_ns=5 * NS_PER_S,
    visibility_ns=MARGIN_UNENFORCED_NS,
    duplicate_rule="always refused",
    fee_side="third",
    history_ns=3 * NS_PER_DAY,
    create_key="clientOid",
    lateness=Lateness(signed_time=True),
    query=Lookup("parameter", "clientOid"),
    cancel=Lookup("parameter", "clientOid"),
    trades_window_ns=7 * NS_PER_DAY - NS_PER_S,
    trades_page=100,
    open_by_market=True,
    sent_amount="size",
    replies=Replies(
        well=("code", "200000"),
        created="data",
        order="data",
        open_orders="data",
        trades="data.items",
    ),
    order=OrderKeys(
        id="id",
        client="clientOid",
        status="active",
        amount="size",
        filled="dealSize",
        made="createdAt",
    ),
    created=OrderKeys(id="orderId", client="clientOid", amount="", filled="", made=""),
    id_only=True,
    trade=TradeKeys(
        id="tradeId",
        order="orderId",
        price="price",
        amount="size",
        cost="funds",
        fee="fee",
        fee_asset="feeCurrency",
        made="createdAt",
    ),
    # It says whether an order is at work, and its filled amount says the rest.
    statuses=(("True", "open"), ("False", "canceled")),
    codes=refusals.KUCOIN,
    options=(
        ("hf", True),
        ("uta", False),
        ("fetchMarkets", {"types": ["spot"], "fetchTickersFees": False}),
    ),
)

_GATE_ORDER: Final = OrderKeys(
    id="id",
    client="text",
    market="currency_pair",
    amount="amount",
    filled="filled_amount",
    made="create_time_ms",
)
GATE: Final = Dialect(
    name="gate",
    venue="gate",
    why_unproven=UNTRIED,
    recv_window_ns=5 * NS_PER_S,
    visibility_ns=MARGIN_UNENFORCED_NS,  # whether it heeds the deadline is not proven
    duplicate_rule="none",
    fee_side="third",
    history_ns=_HOUR_NS // 2,  # how long an ended order is found by our id
    market_buy_unit="quote",
    create_key="clientOrderId",  # as `text` it goes out without the prefix
    client_prefix="t-",
    lateness=Lateness(signed_time=True, header="x-gate-exptime"),
    query=Lookup("parameter", "clientOrderId"),
    cancel=Lookup("id"),  # as a parameter it sends `orders/None`
    trades_window_ns=30 * NS_PER_DAY - NS_PER_S,
    trades_page=1_000,
    trades_unit_ns=NS_PER_S,
    open_by_market=True,
    open_page=100,
    sent_amount="amount",
    sent_market="currency_pair",
    sent_force="time_in_force",
    replies=Replies(open_group="orders"),
    order=_GATE_ORDER,
    created=_GATE_ORDER,
    trade=TradeKeys(
        id="id",
        order="order_id",
        client="text",
        market="currency_pair",
        price="price",
        amount="amount",
        cost="",
        fee="fee",
        fee_asset="fee_currency",
        made="create_time_ms",
        fees_beside=(("gt_fee", "GT"), ("point_fee", "POINT")),
    ),
    statuses=(("open", "open"), ("closed", "closed"), ("cancelled", "canceled")),
    codes=refusals.GATE,
    options=(
        ("defaultType", "spot"),
        ("fetchMarkets", {"types": ["spot"]}),
        ("unifiedAccount", False),
    ),
)

_BITGET_ORDER: Final = OrderKeys(
    id="orderId", client="clientOid", amount="size", filled="baseVolume", made="cTime"
)
BITGET: Final = Dialect(
    name="bitget",
    venue="bitget",
    why_unproven=UNTRIED,
    recv_window_ns=30 * NS_PER_S,
    duplicate_rule="always refused",
    history_ns=NS_PER_DAY,
    market_buy_unit="quote",
    create_key="clientOid",
    lateness=Lateness(signed_time=True),
    query=Lookup("parameter", "clientOid"),
    cancel=Lookup("parameter", "clientOid"),
    trades_page=100,
    open_page=100,
    sent_amount="size",
    sent_force="force",
    replies=Replies(
        well=("code", "00000"),
        created="data",
        order="data.0",
        open_orders="data",
        trades="data",
    ),
    order=_BITGET_ORDER,
    created=_BITGET_ORDER,
    id_only=True,
    trade=TradeKeys(
        id="tradeId",
        order="orderId",
        price="priceAvg",
        amount="size",
        cost="amount",
        fee="feeDetail.totalFee",
        fee_asset="feeDetail.feeCoin",
        made="cTime",
        fee_is_negative=True,
    ),
    statuses=(
        ("init", "open"),
        ("new", "open"),
        ("live", "open"),
        ("partially_filled", "open"),
        ("filled", "closed"),
        ("cancelled", "canceled"),
    ),
    codes=refusals.BITGET,
    options=(
        ("defaultType", "spot"),
        ("fetchMarkets", {"types": ["spot"]}),
        ("uta", False),
    ),
)

UNPROVEN: Final = (BYBIT, KRAKEN, COINBASE, KUCOIN, GATE, BITGET)
