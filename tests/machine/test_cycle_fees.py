"""Fees and what a cycle has in hand: each fee in its own asset, each holding from fills."""

from __future__ import annotations

from arb.events import facts as f
from arb.machine.state import Cycle
from tests.spec.given import (
    LEGS,
    D,
    accepted,
    closed,
    fill,
    filled,
    fold,
    given,
    intended,
    leg_1_done,
    leg_2_done,
    loop_closed,
    oid,
    ready,
    report,
    unwinding,
)

BUYING = (*ready(), intended(1), accepted(1))
SELLING = (*leg_2_done(), intended(3), accepted(3))


def told(history: tuple[f.CycleEvent, ...], *fills: f.OrderFilled) -> Cycle:
    return fold(*history, *fills)


def test_a_buy_spends_its_cost_and_receives_its_amount() -> None:
    cycle = told(BUYING, filled(1, "t1", "0.01", "499.5"))
    assert cycle.holdings == {"USDT": D("500.5"), "BTC": D("0.01")}
    assert (cycle.leg_spent, cycle.leg_received) == (D("499.5"), D("0.01"))
    order = cycle.order(oid(1))
    assert (order.spent, order.received, order.spend_asset) == (D("499.5"), D("0.01"), "USDT")


def test_a_sell_spends_its_amount_and_receives_its_cost() -> None:
    cycle = told(SELLING, filled(3, "t3", "0.1", "251"))
    assert cycle.holdings == {"ETH": D("0.3"), "USDT": D(251)}
    assert (cycle.leg_spent, cycle.leg_received) == (D("0.1"), D(251))
    order = cycle.order(oid(3))
    assert (order.spent, order.received, order.receive_asset) == (D("0.1"), D(251), "USDT")


def test_the_cost_is_what_the_venue_booked_never_price_times_amount() -> None:
    odd = fill(1, "t1", "0.01", "499.99")
    report_ = report(1, odd)
    cycle = given(BUYING).when(report_).then_cycle()
    assert cycle.holding("USDT") == D("500.01")


def test_a_fee_in_the_received_asset_makes_less_of_it() -> None:
    cycle = told(BUYING, filled(1, "t1", "0.01", "500", fee="0.00001"))
    assert cycle.holding("BTC") == D("0.00999")
    assert cycle.leg_received == D("0.00999")
    assert cycle.fees == {"BTC": D("0.00001")}


def test_a_fee_in_the_received_asset_is_taken_even_from_a_debt() -> None:
    late = filled(1, "t9", "0.001", "50", fee="0.000001")
    cycle = fold(*leg_2_done(), late)
    assert cycle.holding("BTC") == D("0.000999")
    closed_late = filled(2, "t9", "0.1", "0.005", fee="0.0001")
    assert fold(*loop_closed(), closed_late).holding("ETH") == D("0.0999")


def test_a_fee_in_a_third_currency_not_in_hand_is_paid_by_the_account() -> None:
    cycle = told(BUYING, filled(1, "t1", "0.01", "500", fee="0.001", fee_asset="BNB"))
    assert cycle.holdings == {"USDT": D(500), "BTC": D("0.01")}
    assert cycle.fees == {"BNB": D("0.001")}


def test_a_fee_in_a_third_currency_in_hand_is_paid_by_the_cycle() -> None:
    history = (*unwound_into_eth(), intended(3, purpose="unwind", leg=1), accepted(3))
    cycle = fold(*history, filled(3, "t3", "0.1", "250", fee="0.0001", fee_asset="BTC"))
    assert cycle.holding("BTC") == D("0.0099")
    assert cycle.fees == {"BTC": D("0.0001")}


def unwound_into_eth() -> tuple[f.CycleEvent, ...]:
    """0.01 BTC and 0.2 ETH in hand, unwinding."""
    return (
        *leg_1_done(),
        intended(2, amount="0.2"),
        accepted(2),
        filled(2, "t2", "0.2", "0.01"),
        closed(2, "0.2"),
        unwinding(),
    )


def test_a_fee_in_the_spent_asset_is_paid_from_hand_where_it_suffices() -> None:
    cycle = fold(
        *leg_1_done(),
        intended(2, amount="0.2"),
        accepted(2),
        filled(2, "t2", "0.2", "0.01", fee="0.001", fee_asset="BTC"),
    )
    assert cycle.holding("BTC") == D("0.009")
    assert cycle.leg_received == D("0.2")


def test_a_fee_in_the_start_currency_is_always_the_cycles_and_in_its_result() -> None:
    history = (*BUYING, filled(1, "t1", "0.02", "1000", fee="2.5", fee_asset="USDT"))
    assert fold(*history).holdings == {"USDT": D("-2.5"), "BTC": D("0.02")}


def test_a_rebate_is_the_cycles() -> None:
    history = (*BUYING, filled(1, "t1", "0.02", "1000", fee="-0.001", fee_asset="BNB"))
    cycle = fold(*history)
    assert cycle.holding("BNB") == D("0.001")
    assert cycle.fees == {"BNB": D("-0.001")}


def test_a_venue_may_switch_the_fee_asset_in_mid_order() -> None:
    cycle = told(
        BUYING,
        filled(1, "t1", "0.01", "500", fee="0.001", fee_asset="BNB"),
        filled(1, "t2", "0.01", "500", fee="0.00001"),
    )
    assert cycle.fees == {"BNB": D("0.001"), "BTC": D("0.00001")}
    assert cycle.leg_received == D("0.01999")


def test_nothing_left_of_an_asset_is_no_entry() -> None:
    assert fold(*leg_2_done()).holdings == {"ETH": D("0.4")}


def test_what_is_owned_is_in_hand_parked_or_dust_and_never_below_zero() -> None:
    cycle = fold(*loop_closed())
    cycle.holdings = {"USDT": D(-1), "BTC": D(1)}
    cycle.parked, cycle.dust = {"ETH": D(2)}, {"BTC": D(3), "BNB": D(-4)}
    assert cycle.owned() == {"BTC": D(4), "ETH": D(2)}
    assert LEGS[0].spend_asset not in cycle.owned()
