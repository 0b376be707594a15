"""Unwinding: liquidated, parked, released; and what comes after a cycle was closed."""

from __future__ import annotations

import pytest

from arb.events import facts as f
from arb.machine import commands as c
from arb.machine import table as t
from tests.spec.given import (
    D,
    accepted,
    closed,
    complete,
    fill,
    filled,
    given,
    intend,
    intended,
    leg_1_done,
    liquidate,
    loop_closed,
    oid,
    park,
    ready,
    recovery,
    report,
    unknown,
    unwinding,
)

HALF = (
    *leg_1_done(),
    intended(2, amount="0.2"),
    accepted(2),
    filled(2, "t2", "0.2", "0.01"),
    closed(2, "0.2"),
    unwinding(),
)  # 0.01 BTC and 0.2 ETH in hand
START_UNWIND = c.StartUnwind(reason="panic", targets=("USDT",), liquidation=D(990), resume=None)


def sold(number: int, market: str, amount: str, cost: str) -> tuple[f.CycleEvent, ...]:
    base = amount
    order = intended(number, market=market, side="sell", purpose="unwind", leg=1, amount=base)
    return (
        order,
        accepted(number),
        filled(number, f"u{number}", amount, cost, market=market, side="sell"),
        closed(number, amount),
        f.HopSettled(client_order_id=oid(number), spent=D(amount), received=D(cost)),
    )


SOLD = (*HALF, *sold(3, "BTC/USDT", "0.01", "490"), *sold(4, "ETH/USDT", "0.2", "495"))


def parked() -> tuple[f.CycleEvent, ...]:
    """0.2 ETH parked, 490 USDT back."""
    history = (*HALF, *sold(3, "BTC/USDT", "0.01", "490"))
    return (*history, *(given(history).when(park()).events or []))


@pytest.mark.parametrize("history", [leg_1_done(), (*leg_1_done(), recovery())])
def test_an_unwind_starts_from_the_run_path_and_from_recovery(
    history: tuple[f.CycleEvent, ...],
) -> None:
    given(history).when(START_UNWIND).then(unwinding())


@pytest.mark.parametrize("last", [(), (unknown(2),), (accepted(2),)])
def test_no_unwind_starts_while_an_order_is_not_final(last: tuple[f.CycleEvent, ...]) -> None:
    given(leg_1_done(), intended(2), *last).when(START_UNWIND).then_refused("order")


def test_an_unwind_order_sells_what_is_held_in_any_market() -> None:
    order = intended(3, market="BTC/USDT", side="sell", purpose="unwind", leg=1, amount="0.01")
    command = intend(
        3,
        purpose="unwind",
        market="BTC/USDT",
        base="BTC",
        quote="USDT",
        side="sell",
        amount=D("0.01"),
        limit=D(50_000),
        best=D(50_000),
    )
    cycle = given(HALF).when(command).then(order)
    assert cycle.unwind_orders == 1


def test_fills_of_an_unwind_order_do_not_move_the_cycle() -> None:
    history = (*HALF, *sold(3, "BTC/USDT", "0.01", "490")[:2])
    told = report(3, fill(3, "u3", "0.005", "245", market="BTC/USDT", side="sell"))
    given(history).when(told).then_facts(f.OrderFilled)


def test_a_hop_is_settled_when_its_order_is_final() -> None:
    *history, hop = (*HALF, *sold(3, "BTC/USDT", "0.01", "490"))
    given(*history).when(c.SettleHop(client_order_id=oid(3))).then(hop)
    given(*history[:-1]).when(c.SettleHop(client_order_id=oid(3))).then_refused("is open")


def test_a_liquidation_at_a_loss_fails_with_its_result() -> None:
    then = given(SOLD).when(liquidate("USDT"))
    fact = then.then_last(f.CycleLiquidated)
    assert (fact.returned, fact.pnl, fact.dust) == ({"USDT": D(985)}, D(-15), {})
    cycle = then.then_cycle()
    assert (cycle.state, cycle.outcome, cycle.pnl) == (t.FAILED, t.LIQUIDATED, D(-15))


