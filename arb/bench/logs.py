"""Logs to measure on: real ones, in a folder of their own."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

from arb.bench.cycles import INSTANCE, START_NS, Script
from arb.events import facts as f
from arb.events.envelope import Meta
from arb.events.log import StreamAppend
from arb.events.sqlite import SqliteLog, open_log
from arb.projections.projector import Projections

META = Meta(run="bench", cause="bench")
ACCOUNT = "bench"
CONFIG = "be7c4" + "0" * 59
_APPENDS_AT_ONCE = 200  # some thousand events to a transaction


@asynccontextmanager
async def opened(path: Path, *, on_loop: bool, venue: str = "paper") -> AsyncIterator[SqliteLog]:
    """Open a log with its projections, as a run does."""
    log = open_log(
        path,
        mode="paper",
        venue=venue,
        account=ACCOUNT,
        instance=INSTANCE,
        run="bench",
        at_ns=START_NS,
        on_loop=on_loop,
        projector=Projections(),
    )
    try:
        yield log
    finally:
        await log.close()


async def put(log: SqliteLog, stream: str, *facts: f.Fact, at_ns: int = START_NS) -> None:
    """Append facts to a stream, wherever it stands."""
    batch = [StreamAppend(stream, log.stream_version(stream), facts)]
    await log.append(batch, at_ns=at_ns, meta=META)


async def pour(log: SqliteLog, cycles: Iterable[Script]) -> int:
    """Append whole cycles in bulk, each at its own time; returns how many events."""
    events = 0
    waiting: list[asyncio.Task[object]] = []
    for one in cycles:
        facts = tuple(fact for move in one.moves for fact in move.facts)
        batch = [StreamAppend(one.stream, 0, facts)]
        appending = log.append(batch, at_ns=one.at_ns, meta=META)
        waiting.append(asyncio.create_task(appending))
        events += len(facts)
        if len(waiting) >= _APPENDS_AT_ONCE:
            await asyncio.gather(*waiting)
            waiting.clear()
    await asyncio.gather(*waiting)
    return events
