"""What an operator stated of an order, and what an end named, against what the trades say."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from arb.events import facts as f
from arb.machine import commands as c
from arb.machine import table as t
from arb.machine.order_fold import ATTESTED, attested_trade_id
from tests.spec.given import (
    D,
    accepted,
    closed,
    fill,
    filled,
    given,
    intended,
    oid,
    ready,
    report,
    unknown,
)

SENT = (*ready(), intended(1))
OPEN = (*SENT, accepted(1))
T1 = ("t1", "0.01", "500")
T2 = ("t2", "0.01", "500")


def attest(verdict: str, told: c.Fill | None = None) -> c.AttestOrder:
    return c.AttestOrder(client_order_id=oid(1), verdict=verdict, reason="statement", fill=told)


def test_nobody_can_attest_a_fee() -> None:
    told = fill(1, "s1", "0.02", "1000", fee="1", fee_asset="USDT")
    given(SENT, unknown(1)).when(attest("filled", told)).then_refused("fee")


STATED = attested_trade_id(oid(1))


def attested() -> tuple[f.CycleEvent, ...]:
    """A history in which an operator stated that the order bought 0.02 BTC for 1,000 USDT."""
    before = (*SENT, unknown(1))
    told = replace(fill(1, STATED, "0.02", "1000"), exchange_order_id=ATTESTED)
    events = given(before).when(attest("filled", told)).events
    assert events is not None
    return (*before, *events)


def test_real_trades_take_the_place_of_what_an_operator_stated() -> None:
    told = report(1, fill(1, *T1), fill(1, *T2), status="closed", told="0.02")
    then = given(attested()).when(told)
    then.then_facts(
        f.RecoveryStarted,
        f.AttestedFillReversed,
        f.OrderAccepted,
        f.OrderFilled,
        f.OrderFilled,
        f.OrderClosed,
    )
    cycle = then.then_cycle()
    order = cycle.order(oid(1))
    assert [trade.trade_id for trade in order.trades] == ["t1", "t2"]
    assert (order.state, order.exchange_order_id, order.filled) == (t.SETTLED, "v1", D("0.02"))
    assert cycle.holdings == {"BTC": D("0.02")}
    assert (cycle.leg_spent, cycle.leg_received) == (D(1000), D("0.02"))


def test_an_order_of_which_less_is_shown_than_was_stated_has_filled_less() -> None:
    told = report(1, fill(1, *T1), status="expired", told="0.01")
    cycle = given(attested()).when(told).then_cycle()
    assert cycle.holdings == {"BTC": D("0.01"), "USDT": D(500)}
    assert cycle.order(oid(1)).state == t.SETTLED


def test_after_a_real_trade_the_stated_end_is_worth_nothing() -> None:
    """Only a part of the trades is shown, and the order's own end is not known yet."""
    cycle = given(attested()).when(report(1, fill(1, *T1))).then_cycle()
    assert cycle.state == t.RECOVERING
    assert cycle.order(oid(1)).state == t.OPEN


def test_a_known_trade_told_again_does_not_touch_what_was_stated_for_the_rest() -> None:
    before = (*OPEN, filled(1, *T1))
    told = attest("filled", fill(1, STATED, "0.01", "500"))
    events = given(before).when(told).events
    assert events is not None
    given(before, *events).when(report(1, fill(1, *T1))).then_nothing()


@pytest.mark.parametrize("told", ["0.01", "0.03", "0.04"])
def test_an_end_is_corrected_to_what_the_trades_say_and_to_nothing_else(told: str) -> None:
    history = (*OPEN, filled(1, "t1", "0.02", "1000"), closed(1, "0.03"))
    command = c.CorrectEnd(client_order_id=oid(1), filled=D(told))
    given(history).when(command).then_refused("does not fit")
    right = c.CorrectEnd(client_order_id=oid(1), filled=D("0.02"))
    then = given(history).when(right)
    then.then_facts(f.DiscrepancyFound, f.OrderClosed)
    assert then.then_cycle().order(oid(1)).state == t.SETTLED
    given(OPEN).when(right).then_refused("no end to correct")
