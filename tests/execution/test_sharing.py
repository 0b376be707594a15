"""Several cycles and strategies on one account: nobody uses what another one owns."""

from collections.abc import Callable
from decimal import Decimal

import pytest

from arb.clock import NS_PER_S
from arb.events import facts as f
from tests.spec.world import World

FORWARD, REVERSE = "[USDT, BTC, ETH]", "[USDT, ETH, BTC]"


ENDS = (f.CycleCompleted, f.CycleLiquidated, f.CycleMissed, f.CycleRefused, f.CycleParked)


def overlapping(world: World) -> int:
    """The most cycles that were open at once."""
    count = most = 0
    for one in world.records():
        count += isinstance(one.fact, f.CycleOpened)
        count -= isinstance(one.fact, ENDS)
        most = max(most, count)
    return most


def reserved_at_once(world: World) -> Decimal:
    """The most that open cycles had reserved together."""
    reserved: dict[str, Decimal] = {}
    most = Decimal(0)
    for one in world.records():
        if isinstance(one.fact, f.CycleValidated):
            reserved[one.stream] = one.fact.reserved
        elif isinstance(one.fact, ENDS):
            reserved.pop(one.stream, None)
        most = max(most, sum(reserved.values(), Decimal(0)))
    return most


@pytest.mark.parametrize("limit", [1, 2, 5])
def test_no_more_cycles_are_open_than_allowed(world: World, limit: int) -> None:
    risk = f"{{max_open_cycles: {limit}, stop_after_consecutive_losses: 50}}"
    world.strategies = [world.strategy(amount="100", extra=f"risk_controls: {risk}\n")]
    for number in range(1, 30):
        world.fault("reply_delayed", number=number)
    assert world.run(cycles=12) == 0
    world.check()
    assert min(limit, 3) <= overlapping(world) <= limit


def test_two_strategies_share_a_balance_and_never_reserve_it_twice(
    worlds: Callable[..., World],
) -> None:
    world = worlds(opening={"USDT": Decimal(1_500)})
    world.strategies = [
        world.strategy("one", cycle=FORWARD, min_profit="-500"),
        world.strategy("two", cycle=REVERSE, min_profit="-500"),
    ]
    assert world.run(cycles=8) == 0
    world.check()
    refused = [fact.reason for fact in world.facts(f.OrderRefused)]
    assert "insufficient_balance" not in refused
    assert overlapping(world) == 2
    assert reserved_at_once(world) <= Decimal(1_500)


def test_two_strategies_in_both_directions_account_for_everything(world: World) -> None:
    world.strategies = [
        world.strategy("one", cycle=FORWARD, min_profit="-500"),
        world.strategy("two", cycle=REVERSE, min_profit="-500"),
    ]
    for number in (2, 5, 9, 13):
        world.fault("reply_lost", number=number)
    for number in (3, 7, 11):
        world.fault("refused", number=number)
    assert world.run(cycles=10) == 0
    world.check()
    assert {cycle.strategy for cycle in world.cycles().values()} == {"one", "two"}


def test_a_fraction_is_of_what_is_available_and_not_of_what_others_hold(
    worlds: Callable[..., World],
) -> None:
    world = worlds(opening={"USDT": Decimal(4_000)})
    half = "{mode: fixed_fraction, fraction: 0.5}"
    world.strategies = [world.strategy(name, capital=half) for name in ("one", "two", "three")]
    assert world.run(cycles=3) == 0
    world.check()
    begun = [fact.start_amount for fact in world.facts(f.CycleOpened)]
    assert len(begun) == 3
    left = Decimal(4_000)
    for amount in begun:  # half of what is there, in whole lots
        assert left / 2 - 5 < amount <= left / 2
        left -= amount


def test_an_unknown_order_of_one_cycle_does_not_starve_anothers_panic_sell(
    worlds: Callable[..., World],
) -> None:
    """The first cycle's unknown order spent its BTC; the second one's BTC is its own to sell."""
    world = worlds(opening={"USDT": Decimal(2_500)})
    world.strategies = [world.strategy(retries=0)]
    world.fault("reply_lost", number=2)  # the first cycle's second order
    world.fault("refused", number=4)  # the second cycle's
    world.fault("read_fails", call="order", times=60)
    assert world.run(cycles=2) == 0
    world.check()
    outcomes = [(one.stream, one.at_ns) for one in world.records() if _is_end(one.fact)]
    assert [stream for stream, _ in outcomes] == ["cycle-demo-2", "cycle-demo-1"]
    assert {cycle.outcome for cycle in world.cycles().values()} <= {"completed", "liquidated"}


