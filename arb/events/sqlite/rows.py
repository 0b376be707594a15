"""Reading events through any connection to a log, a page at a time, so that no read is ever open for long."""

from collections.abc import Iterator
from typing import Final, cast

import apsw

from arb.errors import ArbError, LogDamaged
from arb.events.codec import decode, decode_meta
from arb.events.envelope import EMPTY, Head, Recorded
from arb.events.facts import HeadAccepted, LogCreated
from arb.events.log import Appended
from arb.limits import READ_PAGE_EVENTS

# position, stream, version, type, shape, at_ns, data, meta, command, hash
Row = tuple[int, str, int, str, int, int, str, str, str | None, bytes]

COLUMNS: Final = "position, stream, version, type, shape, at_ns, data, meta, command, hash"
LOG_STREAM: Final = "run-0"  # holds what the log says about itself: LogCreated, HeadAccepted
_PAGE: Final = f"SELECT {COLUMNS} FROM events WHERE position > ? ORDER BY position LIMIT ?"  # noqa: S608
_STREAM: Final = (
    f"SELECT {COLUMNS} FROM events WHERE stream = ? AND version > ? ORDER BY version LIMIT ?"  # noqa: S608
)
_OF_KIND: Final = _STREAM.replace("ORDER BY", "AND type = ? ORDER BY").replace("LIMIT ?", "")
_LAST_LETTER: Final = "\U0010ffff"


def fetch(connection: apsw.Connection, sql: str, bindings: tuple[object, ...] = ()) -> list[Row]:
    """Run one short read; raises LogDamaged where SQLite finds the file malformed."""
    try:
        found = connection.execute(sql, cast("apsw.Bindings", bindings)).fetchall()
    except (apsw.CorruptError, apsw.NotADBError, UnicodeDecodeError) as error:
        raise LogDamaged(f"SQLite cannot read the log: {error}; restore a backup") from None
    return cast("list[Row]", found)


def page(connection: apsw.Connection, after: int, limit: int = READ_PAGE_EVENTS) -> list[Row]:
    """Raw rows in order of position, after a position; the fastest way to replay."""
    return fetch(connection, _PAGE, (after, limit))


def pages(
    connection: apsw.Connection, after: int = 0, limit: int | None = None
) -> Iterator[list[Row]]:
    """Raw rows in pages; no transaction is open while a page is used."""
    left = limit
    while left is None or left > 0:
        size = READ_PAGE_EVENTS if left is None else min(left, READ_PAGE_EVENTS)
        rows = page(connection, after, size)
        if rows:
            yield rows
        if len(rows) < size:
            return
        after = rows[-1][0]
        left = None if left is None else left - len(rows)


def record(row: Row) -> Recorded:
    """Decode one row; raises UnknownEvent or LogDamaged naming its position."""
    try:
        return Recorded(*row, decode(row[3], row[4], row[6]))
    except ArbError as error:
        raise type(error)(f"position {row[0]}: {error}") from None


def records(
    connection: apsw.Connection, after: int = 0, limit: int | None = None
) -> Iterator[Recorded]:
    """Decoded events in order of position, after a position."""
    for rows in pages(connection, after, limit):
        yield from map(record, rows)


def stream_records(
    connection: apsw.Connection, stream: str, after_version: int = 0
) -> Iterator[Recorded]:
    """Decoded events of one stream in order of version."""
    while rows := fetch(connection, _STREAM, (stream, after_version, READ_PAGE_EVENTS)):
        yield from map(record, rows)
        if len(rows) < READ_PAGE_EVENTS:
            return
        after_version = rows[-1][2]


def stream_records_of(connection: apsw.Connection, stream: str, type_: str) -> list[Recorded]:
    """Decoded events of one stream that are of one type: for those that are few among very many."""
    return [record(row) for row in fetch(connection, _OF_KIND, (stream, 0, type_))]


def head(connection: apsw.Connection) -> Head:
    """The last event that is committed."""
    rows = fetch(connection, "SELECT position, hash FROM events ORDER BY position DESC LIMIT 1")
    return Head(rows[0][0], cast("bytes", rows[0][1])) if rows else EMPTY


def hash_at(connection: apsw.Connection, position: int) -> bytes | None:
    """The stored hash of an event, None if there is none at this position; the genesis hash at 0."""
    if position == EMPTY.position:
        return EMPTY.hash
    rows = fetch(connection, "SELECT hash FROM events WHERE position = ?", (position,))
    return cast("bytes", rows[0][0]) if rows else None


def stream_version(connection: apsw.Connection, stream: str) -> int:
    """The number of events in a stream, 0 if there is none."""
    sql = "SELECT coalesce(max(version), 0) FROM events WHERE stream = ?"
    return fetch(connection, sql, (stream,))[0][0]


def streams(connection: apsw.Connection, prefix: str = "") -> list[str]:
    """Names of streams that begin with a prefix, in order of name."""
    sql = (
        "SELECT stream FROM events WHERE stream >= ? AND stream < ? AND version = 1 ORDER BY stream"
    )
    rows = fetch(connection, sql, (prefix, prefix + _LAST_LETTER))
    return [cast("str", row[0]) for row in rows]


def appended(connection: apsw.Connection, command: str) -> Appended | None:
    """What the append with a command id gave, None if there was none."""
    rows = fetch(connection, "SELECT position, meta FROM events WHERE command = ?", (command,))
    if not rows:
        return None
    first, meta = rows[0][0], rows[0][1]
    return Appended(first, first + decode_meta(meta).batch - 1)


def identity(connection: apsw.Connection) -> LogCreated | None:
    """Who the log is: its first event, with the instance that the last accepted head gave it. None: it has no events."""
    created: LogCreated | None = None
    instance = ""
    for recorded in stream_records(connection, LOG_STREAM):
        match recorded.fact:
            case LogCreated() as created:
                instance = created.instance
            case HeadAccepted(instance=instance):
                pass
            case other:
                raise LogDamaged(f"stream {LOG_STREAM} holds a {type(other).__name__}")
    if created is None:
        return None
    return LogCreated(
        instance=instance, mode=created.mode, venue=created.venue, account=created.account
    )
