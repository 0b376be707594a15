"""This machine's clock is set: no old reading of another one counts, and no rest of what it wrote before."""

import pytest

from arb.clock import NS_PER_S, VirtualClock
from arb.events import facts as f
from arb.exchange.port import Banned
from arb.execution.access import Access
from tests.spec.world import World

DAY_S = 86_400


def set_clock(world: World, seconds: int) -> None:
    """Set the machine's clock forward, or back."""
    world.clock._start_ns += seconds * NS_PER_S


def test_a_reading_of_the_venues_clock_ends_where_ours_is_set_back(world: World) -> None:
    ours = VirtualClock(1_700_000_000 * NS_PER_S)
    access = Access(world.venue, ours)
    told = world.loop.run_until_complete(access.venue_time_ns())
    assert access.venue_time_estimate_ns() == told
    ours.advance_to(ours.now_ns() + NS_PER_S)
    assert access.venue_time_estimate_ns() == told + NS_PER_S
    ours._now_ns -= 3_600 * NS_PER_S
    assert access.venue_time_estimate_ns() is None
    told = world.loop.run_until_complete(access.venue_time_ns())
    assert access.venue_time_estimate_ns() == told


def test_a_ban_ends_when_the_venue_said_though_our_clock_is_set_back(world: World) -> None:
    ours = VirtualClock(1_700_000_000 * NS_PER_S)
    access = Access(world.venue, ours)
    access.latch(Banned(10 * NS_PER_S))
    assert access.banned
    ours._now_ns -= 3_600 * NS_PER_S
    assert access.banned
    assert access.banned_until_ns == ours.now_ns() + 10 * NS_PER_S
    ours.advance_to(ours.now_ns() + 10 * NS_PER_S)
    assert not access.banned


@pytest.mark.parametrize("window_s", [0, 5])
def test_a_path_that_a_clock_ahead_opened_may_be_opened_again(world: World, window_s: int) -> None:
    risk = f"duplicate_suppression_window_seconds: {window_s}, max_open_cycles: 1"
    world.strategies = [world.strategy(extra=f"risk_controls: {{{risk}}}\n")]
    set_clock(world, DAY_S)
    assert world.run() == 0
    set_clock(world, -DAY_S)
    world.show("ETH/USDT", [("2009.5", "90")], [("2011", "90")])
    assert world.run(duration_s=60) == 0
    world.check()
    assert len(world.facts(f.CycleOpened)) == 2


def test_a_breaker_of_a_clock_ahead_rests_no_longer(world: World) -> None:
    breaker = "breaker: {max_refusals: 1, window_seconds: 60, cooldown_seconds: 5}"
    world.strategies = [
        world.strategy(extra=f"risk_controls: {{{breaker}, max_open_cycles: 1}}\n", retries=0)
    ]
    set_clock(world, DAY_S)
    world.fault("refused", number=1, times=1)
    world.kill_after(lambda fact: isinstance(fact, f.BreakerTripped))
    assert world.run(cycles=2) is None
    set_clock(world, -DAY_S)
    before = len(world.facts(f.CycleOpened))
    assert world.run(duration_s=60) == 0
    world.check()
    assert len(world.facts(f.CycleOpened)) == before + 1
