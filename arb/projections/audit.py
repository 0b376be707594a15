"""Check that the log and everything made from it agree, without writing anything."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import apsw

from arb.errors import ArbError
from arb.events import facts as f
from arb.events.envelope import Recorded
from arb.events.sqlite import Finding, LogReader, verify_chain
from arb.events.sqlite.trouble import DAMAGE
from arb.machine import table as t
from arb.machine.account import Account, evolve_account
from arb.machine.evolve import evolve
from arb.machine.invariants import broken
from arb.machine.state import Cycle
from arb.money import ZERO, parse, plain
from arb.projections import tables
from arb.projections.fold import CYCLE_PREFIX, CYCLE_TYPES, fold
from arb.projections.projector import Projections

FINDINGS_PER_TABLE_MAX: Final = 16
_SHOWN_CHARS: Final = 120
_ANEW: Final = "`tools/replay.py --rebuild` writes it anew"


def verify(path: Path) -> list[Finding]:
    """Check chain, versions, witness, moves, invariants, conservation and every row of every table.

    Appends nothing, takes no lock, works on a copied folder and beside a running engine. An empty
    list means that nothing is wrong.
    """
    with LogReader(path) as reader:
        findings = verify_chain(reader)
        # Of events that are not what was written, nothing more can be said.
        if any(finding.position is not None for finding in findings):
            return findings
        with _one_moment(reader.connection):
            try:
                findings += Moves(reader).findings()
                findings += table_findings(reader)
            except (ArbError, *DAMAGE) as error:
                findings.append(Finding(None, "", f"the log cannot be read on: {error}"))
        return findings


@contextmanager
def _one_moment(connection: apsw.Connection) -> Iterator[None]:
    """Read the events and the tables as they were at one moment, while an engine goes on writing."""
    connection.execute("BEGIN")
    try:
        yield
    finally:
        # After some errors SQLite has rolled back by itself.
        if connection.in_transaction:
            connection.execute("ROLLBACK")


class Moves:
    """Fold every cycle by the table of moves, and judge each one when it rests and at the end of the log."""

    def __init__(self, reader: LogReader) -> None:
        self._reader = reader
        self._cycles: dict[str, Cycle] = {}
        self._fills: dict[str, list[f.Posted]] = defaultdict(list)
        self._wrong: set[str] = set()  # streams whose story broke off
        self._found: list[Finding] = []
        self._account = Account()

    def findings(self) -> list[Finding]:
        """Read the whole log; say what is wrong."""
        last = 0
        for event in self._reader.read():
            last = event.position
            if type(event.fact) in CYCLE_TYPES and event.stream.startswith(CYCLE_PREFIX):
                self._follow(event)
            evolve_account(self._account, event.fact)
        for stream in list(self._cycles):
            self._judge(stream, last)
        return self._found + self._conservation()

    def _follow(self, event: Recorded) -> None:
        stream = event.stream
        if stream in self._wrong:
            return
        cycle = self._cycles.get(stream)
        try:
            if cycle is None and event.version > 1:
                cycle = self._reopen(stream, event.version - 1)
            cycle = evolve(cycle, event.fact, event.at_ns)  # type: ignore[arg-type]
        except ArbError as error:
            self._wrong.add(stream)
            self._cycles.pop(stream, None)
            self._found.append(Finding(event.position, "", f"position {event.position}: {error}"))
            return
        self._cycles[stream] = cycle
        if isinstance(event.fact, f.Posted):
            self._fills[stream].append(event.fact)
        # Within a batch a reopened cycle is closed for a moment with an order that is not final.
        if isinstance(event.fact, f.CycleFact) and cycle.state in t.CLOSED:
            self._judge(stream, event.position)
            del self._cycles[stream]
            self._fills.pop(stream, None)

    def _reopen(self, stream: str, through: int) -> Cycle | None:
        """A cycle that was closed and dropped, as it was, with its fills."""
        events = [one for one in self._reader.read_stream(stream) if one.version <= through]
        self._fills[stream] = [one.fact for one in events if isinstance(one.fact, f.Posted)]
        return fold(events)

    def _judge(self, stream: str, position: int) -> None:
        for text in broken(self._cycles[stream], self._fills[stream]):
            self._found.append(Finding(position, "", f"position {position}: {text}"))

    def _conservation(self) -> list[Finding]:
        """Per asset: the rows of the ledger add up to what all trades changed."""
        connection = self._reader.connection
        total: f.Amounts = {}
        try:
            if tables.stale(connection) is not None:
                return []
            for asset, amount in connection.execute("SELECT asset, amount FROM ledger"):
                total[str(asset)] = total.get(str(asset), ZERO) + parse(str(amount))
        except ArbError as error:
            return [Finding(None, "ledger.amount", f"the ledger holds what is no amount: {error}")]
        except DAMAGE:  # named as a table that cannot be read
            return []
        return [
            Finding(
                None,
                "ledger.amount",
                f"the ledger's {asset} adds up to {plain(total.get(asset, ZERO))},"
                f" the trades to {plain(self._account.ledger.get(asset, ZERO))}",
            )
            for asset in sorted({*total, *self._account.ledger})
            if total.get(asset, ZERO) != self._account.ledger.get(asset, ZERO)
        ]


def table_findings(reader: LogReader) -> list[Finding]:
    """Write every table anew, in memory, and name each row and column that differs."""
    try:
        stale = tables.stale(reader.connection)
    except DAMAGE as error:
        stale = f"what the tables stand at cannot be read: {error}"
    if stale is not None:
        return [Finding(None, "projections", f"{stale}; {_ANEW}")]
    memory = apsw.Connection(":memory:")
    try:
        Projections(history=reader.connection).rebuild(memory, reader.read())
        findings: list[Finding] = []
        for name in tables.NAMES:
            try:
                findings += _differences(name, reader.connection, memory)
            except DAMAGE as error:
                findings.append(
                    Finding(None, name, f"table {name} cannot be read: {error}; {_ANEW}")
                )
    except ArbError as error:
        # A move that does not fit is named by then; nothing can be shown of it.
        return [Finding(None, "projections", f"the tables cannot be written anew: {error}")]
    finally:
        memory.close()
    return findings


def _differences(name: str, shown: apsw.Connection, proven: apsw.Connection) -> list[Finding]:
    names = tables.columns(proven, name)
    if tables.columns(shown, name) != names:
        return [Finding(None, name, f"table {name} does not have the columns {', '.join(names)}")]
    keys = [names.index(key) for key in tables.KEYS[name]]
    findings: list[Finding] = []
    pairs = _merge(tables.keyed_rows(shown, name), tables.keyed_rows(proven, name), keys)
    for key, is_, should in pairs:
        if len(findings) == FINDINGS_PER_TABLE_MAX:
            findings.append(Finding(None, name, f"table {name} has more rows that are wrong"))
            break
        row = f"table {name}, row {' '.join(map(str, key)) or 1}"
        if is_ is None or should is None:
            text = "is missing" if is_ is None else "does not follow from the log"
            findings.append(Finding(None, name, f"{row} {text}"))
            continue
        findings += [
            Finding(
                None,
                f"{name}.{column}",
                f"{row}, column {column} is {_short(found)}, and the log says {_short(right)}",
            )
            for column, found, right in zip(names, is_, should, strict=True)
            if (found, type(found)) != (right, type(right))
        ]
    return findings


Row = tuple[Any, ...]


def _merge(
    shown: Iterable[Row], proven: Iterable[Row], keys: list[int]
) -> Iterator[tuple[Row, Row | None, Row | None]]:
    """Pair two sorted tables by key; gives only the pairs that differ."""
    left, right = iter(shown), iter(proven)
    one, other = next(left, None), next(right, None)
    while one is not None or other is not None:
        one_key = None if one is None else tuple(one[at] for at in keys)
        other_key = None if other is None else tuple(other[at] for at in keys)
        if one_key == other_key:
            assert one_key is not None
            if one != other or [*map(type, one or ())] != [*map(type, other or ())]:
                yield one_key, one, other
            one, other = next(left, None), next(right, None)
        elif other_key is None or (one_key is not None and _before(one_key, other_key)):
            assert one_key is not None
            yield one_key, one, None
            one = next(left, None)
        else:
            yield other_key, None, other
            other = next(right, None)


def _before(one: Row, other: Row) -> bool:
    """SQLite's order of values: NULL, then numbers, then text by its bytes, then blobs."""
    return [_rank(value) for value in one] < [_rank(value) for value in other]


def _rank(value: object) -> tuple[int, Any]:
    match value:
        case None:
            return 0, 0
        case int() | float():
            return 1, value
        case str():
            return 2, value.encode()
    return 3, value


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN_CHARS else text[:_SHOWN_CHARS] + "..."
