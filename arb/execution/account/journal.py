"""The one place where the engine appends: decide on a draft, append durably, then move the cycle.

Nothing else in the run path writes to the log, and nothing is sent that is not durable here first.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final

import structlog

from arb import ids
from arb.clock import Clock
from arb.errors import Indeterminate, VersionConflict
from arb.events import facts as f
from arb.events.envelope import Meta, Recorded
from arb.events.log import EventLog, StreamAppend
from arb.machine import commands as c
from arb.machine.account import Account, closed_part, follow, shift_closed
from arb.machine.decide import decide
from arb.machine.evolve import evolve
from arb.machine.state import Cycle
from arb.machine.transitions import fire

log = structlog.get_logger()

Listener = Callable[[str, f.Fact, int], None]  # stream, fact, at_ns: after the append
Judge = Callable[["Draft"], Sequence[f.Fact]]  # facts about the account that belong to a draft
_CYCLES: Final = ids.cycle_stream("")
CLOSING: Final = (f.NewCyclesPaused, f.EngineHalted, f.RiskTripped, f.BreakerTripped)


class Draft:
    """A copy of a cycle on which commands are tried; its facts are appended in one batch."""

    def __init__(self, cycle: Cycle | None) -> None:
        self._cycle = None if cycle is None else cycle.copy()
        self.base_version = 0 if cycle is None else cycle.version
        self.facts: list[f.CycleEvent] = []
        self.notes: list[f.Fact] = []  # about the account, appended with the cycle's own facts
        self.at_ns = 0

    @property
    def cycle(self) -> Cycle:
        """The cycle as it will be."""
        assert self._cycle is not None, "the draft's first command opens the cycle"
        return self._cycle

    @property
    def waits(self) -> bool:
        """Whether it was decided now to wait: a time from before says nothing once the clock was set back."""
        return any(isinstance(fact, f.RecoveryWaiting) for fact in self.facts)

    def do(self, command: c.Command) -> None:
        """Decide a command and add its facts; raises IllegalMove and adds nothing."""
        for fact in decide(self._cycle, command):
            self._cycle = evolve(self._cycle, fact, self.at_ns)
            self.facts.append(fact)


class Journal:
    """The engine's memory of its log: open cycles and the account, moved only after an append."""

    def __init__(
        self, events: EventLog, clock: Clock, run: str, account: Account, cycles: Sequence[Cycle]
    ) -> None:
        self._events = events
        self._clock = clock
        self.run = run
        self.account = account
        self.cycles: dict[str, Cycle] = {cycle.id: cycle for cycle in cycles}
        self._first_number = account.next_number
        self._locks: dict[str, asyncio.Lock] = {}
        self._listeners: list[Listener] = []
        self._closed: list[Callable[[Cycle], None]] = []
        self._judges: list[Judge] = []
        self._closing = asyncio.Lock()
        self.moved: Cycle | None = None  # by the last commit
        self.broken: Indeterminate | None = None
        self.position = 0  # of the last event that was folded
        self.closing = 0  # facts that forbid new cycles and are on their way into the log
        # The same of paths that are left to rest, by strategy and the path's identity.
        self.cooling: Counter[tuple[str, str]] = Counter()

    def listen(self, listener: Listener) -> None:
        """Call back after every appended fact, in order."""
        self._listeners.append(listener)

    def listen_closed(self, listener: Callable[[Cycle], None]) -> None:
        """Call back with every cycle that is over."""
        self._closed.append(listener)

    def judge(self, judge: Judge) -> None:
        """Ask before every append of a cycle which facts about the account go into its batch."""
        self._judges.append(judge)

    def lock(self, cycle_id: str) -> asyncio.Lock:
        """Serialise decisions about one cycle."""
        return self._locks.setdefault(cycle_id, asyncio.Lock())

    def draft(self, cycle: Cycle | None) -> Draft:
        """Begin to decide about a cycle, or about a new one."""
        draft = Draft(cycle)
        draft.at_ns = self._clock.now_ns()
        return draft

    def opened(self, cycle: Cycle) -> bool:
        """Whether this life opened a cycle: its time would not tell where the clock was set back since."""
        return cycle.number >= self._first_number

    def now_ns(self) -> int:
        """The engine's clock."""
        return self._clock.now_ns()

    @property
    def account_stream(self) -> str:
        """The stream of this log's account."""
        return ids.account_stream(self.account.venue, self.account.fingerprint)

    async def commit(
        self, draft: Draft, *, cause: str, command_id: str | None = None
    ) -> Cycle | None:
        """Append a draft's facts, then move the live cycle by them.

        Its notes and what the judges say go to the account's stream in the same batch. Returns the
        live cycle, None when the draft had nothing to say. Raises Indeterminate when the log cannot
        tell: nothing was moved, and nothing may be sent.
        """
        if not draft.facts:
            assert not draft.notes, draft.notes
            return None
        if closed_part(draft.cycle).result is None:
            return await self._commit(draft, cause, command_id)
        # One result after the other: each is judged with all those before it.
        async with self._closing:
            return await self._commit(draft, cause, command_id)

    async def open(self, drafts: Sequence[Draft], *, cause: str) -> None:
        """Append new cycles in one batch, all or none, and take them in hand.

        They are on their way into the log before anybody else has a turn: nothing that forbids
        them gets in between. Raises as `commit`.
        """
        assert all(draft.base_version == 0 and not draft.notes for draft in drafts)
        own = [(ids.cycle_stream(one.cycle.id), 0, tuple(one.facts)) for one in drafts]
        at_ns = drafts[-1].at_ns
        last = await self._append(own, at_ns, cause, None)
        for draft, (stream, _, facts) in zip(drafts, own, strict=True):
            self._move(draft.cycle.id, stream, facts, (), at_ns)
        self.position = max(self.position, last)

    async def _commit(self, draft: Draft, cause: str, command_id: str | None) -> Cycle:
        stream = ids.cycle_stream(draft.cycle.id)
        facts = tuple(draft.facts)
        notes = (*draft.notes, *(fact for judge in self._judges for fact in judge(draft)))
        own = (stream, draft.base_version, facts)
        while True:
            expected = self._events.stream_version(self.account_stream) if notes else 0
            parts = [own, (self.account_stream, expected, notes)] if notes else [own]
            try:
                last = await self._append(parts, draft.at_ns, cause, command_id)
            except VersionConflict:
                if not notes or self._events.stream_version(stream) != draft.base_version:
                    raise
                continue  # only the account's stream moved on, and notes commute
            break
        moved = self._move(draft.cycle.id, stream, facts, notes, draft.at_ns)
        self.position = max(self.position, last)
        return moved

    async def note(
        self, *facts: f.Fact, cause: str, stream: str | None = None, command_id: str | None = None
    ) -> None:
        """Append facts about the account (or of a given stream), and fold them."""
        stream = stream or self.account_stream
        at_ns = self._clock.now_ns()
        while True:
            expected = self._events.stream_version(stream)
            try:
                last = await self._append([(stream, expected, facts)], at_ns, cause, command_id)
            except VersionConflict:
                continue  # another task of this process noted something first; notes commute
            break
        self._fold_notes(stream, facts, at_ns)
        self.position = max(self.position, last)

    def follow(self, record: Recorded) -> None:
        """Move by an event that is in the log already: all of them make the same journal again."""
        stream, fact, at_ns = record.stream, record.fact, record.at_ns
        if stream.startswith(_CYCLES):
            self._move(stream.removeprefix(_CYCLES), stream, (fact,), (), at_ns)  # type: ignore[arg-type]
        else:
            self._fold_notes(stream, (fact,), at_ns)
        self.position = record.position

    def _fold_notes(self, stream: str, facts: Sequence[f.Fact], at_ns: int) -> None:
        for fact in facts:
            follow(self.account, fact, at_ns)
            self._tell(stream, fact, at_ns)

    async def _append(
        self,
        parts: Sequence[tuple[str, int, tuple[f.Fact, ...]]],
        at_ns: int,
        cause: str,
        command_id: str | None,
    ) -> int:
        """Append; gives the position of the last event."""
        if self.broken is not None:
            raise self.broken
        batch = [StreamAppend(stream, version, facts) for stream, version, facts in parts]
        # Nobody opens a cycle behind a pause that the writer has and the account does not know yet.
        told = [fact for _, _, facts in parts for fact in facts]
        closes = any(isinstance(fact, CLOSING) for fact in told)
        cools = [(one.strategy, one.identity) for one in told if isinstance(one, f.CooldownStarted)]
        self.closing += closes
        self.cooling.update(cools)
        try:
            appended = await self._events.append(
                batch, at_ns=at_ns, meta=Meta(run=self.run, cause=cause), command_id=command_id
            )
        except Indeterminate as error:
            self.broken = error
            raise
        finally:
            self.closing -= closes
            self.cooling -= Counter(cools)
        return appended.last

    def _move(
        self,
        cycle_id: str,
        stream: str,
        facts: tuple[f.CycleEvent, ...],
        notes: tuple[f.Fact, ...],
        at_ns: int,
    ) -> Cycle:
        cycle = self.cycles.get(cycle_id)
        before = closed_part(cycle)
        for fact in facts:
            cycle = fire(cycle, fact, at_ns)
            follow(self.account, fact, at_ns)
        assert cycle is not None
        self.moved = cycle
        shift_closed(self.account, before, closed_part(cycle))
        if cycle.is_closed:
            self.cycles.pop(cycle.id, None)
        else:
            self.cycles[cycle.id] = cycle
        for fact in facts:
            self._tell(stream, fact, at_ns)
        self._fold_notes(self.account_stream, notes, at_ns)
        if cycle.is_closed:
            for listener in self._closed:
                listener(cycle)
        return cycle

    def _tell(self, stream: str, fact: f.Fact, at_ns: int) -> None:
        for listener in self._listeners:
            listener(stream, fact, at_ns)

    def reopen(self, cycle: Cycle) -> None:
        """Take a closed cycle, folded from its stream, in hand: the next draft opens it again."""
        self.cycles.setdefault(cycle.id, cycle)

    def take_number(self, number: int) -> None:
        """Take the next cycle number for a cycle that will be opened.

        Without gaps: so a copy of the log knows which number a later one has used, and asks for it.
        """
        assert number == self.account.next_number, number
        self.account.next_number = number + 1