def test_a_liquidation_into_the_start_currency_at_no_loss_is_a_completion() -> None:
    history = (*HALF, *sold(3, "BTC/USDT", "0.01", "500"), *sold(4, "ETH/USDT", "0.2", "500"))
    fact = given(history).when(liquidate("USDT")).then_last(f.CycleCompleted)
    assert (fact.returned, fact.pnl) == (D(1000), 0)


def test_what_ends_in_another_target_goes_back_and_counts_at_its_value() -> None:
    history = (*HALF, *sold(3, "ETH/USDT", "0.2", "495"))
    fact = given(history).when(liquidate("USDT", "BTC", value="500")).then_last(f.CycleLiquidated)
    assert fact.returned == {"USDT": D(495), "BTC": D("0.01")}
    assert (fact.value, fact.pnl) == (D(500), D(-5))


def test_an_asset_that_is_no_target_stays_as_dust() -> None:
    history = (*HALF, *sold(3, "ETH/USDT", "0.2", "495"))
    fact = given(history).when(liquidate("USDT")).then_last(f.CycleLiquidated)
    assert fact.dust == {"BTC": D("0.01")}


@pytest.mark.parametrize("command", [liquidate("USDT", "BTC"), park("USDT", "BTC")])
def test_what_an_overfill_took_in_a_target_currency_is_not_lost(command: c.Command) -> None:
    overfilled = filled(3, "u9", "0.02", "980", market="BTC/USDT", side="sell")
    history = (*HALF, *sold(3, "BTC/USDT", "0.01", "490"), recovery(), overfilled)
    cycle = given(history).when(command).then_cycle()
    assert cycle.dust["BTC"] == D("-0.02")


def test_what_an_overfill_brought_is_no_completion() -> None:
    """The venue said that nothing was left of the 0.01 BTC, and then sold 0.02 more."""
    overfilled = filled(3, "u9", "0.02", "980", market="BTC/USDT", side="sell")
    history = (*HALF, *sold(3, "BTC/USDT", "0.01", "490"), recovery(), overfilled)
    fact = given(history).when(liquidate("USDT")).then_last(f.CycleLiquidated)
    assert fact.pnl > 0
    assert fact.dust["BTC"] == D("-0.02")


@pytest.mark.parametrize("command", [liquidate("USDT"), park("USDT"), complete()])
def test_no_end_is_decided_while_an_unwind_order_is_not_final(command: c.Command) -> None:
    history = (*HALF, *sold(3, "BTC/USDT", "0.01", "490")[:2])
    given(history).when(command).then_refused("is open")


def test_what_cannot_be_sold_is_parked_and_stays_owned() -> None:
    cycle = given(parked()).cycle()
    assert (cycle.state, cycle.outcome, cycle.error) == (t.FAILED, t.PARKED, "no market")
    assert cycle.parked == cycle.owned() == {"ETH": D("0.2")}
    assert cycle.returned == {"USDT": D(490)}
    assert cycle.pnl == D(-510)


def test_what_no_market_takes_is_dust_and_not_parked() -> None:
    fact = given(HALF).when(park("USDT", dust=("BTC",))).then_last(f.CycleParked)
    assert (fact.parked, fact.dust) == ({"ETH": D("0.2")}, {"BTC": D("0.01")})


def test_what_came_back_in_another_target_counts_when_the_rest_is_parked() -> None:
    def closed(value: str) -> f.CycleParked:
        command = c.ParkCycle(
            reason="x", targets=("USDT", "ETH"), dust=("BTC",), fee_value=D(0), value=D(value)
        )
        return given(HALF).when(command).then_last(f.CycleParked)

    fact = closed("500")
    assert (fact.returned["ETH"], fact.value) == (D("0.2"), D(500))
    assert fact.pnl - closed("0").pnl == D(500)


