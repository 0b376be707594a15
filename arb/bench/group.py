"""Row 2: many writers share one fsync - encode, hash, insert and projections, against one commit each."""

import asyncio
from collections.abc import Sequence

from arb.bench import logs
from arb.bench.cycles import Script, scripts
from arb.bench.lines import Line, Setting, middle, now_ns
from arb.clock import NS_PER_S
from arb.events.log import StreamAppend
from arb.events.sqlite import SqliteLog

GAIN_MIN = 6.0
WRITERS = ((100, 30_000.0), (1_000, 50_000.0))


def measure(setting: Setting) -> list[Line]:
    """Let 1, 100 and 1,000 tasks append the batches of whole cycles, in turns."""
    return asyncio.run(_measure(setting))


async def _measure(setting: Setting) -> list[Line]:
    repeats = setting.size(5, 3)
    rates: dict[int, list[float]] = {1: [], **{writers: [] for writers, _ in WRITERS}}
    numbers = 1
    async with logs.opened(setting.folder / "group.db", on_loop=False) as log:
        for _ in range(repeats):
            for writers, samples in rates.items():
                tasks, cycles_each = _shape(setting, writers)
                count = tasks * cycles_each
                made = list(scripts(count, logs.CONFIG, first=numbers))
                numbers += count
                shares = [made[at::tasks] for at in range(tasks)]
                began = now_ns()
                await asyncio.gather(*(_write(log, share) for share in shares))
                seconds = (now_ns() - began) / NS_PER_S
                samples.append(sum(one.events for one in made) / seconds)
    alone = middle(rates[1])
    lines = []
    for writers, budget in WRITERS:
        value = middle(rates[writers])
        rate = Line(
            row=f"2 x{writers}",
            value=value,
            unit="events/s",
            baseline=alone,
            budget=budget,
            bound="at least",
        )
        gain = Line(
            row=f"2 x{writers} gain",
            value=value / alone,
            unit="x",
            baseline=1.0,
            budget=GAIN_MIN,
            bound="ratio at least",
        )
        lines += [rate, gain]
    return lines


def _shape(setting: Setting, writers: int) -> tuple[int, int]:
    """How many tasks, and how many cycles each of them writes."""
    if writers == 1:
        return 1, setting.size(300, 100)
    return max(2, round(writers * min(setting.scale, 1.0))), setting.size(4, 2)


async def _write(log: SqliteLog, cycles: Sequence[Script]) -> None:
    """Append cycles one after the other, a commit for each move, as a task of the engine does."""
    for one in cycles:
        version = 0
        for move in one.moves:
            batch = [StreamAppend(one.stream, version, move.facts)]
            await log.append(batch, at_ns=one.at_ns, meta=logs.META)
            version += len(move.facts)
