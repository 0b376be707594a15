"""Histories written into a log as the engine writes them, with projections."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from random import Random

from arb.events.envelope import Meta
from arb.events.log import StreamAppend
from arb.events.sqlite import SqliteLog, open_log
from arb.projections.projector import Projections
from tests.spec.histories import INSTANCE, START_NS, STEP_NS, Batch, history


def open_paper(path: Path, run: str = "r1", at_ns: int = START_NS) -> SqliteLog:
    return open_log(
        path, mode="paper", venue="paper", account="f00d", instance=INSTANCE, run=run, at_ns=at_ns,
        on_loop=True, projector=Projections(),
    )  # fmt: skip


async def append(
    log: SqliteLog, batches: Sequence[Batch], rng: Random, run: str, at_ns: int
) -> int:
    """Append in order; several batches at once share a transaction, as the group commit does it."""
    versions: dict[str, int] = {}
    at = 0
    while at < len(batches):
        together = batches[at : at + rng.choice((1, 1, 2, 5, 30))]
        at += len(together)
        waiting = []
        for stream, facts in together:
            version = versions.get(stream)
            if version is None:
                version = log.stream_version(stream)
            versions[stream] = version + len(facts)
            at_ns += STEP_NS
            one = (StreamAppend(stream, version, facts),)
            waiting.append(log.append(one, at_ns=at_ns, meta=Meta(run=run)))
        await asyncio.gather(*waiting)
    return at_ns


def write_log(
    path: Path, batches: Sequence[Batch], seed: int = 0, run: str = "r1", at_ns: int = START_NS
) -> None:
    async def work() -> None:
        log = open_paper(path, run, at_ns)
        await append(log, batches, Random(seed), run, at_ns)
        await log.close()

    asyncio.run(work())


def example_log(path: Path, seed: int = 1, cycles: int = 42) -> Path:
    """A log with every tale in it."""
    write_log(path, history(seed, cycles), seed)
    return path
