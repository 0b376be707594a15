"""From opening to completion: legs, partial fills, settling, P/L."""

from __future__ import annotations

import pytest

from arb.events import facts as f
from arb.machine import commands as c
from arb.machine import table as t
from arb.machine.evolve import evolve
from arb.machine.state import Cycle
from tests.spec.given import (
    LEGS,
    START,
    D,
    accepted,
    closed,
    complete,
    completed,
    fill,
    filled,
    given,
    intend,
    intended,
    leg_1_done,
    leg_2_done,
    leg_3_done,
    opened,
    ready,
    recovery,
    refused,
    report,
    settled,
    started,
    validated,
)


def open_cycle(**changes: object) -> c.OpenCycle:
    fact = opened()
    names = set(c.OpenCycle.__struct_fields__)
    return c.OpenCycle(**{**{name: getattr(fact, name) for name in names}, **changes})


def test_a_cycle_is_opened() -> None:
    given().when(open_cycle()).then(opened())


def test_a_cycle_is_opened_once() -> None:
    given(opened()).when(open_cycle()).then_refused("open already")


def test_a_path_that_does_not_connect_is_refused() -> None:
    given().when(open_cycle(legs=LEGS[:2])).then_refused("does not lead to")


@pytest.mark.parametrize("legs", [(), LEGS[:1]])
def test_a_path_of_less_than_two_legs_is_refused(legs: tuple[f.LegRoute, ...]) -> None:
    given().when(open_cycle(legs=legs)).then_refused("legs or more")


def test_a_start_amount_of_nothing_is_refused() -> None:
    given().when(open_cycle(start_amount=D(0))).then_refused("must be above 0")


def test_a_command_for_a_cycle_that_was_never_opened_is_refused() -> None:
    given().when(c.StartValidation()).then_refused("never opened")


def test_validation_begins() -> None:
    given(opened()).when(c.StartValidation()).then(started())


def test_validation_reserves_the_start_amount() -> None:
    fact = validated()
    names = set(c.ValidateCycle.__struct_fields__)
    command = c.ValidateCycle(**{name: getattr(fact, name) for name in names})
    cycle = given(opened(), started()).when(command).then(fact)
    assert cycle.holdings == {"USDT": START}
    assert cycle.owned() == {"USDT": START}


@pytest.mark.parametrize("history", [(opened(),), (opened(), started())])
def test_a_cycle_is_declined_before_any_order(history: tuple[f.CycleEvent, ...]) -> None:
    command = c.DeclineCycle(reason="no_depth", detail="ETH/BTC")
    cycle = given(history).when(command).then_cycle()
    assert (cycle.state, cycle.outcome, cycle.error) == (t.FAILED, t.DECLINED, "no_depth: ETH/BTC")
    assert (cycle.pnl, cycle.owned()) == (0, {})


@pytest.mark.parametrize("history", [(opened(),), (opened(), started())])
def test_a_restart_abandons_a_cycle_without_orders(history: tuple[f.CycleEvent, ...]) -> None:
    cycle = given(history).when(c.AbandonCycle(reason="restart")).then_cycle()
    assert (cycle.state, cycle.outcome) == (t.FAILED, t.ABANDONED)


@pytest.mark.parametrize("command", [c.DeclineCycle(reason="size"), c.AbandonCycle(reason="x")])
def test_an_active_cycle_is_neither_declined_nor_abandoned(command: c.Command) -> None:
    given(ready()).when(command).then_refused("does not fit")


def test_a_partial_fill_of_the_first_leg_leaves_the_rest_of_the_start_amount_in_hand() -> None:
    history = (*ready(), intended(1), accepted(1))
    told = report(1, fill(1, "t1", "0.008", "400"), status="canceled", told="0.008")
    cycle = (
        given(history)
        .when(told)
        .then(
            filled(1, "t1", "0.008", "400"),
            closed(1, "0.008", "canceled"),
            f.LegPartlyFilled(leg=0, spent=D(400), received=D("0.008")),
        )
    )
    assert cycle.state == t.PARTIALLY_FILLED
    assert cycle.holdings == {"USDT": D(600), "BTC": D("0.008")}
    assert cycle.spent_start() == D(400)


def test_a_leg_that_filled_in_part_is_settled_with_what_is_left() -> None:
    history = (
        *ready(),
        intended(1),
        accepted(1),
        filled(1, "t1", "0.008", "400"),
        closed(1, "0.008", "canceled"),
        f.LegPartlyFilled(leg=0, spent=D(400), received=D("0.008")),
    )
    cycle = given(history).when(c.SettleLeg()).then(settled(0, "400", "0.008", "600"))
    assert (cycle.state, cycle.leg, cycle.leg_received) == (t.ACTIVE, 1, 0)


