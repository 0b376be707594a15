"""The simulated loop: a seed orders what is ready, and every step can be seen."""

import asyncio
from random import Random

import pytest

from arb.simulation.loop import TURNS_MAX, SimulatedLoop


def order_of(seed: int | None) -> list[int]:
    """In which order ten tasks that are ready together go on, three times."""
    loop = SimulatedLoop(None if seed is None else Random(seed))
    seen: list[int] = []

    async def one(number: int) -> None:
        for _ in range(3):
            seen.append(number)
            await asyncio.sleep(0)

    async def all_of_them() -> None:
        await asyncio.gather(*(one(number) for number in range(10)))

    try:
        loop.run_until_complete(all_of_them())
    finally:
        loop.close()
    return seen


def test_without_a_seed_the_order_is_that_of_asyncio() -> None:
    assert order_of(None) == [*range(10)] * 3


def test_a_seed_decides_the_order_and_nobody_is_left_behind() -> None:
    first = order_of(1)
    assert first == order_of(1)
    assert first != order_of(2)
    assert first != order_of(None)
    assert [sorted(first[at : at + 10]) for at in (0, 10, 20)] == [[*range(10)]] * 3


def test_a_loop_on_which_no_time_passes_ends() -> None:
    loop = SimulatedLoop()

    async def busy() -> None:
        for _ in range(TURNS_MAX + 1):
            await asyncio.sleep(0)

    task = loop.create_task(busy())
    try:
        with pytest.raises(RuntimeError, match="busy without waiting"):
            loop.run_until_complete(task)
    finally:
        task.cancel()
        loop.skip(1)
        loop.run_until_complete(asyncio.gather(task, return_exceptions=True))
        loop.close()


def test_the_watcher_sees_each_step_before_it_is_done() -> None:
    loop = SimulatedLoop(Random(1))
    seen: list[int] = []
    loop.before_step = lambda _handle: seen.append(loop.steps)
    try:
        loop.run_until_complete(asyncio.sleep(1))
    finally:
        loop.close()
    assert seen == [*range(1, loop.steps + 1)]
