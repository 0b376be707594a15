"""Telling whether a left WAL belongs to the database beside it, or to another state of it, such as a backup's.

SQLite takes whatever WAL it finds, and mixes its pages with those of any database. So each span of commits that one
WAL holds has a name, its base, and the one row of `log_stamp` says it, with the name of what comes after:

    at the end of a span, right before its checkpoint     base, next     next is drawn here
    at the beginning of one, right after a whole checkpoint    next, next

Nothing is committed between the first one and its checkpoint, and a WAL begins again only after a whole checkpoint. Thus
whatever is in a WAL follows the stamp that names its base. A database that this WAL was written for has that base as its
`next`, or, where a checkpoint was cut or it was copied since, the same base: then every page that differs is in the WAL. A
database of any other state has neither.

The database's own row is read from its page, without SQLite: the rest of it may be half of a checkpoint. The cookie of
the schema is in the row too, because SQLite raises it in a copy (`.backup`, VACUUM INTO) that may have its pages elsewhere.
"""

import os
from pathlib import Path
from typing import Final

import apsw
from msgspec import Struct

TABLE: Final = "log_stamp"
_CREATE: Final = (
    f"CREATE TABLE IF NOT EXISTS {TABLE}(id INTEGER PRIMARY KEY, stamp BLOB NOT NULL) STRICT"
)
_PUT: Final = (
    f"INSERT INTO {TABLE} VALUES(1, ?) ON CONFLICT(id) DO UPDATE SET stamp = excluded.stamp"
)
_NAME_BYTES: Final = 16
_COOKIE_BYTES: Final = 4
_STAMP_BYTES: Final = 2 * _NAME_BYTES + _COOKIE_BYTES
_UNNAMED: Final = bytes(_NAME_BYTES)
_PAGE_BYTES: Final = 4096
_COOKIE_OFFSET: Final = 40  # in the header of the file
_LEAF: Final = b"\x0d"
_ONE_CELL: Final = b"\x00\x01"
# Bytes of the record, id 1, bytes of its header, the type of the id (it is the key) and of the blob.
_CELL: Final = bytes([3 + _STAMP_BYTES, 1, 3, 0, 12 + 2 * _STAMP_BYTES])


class Stamp(Struct, frozen=True):
    """What names a span of commits, and what comes after it."""

    base: bytes
    next: bytes
    cookie: bytes


def end(connection: apsw.Connection) -> None:
    """Name what the coming checkpoint makes; nothing may be committed until it has run."""
    found = read(connection)
    _write(connection, _UNNAMED if found is None else found.base, os.urandom(_NAME_BYTES))


def checkpoint(connection: apsw.Connection) -> None:
    """Move the WAL into the database as far as readers allow, and stamp both."""
    end(connection)
    pages, moved = connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
    if pages == moved:
        begin(connection)


def begin(connection: apsw.Connection) -> None:
    """Let the commits after a whole checkpoint follow what it made.

    This commit also gives the WAL a new header, which makes what a dead process left in it unreadable.
    Of a sync that failed, a part may be gone from the disk that we still read from memory: after a
    power loss the rest would stand as an older end of the log.
    """
    found = read(connection)
    assert found is not None, "a span of commits begins and none has ended"
    _write(connection, found.next, found.next)


def read(connection: apsw.Connection) -> Stamp | None:
    """The stamp as a connection sees it; None in a log of a version that had none."""
    if not connection.execute("SELECT 1 FROM sqlite_schema WHERE name = ?", (TABLE,)).get:
        return None
    content = connection.execute(f"SELECT stamp FROM {TABLE} WHERE id = 1").get  # noqa: S608
    return _stamp(content) if isinstance(content, bytes) else None


def belongs(path: Path, merged: apsw.Connection) -> bool:
    """Tell whether the WAL of a log is known to be written for the file beside it; `merged` sees both, and nobody else."""
    whole = read(merged)
    if whole is None:
        return False
    root = merged.execute("SELECT rootpage FROM sqlite_schema WHERE name = ?", (TABLE,)).get
    assert isinstance(root, int), root
    alone, cookie = _read_page(path, root)
    if alone is None or alone.cookie != cookie:
        return False
    return whole.base in (alone.base, alone.next)


def _write(connection: apsw.Connection, base: bytes, next_: bytes) -> None:
    connection.execute(_CREATE)
    cookie = connection.pragma("schema_version")
    assert isinstance(cookie, int), cookie
    connection.execute(_PUT, (base + next_ + cookie.to_bytes(_COOKIE_BYTES),))


def _stamp(content: bytes) -> Stamp | None:
    if len(content) != _STAMP_BYTES:
        return None
    return Stamp(
        content[:_NAME_BYTES], content[_NAME_BYTES : 2 * _NAME_BYTES], content[2 * _NAME_BYTES :]
    )


def _read_page(path: Path, root: int) -> tuple[Stamp | None, bytes]:
    """The stamp in the file alone, None where there is none whole, and the cookie of the file's schema."""
    with path.open("rb") as file:
        header = file.read(_PAGE_BYTES)
        file.seek((root - 1) * _PAGE_BYTES)
        page = file.read(_PAGE_BYTES)
    cookie = header[_COOKIE_OFFSET : _COOKIE_OFFSET + _COOKIE_BYTES]
    if page[:1] != _LEAF or page[3:5] != _ONE_CELL:
        return None, cookie
    at = int.from_bytes(page[8:10])
    if page[at : at + len(_CELL)] != _CELL:
        return None, cookie
    return _stamp(page[at + len(_CELL) : at + len(_CELL) + _STAMP_BYTES]), cookie
