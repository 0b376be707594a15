"""A virtual clock is what it was told, and never runs backwards."""

from __future__ import annotations

import asyncio

import pytest

from arb.clock import NS_PER_S, Clock, VirtualClock


def test_a_virtual_clock_stands_still_until_it_is_moved() -> None:
    clock = VirtualClock(5)
    assert (clock.now_ns(), clock.now_ns()) == (5, 5)
    clock.advance_to(9)
    assert clock.now_ns() == 9


def test_a_virtual_clock_never_runs_backwards() -> None:
    clock = VirtualClock(9)
    clock.advance_to(3)
    assert clock.now_ns() == 9


@pytest.mark.parametrize(("seconds", "now_ns"), [(1.5, 1_500_000_000), (0, 0), (-1, 0)])
def test_sleeping_on_a_virtual_clock_moves_it(seconds: float, now_ns: int) -> None:
    clock = VirtualClock()
    asyncio.run(clock.sleep(seconds))
    assert clock.now_ns() == now_ns


def test_a_virtual_clock_is_a_clock() -> None:
    clock: Clock = VirtualClock(NS_PER_S)
    assert clock.now_ns() == NS_PER_S
