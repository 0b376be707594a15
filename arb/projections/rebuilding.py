"""Writing the tables anew from the events, and nothing else; also where a page of a table can no longer be read."""

from pathlib import Path

import apsw

from arb.errors import LogDamaged, WrongLog
from arb.events.sqlite import (
    connections,
    examine,
    free_space_low,
    left_wal,
    lock_log,
    release_ballast,
    repair,
    rows,
    stamp,
)
from arb.events.sqlite.links import real_file
from arb.events.sqlite.storage import check_writable
from arb.events.sqlite.trouble import DAMAGE
from arb.projections import tables
from arb.projections.projector import Projections


def rebuild(path: Path) -> int:
    """Write every table anew from the events, and nothing else; gives the number of events.

    Raises LogLocked while an engine holds the log, WrongLog and LogDamaged as opening it would, and
    LogDamaged where the events themselves are not whole.
    """
    if not path.exists():
        raise WrongLog(f"there is no log at {path}; check `--db`")
    path = real_file(path)
    with lock_log(path):
        found = examine(path)
        if found is None:
            raise LogDamaged(f"{path} holds no log")
        check_writable(path)
        if free_space_low(path):
            release_ballast(path)
        connection = connections.writer(path)
        try:
            stamp.checkpoint(connection)
            try:
                _write(connection)
                left_wal.check_pages(connection)
            except (LogDamaged, *DAMAGE):
                _write_on_new_pages(connection)
                left_wal.check_pages(connection)
            stamp.checkpoint(connection)
        finally:
            connections.close(connection)
        return found.head.position


def _write(connection: apsw.Connection) -> None:
    Projections().rebuild(connection, rows.records(connection))


def _write_on_new_pages(connection: apsw.Connection) -> None:
    """Leave the pages of the old tables behind, whatever they hold, once the events are known to be whole.

    Cut at any moment, this leaves a log without tables, or with empty pages: a start makes the
    tables, and the next rebuild the rest.
    """
    left_wal.check_events(connection)
    repair.forget(connection, tables.ALL_NAMES)
    _write(connection)
