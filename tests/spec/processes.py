"""Real engine processes, and what their logs say while they run."""

import json
import signal
from pathlib import Path
from typing import Any

import apsw

from arb.simulation.processes import start, until


def crash(folder: Path, *arguments: object, at: str) -> None:
    """Run until a real SIGKILL strikes at a named place."""
    ended = start(folder, "run", *arguments, crash_at=at).wait()
    assert ended.code == -signal.SIGKILL, ended


def rows(db: Path, query: str) -> list[tuple[Any, ...]]:
    """Read a log as any other program would: read-only, whether or not an engine runs on it."""
    connection = apsw.Connection(str(db), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


def events(db: Path, *types: str) -> list[dict[str, Any]]:
    """Every event of a log, or those of some types, in order, as they stand in its file."""
    found = rows(db, "SELECT position, stream, type, at_ns, data FROM events ORDER BY position")
    return [
        {**json.loads(data), "type": kind, "position": position, "stream": stream, "at_ns": at_ns}
        for position, stream, kind, at_ns, data in found
        if not types or kind in types
    ]


def until_event(db: Path, kind: str, **fields: object) -> dict[str, Any]:
    """Wait until a running engine has appended an event of a type, with fields like these."""

    def look() -> dict[str, Any] | None:
        if not db.exists():
            return None
        try:
            found = events(db, kind)
        except apsw.SQLError:  # the log is being created
            return None
        fitting = (e for e in found if all(e[name] == value for name, value in fields.items()))
        return next(fitting, None)

    return until(look, f"{kind} {fields or ''} in {db}")
