"""What tells the venue's time is wrong for a while: nothing is called absent by it that can still execute."""

import asyncio
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from arb.clock import NS_PER_S, VirtualClock
from arb.events import facts as f
from arb.exchange.port import OrderReport, OrderRequest, Unreachable
from arb.execution.account.access import Access
from arb.execution.orders import resolving
from arb.execution.orders.resolving import Attempt
from arb.execution.process.virtual_loop import VirtualLoop
from tests.spec.world import World

HOUR_NS = 3_600 * NS_PER_S
LIVE = {
    "live": True,
    "recv_window_ns": 5 * NS_PER_S,
    "backend_limit_ns": 10 * NS_PER_S,
    "visibility_ns": 5 * NS_PER_S,
}
LATE_S = 4.5


@pytest.mark.parametrize("live", [True, False])
def test_no_order_is_absent_by_a_venue_clock_that_is_told_an_hour_ahead(
    worlds: Callable[..., World], *, live: bool
) -> None:
    """The order is on its way for 4.5 s; the time endpoint, and nothing else, is wrong for three of them."""
    world = worlds(rules={**LIVE, "live": live})
    create, time_ns = world.faulty.create, world.faulty.time_ns
    sent: list[OrderRequest] = []
    wrong_until_ns = 0

    async def slowly(request: OrderRequest) -> OrderReport:
        sent.append(request)
        if len(sent) != 2:
            return await create(request)

        async def arrive() -> None:
            await world.clock.sleep(LATE_S)
            await create(request)

        world.loop.create_task(arrive())
        raise Unreachable("the way to the venue is slow")

    async def ahead() -> int:
        return await time_ns() + (HOUR_NS if world.now_ns() < wrong_until_ns else 0)

    def begin() -> None:
        nonlocal wrong_until_ns
        wrong_until_ns = world.now_ns() + 3 * NS_PER_S

    world.faulty.create = slowly  # type: ignore[method-assign]
    world.faulty.time_ns = ahead  # type: ignore[method-assign]
    world.on(f.OrderUnknown, 1, begin)
    assert world.run() == 0
    world.check()
    assert world.facts(f.OrderAbsent) == []
    assert world.cycle().outcome == "completed"


def test_where_our_own_clock_was_set_back_what_was_waited_counts() -> None:
    loop, ours = VirtualLoop(), VirtualClock(HOUR_NS)
    desk: Any = SimpleNamespace(clock=ours)
    order: Any = SimpleNamespace(intended_ns=2 * HOUR_NS)
    attempt = Attempt(began_s=loop.time())

    async def waited() -> int:
        await asyncio.sleep(20)
        return resolving._passed_ns(desk, order, attempt)

    assert loop.run_until_complete(waited()) == 20 * NS_PER_S
    loop.close()


class Telling:
    """A venue that tells these times, one after the other."""

    def __init__(self, *offsets_s: float) -> None:
        self._offsets: Iterator[float] = iter(offsets_s)
        self.clock = VirtualClock(HOUR_NS)

    async def time_ns(self) -> int:
        return self.clock.now_ns() + round(next(self._offsets) * NS_PER_S)


def told(*offsets_s: float, readings: int) -> tuple[Access, Telling]:
    venue: Any = Telling(*offsets_s)
    access, loop = Access(venue, venue.clock), VirtualLoop()
    for _ in range(readings):
        loop.run_until_complete(access.venue_time_ns())
    loop.close()
    return access, venue


def offset_s(access: Access, venue: Telling) -> float:
    estimate = access.venue_time_estimate_ns()
    assert estimate is not None
    return (estimate - venue.clock.now_ns()) / NS_PER_S


def test_one_reading_that_jumps_is_not_believed() -> None:
    assert offset_s(*told(0.1, 3_600, 0.2, readings=2)) == 0.2


def test_a_jump_that_a_second_reading_shows_too_is_one() -> None:
    assert offset_s(*told(0.1, 60, 60.5, readings=2)) == 60.5


def test_what_went_away_slowly_is_read_once() -> None:
    assert offset_s(*told(0.1, 2.0, 3.9, readings=3)) == 3.9


def test_a_jump_after_the_reading_was_doubted_is_read_again_too() -> None:
    venue: Any = Telling(0.1, 3_600, 0.2)
    access, loop = Access(venue, venue.clock), VirtualLoop()
    loop.run_until_complete(access.venue_time_ns())
    access.doubt_clock()
    loop.run_until_complete(access.venue_time_ns())
    assert offset_s(access, venue) == 0.2
    loop.close()


def test_a_clock_that_says_something_else_each_time_is_no_answer() -> None:
    venue: Any = Telling(0, 10, 20, 30)
    access, loop = Access(venue, venue.clock), VirtualLoop()
    loop.run_until_complete(access.venue_time_ns())
    with pytest.raises(Unreachable, match="something else each time"):
        loop.run_until_complete(access.venue_time_ns())
    assert offset_s(access, venue) == 0
    loop.close()
