"""Commands about orders: intend, refuse, unknown, absent, attest, cancel."""

from __future__ import annotations

import pytest

from arb.events import facts as f
from arb.limits import ORDERS_PER_CYCLE_MAX
from arb.machine import commands as c
from arb.machine import table as t
from tests.spec.given import (
    DEAD_NS,
    D,
    absent,
    accepted,
    closed,
    fill,
    filled,
    given,
    intend,
    intended,
    leg_1_done,
    loop_closed,
    oid,
    opened,
    ready,
    recovery,
    refused,
    report,
    unknown,
    unwinding,
)

SENT = (*ready(), intended(1))
OPEN = (*SENT, accepted(1))
PENDING = {
    t.INTENDED: SENT,
    t.UNKNOWN: (*SENT, unknown(1)),
    t.OPEN: OPEN,
    t.CANCELLING: (*OPEN, f.CancelIntended(client_order_id=oid(1), reason="deadline")),
    t.TERMINAL: (*OPEN, closed(1, "0.01")),
}
FINAL = {
    t.SETTLED: (*OPEN, closed(1, "0")),
    t.ORDER_REFUSED: (*SENT, refused(1)),
    t.ABSENT: (*SENT, unknown(1), absent(1)),
}


def report_absent(**changes: int) -> c.ReportAbsent:
    told = {"not_found": 3, "venue_time_ns": DEAD_NS + 1, "trades_read": 4, **changes}
    return c.ReportAbsent(client_order_id=oid(1), evidence="nowhere", **told)


def attest(verdict: str, told: c.Fill | None = None) -> c.AttestOrder:
    return c.AttestOrder(client_order_id=oid(1), verdict=verdict, reason="statement", fill=told)


@pytest.mark.parametrize("state", [*PENDING, *FINAL])
def test_the_histories_of_this_file_end_in_the_state_they_say(state: str) -> None:
    order = given({**PENDING, **FINAL}[state]).cycle().order(oid(1))
    assert order.state == state
    assert order.is_final == (state in FINAL)


# --- intend


def test_an_order_is_intended_with_everything_needed_to_resolve_it() -> None:
    given(ready()).when(intend(1)).then(intended(1))


@pytest.mark.parametrize("state", PENDING)
def test_no_order_is_intended_while_another_is_pending(state: str) -> None:
    given(PENDING[state]).when(intend(2)).then_refused("fate is not known")


@pytest.mark.parametrize("state", FINAL)
def test_a_new_order_takes_the_place_of_one_that_is_final(state: str) -> None:
    command = intend(1, client_order_id=oid(2))
    given(FINAL[state]).when(command).then(intended(2, market="BTC/USDT", side="buy", leg=0))


@pytest.mark.parametrize("state", FINAL)
def test_an_order_id_is_never_used_again(state: str) -> None:
    given(FINAL[state]).when(intend(1)).then_refused("never used again")


def test_a_buy_may_cost_all_that_is_held() -> None:
    given(ready()).when(intend(1, amount=D("0.02"), limit=D(50_000))).then_facts(f.OrderIntended)


def test_a_buy_that_could_cost_more_than_is_held_is_refused() -> None:
    command = intend(1, amount=D("0.02"), limit=D("50000.01"))
    given(ready()).when(command).then_refused("holds 1000 USDT")


def test_a_sell_of_more_than_is_held_is_refused() -> None:
    history = (*leg_1_done(), unwinding())
    wrong = intend(2, purpose="unwind", market="BTC/USDT", base="BTC", quote="USDT", side="sell")
    given(history).when(wrong).then_refused("holds 0.02 BTC, the order needs 0.4")


@pytest.mark.parametrize(
    "changes",
    [
        {"market": "ETH/BTC"},
        {"side": "sell"},
        {"base": "USDT", "quote": "BTC"},  # the mix-up that spends 1,000 units of base
        {"quote": "USD"},
    ],
)
def test_a_leg_order_that_is_not_its_leg_is_refused(changes: dict[str, str]) -> None:
    given(ready()).when(intend(1, **changes)).then_refused("leg 1 is")


@pytest.mark.parametrize("changes", [{"amount": D(0)}, {"amount": D(-1)}, {"limit": D(0)}])
def test_an_order_of_nothing_is_refused(changes: dict[str, object]) -> None:
    given(ready()).when(intend(1, **changes)).then_refused("must be above 0")


