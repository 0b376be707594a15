"""What an unclean end leaves: a WAL that is taken only with the database that it was written for."""

from pathlib import Path
from typing import Final

import apsw

from arb.errors import LogDamaged
from arb.events.chain import link
from arb.events.envelope import GENESIS
from arb.events.sqlite import connections, rows, schema, stamp
from arb.events.sqlite.storage import beside
from arb.events.sqlite.trouble import DAMAGE

DOOR: Final = (
    "after restoring a backup, `tools/replay.py --accept-head --reason TEXT` goes on, on the record"
)

_WAL_HEADER_BYTES: Final = 32
_WAL_SALTS: Final = slice(16, 24)  # in the header; a frame that counts bears them too
_FRAME_BYTES: Final = (
    24 + 4096
)  # its number, the size of the database if it ends a commit, salts, checksum; page
# Where pages are mixed, SQLite may find anything but a table in place of one.
_WRONG: Final = (LogDamaged, *DAMAGE)


def has_left_wal(path: Path) -> bool:
    """Tell whether a WAL with something in it lies beside a database."""
    wal = beside(path, "-wal")
    return wal.exists() and wal.stat().st_size > 0


def check_left_wal(path: Path, merged: apsw.Connection) -> bool:
    """Refuse a WAL that belongs to another state of the log; False where only the events are proven, and no table is.

    A stamp proves the whole, in no time. A log that has none (another version wrote it) or where it does
    not fit is read from its first event to its last, and SQLite checks every page and index of it: then
    it holds what was written, wherever its pages come from, for a hash cannot be made to fit. But a row
    of a table may be an older one, so whoever writes makes the tables anew.
    Raises LogDamaged, and changes nothing. `merged` sees the database and the WAL, and nobody writes.
    """
    try:
        if stamp.belongs(path, merged):
            return True
        schema.check(merged)
        _check_whole(merged)
        _check_size(path, merged)
    except _WRONG as error:
        if not _is_whole_alone(path):
            raise
        raise LogDamaged(
            f"{path}-wal belongs to another state of the log than {path}, as after a backup was copied over it"
            f" ({error}); nothing was changed. The file alone is whole: to go on with it, move {path}-wal and"
            f" {path}-shm away, keep them, and start again; {DOOR}"
        ) from None
    return False


def check_events(connection: apsw.Connection) -> None:
    """Raise LogDamaged unless the events are whole, from the first one to the last."""
    previous = GENESIS
    for page in rows.pages(connection):
        for row in page:
            previous = link(previous, *row[:9])
            if previous != row[9]:
                raise LogDamaged(f"position {row[0]} does not match its hash; restore a backup")


def _check_whole(connection: apsw.Connection) -> None:
    check_events(connection)
    check_pages(connection)


def check_pages(connection: apsw.Connection) -> None:
    """Raise LogDamaged unless every page, table and index is as SQLite writes it."""
    told = connection.execute("PRAGMA integrity_check(1)").get
    if told != "ok":
        raise LogDamaged(f"SQLite: {' '.join(str(told).split())}")


def _check_size(path: Path, merged: apsw.Connection) -> None:
    """Refuse a WAL of a database of another size: what is linked to nothing is not seen by reading, and cannot be moved."""
    content = beside(path, "-wal").read_bytes()
    salts = content[_WAL_SALTS]
    sizes = {
        int.from_bytes(content[at + 4 : at + 8])
        for at in range(_WAL_HEADER_BYTES, len(content), _FRAME_BYTES)
        if content[at + 8 : at + 16] == salts
    }
    pages = merged.pragma("page_count")
    if len(sizes) > 0 and pages not in sizes:
        raise LogDamaged(f"the WAL is of another database than one of {pages} pages")


def _is_whole_alone(path: Path) -> bool:
    connection = connections.alone(path)
    try:
        schema.check(connection)
        _check_whole(connection)
    except _WRONG:
        return False
    finally:
        connections.close(connection)
    return True
