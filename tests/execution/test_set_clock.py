"""This machine's clock is set while a run goes on: nothing is signed by a reading that it has overtaken."""

from arb.clock import NS_PER_S, VirtualClock
from arb.exchange.port import Banned
from arb.execution.access import Access
from tests.spec.world import World


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
