"""The dialects: one row a venue, the practice rows with short windows. Pure.

What no source proves stays at its careful side: a longer wait, a shorter list of refusals, "unknown".
"""

from collections.abc import Mapping
from typing import Final

from msgspec.structs import replace

from arb.clock import NS_PER_DAY, NS_PER_S
from arb.errors import ConfigInvalid
from arb.exchange import refusals
from arb.exchange.dialect_shape import Dialect, Lateness, Lookup, OrderKeys, Replies, TradeKeys
from arb.exchange.dialects_binance import BINANCE, MEXC
from arb.exchange.dialects_unproven import UNPROVEN
from arb.exchange.practice import windows

PRACTICE: Final = "practice"

_OKX_ORDER: Final = OrderKeys(
    id="ordId",
    client="clOrdId",
    market="instId",
    status="state",
    amount="sz",
    filled="accFillSz",
    made="cTime",
)

OKX: Final = Dialect(
    name="okx",
    venue="okx",
    proven=True,
    recv_window_ns=5 * NS_PER_S,
    duplicate_rule="always refused",
    # It forgets cancelled orders without a fill after two hours.
    history_ns=2 * 3_600 * NS_PER_S,
    market_buy_unit="base (`cost` is ignored)",
    create_key="clOrdId",
    lateness=Lateness(signed_time=True, header="expTime"),
    query=Lookup("parameter", "clOrdId"),
    cancel=Lookup("parameter", "clOrdId"),
    trades_window_ns=90 * NS_PER_DAY - NS_PER_S,
    trades_page=100,
    open_page=100,
    open_cursor=("after", "ordId"),
    sent_amount="sz",
    sent_price="px",
    replies=Replies(
        well=("code", "0"), created="data.0", order="data.0", open_orders="data", trades="data"
    ),
    order=_OKX_ORDER,
    created=replace(_OKX_ORDER, made="ts"),
    id_only=True,
    trade=TradeKeys(
        id="tradeId",
        order="ordId",
        client="clOrdId",
        market="instId",
        price="fillPx",
        amount="fillSz",
        cost="",
        fee="fee",
        fee_asset="feeCcy",
        made="ts",
        fee_is_negative=True,
    ),
    statuses=(
        ("live", "open"),
        ("partially_filled", "open"),
        ("filled", "closed"),
        ("canceled", "canceled"),
        ("mmp_canceled", "canceled"),
    ),
    codes=refusals.OKX,
    options=(("defaultType", "spot"), ("fetchMarkets", {"types": ["spot"]})),
)


def _practice(row: Dialect) -> Dialect:
    """The same protocol at the practice exchange: its windows are short, true and enforced, its money is not real."""
    return replace(
        row,
        name=f"{PRACTICE}-{row.name}",
        live=False,
        recv_window_ns=windows.RECV_WINDOW_NS,
        backend_limit_ns=windows.BACKEND_LIMIT_NS,
        visibility_ns=windows.VISIBILITY_NS,
        history_ns=windows.HISTORY_NS,
    )


DIALECTS: Final[Mapping[str, Dialect]] = {
    row.name: row for row in (BINANCE, OKX, *UNPROVEN, MEXC, _practice(BINANCE), _practice(OKX))
}


def find(venue: str, dialect: str | None = None) -> Dialect:
    """The row of a venue, or its practice row where `dialect` says so; raises ConfigInvalid for an unknown one."""
    if dialect not in {None, PRACTICE}:
        raise ConfigInvalid(
            f"exchange.dialect: {dialect!r} is unknown; leave it out, or say practice"
        )
    name = venue if dialect is None else f"{dialect}-{venue}"
    row = DIALECTS.get(name)
    if row is None or name.startswith(f"{PRACTICE}-") != (dialect == PRACTICE):
        known = [one.venue for one in DIALECTS.values() if one.live == (dialect is None)]
        raise ConfigInvalid(f"exchange.id: {venue!r} is none of {', '.join(known)}")
    return row