def test_a_second_order_finishes_a_later_leg_that_filled_in_part() -> None:
    history = (
        *leg_1_done(),
        intended(2),
        accepted(2),
        filled(2, "t2", "0.1", "0.005"),
        closed(2, "0.1", "canceled"),
        f.LegPartlyFilled(leg=1, spent=D("0.005"), received=D("0.1")),
        intended(3, amount="0.3", market="ETH/BTC", side="buy", leg=1),
        accepted(3),
        filled(3, "t3", "0.3", "0.015", market="ETH/BTC", side="buy"),
        closed(3, "0.3"),
    )
    cycle = given(history).when(c.SettleLeg()).then(settled(1, "0.020", "0.4"))
    assert cycle.holdings == {"ETH": D("0.4")}


def test_a_full_fill_does_not_move_the_cycle_until_its_leg_is_settled() -> None:
    history = (*ready(), intended(1), accepted(1))
    given(history).when(report(1, fill(1, "t1", "0.02", "1000"))).then_facts(f.OrderFilled)


def test_a_leg_whose_full_order_was_less_than_the_leg_is_marked_partial() -> None:
    history = (
        *ready(),
        intended(1, amount="0.01"),
        accepted(1),
        filled(1, "t1", "0.01", "500"),
        closed(1, "0.01"),
    )
    given(history).when(c.MarkPartial()).then(
        f.LegPartlyFilled(leg=0, spent=D(500), received=D("0.01"))
    )


def test_a_leg_that_received_nothing_is_neither_settled_nor_partly_filled() -> None:
    given(ready()).when(c.SettleLeg()).then_refused("received nothing")
    given(ready()).when(c.MarkPartial()).then_refused("received nothing")


def test_a_leg_is_not_settled_while_its_order_is_not_final() -> None:
    history = (*ready(), intended(1), accepted(1), filled(1, "t1", "0.02", "1000"))
    given(history).when(c.SettleLeg()).then_refused("is open")


def test_there_is_no_leg_after_the_last() -> None:
    given(leg_3_done()).when(c.SettleLeg()).then_refused("received nothing")
    given(leg_3_done()).when(intend(4)).then_refused("no leg order fits")


def test_each_leg_goes_on_with_what_was_received() -> None:
    assert given(leg_1_done()).cycle().holdings == {"BTC": D("0.02")}
    assert given(leg_2_done()).cycle().holdings == {"ETH": D("0.4")}
    assert given(leg_3_done()).cycle().holdings == {"USDT": D(1004)}


def test_a_closed_loop_has_its_profit_from_fills() -> None:
    cycle = given(leg_3_done()).when(complete()).then(completed("1004", "4"))
    assert (cycle.state, cycle.outcome, cycle.pnl) == (t.COMPLETED, "completed", D(4))
    assert cycle.returned == {"USDT": D(1004)}
    assert cycle.holdings == {}


def test_a_cycle_completes_at_a_loss_too() -> None:
    history = (
        *leg_2_done(),
        intended(3),
        accepted(3),
        filled(3, "t3", "0.4", "990", fee="0.99"),
        closed(3, "0.4"),
        settled(2, "0.4", "989.01"),
    )
    fact = given(history).when(complete("0.5")).then_last(f.CycleCompleted)
    assert (fact.pnl, fact.returned) == (D("-10.99"), D("989.01"))
    assert (fact.fees, fact.fee_value) == ({"USDT": D("0.99")}, D("0.5"))


def test_unspent_start_and_dust_are_part_of_the_result() -> None:
    history = (
        *ready(),
        intended(1, amount="0.01"),
        accepted(1),
        filled(1, "t1", "0.01", "500"),
        closed(1, "0.01"),
        settled(0, "500", "0.01", "500"),
        intended(2, amount="0.19"),
        accepted(2),
        filled(2, "t2", "0.19", "0.0095"),
        closed(2, "0.19"),
        settled(1, "0.0095", "0.19", "0.0005"),
        intended(3, amount="0.18"),
        accepted(3),
        filled(3, "t3", "0.18", "452"),
        closed(3, "0.18"),
        settled(2, "0.18", "452", "0.01"),
    )
    cycle = given(history).when(complete()).then_cycle()
    assert cycle.dust == {"BTC": D("0.0005"), "ETH": D("0.01")}
    assert cycle.pnl == D(-48)
    assert cycle.owned() == cycle.dust


def test_a_fee_in_the_start_currency_is_in_the_profit() -> None:
    history = (
        *ready(),
        intended(1),
        accepted(1),
        filled(1, "t1", "0.02", "1000", fee="2.5", fee_asset="USDT"),
        closed(1, "0.02"),
        settled(0, "1000", "0.02"),
        *leg_2_done()[len(leg_1_done()) :],
        *leg_3_done()[len(leg_2_done()) :],
    )
    assert given(history).when(complete()).then_last(f.CycleCompleted).pnl == D("1.5")


def test_completion_waits_for_every_order() -> None:
    history = (*leg_2_done(), intended(3), accepted(3), filled(3, "t3", "0.4", "1004"))
    given(history).when(complete()).then_refused("is open")


