"""Verifying a whole log: chain, versions, contents, schema and witness. It names the row and the column where it can."""

from collections import deque
from collections.abc import Iterator
from hashlib import sha256
from typing import Final, cast

import apsw
from msgspec import Struct

from arb.errors import ArbError, LogDamaged
from arb.events.codec import decode, decode_meta, encode
from arb.events.envelope import GENESIS, Head
from arb.events.sqlite import rows, schema
from arb.events.sqlite.damage import RawRow, belongs_at, changed_byte
from arb.events.sqlite.examine import witness_finding
from arb.events.sqlite.reader import LogReader
from arb.events.sqlite.trouble import DAMAGE
from arb.events.sqlite.witness import Sworn, read_witness
from arb.limits import READ_PAGE_EVENTS

_LOCATED_MAX: Final = 16  # rows whose damage is searched for; a log with more has bigger troubles
_NEAR: Final = (
    1_000  # rows among which a moved one is searched for, after the place and at the end of the log
)
_RAW: Final = (
    "SELECT position, CAST(stream AS BLOB), version, CAST(type AS BLOB), shape, at_ns,"
    " CAST(data AS BLOB), CAST(meta AS BLOB), CAST(command AS BLOB), hash"
    " FROM events WHERE position > ? ORDER BY position LIMIT ?"
)
_RAW_TAIL: Final = _RAW.replace("ORDER BY position", "ORDER BY position DESC")

_Raw = tuple[int, bytes, int, bytes, int, int, bytes, bytes, bytes | None, bytes]


class Finding(Struct, frozen=True):
    """One thing that is wrong: where, in which column ("" where it is not one), and what."""

    position: int | None
    column: str
    text: str


def verify_chain(reader: LogReader) -> list[Finding]:
    """Check all that a log says about itself: file, schema, witness, positions, versions, hashes, and that all of it decodes.

    Changes nothing, takes no lock, and may run beside the engine. An empty list means that nothing is wrong.
    """
    connection = reader.connection
    findings: list[Finding] = []
    testimony: Sworn | None = None
    # The witness first: a log that grows meanwhile is ahead of what was read of it, and that is right.
    try:
        testimony = read_witness(reader.path)
    except LogDamaged as error:
        findings.append(Finding(None, "witness", str(error)))
    try:
        findings += [Finding(None, "", text) for text in schema.differences(connection)]
        findings += chain_findings(connection, testimony)
        disagreement = witness_finding(connection, rows.head(connection), testimony)
        if disagreement is not None and not any(one.column == "witness" for one in findings):
            findings.append(Finding(None, "witness", disagreement))
        findings += _file_findings(connection)
    except (LogDamaged, *DAMAGE) as error:
        findings.append(Finding(None, "", f"SQLite cannot read on: {error}"))
    return findings


def chain_findings(connection: apsw.Connection, testimony: Sworn | None = None) -> list[Finding]:
    """Walk the chain from the first event to the last, and say what does not fit."""
    walk = _Walk(connection, testimony.head if testimony is not None else None)
    waiting: deque[RawRow] = deque()
    last = 0
    unreadable: LogDamaged | None = None
    try:
        # One row behind, because a damaged hash shows in the row after it.
        for row in _raw_rows(connection):
            last = row.position
            waiting.append(row)
            if len(waiting) > 1:
                walk.visit(waiting.popleft(), waiting[0])
    except LogDamaged as error:
        unreadable = error
    while waiting:
        walk.visit(waiting.popleft(), None)
    if unreadable is not None:
        text = f"the events after position {last} cannot be read: {unreadable}"
        walk.findings.append(Finding(last + 1, "", text))
    return walk.findings


