"""Faults of calls: each does what its name says, and the truth within stays the truth."""

import asyncio
from collections.abc import Callable, Coroutine
from decimal import Decimal
from typing import Any

import pytest

from arb.clock import NS_PER_MS, VirtualClock
from arb.exchange.faults.plan import FaultPlan
from arb.exchange.faults.venue import FaultyVenue
from arb.exchange.paper.venue import PaperVenue
from arb.exchange.port import (
    Banned,
    Maintenance,
    Refused,
    Unreachable,
)
from tests.exchange.faulty import World, first_create, run, truth
from tests.exchange.scripted import SECOND_NS, START_NS, order, paper_venue, send


@pytest.mark.parametrize(
    ("fault", "error", "executed"),
    [
        ("request_lost", Unreachable, False),
        ("reply_lost", Unreachable, True),
        ("reply_never", Unreachable, True),
        ("refused", Refused, False),
        ("banned", Banned, False),
        ("maintenance", Maintenance, False),
    ],
)
def test_a_create_that_fails_was_executed_or_not_as_its_fault_says(
    *, fault: str, error: type[Exception], executed: bool
) -> None:
    async def story() -> None:
        here = World(FaultPlan(**{fault: 1.0}), first_create)
        with pytest.raises(error):
            await here.venue.create(order(client_order_id="x"))
        assert await truth(here) == ([("x", Decimal("0.1"))] if executed else [])
        assert here.venue.struck == {fault: 1}

    run(story)


def test_a_fault_can_be_aimed_at_one_call() -> None:
    async def story() -> None:
        here = World(FaultPlan(reply_lost=1.0), lambda one: (one.call, one.number) == ("create", 3))
        for number in range(1, 6):
            request = order(client_order_id=f"x{number}", amount="0.01")
            if number == 3:
                with pytest.raises(Unreachable):
                    await send(here.venue, request)
            else:
                await send(here.venue, request)
        assert len(await truth(here)) == 5
        assert here.venue.struck == {"reply_lost": 1}

    run(story)


def test_a_refusal_can_be_lost_on_its_way_back() -> None:
    async def story() -> None:
        here = World(FaultPlan(reply_lost=1.0))
        with pytest.raises(Unreachable):
            await here.venue.create(order(amount="5000"))
        assert await truth(here) == []

    run(story)


def test_a_delayed_reply_comes_later() -> None:
    async def story() -> None:
        here = World(FaultPlan(reply_delayed=1.0))
        report = await here.venue.create(order())
        assert report.status == "closed"
        assert START_NS < here.clock.now_ns() <= START_NS + 500 * NS_PER_MS

    run(story)


def test_a_reply_that_never_comes_can_be_given_up() -> None:
    class Waiting(VirtualClock):
        async def sleep(self, seconds: float) -> None:
            await (asyncio.Event().wait() if seconds > 10 else asyncio.sleep(0))

    async def story() -> None:
        clock = Waiting(START_NS)
        paper = paper_venue(clock=clock)
        venue = FaultyVenue(paper, FaultPlan(reply_never=1.0), clock, 7)
        task = asyncio.create_task(venue.create(order(client_order_id="x")))
        for _ in range(5):
            await asyncio.sleep(0)
        assert not task.done()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert [one.status for one in paper.account.all_orders()] == ["closed"]

    run(story)


def test_a_delayed_request_arrives_though_its_sender_gave_up() -> None:
    async def story() -> None:
        gate = asyncio.Event()

        class Gated(VirtualClock):
            async def sleep(self, seconds: float) -> None:
                await (gate.wait() if seconds > 0 else asyncio.sleep(0))

        clock = Gated(START_NS)
        paper = paper_venue(clock=clock)
        venue = FaultyVenue(paper, FaultPlan(request_delayed=1.0), clock, 7)
        task = asyncio.create_task(venue.create(order(client_order_id="x")))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert paper.account.all_orders() == ()
        gate.set()
        for _ in range(5):
            await asyncio.sleep(0)
        assert [one.client_order_id for one in paper.account.all_orders()] == ["x"]
        late = asyncio.create_task(venue.create(order(client_order_id="late")))
        gate.clear()
        await asyncio.sleep(0)
        await venue.close()
        with pytest.raises(asyncio.CancelledError):
            await late

    run(story)


