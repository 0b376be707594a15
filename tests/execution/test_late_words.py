"""News of orders and cycles that were thought to be over (case 10)."""

from collections.abc import Callable

import pytest

from arb.clock import NS_PER_S
from arb.events import facts as f
from arb.machine import table as t
from tests.spec.world import World

LEGS = [1, 2, 3]


@pytest.mark.parametrize("leg", LEGS)
@pytest.mark.parametrize("late_s", [1, 8])
def test_case_10_a_fill_after_the_end_of_its_order_is_found_and_booked(
    worlds: Callable[..., World], leg: int, late_s: int
) -> None:
    world = worlds(plan={"late_fill_ns": late_s * NS_PER_S})
    world.fault("late_fill", call=None, order=leg)
    # Where the rest was sold before its fill came, it was sold twice: no limit can judge that.
    code = world.run(cycles=3)
    trips = world.facts(f.RiskTripped)
    assert code == (4 if trips else 0)
    assert all("that it did not have" in trip.reason for trip in trips)
    world.wait(late_s)
    assert world.recover() == 0
    world.check()
    assert len(world.facts(f.OrderFilled)) == len(world.venue.account.all_fills())


def test_case_10_a_late_fill_opens_a_closed_cycle_again(worlds: Callable[..., World]) -> None:
    world = worlds(plan={"late_fill_ns": 20 * NS_PER_S})
    world.strategies = [world.strategy(extra="risk_controls: {max_open_cycles: 1}\n")]
    world.fault("late_fill", call=None, order=3)
    assert world.run(cycles=1) == 0
    world.wait(30)
    assert world.recover() == 0
    world.check()
    assert len(world.facts(f.LateFillFound)) == 1
    pnls = [fact.pnl for fact in world.facts(f.CycleCompleted, f.CycleLiquidated)]
    assert len(pnls) == 2
    assert pnls[0] < pnls[1]


def test_case_10_a_missed_cycle_whose_fill_comes_late_goes_on(
    worlds: Callable[..., World],
) -> None:
    """The venue said "expired, nothing filled", and was wrong."""
    world = worlds(plan={"late_fill_ns": 20 * NS_PER_S})
    world.strategies = [world.strategy(amount="500", retries=0)]  # one level: one trade
    world.fault("late_fill", call=None, order=1)
    assert world.run(cycles=1) == 0
    assert world.cycle().outcome == "missed"
    world.wait(30)
    assert world.recover() == 0
    world.check()
    cycle = world.cycle()
    assert cycle.outcome in {"completed", "liquidated"}
    assert cycle.orders[0].filled > 0


def test_an_order_that_appears_after_its_absence_was_proven_is_real(world: World) -> None:
    """The venue broke its own promise; what it did is booked and alarmed all the same."""
    world.strategies = [world.strategy(retries=0)]
    real, kept = world.venue.create, []

    async def create(request):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
        if not kept:
            kept.append(request)
            raise TimeoutError
        return await real(request)

    world.venue.create = create  # type: ignore[method-assign]
    assert world.run() == 0
    assert world.cycle().orders[0].state == t.ABSENT
    first = kept[0]
    world.venue.foreign_order(
        first.market, first.side, first.amount, limit=first.limit,
        client_order_id=first.client_order_id,
    )  # fmt: skip
    assert world.recover() == 0
    world.check()
    assert len(world.facts(f.OrderReappeared)) == 1
    assert "absent order exists" in {one.kind for one in world.facts(f.DiscrepancyFound)}


def test_a_late_fill_while_the_next_leg_is_being_appended_is_not_lost(
    worlds: Callable[..., World],
) -> None:
    world = worlds(plan={"late_fill_ns": 30 * NS_PER_S})
    world.fault("late_fill", call=None, order=1)
    world.fault("reply_never", number=2)
    assert world.run() == 0
    world.wait(60)
    assert world.recover() == 0
    world.check()


def test_a_loss_stays_one_when_its_cycle_is_opened_again(world: World) -> None:
    """Its last leg filled in part before the price fell: opened again, it counted as a closed loop."""
    world.strategies = [world.strategy(retries=0, extra="risk_controls: {max_open_cycles: 1}\n")]

    def fall() -> None:
        world.show("ETH/USDT", [("2010", "0.2"), ("1900", "90")], [("2011", "90")])
        world.show("ETH/BTC", [("0.037", "90")], [("0.04", "90")])

    world.on(f.OrderIntended, 3, fall)
    assert world.run() == 0
    first = world.cycle()
    assert (first.state, first.outcome) == ("failed", "liquidated")
    assert world.ask("unwind", "demo-1").ok
    assert world.recover() == 0
    world.check()
    again = world.cycle()
    assert (again.state, again.outcome, again.pnl) == ("failed", "liquidated", first.pnl)
