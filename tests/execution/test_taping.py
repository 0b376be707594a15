"""A recording is beside a run: a disk that takes no more of it ends the recording, and nothing else."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from arb.clock import NS_PER_S, VirtualClock
from arb.execution.taping import Tap
from arb.feeds.source import Change
from arb.simulation.market import MARKETS, book

BEGAN_NS = 1_700_000_000 * NS_PER_S


async def told(clock: VirtualClock) -> AsyncIterator[Change]:
    for number in range(10):
        await clock.sleep(2)  # each is written by itself
        shown = book("ETH/USDT", [("2010", "1")], [("2011", "1")], sequence=number)
        yield Change(clock.now_ns(), "ETH/USDT", shown, more=False)


@pytest.mark.parametrize("full_after", [0, 3])
def test_a_run_is_told_everything_though_its_recording_finds_the_disk_full(
    tmp_path: Path, full_after: int
) -> None:
    clock = VirtualClock(BEGAN_NS)
    tap = Tap(tmp_path / "run.books", "binance", "live", clock)

    async def run() -> int:
        taken = 0
        async for _ in tap.through(told(clock), MARKETS.values()):
            if taken == full_after:
                assert tap._recorder is not None
                full = os.open("/dev/full", os.O_WRONLY)
                os.dup2(full, tap._recorder._file.fileno())
                os.close(full)
            taken += 1
        tap.close()
        return taken

    assert asyncio.run(run()) == 10


def test_a_run_is_told_everything_though_its_recording_cannot_be_begun(tmp_path: Path) -> None:
    clock = VirtualClock(BEGAN_NS)
    tap = Tap(tmp_path / "nowhere" / "run.books", "binance", "live", clock)

    async def run() -> int:
        taken = len([one async for one in tap.through(told(clock), MARKETS.values())])
        tap.close()
        return taken

    assert asyncio.run(run()) == 10