def test_an_operator_has_parked_holdings_unwound() -> None:
    then = given(parked()).when(c.RequestUnwind(reason="market is back"))
    then.then(f.UnwindRequested(reason="market is back"))
    cycle = then.then_cycle()
    assert (cycle.state, cycle.outcome) == (t.RECOVERING, None)
    assert cycle.holdings == {"ETH": D("0.2")}
    assert cycle.parked == {}


def test_an_unwind_after_parking_gives_a_result_that_counts_both_closes() -> None:
    history = (
        *parked(),
        f.UnwindRequested(reason="x"),
        unwinding(),
        *sold(4, "ETH/USDT", "0.2", "495"),
    )
    fact = given(history).when(liquidate("USDT")).then_last(f.CycleLiquidated)
    assert (fact.returned, fact.pnl) == ({"USDT": D(495)}, D(-15))


def test_nothing_held_is_nothing_to_unwind() -> None:
    history = (*SOLD, *(given(SOLD).when(liquidate("USDT")).events or []))
    given(history).when(c.RequestUnwind(reason="x")).then_refused("nothing to unwind")


def test_an_operator_takes_what_a_cycle_holds() -> None:
    then = given(parked()).when(c.ReleaseHoldings(reason="sold by hand"))
    then.then(f.HoldingsReleased(reason="sold by hand", released={"ETH": D("0.2")}))
    cycle = then.then_cycle()
    assert (cycle.state, cycle.outcome, cycle.owned()) == (t.FAILED, t.PARKED, {})
    assert cycle.returned == {"USDT": D(490), "ETH": D("0.2")}


def test_holdings_are_released_once() -> None:
    released = f.HoldingsReleased(reason="x", released={"ETH": D("0.2")})
    given(parked(), released).when(c.ReleaseHoldings(reason="x")).then_refused("nothing to release")


def test_an_open_cycle_releases_nothing() -> None:
    given(HALF).when(c.ReleaseHoldings(reason="x")).then_refused("nothing to release")


def test_what_an_overfill_took_is_not_released() -> None:
    overfilled = filled(3, "u9", "0.02", "980", market="BTC/USDT", side="sell")
    history = (*HALF, *sold(3, "BTC/USDT", "0.01", "490"), recovery(), overfilled)
    history = (*history, *(given(history).when(park()).events or []))
    cycle = given(history).when(c.ReleaseHoldings(reason="x")).then_cycle()
    assert (cycle.dust, cycle.owned()) == ({"BTC": D("-0.02")}, {})


# --- after the end


def late(number: int, trade_id: str, amount: str, cost: str, **fee: str) -> c.ReportOrder:
    return report(number, fill(number, trade_id, amount, cost, **fee))


def test_a_late_fill_opens_a_completed_cycle_first_and_is_recorded() -> None:
    then = given(loop_closed()).when(late(3, "t9", "0.1", "250"))
    events = then.then_facts(f.LateFillFound, f.OrderFilled, f.DiscrepancyFound)
    assert events[0] == f.LateFillFound(client_order_id=oid(3), trade_id="t9")
    cycle = then.then_cycle()
    assert (cycle.state, cycle.outcome, cycle.ended_ns) == (t.RECOVERING, None, 0)
    assert cycle.holdings == {"ETH": D("-0.1"), "USDT": D(250)}


def test_a_second_completion_replaces_the_result_and_counts_everything() -> None:
    history = (
        *loop_closed(),
        *(given(loop_closed()).when(late(3, "t9", "0.1", "250")).events or []),
    )
    fact = given(history).when(complete()).then_last(f.CycleCompleted)
    assert (fact.returned, fact.pnl, fact.dust) == (D(250), D(254), {"ETH": D("-0.1")})


def test_a_late_fill_may_leave_less_than_nothing_of_the_start_currency() -> None:
    history = (
        *loop_closed(),
        *(given(loop_closed()).when(late(1, "t9", "0.001", "50")).events or []),
    )
    assert given(history).cycle().holdings == {"USDT": D(-50), "BTC": D("0.001")}
    then = given(history).when(complete())
    fact = then.then_last(f.CycleCompleted)
    assert (fact.returned, fact.pnl, fact.dust) == (D(-50), D(-46), {"BTC": D("0.001")})
    assert then.then_cycle().returned == {"USDT": D(954)}