class _Walk:
    def __init__(self, connection: apsw.Connection, sworn: Head | None) -> None:
        self.findings: list[Finding] = []
        self._connection = connection
        self._sworn = sworn
        self._previous: bytes | None = GENESIS  # None after a gap: what stood there is not known
        self._position = 0
        self._versions: dict[bytes, int] = {}
        self._located = 0
        self._strays: list[RawRow] = []  # rows that do not belong where they stand

    def visit(self, row: RawRow, after: RawRow | None) -> None:
        if row.position != self._position + 1:
            self._gap(row)
        previous = self._previous
        self._previous = row.hash
        self._position = row.position
        if previous is None or row.fits(previous, row.position):
            self._check_version(row)
            self._check_content(row)
        else:
            self._mismatch(row, previous, after)

    def _gap(self, row: RawRow) -> None:
        first, last = self._position + 1, row.position - 1
        moved = self._moved(first, row)
        if moved is not None:
            self._previous = moved.hash if first == last else None
            return
        missing = f"position {first} is" if first == last else f"positions {first} to {last} are"
        self._add(first, "position", f"{missing} missing: events were dropped")
        self._previous = None

    def _mismatch(self, row: RawRow, previous: bytes, after: RawRow | None) -> None:
        recomputed = sha256(row.form(previous, row.position)).digest()
        if self._hash_alone(row, recomputed, after):
            self._add(row.position, "hash", f"the hash of position {row.position} was changed")
            self._previous = recomputed
            self._check_version(row)
            return
        self._located += 1
        if self._located <= _LOCATED_MAX and self._locate(row, previous):
            return
        text = f"position {row.position} does not match its hash: more than a byte was changed{_hint(row)}"
        self._add(row.position, "", text)
        self._versions[row.stream] = max(row.version, self._versions.get(row.stream, 0))

    def _locate(self, row: RawRow, previous: bytes) -> bool:
        self._previous = previous
        moved = self._moved(row.position, row)
        if moved is not None:
            self._strays.append(row)
            self._previous = moved.hash
            return True
        self._previous = row.hash
        damage = changed_byte(row, previous)
        if damage is None:
            return False
        text = f"{damage.column} of position {row.position} {damage.text}"
        self._add(row.position, damage.column, text)
        self._check_version(damage.right)
        return True

    def _moved(self, position: int, found: RawRow) -> RawRow | None:
        """Find the event of a position somewhere else, and say so."""
        if self._previous is None:
            return None
        moved = belongs_at(position, self._previous, self._candidates(position, found))
        if moved is not None:
            text = (
                f"position {moved.position} holds the event that was written at position {position}"
            )
            self._add(moved.position, "position", text)
            self._check_version(moved)
        return moved

    def _candidates(self, position: int, found: RawRow) -> Iterator[RawRow]:
        yield from self._strays
        yield found
        yield from _page(self._connection, _RAW, position, _NEAR)
        yield from _page(self._connection, _RAW_TAIL, position, _NEAR)

    def _hash_alone(self, row: RawRow, recomputed: bytes, after: RawRow | None) -> bool:
        """Tell whether everything but the stored hash is right, by what was built on the hash."""
        if after is not None:
            return after.position == row.position + 1 and after.fits(recomputed, after.position)
        return self._sworn == Head(row.position, recomputed)

    def _check_version(self, row: RawRow) -> None:
        last = self._versions.get(row.stream, 0)
        self._versions[row.stream] = max(row.version, last)
        stream = row.stream.decode(errors="replace")
        if row.version <= last:
            text = f"position {row.position} repeats version {row.version} of stream {stream}"
            self._add(row.position, "version", text)
        elif row.version > last + 1:
            text = f"stream {stream} has no version {last + 1}: position {row.position} is version {row.version}"
            self._add(row.position, "version", text)

    def _check_content(self, row: RawRow) -> None:
        try:
            data = row.data.decode()
            fact = decode(row.type.decode(), row.shape, data)
            # What reads as a fact may still be what nobody wrote: a float, NaN, a number with blanks.
            if row.shape == fact.SHAPE and encode(fact)[2] != data:
                text = f"position {row.position}: the data is not as it is written"
                self._add(row.position, "data", text)
        except (ArbError, ValueError) as error:
            self._add(row.position, "data", f"position {row.position}: {error}")
        try:
            decode_meta(row.meta.decode())
        except (ArbError, UnicodeError) as error:
            self._add(row.position, "meta", f"position {row.position}: {error}")

    def _add(self, position: int, column: str, text: str) -> None:
        self.findings.append(Finding(position, column, text))


def _hint(row: RawRow) -> str:
    """What can be said of a row whose damage has no name: which of its parts cannot be read any more."""
    try:
        decode(row.type.decode(), row.shape, row.data.decode())
    except (ArbError, UnicodeError) as error:
        return f" ({error})"
    return " (it still decodes)"


def _raw_rows(connection: apsw.Connection) -> Iterator[RawRow]:
    after = 0
    while page := _page(connection, _RAW, after, READ_PAGE_EVENTS):
        yield from page
        after = page[-1].position


def _page(connection: apsw.Connection, sql: str, after: int, limit: int) -> list[RawRow]:
    fetched = cast("list[_Raw]", rows.fetch(connection, sql, (after, limit)))
    return [RawRow(*row) for row in fetched]


def _file_findings(connection: apsw.Connection) -> list[Finding]:
    told = [str(row[0]) for row in connection.execute("PRAGMA integrity_check(20)")]
    return [Finding(None, "", f"SQLite: {' '.join(one.split())}") for one in told if one != "ok"]