def test_a_request_that_is_delayed_too_long_is_refused_by_its_window() -> None:
    async def story() -> None:
        plan = FaultPlan(request_delayed=1.0, delay_ns_max=3600 * SECOND_NS)
        here = World(plan)
        with pytest.raises(Refused, match="outside_recv_window"):
            await here.venue.create(order())
        assert await truth(here) == []

    run(story)


def test_a_ban_lasts_for_every_call_until_it_is_over() -> None:
    async def story() -> None:
        here = World(FaultPlan(banned=1.0), first_create)
        with pytest.raises(Banned) as caught:
            await here.venue.create(order())
        assert caught.value.retry_after_ns == SECOND_NS
        here.clock.advance_to(START_NS + SECOND_NS // 4)
        with pytest.raises(Banned) as caught:
            await here.venue.balances()
        assert caught.value.retry_after_ns == 3 * SECOND_NS // 4
        here.clock.advance_to(START_NS + SECOND_NS)
        assert (await here.venue.balances())["USDT"].total == 10_000
        assert here.venue.struck == {"banned": 1}

    run(story)


def test_maintenance_lasts_too() -> None:
    async def story() -> None:
        here = World(FaultPlan(maintenance=1.0), first_create)
        for call in (here.venue.create(order()), here.venue.time_ns(), here.venue.open_orders()):
            with pytest.raises(Maintenance):
                await call
        here.clock.advance_to(START_NS + SECOND_NS)
        assert await here.venue.time_ns() == START_NS + SECOND_NS

    run(story)


@pytest.mark.parametrize(
    "read",
    [
        lambda venue: venue.time_ns(),
        lambda venue: venue.markets(),
        lambda venue: venue.fees(),
        lambda venue: venue.balances(),
        lambda venue: venue.order("ETH/USDT", "x"),
        lambda venue: venue.order_by_exchange_id("ETH/USDT", "o1"),
        lambda venue: venue.open_orders(),
        lambda venue: venue.trades("ETH/USDT", 0),
        lambda venue: venue.balance_changes(0),
    ],
)
def test_any_read_can_fail(read: Callable[[FaultyVenue], Coroutine[None, None, object]]) -> None:
    async def story() -> None:
        with pytest.raises(Unreachable):
            await read(World(FaultPlan(read_fails=1.0)).venue)

    run(story)


def test_a_cancel_and_its_reply_can_be_lost() -> None:
    async def story() -> None:
        for fault, left in (("request_lost", "open"), ("reply_lost", "canceled")):
            here = World(FaultPlan(**{fault: 1.0}), lambda one: one.call == "cancel")
            resting = order(amount="1", limit="1990", time_in_force="gtc", client_order_id="x")
            await here.venue.create(resting)
            with pytest.raises(Unreachable):
                await here.venue.cancel("ETH/USDT", "x")
            assert (await here.venue.order("ETH/USDT", "x")).status == left

    run(story)


def test_rates_are_rates_and_seeds_repeat() -> None:
    async def strikes(seed: int) -> tuple[int, list[bool]]:
        clock = VirtualClock(START_NS)
        plan = FaultPlan(request_lost=0.3)
        venue = FaultyVenue(paper_venue(clock=clock), plan, clock, seed)
        lost = []
        for _ in range(200):
            try:
                await venue.create(order(amount="0.003"))
                lost.append(False)
            except Unreachable:
                lost.append(True)
        return venue.struck["request_lost"], lost

    count, lost = asyncio.run(strikes(1))
    assert 30 < count == sum(lost) < 90
    assert asyncio.run(strikes(1)) == (count, lost)
    assert asyncio.run(strikes(2))[1] != lost


def test_hidden_orders_need_a_venue_that_can_be_inspected() -> None:
    class Closed:
        def __init__(self, inner: PaperVenue) -> None:
            self.rules, self.fingerprint = inner.rules, inner.fingerprint

    clock = VirtualClock(START_NS)
    bare: Any = Closed(paper_venue(clock=clock))
    FaultyVenue(bare, FaultPlan(reply_lost=1.0), clock, 1)
    with pytest.raises(ValueError, match="statement"):
        FaultyVenue(bare, FaultPlan(order_hidden=1.0), clock, 1)