def _is_end(fact: f.Fact) -> bool:
    return isinstance(fact, f.CycleCompleted | f.CycleLiquidated | f.CycleParked)


def test_a_cycle_whose_unwind_is_unknown_gives_up_its_turn(worlds: Callable[..., World]) -> None:
    world = worlds(opening={"USDT": Decimal(2_500)})
    world.strategies = [world.strategy(name) for name in ("one", "two")]
    world.on(f.LegSettled, 1, lambda: world.show("ETH/USDT", [("1500", "9")], [("1501", "9")]))
    world.fault("reply_lost", number=5)  # both cycles sell what they have: one is told nothing
    world.fault("read_fails", call="order", times=100)
    assert world.run(cycles=2) == 0
    world.check()
    unwound = {one.stream for one in world.records() if isinstance(one.fact, f.UnwindStarted)}
    assert unwound == {"cycle-one-1", "cycle-two-2"}
    ends = [one.at_ns for one in world.records() if _is_end(one.fact)]
    assert len(ends) == 2
    assert ends[1] - ends[0] > 3 * NS_PER_S


def test_what_nothing_can_value_is_parked_and_does_not_wait_for_ever(
    worlds: Callable[..., World],
) -> None:
    """Sold for USDC; then nothing trades USDC any more."""
    world = worlds()
    world.show("BTC/USDC", [("60000", "5")], [("60010", "5")])
    world.strategies = [world.strategy(retries=0)]
    world.fault("refused", number=2)
    world.on(f.OrderIntended, 1, lambda: world.stage.hide(world.now_ns() + 8 * 10**6, "USDC/USDT"),
             purpose="unwind")  # fmt: skip
    world.on(f.OrderIntended, 1, lambda: world.stage.hide(world.now_ns() + 8 * 10**6, "BTC/USDC"),
             purpose="unwind")  # fmt: skip
    assert world.run() == 1
    world.check()
    cycle = world.cycle()
    assert set(cycle.parked) == {"USDC"}
    # Its fee was taken from what is parked, all of which counts as spent: that is a result.
    assert cycle.pnl == cycle.returned["USDT"] - cycle.start_amount
    assert world.facts(f.RiskTripped) == []


def test_unwinds_of_one_asset_take_turns(world: World) -> None:
    for order in (2, 3, 4, 5, 6):
        world.fault("refused", order=order, call="create", times=1)
    world.kill_after(lambda fact: isinstance(fact, f.OrderIntended) and fact.number == 2)
    assert world.run(cycles=3) is None
    world.ask("panic")
    assert world.recover() == 0
    world.check()


def test_the_gate_refuses_what_is_far_from_the_middle_before_a_cycle_opens(world: World) -> None:
    """A wide book passes every other check, tick after tick."""
    world.show("BTC/USDT", [("30000", "5")], [("50010", "5")])
    assert world.run(duration_s=5) == 0
    world.check()
    assert world.cycles() == {}


def test_an_unwind_above_the_notional_cap_is_sold_in_parts(
    worlds: Callable[..., World],
) -> None:
    world = worlds()
    world.fault("refused", number=2)

    def rise() -> None:
        world.show("BTC/USDT", [("100000", "9")], [("100010", "9")])

    world.on(f.LegSettled, 1, rise)
    world.strategies = [world.strategy(retries=0)]
    assert world.run() == 0
    world.check()
    assert world.cycle().outcome == "completed"
    sold = [one for one in world.orders() if one.side == "sell"]
    assert len(sold) > 1


def test_a_second_liquidation_counts_what_went_back_before_once(
    worlds: Callable[..., World],
) -> None:
    """What was sold for another target currency keeps the value it had then."""
    world = worlds(plan={"late_fill_ns": 30 * NS_PER_S})
    world.show("USDC/USDT", [("1.2", "90000")], [("1.21", "90000")])  # USDC is the best way out
    world.fault("refused", number=2)
    world.fault("late_fill", call=None, order=1)
    world.strategies = [world.strategy(retries=0)]
    world.on(f.LegSettled, 1, lambda: world.show("ETH/USDT", [("1500", "9")], [("1501", "9")]))
    assert world.run() == 0
    world.wait(40)
    assert world.recover() == 0
    world.check()
    ends = world.facts(f.CycleLiquidated)
    assert len(ends) == 2
    cycle = world.cycle()
    assert cycle.returned["USDC"] > 0
    spent = cycle.start_amount - cycle.returned["USDT"]
    assert abs(cycle.pnl - (cycle.returned["USDC"] * Decimal("1.2") - spent)) < 1