def test_a_side_that_is_neither_buy_nor_sell_is_refused() -> None:
    given(ready()).when(intend(1, side="BUY")).then_refused("buy or sell")


@pytest.mark.parametrize("history", [(opened(),), (*ready(), recovery()), (*ready(), unwinding())])
def test_a_leg_order_is_intended_in_the_run_path_only(history: tuple[f.CycleEvent, ...]) -> None:
    given(history).when(intend(1)).then_refused("no leg order fits")


@pytest.mark.parametrize("purpose", ["unwind", "hedge"])
def test_an_unwind_order_is_intended_while_unwinding_only(purpose: str) -> None:
    given(ready()).when(intend(1, purpose=purpose)).then_refused(f"no {purpose} order fits")


def test_a_cycle_sends_a_bounded_number_of_orders() -> None:
    history = list(ready())
    for number in range(1, ORDERS_PER_CYCLE_MAX + 1):
        where = intended(number, market="BTC/USDT", side="buy", leg=0)
        history += [where, refused(number)]
    command = intend(1, client_order_id=oid(ORDERS_PER_CYCLE_MAX + 1))
    given(*history).when(command).then_refused("the most allowed")


# --- refused


@pytest.mark.parametrize("state", [t.INTENDED, t.UNKNOWN])
def test_a_refusal_ends_an_order_that_was_not_proven(state: str) -> None:
    command = c.ReportRefused(client_order_id=oid(1), reason="filter", detail="min notional")
    cycle = given(PENDING[state]).when(command).then(refused(1))
    assert cycle.holdings == {"USDT": D(1000)}


@pytest.mark.parametrize("state", [t.OPEN, t.CANCELLING, t.TERMINAL, *FINAL])
def test_an_order_the_venue_has_cannot_be_refused(state: str) -> None:
    command = c.ReportRefused(client_order_id=oid(1), reason="filter")
    given({**PENDING, **FINAL}[state]).when(command).then_refused("was not refused")


# --- unknown


def test_an_order_without_proof_is_unknown() -> None:
    command = c.ReportUnknown(client_order_id=oid(1), reason="timeout")
    given(SENT).when(command).then(unknown(1))
    given(SENT, unknown(1)).when(command).then_nothing()


@pytest.mark.parametrize("state", [t.OPEN, t.CANCELLING, t.TERMINAL, *FINAL])
def test_an_order_of_known_fate_does_not_become_unknown(state: str) -> None:
    command = c.ReportUnknown(client_order_id=oid(1), reason="timeout")
    given({**PENDING, **FINAL}[state]).when(command).then_refused("fate is known")


# --- absent


def test_an_unknown_order_is_absent_with_all_proofs() -> None:
    given(SENT, unknown(1)).when(report_absent()).then(absent(1))


def test_an_order_that_may_still_arrive_is_not_absent() -> None:
    command = report_absent(venue_time_ns=DEAD_NS)
    given(SENT, unknown(1)).when(command).then_refused("may still arrive")


def test_two_not_founds_prove_nothing() -> None:
    given(SENT, unknown(1)).when(report_absent(not_found=2)).then_refused("prove nothing")


@pytest.mark.parametrize("state", [t.INTENDED, t.OPEN, t.CANCELLING, t.TERMINAL, *FINAL])
def test_only_an_unknown_order_is_found_absent(state: str) -> None:
    given({**PENDING, **FINAL}[state]).when(report_absent()).then_refused("cannot be absent")


# --- attest


@pytest.mark.parametrize("state", [state for state in PENDING if state != t.INTENDED])
def test_an_operator_attests_absence(state: str) -> None:
    then = given(PENDING[state]).when(attest("absent"))
    then.then(f.OrderAttested(client_order_id=oid(1), verdict="absent", reason="statement"))
    assert then.then_cycle().order(oid(1)).state == t.ABSENT


@pytest.mark.parametrize("verdict", ["absent", "filled"])
def test_an_order_that_may_be_on_its_way_is_not_attested(verdict: str) -> None:
    told = fill(1, "s1", "0.02", "1000")
    given(SENT).when(attest(verdict, told)).then_refused("on its way")


