"""What the venue tells of an order: each fill once, nothing invented, nothing lost."""

from __future__ import annotations

import pytest

from arb.events import facts as f
from arb.limits import FILLS_PER_ORDER_MAX
from arb.machine import table as t
from tests.spec.given import (
    D,
    absent,
    accepted,
    closed,
    fill,
    filled,
    given,
    intended,
    leg_1_done,
    loop_closed,
    oid,
    ready,
    refused,
    report,
    unknown,
    venue_id,
)

SENT = (*ready(), intended(1))
OPEN = (*SENT, accepted(1))
T1 = ("t1", "0.01", "500")
T2 = ("t2", "0.01", "500")


def test_a_fill_told_twice_is_one_fill() -> None:
    given(OPEN, filled(1, *T1)).when(report(1, fill(1, *T1))).then_nothing()


def test_a_fill_told_twice_in_one_report_is_one_fill() -> None:
    given(OPEN).when(report(1, fill(1, *T1), fill(1, *T1))).then_facts(
        f.OrderFilled, f.LegPartlyFilled
    )


def test_trailing_zeros_do_not_make_another_fill() -> None:
    told = fill(1, "t1", "0.0100", "500.00")
    given(OPEN, filled(1, *T1)).when(report(1, told)).then_nothing()


def test_a_fill_that_changed_is_a_discrepancy_and_not_a_second_fill() -> None:
    events = (
        given(OPEN, filled(1, *T1))
        .when(report(1, fill(1, "t1", "0.01", "501")))
        .then_facts(f.DiscrepancyFound)
    )
    assert events[0].kind == "fill changed"
    assert events[0].subject == "t1"
    assert events[0].was == "50000|0.01|500|0|BTC"
    assert events[0].now == "50100|0.01|501|0|BTC"


def test_a_fill_that_changed_within_one_report_is_a_discrepancy() -> None:
    given(OPEN).when(report(1, fill(1, *T1), fill(1, "t1", "0.01", "501"))).then_facts(
        f.OrderFilled, f.DiscrepancyFound, f.LegPartlyFilled
    )


def test_the_same_wrong_thing_is_alarmed_once_however_often_it_is_read() -> None:
    told = report(1, fill(1, "t1", "0.01", "501"))
    history = given(OPEN, filled(1, *T1))
    alarm = history.when(told).then_facts(f.DiscrepancyFound)
    given(history.facts, *alarm).when(told).then_nothing()


def test_a_trade_of_another_order_in_the_same_market_is_not_booked_again() -> None:
    history = (
        *OPEN,
        filled(1, "t1", "0.01", "500"),
        closed(1, "0.01"),
        intended(2, leg=0, amount="0.01", market="BTC/USDT", side="buy"),
    )
    told = fill(2, "t1", "0.01", "500", market="BTC/USDT", side="buy")
    events = given(history).when(report(2, told)).then_facts(f.OrderAccepted, f.DiscrepancyFound)
    assert events[1].kind == "fill of another order"
    assert (events[1].was, events[1].now) == (oid(1), oid(2))


def test_trade_ids_are_unique_per_market_only() -> None:
    given(leg_1_done(), intended(2)).when(report(2, fill(2, "t1", "0.4", "0.02"))).then_facts(
        f.OrderAccepted, f.OrderFilled
    )


def test_an_overfill_is_recorded_and_alarmed() -> None:
    events = (
        given(OPEN)
        .when(report(1, fill(1, "t1", "0.03", "1500"), status="closed", told="0.03"))
        .then_facts(f.OrderFilled, f.DiscrepancyFound, f.OrderClosed)
    )
    assert (events[1].kind, events[1].was, events[1].now) == ("overfilled", "0.02", "0.03")


def test_an_overfill_leaves_the_holdings_as_the_venue_says() -> None:
    cycle = given(OPEN).when(report(1, fill(1, "t1", "0.03", "1500"))).then_cycle()
    assert cycle.holdings == {"USDT": D(-500), "BTC": D("0.03")}


def test_more_fills_than_an_order_should_have_are_recorded_and_alarmed() -> None:
    many = [fill(1, f"t{n}", "0.00001", "0.5") for n in range(FILLS_PER_ORDER_MAX + 1)]
    then = given(OPEN).when(report(1, *many))
    cycle = then.then_cycle()
    assert len(cycle.order(oid(1)).trades) == FILLS_PER_ORDER_MAX + 1
    assert [event.kind for event in then.events or [] if isinstance(event, f.DiscrepancyFound)] == [
        "too many fills"
    ]


