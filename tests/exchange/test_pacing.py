"""Requests wait for what the venue asks for and for nothing else, and orders never wait for reads."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arb.clock import NS_PER_S, VirtualClock
from arb.exchange.client.pacing import (
    RATION_OTHERS,
    RATIONS,
    WAITING_MAX,
    Allowance,
    Lane,
    Pacing,
    Ration,
    at_endpoint,
    lane,
    pacing_of,
)
from arb.exchange.port import Banned, NotSent
from arb.execution.process.virtual_loop import LoopClock, VirtualLoop, run_virtual
from tests.spec.properties import examples

START_NS = 1_700_000_000 * NS_PER_S
SMALL = Ration(10, 1, (Allowance(5, 2),))


class Desk:
    """A pacing on virtual time, which writes down when each request went through."""

    def __init__(self, clock: LoopClock, ration: Ration) -> None:
        self.clock = clock
        self.pacing = Pacing(clock, ration)
        self.went: list[tuple[float, Lane, str, float]] = []
        self.began_ns = clock.now_ns()

    @property
    def now_s(self) -> float:
        return (self.clock.now_ns() - self.began_ns) / NS_PER_S

    async def ask(self, name: Lane, cost: float = 1, tag: str = "", at_s: float = 0) -> None:
        await self.clock.sleep(at_s)
        with lane(name):
            await self.pacing.take(cost)
        self.went.append((self.now_s, name, tag, cost))

    def times(self, name: Lane) -> list[float]:
        return [at for at, lane_, _, _ in self.went if lane_ == name]


def played(ration: Ration, story: Callable[[Desk], Coroutine[Any, Any, None]]) -> Desk:
    loop = VirtualLoop()
    desk = Desk(LoopClock(loop, START_NS), ration)
    run_virtual(loop, story(desk))
    return desk


async def together(*asks: Awaitable[None]) -> None:
    await asyncio.gather(*asks)


@pytest.mark.parametrize("venue", [*RATIONS, "some other"])
def test_three_legs_in_a_row_do_not_wait(venue: str) -> None:
    async def legs(desk: Desk) -> None:
        await together(*[desk.ask("read", 1) for _ in range(200)], _legs(desk))

    async def _legs(desk: Desk) -> None:
        await desk.clock.sleep(0.001)
        for _ in range(3):
            await desk.ask("order", 1)

    desk = played(RATIONS.get(venue, RATION_OTHERS), legs)
    assert desk.times("order") == [0.001] * 3


def test_a_window_that_is_full_is_waited_for_to_the_moment() -> None:
    async def story(desk: Desk) -> None:
        await together(*[desk.ask("resolve", 1, at_s=at) for at in (0, 0.1, 0.2)])
        await desk.ask("order", 8)

    # Of ten, three were used: the eighth unit is free when the first one has left the window.
    assert played(SMALL, story).times("order") == [1.0]


def test_orders_are_counted_by_themselves_and_cancels_are_not_where_it_is_said() -> None:
    async def story(desk: Desk) -> None:
        for _ in range(6):
            await desk.ask("order", 0.1)

    assert played(SMALL, story).times("order") == [0, 0, 0, 0, 0, 2.0]

    async def cancels(desk: Desk) -> None:
        for _ in range(20):
            with lane("order", orders=0):
                await desk.pacing.take(0.1)
        await desk.ask("order", 0.1)

    assert played(SMALL, cancels).times("order") == [0]


def test_every_window_of_orders_counts() -> None:
    async def story(desk: Desk) -> None:
        for _ in range(5):
            await desk.ask("order", 0)

    ration = Ration(10, 1, (Allowance(2, 1), Allowance(4, 60)))
    assert played(ration, story).times("order") == [0, 0, 1, 1, 60]


def test_binance_weighs_five_times_what_ccxt_says() -> None:
    async def story(desk: Desk) -> None:
        for _ in range(2_000):
            with lane("order", orders=0):
                await desk.pacing.take(0.8)  # a look at an order: 4 of 6,000
            desk.went.append((desk.now_s, "order", "", 0.8))

    times = played(RATIONS["binance"], story).times("order")
    assert times[1_499] == 0
    assert times[1_500] == pytest.approx(60)


def test_reads_leave_room_and_do_not_starve() -> None:
    async def story(desk: Desk) -> None:
        await together(*[desk.ask("read") for _ in range(30)])

    assert played(Ration(10, 1), story).times("read")[:15] == [0] * 7 + [1.0] * 7 + [2.0]


def test_a_read_that_would_fit_does_not_prolong_the_waiting_of_an_order() -> None:
    async def story(desk: Desk) -> None:
        await desk.ask("order", 6)
        await together(desk.ask("order", 10, at_s=0.1), desk.ask("read", 1, at_s=0.5))

    desk = played(Ration(10, 1), story)
    assert desk.times("order") == [0, 1.0]
    assert desk.times("read") == [2.0]


def test_a_lane_is_in_order_whatever_its_requests_cost() -> None:
    async def story(desk: Desk) -> None:
        costs = [5, 2, 6, 0.1, 0, 7, 1]
        await together(*[desk.ask("read", cost, str(n)) for n, cost in enumerate(costs)])

    assert [tag for _, _, tag, _ in played(Ration(10, 1), story).went] == list("0123456")


def test_what_is_larger_than_its_room_has_the_window_for_itself() -> None:
    async def story(desk: Desk) -> None:
        await desk.ask("read", 1)
        await desk.ask("read", 50)
        await desk.ask("read", 1)

    assert played(Ration(10, 1), story).times("read") == [0, 1.0, 2.0]


def test_a_request_that_is_given_up_leaves_its_place_and_spends_nothing() -> None:
    async def story(desk: Desk) -> None:
        await desk.ask("read", 7)
        tasks = [asyncio.create_task(desk.ask("read", 1, str(n))) for n in range(5)]
        await desk.clock.sleep(0.1)
        tasks[0].cancel()  # the one that waits for room
        tasks[2].cancel()  # one behind it
        await asyncio.gather(*tasks, return_exceptions=True)
        assert desk.pacing.waiting("read") == 0
        assert desk.pacing.used_weight == 3

    desk = played(Ration(10, 1), story)
    assert [(at, tag) for at, _, tag, _ in desk.went[1:]] == [(1.0, "1"), (1.0, "3"), (1.0, "4")]


def test_a_queue_has_an_end() -> None:
    async def story(desk: Desk) -> None:
        await desk.ask("read", 7)
        tasks = [asyncio.create_task(desk.ask("read")) for _ in range(WAITING_MAX)]
        await asyncio.sleep(0)
        with pytest.raises(NotSent, match="1000 requests wait in the read lane"):
            await desk.ask("read")
        await desk.ask("order")  # another lane has a queue of its own
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    assert played(Ration(10, 1), story).times("order") == [0]


def test_a_ban_stops_every_lane_at_once_and_ends() -> None:
    async def story(desk: Desk) -> None:
        await desk.ask("read", 7)
        waiting = [asyncio.create_task(desk.ask("read")) for _ in range(3)]
        await desk.clock.sleep(0.5)
        desk.pacing.ban(30 * NS_PER_S)
        desk.pacing.ban(3 * NS_PER_S)  # a shorter one changes nothing
        for name in ("order", "resolve", "read"):
            with pytest.raises(Banned) as banned:
                await desk.ask(name)
            assert banned.value.retry_after_ns == 30 * NS_PER_S
        told = await asyncio.gather(*waiting, return_exceptions=True)
        assert all(isinstance(one, Banned) for one in told)
        assert desk.now_s <= 1.5, "nobody sits a ban out in the queue"
        await desk.clock.sleep(30.5 - desk.now_s)
        await desk.ask("order")

    assert played(Ration(10, 1), story).times("order") == [30.5]


def test_a_venue_that_counts_more_is_believed_and_one_that_counts_less_is_not() -> None:
    async def story(desk: Desk) -> None:
        await desk.ask("order", 4)
        desk.pacing.note({"X-MBX-USED-WEIGHT-1M": "9", "Date": "today"})
        assert desk.pacing.used_weight == 9
        for value in ("3", "", "-1", "1e9", "\u0669", "nan"):
            desk.pacing.note({"x-mbx-used-weight-1m": value})
        assert desk.pacing.used_weight == 9
        await desk.ask("order", 2)

    assert played(Ration(10, 1), story).times("order") == [0, 1.0]


@pytest.mark.parametrize("cost", [-1, float("nan"), float("inf")])
def test_a_cost_that_is_none_is_refused(cost: float) -> None:
    async def story(desk: Desk) -> None:
        with pytest.raises(ValueError, match="a cost must be a number"):
            await desk.ask("read", cost)

    played(SMALL, story)


def test_a_lane_is_of_its_task_and_ends_with_its_block() -> None:
    async def story(desk: Desk) -> None:
        with lane("order"):
            inner = asyncio.create_task(desk.pacing.take(9))
            with lane("read"):
                pass
            await inner  # in the order lane, which may use all of it
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await desk.pacing.take(1)  # a read: seven of ten are used

    played(Ration(10, 1), story)


def test_each_venue_has_its_ration() -> None:
    loop = VirtualLoop()
    clock = LoopClock(loop, START_NS)
    assert pacing_of("binance", clock)._ration is RATIONS["binance"]
    assert pacing_of("nowhere", clock)._ration is RATION_OTHERS
    loop.close()


requests = st.tuples(
    st.floats(0, 5).map(lambda at: round(at, 3)), st.floats(0, 4).map(lambda w: round(w, 2))
)


@examples(60)
@given(st.lists(requests, max_size=60), st.lists(requests, max_size=20), st.lists(requests))
def test_a_flood_of_reads_never_delays_an_order(
    reads: list[tuple[float, float]],
    looks: list[tuple[float, float]],
    orders: list[tuple[float, float]],
) -> None:
    """Orders that fit what is kept for them go through at the moment they come."""
    ration = Ration(100, 1)
    kept = 10.0
    fitting: list[tuple[float, float]] = []
    for at, cost in sorted(orders):
        recent = sum(c for a, c in fitting if at - a < 1.01)
        if recent + cost <= kept:
            fitting.append((at, cost))

    async def story(desk: Desk) -> None:
        flood = [desk.ask("read", cost * 5, at_s=at) for at, cost in reads for _ in range(5)]
        flood += [desk.ask("resolve", cost * 5, at_s=at) for at, cost in looks]
        await together(*flood, *[desk.ask("order", cost, at_s=at) for at, cost in fitting])

    desk = played(ration, story)
    assert desk.times("order") == pytest.approx([at for at, _ in fitting], abs=1e-6)


@examples(60)
@given(st.lists(st.tuples(st.sampled_from(["order", "resolve", "read"]), requests), max_size=80))
def test_no_window_ever_holds_more_than_the_ration(
    asked: list[tuple[Lane, tuple[float, float]]],
) -> None:
    ration = Ration(10, 1, (Allowance(5, 2),))

    async def story(desk: Desk) -> None:
        await together(*[desk.ask(name, cost, at_s=at) for name, (at, cost) in asked])

    went = played(ration, story).went
    assert len(went) == len(asked), "everybody gets through"
    for at, _, _, _ in went:
        window = [one for one in went if at - 1 + 1e-6 < one[0] <= at]
        assert sum(cost for _, _, _, cost in window) <= 10 + 1e-6
        orders = [one for one in went if at - 2 + 1e-6 < one[0] <= at and one[1] == "order"]
        assert len(orders) <= 5


def test_where_each_endpoint_is_rationed_by_itself_none_waits_for_another() -> None:
    loop = VirtualLoop()
    clock = LoopClock(loop, START_NS)
    pacing = pacing_of("okx", clock)
    went: list[tuple[str, float]] = []

    async def ask(endpoint: str, cost: float) -> None:
        at_endpoint(endpoint)
        await pacing.take(cost)
        went.append((endpoint, (clock.now_ns() - START_NS) / NS_PER_S))

    async def story() -> None:
        reads = [asyncio.create_task(ask("GET account/balance", 2)) for _ in range(8)]
        await asyncio.sleep(0)
        for _ in range(3):
            await ask("POST trade/batch-orders", 1 / 15)
        await asyncio.gather(*reads)

    run_virtual(loop, story())
    assert [at for endpoint, at in went if endpoint.startswith("POST")] == [0.0] * 3
    assert max(at for endpoint, at in went if endpoint.startswith("GET")) == 2.0


def test_a_ban_is_for_every_endpoint_those_that_come_later_too() -> None:
    loop = VirtualLoop()
    pacing = pacing_of("okx", LoopClock(loop, START_NS))

    async def story() -> None:
        at_endpoint("GET a")
        await pacing.take(1)
        pacing.ban(NS_PER_S)
        for endpoint in ("GET a", "GET b"):
            at_endpoint(endpoint)
            with pytest.raises(Banned):
                await pacing.take(1)

    run_virtual(loop, story())


@pytest.mark.parametrize("venue", ["binance", "okx"])
def test_a_ban_lasts_no_longer_where_the_clock_is_set_back(venue: str) -> None:
    clock = VirtualClock(START_NS)
    pacing = pacing_of(venue, clock)

    async def story() -> None:
        at_endpoint("GET a")
        pacing.ban(10 * NS_PER_S)
        clock._now_ns -= 3_600 * NS_PER_S
        with pytest.raises(Banned):
            await pacing.take(1)
        await clock.sleep(10)
        await pacing.take(1)

    asyncio.run(story())