def test_attested_absence_of_the_rest_ends_an_order_with_what_it_filled() -> None:
    history = (*OPEN, filled(1, "t1", "0.01", "500"))
    then = given(history).when(attest("absent"))
    then.then_facts(f.OrderAttested, f.OrderClosed)
    order = then.then_cycle().order(oid(1))
    assert (order.state, order.filled) == (t.SETTLED, D("0.01"))


def test_an_operator_attests_a_fill() -> None:
    then = given(SENT, unknown(1)).when(attest("filled", fill(1, "s1", "0.02", "1000")))
    then.then_facts(f.OrderAttested, f.OrderAccepted, f.OrderFilled, f.OrderClosed)
    cycle = then.then_cycle()
    assert cycle.order(oid(1)).state == t.SETTLED
    assert cycle.holdings == {"BTC": D("0.02")}


def test_an_operator_attests_what_is_missing_of_a_terminal_order() -> None:
    history = (*OPEN, filled(1, "t1", "0.01", "500"), closed(1, "0.02"))
    cycle = given(history).when(attest("filled", fill(1, "s1", "0.01", "500"))).then_cycle()
    assert cycle.order(oid(1)).state == t.SETTLED


def test_an_attested_fill_that_is_recorded_already_is_refused() -> None:
    history = (*OPEN, filled(1, "t1", "0.01", "500"))
    told = attest("filled", fill(1, "t1", "0.01", "500"))
    given(history).when(told).then_refused("is recorded")


@pytest.mark.parametrize("state", FINAL)
def test_an_order_of_known_fate_is_not_attested(state: str) -> None:
    given(FINAL[state]).when(attest("absent")).then_refused("fate is known")


@pytest.mark.parametrize("command", [attest("maybe"), attest("filled")])
def test_a_verdict_is_absent_or_filled_with_a_fill(command: c.AttestOrder) -> None:
    given(SENT, unknown(1)).when(command).then_refused("verdict must be")


# --- cancel


def test_an_open_order_is_cancelled_once() -> None:
    command = c.RequestCancel(client_order_id=oid(1), reason="deadline")
    cancelling = f.CancelIntended(client_order_id=oid(1), reason="deadline")
    given(OPEN).when(command).then(cancelling)
    given(OPEN, cancelling).when(command).then_nothing()


@pytest.mark.parametrize("state", [t.INTENDED, t.UNKNOWN, t.TERMINAL, *FINAL])
def test_only_an_open_order_is_cancelled(state: str) -> None:
    command = c.RequestCancel(client_order_id=oid(1), reason="deadline")
    given({**PENDING, **FINAL}[state]).when(command).then_refused("nothing to cancel")


def test_a_cancel_that_raced_a_fill_is_decided_by_the_fills() -> None:
    told = report(1, fill(1, "t1", "0.02", "1000"), status="closed", told="0.02")
    cycle = given(PENDING[t.CANCELLING]).when(told).then_cycle()
    assert cycle.order(oid(1)).state == t.SETTLED
    assert cycle.holdings == {"BTC": D("0.02")}


def test_word_of_an_open_order_does_not_undo_a_cancel() -> None:
    given(PENDING[t.CANCELLING]).when(report(1, status="open", told="0")).then_nothing()


# --- what an order may still take


def test_an_order_may_take_its_reserve_until_it_is_final() -> None:
    assert given(OPEN).cycle().order(oid(1)).may_take == D(1000)
    part = given(OPEN, filled(1, "t1", "0.01", "499")).cycle().order(oid(1))
    assert part.may_take == D(501)
    assert given(FINAL[t.ABSENT]).cycle().order(oid(1)).may_take == 0


def test_an_overfilled_order_takes_no_less_than_nothing_more() -> None:
    assert given(OPEN, filled(1, "t1", "0.03", "1500")).cycle().order(oid(1)).may_take == 0


# --- discrepancies from elsewhere


def test_what_does_not_fit_is_recorded_as_it_was_told() -> None:
    command = c.ReportDiscrepancy(kind="garbled reply", subject=oid(1), was="", now="<html>")
    given(loop_closed()).when(command).then(
        f.DiscrepancyFound(kind="garbled reply", subject=oid(1), was="", now="<html>")
    )
