"""Row 3: a full replay - read, decode, evolve, chain - and the chain alone."""

import asyncio
from collections.abc import Callable

from arb.bench import logs
from arb.bench.cycles import scripts
from arb.bench.lines import Line, Setting, now_ns
from arb.clock import NS_PER_S
from arb.events.chain import link
from arb.events.envelope import GENESIS
from arb.events.sqlite import LogReader
from arb.projections.replay import replay_all

REPLAY_MIN = 150_000.0
CHAIN_MIN = 400_000.0
EVENTSOURCING_LIBRARY = 45_000.0  # `eventsourcing` 9.5 reading aggregates back, without a chain
EVENTS_PER_CYCLE = 22


def measure(setting: Setting) -> list[Line]:
    """Write a log of whole cycles, then read it in three ways, in turns."""
    path = setting.folder / "replay.db"
    asyncio.run(_write(setting, path.name))
    replays: list[float] = []
    chains: list[float] = []
    reads: list[float] = []
    with LogReader(path) as reader:
        events = reader.head().position
        for _ in range(setting.size(5, 3)):
            reads.append(_rate(events, lambda: _read(reader)))
            chains.append(_rate(events, lambda: _chain(reader)))
            replays.append(_rate(events, lambda: replay_all(reader)))
    floor = max(reads)
    return [
        Line(
            row="3 replay",
            value=max(replays),
            unit="events/s",
            floor=floor,
            baseline=EVENTSOURCING_LIBRARY,
            budget=REPLAY_MIN,
            bound="at least",
        ),
        Line(
            row="3 chain",
            value=max(chains),
            unit="events/s",
            floor=floor,
            budget=CHAIN_MIN,
            bound="at least",
        ),
    ]


async def _write(setting: Setting, name: str) -> None:
    count = setting.size(300_000, 50_000) // EVENTS_PER_CYCLE + 1
    async with logs.opened(setting.folder / name, on_loop=True) as log:
        await logs.pour(log, scripts(count, logs.CONFIG))


def _rate(events: int, work: Callable[[], object]) -> float:
    began = now_ns()
    work()
    return events / ((now_ns() - began) / NS_PER_S)


def _read(reader: LogReader) -> int:
    return sum(len(page) for page in reader.pages())


def _chain(reader: LogReader) -> bytes:
    previous = GENESIS
    for page in reader.pages():
        for row in page:
            previous = link(previous, *row[:9])
            assert previous == row[9], "the chain does not fit"
    return previous
