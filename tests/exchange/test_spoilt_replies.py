"""Every field of a reply, spoilt in every way: what comes out is what was said, or nothing."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arb.exchange.port import OrderReport, VenueError
from tests.exchange.captured import Wire, heard, order
from tests.exchange.loopback import NOW_MS, ORDER_ID
from tests.exchange.told import (
    BINANCE_CREATED,
    BINANCE_ORDER,
    BINANCE_TRADE,
    OKX_CREATED,
    OKX_ORDER,
    OKX_TRADE,
    okx,
)
from tests.spec.spoiling import SPOILT

MS_NS = NOW_MS * 10**6


@st.composite
def spoilt(draw: st.DrawFn, row: dict[str, Any]) -> dict[str, Any]:
    """The row with one field missing, or with something else in it."""
    field, value = draw(st.sampled_from(sorted(row))), draw(SPOILT)
    left = {name: one for name, one in row.items() if name != field}
    return left if draw(st.booleans()) else {**left, field: value}


def is_told(value: Decimal, row: dict[str, Any]) -> bool:
    """Whether a number stands in the row, as it is or as a charge, or is price x amount of it."""
    said = []
    for one in row.values():
        if isinstance(one, int | str) and not isinstance(one, bool):
            try:
                said.append(Decimal(one))
            except ArithmeticError:
                continue
        elif isinstance(one, float):
            said.append(Decimal(repr(one)))
    return any(value in {one, -one} for one in said) or any(
        value == one * other for one in said for other in said
    )


@settings(max_examples=150, deadline=None)
@given(data=st.data())
@pytest.mark.parametrize("venue", ["binance", "okx"])
def test_a_spoilt_trade_is_told_without_what_is_spoilt(
    wires: dict[str, Wire], venue: str, data: st.DataObject
) -> None:
    whole = BINANCE_TRADE if venue == "binance" else OKX_TRADE
    row = data.draw(spoilt(whole))
    wire = wires[venue]
    told = heard(
        wire,
        wire.gateway.trades("BTC/USDT", MS_NS),
        [row] if venue == "binance" else okx(row),
    )
    if isinstance(told, VenueError):
        return
    for one in told:
        for name in ("price", "amount", "cost", "fee"):
            number = getattr(one, name)
            assert number is None or (number.is_finite() and is_told(number, row))
        assert one.side in {None, "buy", "sell"}
        assert one.trade_id is None or one.trade_id.isascii()


@settings(max_examples=150, deadline=None)
@given(data=st.data())
@pytest.mark.parametrize("venue", ["binance", "okx"])
@pytest.mark.parametrize("created", [True, False])
def test_a_spoilt_order_proves_nothing_or_what_it_says(
    wires: dict[str, Wire],
    venue: str,
    created: object,
    data: st.DataObject,
) -> None:
    if created:
        whole = BINANCE_CREATED if venue == "binance" else OKX_CREATED
    else:
        whole = BINANCE_ORDER if venue == "binance" else OKX_ORDER
    row = data.draw(spoilt(whole))
    wire = wires[venue]
    work = wire.gateway.create(order()) if created else wire.gateway.order("BTC/USDT", ORDER_ID)
    told = heard(wire, work, row if venue == "binance" else okx(row))
    if isinstance(told, VenueError):
        return
    assert isinstance(told, OrderReport)
    for number in (told.amount, told.filled):
        assert number is None or (number.is_finite() and number >= 0 and is_told(number, row))
    assert told.status in {None, "open", "closed", "canceled", "expired", "rejected"}
    if created:
        assert told.client_order_id in {None, ORDER_ID}
        assert told.exchange_order_id is not None
    for fill in told.fills or ():
        assert fill.cost is not None
        assert is_told(fill.cost, row)


@settings(max_examples=100, deadline=None)
@given(
    name=st.sampled_from(["price", "qty", "commission", "commissionAsset", "tradeId"]), value=SPOILT
)
def test_a_spoilt_trade_within_a_reply_is_read_from_the_trades(
    wires: dict[str, Wire], name: str, value: object
) -> None:
    inner = BINANCE_CREATED["fills"][0]
    wire = wires["binance"]
    body = {**BINANCE_CREATED, "fills": [{**inner, name: value}]}
    report = heard(wire, wire.gateway.create(order()), body)
    assert isinstance(report, OrderReport), report
    assert (report.status, report.filled) == ("closed", Decimal("0.0123"))
    for fill in report.fills or ():
        assert is_told(
            fill.fee or Decimal(0), {"commission": body["fills"][0]["commission"], "0": 0}
        )


BALANCE = {"asset": "BTC", "free": "1.50000000", "locked": "0.25000000"}


@settings(max_examples=100, deadline=None)
@given(row=spoilt(BALANCE))
def test_a_spoilt_balance_spoils_the_reading(wires: dict[str, Wire], row: dict[str, Any]) -> None:
    """An account of which a part cannot be read is not known: nothing is left out, nothing is 0."""
    wire = wires["binance"]
    told = heard(wire, wire.gateway.balances(), {"balances": [row], "uid": 1})
    if isinstance(told, VenueError):
        return
    ((asset, balance),) = told.items()
    assert asset
    assert is_told(balance.free, row)
    assert is_told(balance.locked, row)
    assert balance.free >= 0
    assert balance.locked >= 0
