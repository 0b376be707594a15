"""A cancellation that nobody asked for is an answer that did not come, never the silent end of a task."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from arb.events import facts as f
from arb.execution.account.access import Access
from arb.simulation.life import Life
from tests.spec.world import World


@pytest.mark.parametrize("call", ["markets", "time_ns", "balances"])
def test_a_cycle_goes_on_where_its_reading_is_broken_off(world: World, call: str) -> None:
    real, armed = getattr(world.faulty, call), set[str]()

    async def broken_off() -> Any:
        if armed:
            armed.clear()
            raise asyncio.CancelledError
        return await real()

    setattr(world.faulty, call, broken_off)
    world.fault("refused", number=2)
    world.on(f.OrderRefused, 1, lambda: armed.add(call))
    assert world.run() == 0
    world.check()
    assert world.cycle().outcome == "completed"


@pytest.mark.parametrize("sent", [False, True])
def test_an_order_whose_request_is_broken_off_is_unknown(world: World, *, sent: bool) -> None:
    real, left = world.faulty.create, [2]

    async def create(request: Any) -> Any:
        left[0] -= 1
        if left[0]:
            return await real(request)
        if sent:
            await real(request)
        raise asyncio.CancelledError

    world.faulty.create = create  # type: ignore[method-assign]
    assert world.run() == 0
    world.check()
    assert len(world.facts(f.OrderUnknown)) == 1
    assert len(world.facts(f.OrderAbsent)) == (0 if sent else 1)


def test_a_reading_that_we_end_ourselves_is_ended(world: World) -> None:
    access = Access(world.faulty, world.clock)

    async def asked() -> None:
        task = asyncio.create_task(access.read(lambda: asyncio.sleep(60)))
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    world.loop.run_until_complete(asked())


def _broken_off(name: str) -> Callable[[Life], None]:
    def act(_: Life) -> None:
        (task,) = (one for one in asyncio.all_tasks() if one.get_name() == name)
        task.cancel()

    return act


@pytest.mark.parametrize("name", ["cycle demo-1", "sweep", "fees", "feed"])
def test_a_task_that_ends_cancelled_by_nobody_ends_the_run_and_the_next_goes_on(
    world: World, name: str
) -> None:
    world.fault("reply_lost", number=2)
    world.fault("read_fails", call="order", times=6)
    world.on(f.OrderUnknown, 1, lambda: world.loop.call_soon(_broken_off(name), None))
    assert world.run() == 1
    world.heal()
    assert world.recover() == 0
    world.check()