def test_a_fill_before_the_acceptance_is_also_the_acceptance() -> None:
    given(SENT).when(report(1, fill(1, *T1), exchange_id=None)).then(
        accepted(1),
        filled(1, *T1),
        f.LegPartlyFilled(leg=0, spent=D(500), received=D("0.01")),
    )


def test_an_order_filled_and_closed_in_one_word_is_settled() -> None:
    then = given(SENT).when(report(1, fill(1, "t1", "0.02", "1000"), status="closed", told="0.02"))
    cycle = then.then(accepted(1), filled(1, "t1", "0.02", "1000"), closed(1, "0.02"))
    assert cycle.order(oid(1)).state == t.SETTLED


def test_an_acceptance_told_twice_is_one() -> None:
    given(OPEN).when(report(1, status="open", told="0")).then_nothing()


def test_acceptance_proves_an_unknown_order() -> None:
    given(SENT, unknown(1)).when(report(1, status="open", told="0")).then(accepted(1))


def test_another_exchange_id_is_a_discrepancy() -> None:
    events = given(OPEN).when(report(1, exchange_id="v99")).then_facts(f.DiscrepancyFound)
    assert (events[0].kind, events[0].was, events[0].now) == ("exchange id changed", "v1", "v99")


def test_the_fills_of_a_report_with_another_exchange_id_are_money_all_the_same() -> None:
    given(OPEN).when(report(1, fill(1, *T1), exchange_id="v99")).then_facts(
        f.DiscrepancyFound, f.OrderFilled, f.LegPartlyFilled
    )


def test_an_end_without_all_fills_is_terminal_and_not_final() -> None:
    cycle = given(OPEN, filled(1, *T1)).when(report(1, status="canceled", told="0.02")).then_cycle()
    order = cycle.order(oid(1))
    assert (order.state, order.is_final) == (t.TERMINAL, False)


def test_the_missing_fill_settles_a_terminal_order() -> None:
    history = (*OPEN, filled(1, *T1), closed(1, "0.02"))
    cycle = given(history).when(report(1, fill(1, *T2))).then_cycle()
    assert cycle.order(oid(1)).state == t.SETTLED


@pytest.mark.parametrize("status", ["open", None, "odd"])
def test_a_settled_order_never_goes_back(status: str | None) -> None:
    history = (*OPEN, filled(1, "t1", "0.02", "1000"), closed(1, "0.02"))
    given(history).when(report(1, status=status, told="0")).then_nothing()


def test_an_older_end_with_fewer_fills_changes_nothing() -> None:
    history = (*OPEN, filled(1, "t1", "0.02", "1000"), closed(1, "0.02"))
    given(history).when(report(1, status="closed", told="0.01")).then_nothing()


def test_an_end_that_names_less_than_the_known_fills_is_a_discrepancy_and_the_fills_win() -> None:
    events = (
        given(OPEN, filled(1, *T1), filled(1, *T2))
        .when(report(1, status="closed", told="0.01"))
        .then_facts(f.DiscrepancyFound, f.OrderClosed)
    )
    assert events[0].kind == "filled went back"
    assert events[1].filled == D("0.02")


def test_an_end_without_a_filled_amount_is_no_end() -> None:
    given(OPEN).when(report(1, status="closed", told=None)).then_nothing()


def test_an_end_that_names_what_the_late_fill_told_already_says_nothing_new() -> None:
    late = filled(3, "t4", "0.1", "250")
    reopened = f.LateFillFound(client_order_id=oid(3), trade_id="t4")
    history = (*loop_closed(), reopened, late)
    given(history).when(report(3, status="closed", told="0.5")).then_nothing()


def test_an_order_the_venue_rejected_without_fills_is_settled_with_nothing() -> None:
    cycle = given(SENT).when(report(1, status="rejected", told="0")).then_cycle()
    assert cycle.order(oid(1)).state == t.SETTLED
    assert cycle.holdings == {"USDT": D(1000)}


