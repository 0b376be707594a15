"""A recording is beside a run: a disk that takes no more of it ends the recording, and nothing else."""

import asyncio
import os
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import pytest
from msgspec.structs import replace

from arb.clock import NS_PER_S, VirtualClock
from arb.events.memory import MemoryLog
from arb.exchange.paper.account import PaperAccount
from arb.exchange.paper.venue import PaperVenue
from arb.execution.account.access import Access
from arb.execution.account.desk import Desk
from arb.execution.account.journal import Journal
from arb.execution.runs.taping import Tap
from arb.feeds.recorded import RecordedMarket
from arb.feeds.source import Change
from arb.machine.account import Account
from arb.market.book import FeeRates
from arb.simulation.market import MARKETS, Stage, book

BEGAN_NS = 1_700_000_000 * NS_PER_S


def taped(path: Path, clock: VirtualClock) -> Tap:
    """A tap beside a run that has not begun."""
    account = PaperAccount.open(None, uid="paper-1", opening={})
    rates = FeeRates(Decimal("0.001"), Decimal("0.001"))
    venue = PaperVenue(account, Stage(), clock, fees=rates)
    journal = Journal(MemoryLog(), clock, "run1", Account(), ())
    desk = Desk(
        clock=clock, journal=journal, access=Access(venue, clock), books=venue, strategies={}
    )
    desk.learn(MARKETS, rates)
    tap = Tap(path, "binance", "live", clock)
    tap.join(desk, [], run="run1", cycles_max=None)
    return tap


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
    tap = taped(tmp_path / "run.books", clock)

    async def run() -> int:
        taken = 0
        async for _ in tap.through(told(clock)):
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
    tap = taped(tmp_path / "nowhere" / "run.books", clock)

    async def run() -> int:
        taken = len([one async for one in tap.through(told(clock))])
        tap.close()
        return taken

    assert asyncio.run(run()) == 10


def test_what_is_told_again_is_passed_on_and_not_written(tmp_path: Path) -> None:
    """Nobody decides on it, so nobody who decides once more may be shown it."""
    clock = VirtualClock(BEGAN_NS)
    tap = taped(tmp_path / "run.books", clock)

    async def again() -> AsyncIterator[Change]:
        async for change in told(clock):
            yield replace(change, again=change.book.sequence % 3 > 0)

    async def run() -> list[bool]:
        return [change.again async for change in tap.through(again())]

    assert asyncio.run(run()).count(True) == 6
    tap.close()
    written = RecordedMarket(tmp_path / "run.books")
    assert [one.book.sequence for one in written.changes(-1)] == [0, 3, 6, 9]
