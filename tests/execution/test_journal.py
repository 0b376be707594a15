"""A cycle's facts and its notes about the account are one batch, whoever else writes at the same time."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from msgspec.structs import replace

from arb.clock import VirtualClock
from arb.errors import VersionConflict
from arb.events import facts as f
from arb.events.envelope import Meta
from arb.events.log import StreamAppend
from arb.events.memory import MemoryLog
from arb.execution.account.journal import Draft, Journal
from arb.machine import commands as c
from arb.machine.account import Account
from arb.machine.evolve import evolve
from arb.machine.state import Cycle
from tests.spec.given import complete, leg_3_done, opened

TRIP = f.RiskTripped(strategy="demo", limit="daily_loss", reason="why", cycle_id="demo-1")
PAUSE = f.NewCyclesPaused(reason="why")


class Slow(MemoryLog):
    """A log whose appends take some turns of the loop before they are decided."""

    before: Any = None

    async def append(self, batch: Sequence[StreamAppend], **more: Any) -> Any:
        for _ in range(3):
            await asyncio.sleep(0)
        if self.before is not None:
            before, self.before = self.before, None
            await before()
        return await super().append(batch, **more)


def world(*numbers: int) -> tuple[Slow, Journal]:
    """A journal with cycles whose three legs are done."""
    log = Slow()
    cycles = []
    for number in numbers:
        first = replace(opened(), cycle_id=f"demo-{number}", number=number)
        facts = (first, *leg_3_done()[1:])
        cycle: Cycle | None = None
        for fact in facts:
            cycle = evolve(cycle, fact, 7)
        assert cycle is not None
        cycles.append(cycle)
        batch = [StreamAppend(f"cycle-demo-{number}", 0, facts)]
        asyncio.run(log.append(batch, at_ns=7, meta=Meta()))
    account = Account(venue="paper", fingerprint="f00d")
    return log, Journal(log, VirtualClock(7), "r", account, cycles)


def closing(journal: Journal, number: int = 1) -> Draft:
    draft = journal.draft(journal.cycles[f"demo-{number}"])
    draft.do(complete())
    return draft


def last_batch(log: MemoryLog, count: int) -> list[tuple[str, type]]:
    return [(one.stream, type(one.fact)) for one in list(log.read())[-count:]]


def test_what_a_judge_says_is_appended_with_the_close_and_folded() -> None:
    log, journal = world(1)
    journal.judge(lambda draft: [TRIP] if draft.cycle.is_closed else [])
    told: list[type] = []
    journal.listen(lambda _stream, fact, _at_ns: told.append(type(fact)))
    journal.listen_closed(lambda _cycle: told.append(Cycle))
    asyncio.run(journal.commit(closing(journal), cause="x"))
    assert last_batch(log, 2) == [
        ("cycle-demo-1", f.CycleCompleted),
        ("account-paper-f00d", f.RiskTripped),
    ]
    assert journal.account.risk["demo"].tripped == {"daily_loss": "why"}
    # Whoever hears that a cycle is over finds the limit tripped already.
    assert told == [f.CycleCompleted, f.RiskTripped, Cycle]


def test_notes_of_a_draft_are_in_its_batch_and_nothing_is_moved_when_it_fails() -> None:
    log, journal = world(1)
    draft = closing(journal)
    draft.notes.append(TRIP)
    draft.base_version -= 1
    with pytest.raises(VersionConflict):
        asyncio.run(journal.commit(draft, cause="x"))
    assert log.stream_version("account-paper-f00d") == 0
    assert list(journal.cycles) == ["demo-1"]
    assert journal.account.risk == {}


def test_an_account_that_moved_on_meanwhile_only_costs_another_try() -> None:
    log, journal = world(1)
    draft = closing(journal)
    draft.notes.append(TRIP)
    log.before = lambda: journal.note(PAUSE, cause="operator")
    asyncio.run(journal.commit(draft, cause="x"))
    assert last_batch(log, 3) == [
        ("account-paper-f00d", f.NewCyclesPaused),
        ("cycle-demo-1", f.CycleCompleted),
        ("account-paper-f00d", f.RiskTripped),
    ]
    assert journal.cycles == {}


def test_a_cycle_that_moved_on_meanwhile_is_decided_again_by_whoever_asked() -> None:
    _log, journal = world(1)
    draft = closing(journal)
    draft.notes.append(TRIP)

    async def both() -> None:
        other = journal.draft(journal.cycles["demo-1"])
        other.do(c.StartRecovery(reason="x"))
        await journal.commit(other, cause="x")
        await journal.commit(draft, cause="x")

    with pytest.raises(VersionConflict):
        asyncio.run(both())
    assert journal.cycles["demo-1"].state == "recovering"


def test_results_that_come_at_the_same_time_are_judged_one_after_the_other() -> None:
    _log, journal = world(1, 2, 3)
    known: list[int] = []

    def judge(draft: Draft) -> list[f.Fact]:
        risk = journal.account.risk.get("demo")
        known.append(0 if risk is None else len(risk.results))
        return []

    journal.judge(judge)

    async def together() -> None:
        drafts = [closing(journal, number) for number in (1, 2, 3)]
        await asyncio.gather(*(journal.commit(draft, cause="x") for draft in drafts))

    asyncio.run(together())
    assert known == [0, 1, 2]


def test_a_draft_without_facts_is_not_appended() -> None:
    log, journal = world(1)
    events = log.head().position
    assert asyncio.run(journal.commit(journal.draft(journal.cycles["demo-1"]), cause="x")) is None
    assert log.head().position == events


def test_while_a_pause_is_on_its_way_into_the_log_the_journal_says_so() -> None:
    """Else a cycle could be decided, and appended, behind a pause that nobody knows of yet."""
    log, journal = world(1)
    seen: list[tuple[int, str | None]] = []

    async def look() -> None:
        seen.append((journal.closing, journal.account.paused))

    async def pause() -> None:
        log.before = look
        await journal.note(PAUSE, cause="operator")

    asyncio.run(pause())
    assert seen == [(1, None)]
    assert journal.closing == 0
    assert journal.account.paused is not None


def test_a_path_rests_from_when_that_is_on_its_way_into_the_log() -> None:
    log, journal = world(1)
    rest = f.CooldownStarted(
        strategy="demo", identity="A>B", until_ns=9, cause="nothing", cycle_id="demo-1"
    )
    seen: list[dict[tuple[str, str], int]] = []

    async def look() -> None:
        seen.append(dict(journal.cooling))

    log.before = look
    asyncio.run(journal.note(rest, cause="x"))
    assert seen == [{("demo", "A>B"): 1}]
    assert not journal.cooling


def opening(journal: Journal, number: int) -> Draft:
    draft, told = journal.draft(None), replace(opened(), cycle_id=f"demo-{number}", number=number)
    names = c.OpenCycle.__struct_fields__
    draft.do(c.OpenCycle(**{name: getattr(told, name) for name in names}))
    return draft


def test_new_cycles_are_one_batch_that_nothing_gets_in_front_of() -> None:
    """A limit that trips while they are decided stands behind them, or they are not begun at all."""
    log, journal = MemoryLog(), world()[1]
    journal._events = log

    async def together() -> None:
        trip = asyncio.create_task(
            journal.note(TRIP, cause="x")
        )  # it has its turn at the next pause
        await journal.open([opening(journal, 1), opening(journal, 2)], cause="x")
        await trip

    asyncio.run(together())
    assert [type(one.fact) for one in log.read()] == [f.CycleOpened, f.CycleOpened, f.RiskTripped]
    assert set(journal.cycles) == {"demo-1", "demo-2"}


def test_of_new_cycles_that_the_log_refuses_none_is_begun() -> None:
    log, journal = world(2)
    events = log.head().position
    with pytest.raises(VersionConflict):
        asyncio.run(journal.open([opening(journal, 1), opening(journal, 2)], cause="x"))
    assert log.head().position == events
    assert set(journal.cycles) == {"demo-2"}