def test_a_cycle_without_fills_is_not_completed() -> None:
    given(ready()).when(complete()).then_refused("missed, not completed")


def test_a_first_leg_that_filled_nothing_is_missed() -> None:
    history = (*ready(), intended(1), accepted(1), closed(1, "0", "expired"))
    cycle = given(history).when(c.MissCycle(reason="filled nothing")).then_cycle()
    assert (cycle.state, cycle.outcome, cycle.pnl) == (t.FAILED, t.MISSED, 0)
    assert cycle.returned == {"USDT": START}


def test_a_first_leg_that_was_refused_fails_without_loss() -> None:
    history = (*ready(), intended(1), refused(1))
    cycle = given(history).when(c.RefuseCycle(reason="filter")).then_cycle()
    assert (cycle.state, cycle.outcome, cycle.pnl) == (t.FAILED, t.REFUSED, 0)


@pytest.mark.parametrize("command", [c.MissCycle(reason="x"), c.RefuseCycle(reason="x")])
def test_a_cycle_with_fills_is_neither_missed_nor_refused(command: c.Command) -> None:
    given(leg_1_done()).when(command).then_refused("has fills")


@pytest.mark.parametrize("command", [c.MissCycle(reason="x"), c.RefuseCycle(reason="x")])
def test_a_cycle_with_an_order_in_flight_is_neither_missed_nor_refused(command: c.Command) -> None:
    given(ready(), intended(1)).when(command).then_refused("is intended")


def test_a_restart_sends_every_running_cycle_to_recovery() -> None:
    for history in (ready(), leg_1_done()):
        given(history).when(c.StartRecovery(reason="restart")).then(
            f.RecoveryStarted(reason="restart")
        )


def test_going_on_with_the_next_leg_counts_it_from_nothing() -> None:
    history = (
        *ready(),
        intended(1),
        accepted(1),
        filled(1, "t1", "0.008", "400"),
        closed(1, "0.008"),
        f.LegPartlyFilled(leg=0, spent=D(400), received=D("0.008")),
        recovery(),
    )
    command = c.Resume(leg=1, partly=False, output=D(1), floor=D(1), liquidation=None)
    then = given(history).when(command)
    then.then_facts(f.CycleResumed)
    cycle = then.then_cycle()
    assert (cycle.state, cycle.leg, cycle.leg_spent, cycle.leg_received) == (t.ACTIVE, 1, 0, 0)
    given(history, *(then.events or [])).when(c.SettleLeg()).then_refused("received nothing")


def test_going_on_in_a_leg_that_filled_in_part_keeps_its_count() -> None:
    history = (
        *leg_1_done(),
        intended(2),
        accepted(2),
        filled(2, "t2", "0.1", "0.005"),
        closed(2, "0.1"),
        recovery(),
    )
    command = c.Resume(leg=1, partly=True, output=D(1), floor=D(1), liquidation=D(2))
    then = given(history).when(command)
    then.then_facts(f.LegResumed)
    cycle = then.then_cycle()
    assert (cycle.state, cycle.leg_received, cycle.resumes) == (t.PARTIALLY_FILLED, D("0.1"), 1)


@pytest.mark.parametrize("leg", [-1, 3])
def test_there_is_no_going_on_with_a_leg_the_path_does_not_have(leg: int) -> None:
    command = c.Resume(leg=leg, partly=False, output=D(1), floor=D(1), liquidation=None)
    given(leg_1_done(), recovery()).when(command).then_refused("has no leg")


def test_nothing_goes_on_while_an_order_is_not_final() -> None:
    command = c.Resume(leg=0, partly=False, output=D(1), floor=D(1), liquidation=None)
    given(ready(), intended(1), recovery()).when(command).then_refused("is intended")


def test_recovery_waits_and_says_until_when() -> None:
    then = given(leg_1_done(), recovery()).when(c.Wait(reason="maintenance", next_try_ns=9))
    then.then(f.RecoveryWaiting(reason="maintenance", next_try_ns=9))
    cycle = then.then_cycle()
    assert (cycle.next_try_ns, cycle.waits, cycle.error) == (9, 1, "maintenance")


def test_only_recovery_waits() -> None:
    given(leg_1_done()).when(c.Wait(reason="x", next_try_ns=9)).then_refused("does not fit")


def test_a_clock_that_was_ahead_does_not_make_a_wait_longer() -> None:
    """An engine whose clock was an hour ahead would have parked what it waited for an hour late."""
    cycle: Cycle | None = None
    for fact in (*leg_1_done(), recovery()):
        cycle = evolve(cycle, fact, 100)
    waits = f.RecoveryWaiting(reason="maintenance", next_try_ns=9)
    since = []
    for at_ns in (100, 130, 40, 50):
        assert cycle is not None
        cycle = evolve(cycle, waits, at_ns)
        since.append(cycle.wait_since_ns)
    assert since == [100, 100, 40, 40]
