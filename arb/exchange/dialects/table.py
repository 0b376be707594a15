"""The dialects: one row a venue, the practice rows with short windows. Pure.

What no source proves stays at its careful side: a longer wait, a shorter list of refusals, "unknown".
"""

from collections.abc import Mapping
from typing import Final

from msgspec.structs import replace

from arb.clock import NS_PER_DAY, NS_PER_S
from arb.errors import ConfigInvalid
from arb.exchange.dialects import refusals
from arb.exchange.dialects.binance import BINANCE, MEXC
from arb.exchange.dialects.shape import (
    Cursor,
    Lateness,
    Lookup,
    OrderKeys,
    RecentTrades,
    Replies,
    TradeKeys,
)
from arb.exchange.dialects.shape import Dialect as Dialect  # noqa: PLC0414 -- others take it from here
from arb.exchange.dialects.unproven import UNPROVEN
from arb.exchange.practice import windows

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
    # Its timestamps hold for half a minute; that the `expTime` sent beside them is kept is not relied on.
    recv_window_ns=30 * NS_PER_S,
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
    trades_cursor=Cursor(parameter="after", key="billId"),  # the newest come first
    recent_trades=RecentTrades(
        method="privateGetTradeFills",
        within_ns=3 * NS_PER_DAY - 3_600 * NS_PER_S,
        market="instId",
        since="begin",
        until="end",
        also=(("instType", "SPOT"),),
    ),
    open_page=100,
    open_cursor=("after", "ordId"),
    sent_amount="sz",
    sent_price="px",
    sent_market="instId",
    sent_force="ordType",
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
        name=f"practice-{row.name}",
        live=False,
        recv_window_ns=windows.RECV_WINDOW_NS,
        backend_limit_ns=windows.BACKEND_LIMIT_NS,
        visibility_ns=windows.VISIBILITY_NS,
        history_ns=min(row.history_ns, windows.HISTORY_NS),
    )


DIALECTS: Final[Mapping[str, Dialect]] = {row.venue: row for row in (BINANCE, OKX, *UNPROVEN, MEXC)}
PRACTICE: Final[Mapping[str, Dialect]] = {row.venue: _practice(row) for row in (BINANCE, OKX)}


def why_refused(row: Dialect) -> str:
    """Why a venue is not traded on: for good, or without the operator's explicit word; "" for a proven one."""
    if row.why_no_absence:
        return (
            f"{row.venue} cannot be traded live: {row.why_no_absence}, so an order whose reply is lost "
            "could never be proven absent"
        )
    if row.proven:
        return ""
    return (
        f"{row.venue} was never proven end to end here: {row.why_unproven}; --unproven-venue trades "
        "there all the same"
    )


def dialect_of(venue: str, *, practice: bool, unproven: bool) -> Dialect:
    """Choose a venue's row for trading live.

    Raises ConfigInvalid where there is none, where it cannot prove absence, and, without
    `unproven`, where it was never proven end to end.
    """
    if practice:
        if venue not in PRACTICE:
            known = ", ".join(sorted(PRACTICE))
            raise ConfigInvalid(f"the practice exchange speaks {known}, not {venue}")
        return PRACTICE[venue]
    row = DIALECTS.get(venue)
    if row is None:
        known = ", ".join(sorted(name for name, one in DIALECTS.items() if one.absence_provable))
        raise ConfigInvalid(
            f"{venue} cannot be traded live: its protocol is not known; use {known}"
        )
    if row.why_no_absence or not (row.proven or unproven):
        raise ConfigInvalid(why_refused(row))
    return row


def for_data(venue: str) -> Dialect:
    """Give a row to read public data with: of a venue that is not known, a row that proves nothing."""
    return DIALECTS.get(venue) or Dialect(
        name=venue,
        venue=venue,
        why_no_absence="its protocol is not known",
        recv_window_ns=5 * NS_PER_S,
        duplicate_rule="none",
        history_ns=0,
        create_key="clientOrderId",
        lateness=Lateness(),
        query=Lookup("never"),
        cancel=Lookup("never"),
        trades_page=1,
        replies=Replies(),
        order=OrderKeys(id="id", client="", amount="", filled="", made=""),
        created=OrderKeys(id="id", client="", amount="", filled="", made=""),
        trade=TradeKeys(
            id="", order="", price="", amount="", cost="", fee="", fee_asset="", made=""
        ),
        statuses=(),
        codes=refusals.Codes(where=(), refused={}),
        options=(("fetchMarkets", {"types": ["spot"]}),),
    )
