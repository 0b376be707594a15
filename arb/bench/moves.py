"""Row 1: one durable move - decide, append, projections, machine - against the disk's own commit.

A move of one fact is what the budget is made for; a batch is what a leg appends at once, five facts on average.
"""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from statistics import fmean

from arb.bench import logs
from arb.bench.cycles import INSTANCE, STRATEGY, Move, Script, script
from arb.bench.disk import AppendFile, OneRow
from arb.bench.lines import NS_PER_US, Line, Setting, middle, now_ns
from arb.events.sqlite import SqliteLog
from arb.execution.account.journal import Journal
from arb.execution.process.real_clock import RealClock
from arb.ids import cycle_id
from arb.machine import commands as c
from arb.machine.account import Account
from arb.machine.state import Cycle

LOOP_RATIO_MAX = 1.4
THREAD_RATIO_MAX = 2.0
FACTS_AFTER = 1_000_000  # numbers of the cycles whose moves hold one fact each


def measure(setting: Setting) -> list[Line]:
    """Trade cycles one after the other on both writers, the raw disk in between."""
    return asyncio.run(_measure(setting))


async def _measure(setting: Setting) -> list[Line]:
    cycles = [script(number + 1, number, logs.CONFIG) for number in range(setting.size(1_000, 200))]
    folder = setting.folder
    batches: dict[str, list[float]] = {"loop": [], "thread": []}
    facts: dict[str, list[float]] = {"loop": [], "thread": []}
    raw_us: list[float] = []
    append_us: list[float] = []
    async with AsyncExitStack() as stack:
        on_loop = await stack.enter_async_context(logs.opened(folder / "loop.db", on_loop=True))
        threaded = await stack.enter_async_context(logs.opened(folder / "thread.db", on_loop=False))
        size = await _row_size(on_loop, cycles[0])
        raw = OneRow(folder / "raw.db", size)
        stack.callback(raw.close)
        file = AppendFile(folder / "raw.bin", size)
        stack.callback(file.close)
        journals = {"loop": _journal(on_loop), "thread": _journal(threaded)}
        for one in cycles:
            for name, journal in journals.items():
                raw_us.append(fmean(raw.time_us() for _ in one.moves))
                append_us.append(fmean(file.time_us() for _ in one.moves))
                batches[name].append(await _trade_us(journal, one.moves))
            for name, journal in journals.items():
                facts[name].append(await _wait_us(journal, one))
    floor, baseline = middle(append_us), middle(raw_us)
    budgets = (("loop", LOOP_RATIO_MAX), ("thread", THREAD_RATIO_MAX))
    return [
        *(_line(f"1 {name} fact", facts[name], floor, baseline, most) for name, most in budgets),
        *(_line(f"1 {name} batch", batches[name], floor, baseline, most) for name, most in budgets),
    ]


def _line(row: str, samples: list[float], floor: float, baseline: float, budget: float) -> Line:
    return Line(
        row=row,
        value=middle(samples),
        unit="us",
        floor=floor,
        baseline=baseline,
        budget=budget,
        bound="ratio at most",
    )


def _journal(log: SqliteLog) -> Journal:
    account = Account(instance=INSTANCE, mode="paper", venue="paper", fingerprint=logs.ACCOUNT)
    return Journal(log, RealClock(), "bench", account, ())


async def _trade_us(journal: Journal, moves: Sequence[Move], cycle: Cycle | None = None) -> float:
    """Decide and commit moves of a cycle; the mean of them."""
    began = now_ns()
    for move in moves:
        draft = journal.draft(cycle)
        for command in move.commands:
            draft.do(command)
        cycle = await journal.commit(draft, cause=type(move.commands[0]).__name__)
    return (now_ns() - began) / NS_PER_US / len(moves)


async def _wait_us(journal: Journal, one: Script) -> float:
    """Commit moves of one fact each: a cycle with a settled leg goes to recovering, and waits."""
    number = one.number + FACTS_AFTER
    opened = script(number, one.number, logs.CONFIG)
    await _trade_us(journal, opened.moves[:2])
    cycle = journal.cycles[cycle_id(STRATEGY, number)]
    waits = [c.Wait(reason="the venue cannot be reached", next_try_ns=at) for at in range(1, 4)]
    commands = (c.StartRecovery(reason="restart"), *waits)
    took = await _trade_us(journal, [Move((command,), ()) for command in commands], cycle)
    del journal.cycles[cycle.id]
    return took


async def _row_size(log: SqliteLog, one: Script) -> int:
    """The bytes of an event's text and hash as stored, on average over a cycle."""
    example = f"size-{one.stream}"
    for move in one.moves:
        await logs.put(log, example, *move.facts)
    sizes = [
        len(row.stream) + len(row.type) + len(row.data) + len(row.meta) + len(row.hash)
        for row in log.read_stream(example)
    ]
    return round(fmean(sizes))