def test_a_fee_of_a_late_fill_is_in_the_second_result() -> None:
    told = late(3, "t9", "0.1", "250", fee="0.25")
    history = (*loop_closed(), *(given(loop_closed()).when(told).events or []))
    assert given(history).when(complete()).then_last(f.CycleCompleted).pnl == D("253.75")


def test_a_late_fill_opens_a_failed_cycle() -> None:
    missed = (
        *ready(),
        intended(1),
        accepted(1),
        closed(1, "0", "expired"),
        f.CycleMissed(reason="filled nothing"),
    )
    then = given(missed).when(late(1, "t9", "0.01", "500"))
    then.then_facts(f.LateFillFound, f.OrderFilled)
    cycle = then.then_cycle()
    assert (cycle.state, cycle.holdings) == (t.RECOVERING, {"USDT": D(-500), "BTC": D("0.01")})
    history = (*missed, *(then.events or []), unwinding(), *sold(2, "BTC/USDT", "0.01", "490"))
    fact = given(history).when(liquidate("USDT")).then_last(f.CycleLiquidated)
    assert (fact.returned, fact.pnl) == ({"USDT": D(-10)}, D(-10))


def test_a_second_close_keeps_what_went_back_in_other_currencies() -> None:
    history = (*HALF, *sold(3, "ETH/USDT", "0.2", "495"))
    history = (
        *history,
        *(given(history).when(liquidate("USDT", "BTC", value="500")).events or []),
    )
    told = report(3, fill(3, "u9", "0.001", "2", market="ETH/USDT", side="sell"))
    history = (*history, *(given(history).when(told).events or []))
    cycle = given(history).when(liquidate("USDT", "BTC")).then_cycle()
    assert cycle.pnl == D(-3)
    assert cycle.returned == {"USDT": D(497), "BTC": D("0.01")}


def test_a_cycle_that_gave_back_another_currency_is_liquidated_even_at_a_profit() -> None:
    history = (*HALF, *sold(3, "ETH/USDT", "0.2", "495"))
    history = (
        *history,
        *(given(history).when(liquidate("USDT", "BTC", value="500")).events or []),
    )
    told = report(3, fill(3, "u9", "0.01", "600", market="ETH/USDT", side="sell"))
    history = (*history, *(given(history).when(told).events or []))
    fact = given(history).when(liquidate("USDT")).then_last(f.CycleLiquidated)
    assert (fact.pnl, fact.value) == (D(595), 0)


def test_a_fill_that_stands_before_the_reopening_is_in_hand_after_it() -> None:
    opened_late = f.LateFillFound(client_order_id=oid(3), trade_id="t9")
    cycle = given(loop_closed(), filled(3, "t9", "0.1", "250"), opened_late).cycle()
    assert cycle.holdings == {"ETH": D("-0.1"), "USDT": D(250)}


def test_a_late_fill_takes_parked_holdings_and_dust_back_in_hand() -> None:
    told = report(3, fill(3, "u9", "0.001", "49", market="BTC/USDT", side="sell"))
    cycle = given(parked()).when(told).then_cycle()
    assert cycle.holdings == {"ETH": D("0.2"), "BTC": D("-0.001"), "USDT": D(49)}
    assert (cycle.parked, cycle.dust) == ({}, {})


def test_an_end_that_names_more_opens_a_closed_cycle_until_the_fill_is_known() -> None:
    then = given(loop_closed()).when(report(3, status="closed", told="0.5"))
    then.then_facts(f.LateFillFound, f.OrderClosed)
    history = (*loop_closed(), *(then.events or []))
    given(history).when(complete()).then_refused("is terminal")


def test_known_fills_told_again_do_not_open_a_closed_cycle() -> None:
    told = report(3, fill(3, "t3", "0.4", "1004"), status="closed", told="0.4")
    given(loop_closed()).when(told).then_nothing()