def test_a_refused_order_that_exists_after_all_is_alarmed_and_recovered() -> None:
    then = given(SENT, refused(1)).when(report(1, fill(1, *T1)))
    events = then.then_facts(f.RecoveryStarted, f.DiscrepancyFound, f.OrderAccepted, f.OrderFilled)
    assert events[1].kind == "refused order exists"
    cycle = then.then_cycle()
    assert (cycle.state, cycle.order(oid(1)).state) == (t.RECOVERING, t.OPEN)


def test_an_absent_order_that_appears_stops_an_open_cycle() -> None:
    then = given(SENT, unknown(1), absent(1)).when(report(1, status="open", told="0"))
    events = then.then_facts(f.RecoveryStarted, f.DiscrepancyFound, f.OrderAccepted)
    assert events[1].kind == "absent order exists"
    assert then.then_cycle().pending_orders()[0].exchange_order_id == venue_id(1)


def test_an_absent_order_that_appears_while_recovering_starts_no_second_recovery() -> None:
    history = (*SENT, unknown(1), f.RecoveryStarted(reason="restart"), absent(1))
    given(history).when(report(1, status="open", told="0")).then_facts(
        f.DiscrepancyFound, f.OrderAccepted
    )


def test_an_absent_order_that_appears_opens_a_closed_cycle() -> None:
    history = (*SENT, unknown(1), absent(1), f.CycleMissed(reason="absent"))
    then = given(history).when(report(1, fill(1, *T1), status="closed", told="0.01"))
    events = then.then_facts(
        f.OrderReappeared, f.DiscrepancyFound, f.OrderAccepted, f.OrderFilled, f.OrderClosed
    )
    assert events[0] == f.OrderReappeared(client_order_id=oid(1))
    cycle = then.then_cycle()
    assert cycle.state == t.RECOVERING
    assert cycle.holdings == {"USDT": D(-500), "BTC": D("0.01")}


def test_an_order_that_appears_after_an_attested_absence_can_still_end() -> None:
    history = (
        *OPEN,
        closed(1, "0.02"),  # told, but the fills never came
        f.OrderAttested(client_order_id=oid(1), verdict="absent", reason="statement"),
    )
    then = given(history).when(report(1, status="closed", told="0"))
    then.then_facts(f.RecoveryStarted, f.DiscrepancyFound, f.OrderAccepted, f.OrderClosed)
    assert then.then_cycle().order(oid(1)).state == t.SETTLED


def test_a_report_about_an_order_nobody_sent_is_refused() -> None:
    given(SENT).when(report(2, status="open")).then_refused("has no order")


def test_a_late_fill_of_a_settled_leg_stops_an_active_cycle() -> None:
    then = given(leg_1_done(), intended(2), accepted(2)).when(
        report(1, fill(1, "t9", "0.001", "50"))
    )
    then.then_facts(f.RecoveryStarted, f.OrderFilled, f.DiscrepancyFound)
    cycle = then.then_cycle()
    assert cycle.state == t.RECOVERING
    assert cycle.holdings == {"USDT": D(-50), "BTC": D("0.021")}


def test_a_late_fill_of_an_earlier_leg_is_not_counted_in_the_current_one() -> None:
    history = (*leg_1_done(), intended(2), accepted(2), filled(2, "t2", "0.1", "0.005"))
    cycle = given(history).when(report(1, fill(1, "t9", "0.001", "50"))).then_cycle()
    assert (cycle.leg, cycle.leg_spent, cycle.leg_received) == (1, D("0.005"), D("0.1"))


def test_an_order_that_appears_is_open_whatever_end_was_told_before() -> None:
    history = (
        *OPEN,
        closed(1, "0.02"),
        f.OrderAttested(client_order_id=oid(1), verdict="absent", reason="statement"),
    )
    cycle = given(history).when(report(1, fill(1, *T1), status="open")).then_cycle()
    order = cycle.order(oid(1))
    assert (order.state, order.told, order.filled) == (t.OPEN, None, D("0.01"))


def test_an_end_that_names_more_makes_a_settled_order_wait_for_its_fill() -> None:
    then = given(leg_1_done()).when(report(1, status="closed", told="0.03"))
    then.then_facts(f.RecoveryStarted, f.OrderClosed)
    assert [order.state for order in then.then_cycle().pending_orders()] == [t.TERMINAL]
