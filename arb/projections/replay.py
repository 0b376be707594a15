"""Fold the log itself: one cycle, or all of it."""

from collections import Counter
from collections.abc import Iterator

from msgspec import Struct

from arb.errors import LogDamaged
from arb.events.chain import link
from arb.events.codec import decode
from arb.events.envelope import GENESIS, Recorded
from arb.events.facts import CycleEvent
from arb.events.sqlite import rows
from arb.events.sqlite.reader import LogReader
from arb.ids import cycle_stream
from arb.machine.account import STILL_OPEN, Account, Closed, closed_part, follow, shift_closed
from arb.machine.evolve import evolve
from arb.machine.state import Cycle
from arb.machine.table import CLOSED
from arb.projections.fold import ACCOUNT_TYPES, CYCLE_PREFIX, CYCLE_TYPES, fold
from arb.projections.queries import NoSuchCycle, only_one


def find_cycle(reader: LogReader, text: str) -> str:
    """The id of the cycle that is meant, by the streams of the log: it needs no table.

    The exact id wins, else the only one that begins with the text; raises NoSuchCycle otherwise.
    """
    if reader.stream_version(cycle_stream(text)):
        return text
    found = [one.removeprefix(CYCLE_PREFIX) for one in reader.streams(cycle_stream(text))]
    return only_one(text, found)


class Step(Struct, frozen=True):
    """One event of a cycle, and the cycle right after it: the next step changes that in place."""

    event: Recorded
    cycle: Cycle


def fold_cycle(reader: LogReader, cycle_id: str, at_version: int | None = None) -> Cycle:
    """A cycle as its own events prove it, as of a version; raises NoSuchCycle."""
    cycle = fold(reader.read_stream(cycle_stream(cycle_id)), at_version)
    if cycle is None or (at_version is not None and cycle.version < at_version):
        has = f"{cycle.version} events" if cycle is not None else "no events"
        asked = "" if at_version is None else f", so none of version {at_version}"
        raise NoSuchCycle(f"cycle {cycle_id} has {has}{asked}")
    return cycle


def steps(reader: LogReader, cycle_id: str) -> Iterator[Step]:
    """A cycle's events in order, each with the cycle after it."""
    cycle: Cycle | None = None
    for event in reader.read_stream(cycle_stream(cycle_id)):
        cycle = evolve(cycle, event.fact, event.at_ns)  # type: ignore[arg-type]
        yield Step(event, cycle)


class Replayed(Struct, frozen=True):
    """What a full replay found."""

    events: int
    cycles: int
    states: dict[str, int]  # of all cycles
    open_cycles: dict[str, Cycle]
    account: Account
    last_hash: bytes


def replay_all(reader: LogReader) -> Replayed:
    """Read, decode, fold and chain every event; finished cycles are dropped from memory on the way.

    Raises LogDamaged at the first event whose hash, version or move does not fit.
    """
    work = _Replay(reader)
    for page in reader.pages():
        work.page(page)
    states = Counter(work.closed)
    states.update(cycle.state for cycle in work.cycles.values())
    return Replayed(
        events=work.position,
        cycles=work.count,
        states=dict(states),
        open_cycles={one.id: one for one in work.cycles.values() if one.state not in CLOSED},
        account=work.account,
        last_hash=work.hash,
    )


class _Replay:
    """The state of a replay between two pages."""

    def __init__(self, reader: LogReader) -> None:
        self.reader = reader
        self.position = 0
        self.hash = GENESIS
        self.cycles: dict[
            str, Cycle
        ] = {}  # by stream, while they are not closed or are about to be opened again
        self.count = 0
        self.closed: Counter[str] = Counter()
        self.versions: dict[str, int] = {}  # of the other streams
        self.account = Account()

    def page(self, page: list[rows.Row]) -> None:
        """Follow one page of rows."""
        previous, position, cycles = self.hash, self.position, self.cycles
        for row in page:
            at, stream, version, type_, shape, at_ns, data, meta, command, hash_ = row
            position += 1
            previous = link(previous, at, stream, version, type_, shape, at_ns, data, meta, command)
            if previous != hash_ or at != position:
                raise LogDamaged(f"position {at} does not fit the hash of the event before it")
            fact = decode(type_, shape, data)
            kind = type(fact)
            if kind in CYCLE_TYPES and stream.startswith(CYCLE_PREFIX):
                cycle = cycles.get(stream)
                if cycle is None:
                    cycle = self._enter(stream, version)
                if (0 if cycle is None else cycle.version) != version - 1:
                    raise LogDamaged(f"position {at}: stream {stream} skips to version {version}")
                if cycle is None or cycle.state in CLOSED:
                    self._rare(stream, cycle, fact, at_ns)  # type: ignore[arg-type]
                elif evolve(cycle, fact, at_ns).state in CLOSED:  # type: ignore[arg-type]
                    self._close(stream, cycle, STILL_OPEN)
            elif self.versions.get(stream, 0) == version - 1:
                self.versions[stream] = version
            else:
                raise LogDamaged(f"position {at}: stream {stream} skips to version {version}")
            if kind in ACCOUNT_TYPES:
                follow(self.account, fact, at_ns)
        self.hash, self.position = previous, position

    def _enter(self, stream: str, version: int) -> Cycle | None:
        """A new cycle, or one that was closed and dropped and is touched again."""
        if version == 1:
            self.count += 1
            return None
        cycle = fold(self.reader.read_stream(stream), version - 1)
        if cycle is not None:
            self.closed[cycle.state] -= 1
            self.cycles[stream] = cycle
        return cycle

    def _rare(self, stream: str, cycle: Cycle | None, fact: CycleEvent, at_ns: int) -> None:
        """Follow the first event of a cycle, or one of a cycle that was closed."""
        before = closed_part(cycle)
        cycle = evolve(cycle, fact, at_ns)
        if cycle.state in CLOSED:
            self._close(stream, cycle, before)
        else:
            self.cycles[stream] = cycle
            shift_closed(self.account, before, STILL_OPEN)

    def _close(self, stream: str, cycle: Cycle, before: Closed) -> None:
        shift_closed(self.account, before, closed_part(cycle))
        self.closed[cycle.state] += 1
        self.cycles.pop(stream, None)
