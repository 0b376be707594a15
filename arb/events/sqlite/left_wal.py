"""What an unclean end leaves: a WAL that is taken only with the database that it was written for."""

import os
from collections.abc import Iterator
from pathlib import Path
from struct import iter_unpack, pack
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
_LITTLE_ENDIAN: Final = b"\x82"  # the last byte of its magic number: how checksums are made
_SALTS: Final = slice(16, 24)  # a frame that counts bears them too
_SUMS: Final = slice(24, 32)
# Its page's number, the size of the database if it ends a commit, salts, checksums; then the page.
_FRAME_HEADER_BYTES: Final = 24
_FRAME_BYTES: Final = _FRAME_HEADER_BYTES + 4096
_WORD: Final = 0xFFFF_FFFF
_PIECE_BYTES: Final = 1 << 20
# Where pages are mixed, SQLite may find anything but a table in place of one.
_WRONG: Final = (LogDamaged, *DAMAGE)


def has_left_wal(path: Path) -> bool:
    """Tell whether a WAL with something in it lies beside a database."""
    wal = beside(path, "-wal")
    return wal.exists() and wal.stat().st_size > 0


class WalAgain:
    """Writes a left WAL's own bytes in its place and syncs them, before they are moved into the database.

    After an fsync that failed, Linux calls the pages clean and shows them to the next process, and no later
    fsync writes them (https://lwn.net/Articles/752063/). A power loss during the checkpoint would then leave a
    database written in part, and on the disk no WAL to finish it with. What is torn while this is written is a
    commit that nobody was told of, for those before it were synced.
    """

    def __init__(self, wal: Path) -> None:
        self._wal = wal

    def write(self) -> None:
        """Write and sync. Raises OSError."""
        descriptor = os.open(self._wal, os.O_RDWR | os.O_CLOEXEC)
        try:
            at = 0
            while piece := os.pread(descriptor, _PIECE_BYTES, at):
                at += self._pwrite(descriptor, piece, at)
            self._fsync(descriptor)
        finally:
            os.close(descriptor)

    def _pwrite(self, descriptor: int, data: bytes, offset: int) -> int:
        return os.pwrite(descriptor, data, offset)

    def _fsync(self, descriptor: int) -> None:
        os.fsync(descriptor)


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
    last = None
    for size in _commits(beside(path, "-wal").read_bytes()):
        last = size
    pages = merged.pragma("page_count")
    if last is not None and pages != last:
        raise LogDamaged(f"the WAL is of another database than one of {pages} pages")


def _commits(wal: bytes) -> Iterator[int]:
    """The size of the database after each commit that counts: up to the first frame whose checksum is wrong.

    What a kill or a power loss left half written ends there, and may be all there is. As
    https://www.sqlite.org/fileformat2.html#walformat has it.
    """
    order = "<" if wal[3:4] == _LITTLE_ENDIAN else ">"
    if len(wal) < _WAL_HEADER_BYTES:
        return
    salts, sums = wal[_SALTS], _summed(wal[: _SUMS.start], (0, 0), order)
    if wal[_SUMS] != pack(">II", *sums):
        return
    for at in range(_WAL_HEADER_BYTES, len(wal) - _FRAME_BYTES + 1, _FRAME_BYTES):
        frame = wal[at : at + _FRAME_BYTES]
        sums = _summed(frame[:8] + frame[_FRAME_HEADER_BYTES:], sums, order)
        if frame[8:16] != salts or frame[16:_FRAME_HEADER_BYTES] != pack(">II", *sums):
            return
        size = int.from_bytes(frame[4:8])
        if size:
            yield size


def _summed(content: bytes, sums: tuple[int, int], order: str) -> tuple[int, int]:
    """Add bytes to the two checksums of a WAL, which are of all that stands before."""
    first, second = sums
    for one, other in iter_unpack(f"{order}II", content):
        first = (first + one + second) & _WORD
        second = (second + other + first) & _WORD
    return first, second


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
