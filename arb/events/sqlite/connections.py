"""Opening connections to a log, and knowing which of its files this process has open.

POSIX locks of a file drop when any descriptor of it is closed in the process, so nothing may open a database by other means
while a connection is open on it; `is_open_here` is asked before.
"""

import os
from collections import Counter
from pathlib import Path
from threading import Lock
from typing import Final

import apsw

from arb.events.sqlite.storage import beside

_BUSY_TIMEOUT_MS: Final = 5_000
_guard: Final = Lock()
_open: Final[Counter[tuple[int, int]]] = Counter()
_files: Final[dict[int, tuple[int, int]]] = {}  # id of a connection -> device and inode


def writer(path: Path, vfs: str | None = None, *, durable: bool = True) -> apsw.Connection:
    """Open the one connection that writes, through the default VFS or a named one.

    What is not `durable` survives the end of the process, and is made to survive a power loss only
    by `close`.
    """
    flags = apsw.SQLITE_OPEN_READWRITE
    connection = _register(path, apsw.Connection(str(path), flags=flags, vfs=vfs))
    _harden(connection)
    connection.wal_autocheckpoint(0)
    connection.pragma("synchronous", "full" if durable else "off")
    connection.pragma("recursive_triggers", "on")
    connection.config(apsw.SQLITE_DBCONFIG_DEFENSIVE, 1)
    return connection


def reader(path: Path) -> apsw.Connection:
    """Open a connection that can only read. It neither blocks the writer nor waits for it.

    In a folder that cannot be written, such as a monitor's read-only mount, a writer is known by the
    index of its WAL, which SQLite reads there too. Without one nobody writes, and nothing need be locked.
    """
    if is_open_here(path) or os.access(path.parent, os.W_OK):
        return _plain_reader(path)
    if beside(path, "-shm").exists():
        connection = _plain_reader(path)
        try:
            connection.execute("SELECT 1 FROM sqlite_schema LIMIT 1").fetchall()
        except (apsw.CantOpenError, apsw.ReadOnlyError):
            # The index is of a process that is gone, and may not be written anew here.
            close(connection)
        except apsw.Error:  # what is wrong with it shows when it is read
            return connection
        else:
            return connection
    return untouching(path)


def _plain_reader(path: Path) -> apsw.Connection:
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    connection = _register(path, connection)
    _harden(connection)
    return connection


def untouching(path: Path) -> apsw.Connection:
    """Open a log that nobody writes without making or changing a single file, not even a WAL or its index."""
    wal = beside(path, "-wal")
    if wal.exists() and wal.stat().st_size > 0:
        # Without locks and in exclusive mode, SQLite keeps the index of the WAL in its own memory.
        flags = apsw.SQLITE_OPEN_READONLY
        connection = apsw.Connection(str(path), flags=flags, vfs="unix-none")
        connection.pragma("locking_mode", "exclusive")
        # Closing would delete a WAL in which nothing is valid, and with it what is left of a damaged one.
        connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
        _register(path, connection)
        _harden(connection)
        return connection
    return alone(path)


def alone(path: Path) -> apsw.Connection:
    """Open a database that nobody writes as it is without its WAL, and make or change no file."""
    flags = apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI
    connection = apsw.Connection(f"{path.resolve().as_uri()}?immutable=1", flags=flags)
    _register(path, connection)
    _harden(connection)
    return connection


def close(connection: apsw.Connection, *, checkpoint: bool = True) -> None:
    """Close a connection; without a checkpoint the WAL stays as it is, for the next start to read."""
    if not checkpoint:
        connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
    connection.close(force=True)
    with _guard:
        file = _files.pop(id(connection), None)
        if file is not None:
            _open[file] -= 1


def empty_wal(connection: apsw.Connection) -> None:
    """Cut off a WAL that is in the database as a whole, unless somebody still reads from it.

    A damaged one would be read up to the damage, and its old pages would overrule the database's new
    ones.
    """
    connection.set_busy_timeout(0)
    try:
        connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
    except apsw.BusyError:  # when the next commit begins the WAL anew, or at the next checkpoint
        return
    finally:
        connection.set_busy_timeout(_BUSY_TIMEOUT_MS)


def is_open_here(path: Path) -> bool:
    """Tell whether this process has a connection open on a file."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return False
    with _guard:
        return _open[found.st_dev, found.st_ino] > 0


def _register(path: Path, connection: apsw.Connection) -> apsw.Connection:
    found = path.stat()
    with _guard:
        _files[id(connection)] = found.st_dev, found.st_ino
        _open[found.st_dev, found.st_ino] += 1
    return connection


def _harden(connection: apsw.Connection) -> None:
    connection.set_busy_timeout(_BUSY_TIMEOUT_MS)
    connection.config(apsw.SQLITE_DBCONFIG_DQS_DML, 0)
    connection.config(apsw.SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0)
