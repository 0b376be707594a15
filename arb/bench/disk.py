"""What the disk and SQLite alone take: the floor under every durable thing."""

import os
from pathlib import Path

import apsw

from arb.bench.lines import NS_PER_US, now_ns
from arb.limits import CHECKPOINT_PAGES

_PADDING = "x"


class AppendFile:
    """A file that grows by a record, fsynced each time."""

    def __init__(self, path: Path, size: int) -> None:
        self._record = os.urandom(size)
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def time_us(self) -> float:
        """Append one record durably."""
        began = now_ns()
        os.write(self._descriptor, self._record)
        os.fsync(self._descriptor)
        return (now_ns() - began) / NS_PER_US

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._descriptor)


class OneRow:
    """SQLite alone: one row and one FULL commit into a WAL that is checkpointed as the log's is."""

    def __init__(self, path: Path, size: int) -> None:
        self._connection = apsw.Connection(str(path))
        self._connection.pragma("journal_mode", "wal")
        self._connection.pragma("synchronous", "full")
        self._connection.wal_autocheckpoint(0)
        self._connection.set_wal_hook(self._count)
        self._cursor = self._connection.cursor()
        self._cursor.execute(
            "CREATE TABLE rows(position INTEGER PRIMARY KEY, stream TEXT, version INTEGER,"
            " data TEXT, UNIQUE(stream, version)) STRICT"
        )
        self._data = _PADDING * size
        self._position = 0
        self._pages = 0

    def time_us(self) -> float:
        """Commit one row durably."""
        self._position += 1
        row = (self._position, f"cycle-bench-{self._position}", 1, self._data)
        began = now_ns()
        self._cursor.execute("INSERT INTO rows VALUES(?, ?, ?, ?)", row)
        took = (now_ns() - began) / NS_PER_US
        if self._pages >= CHECKPOINT_PAGES:
            self._connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
        return took

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def _count(self, _: apsw.Connection, __: str, pages: int) -> int:
        self._pages = pages
        return apsw.SQLITE_OK
