"""Real engine processes, and waiting for what they do: the one place of these tests that polls."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import apsw

ROOT = Path(__file__).resolve().parents[2]
POLL_S = 0.02
DEADLINE_S = 40.0

Seen = TypeVar("Seen")


def until(look: Callable[[], Seen | None], what: str, *, deadline_s: float = DEADLINE_S) -> Seen:
    """Look again and again until there is something to see; fails with `what` after the deadline."""
    end = time.monotonic() + deadline_s
    while time.monotonic() < end:
        seen = look()
        if seen:
            return seen
        time.sleep(POLL_S)
    raise AssertionError(f"waited {deadline_s} s in vain for {what}")


@dataclass(frozen=True)
class Finished:
    """How a process ended, and what it said."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Started:
    """A process that runs; what it says goes into files, so that it never waits for a reader."""

    process: "subprocess.Popen[bytes]"
    out: Path
    err: Path

    @property
    def pid(self) -> int:
        return self.process.pid

    def interrupt(self, number: int = signal.SIGINT) -> None:
        self.process.send_signal(number)

    def wait(self, timeout_s: float = DEADLINE_S) -> Finished:
        code = self.process.wait(timeout=timeout_s)
        return Finished(code, self.out.read_text(), self.err.read_text())

    def end(self) -> None:
        """Make sure that it is gone, whatever the test made of it."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(timeout=DEADLINE_S)


def state_folder(folder: Path) -> Path:
    """Where the account locks of a test are; the same one for every process of it."""
    return folder / "state"


def environment(folder: Path, **more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name != "ARB_CRASH_AT"}
    return {**kept, "XDG_STATE_HOME": str(state_folder(folder)), "COLUMNS": "100", **more}


def start(
    folder: Path, tool: str, *arguments: object, crash_at: str | None = None, **more: str
) -> Started:
    """Start `tools/<tool>.py` in a folder of its own."""
    if crash_at is not None:
        more["ARB_CRASH_AT"] = crash_at
    number = len(list(folder.glob("*.out")))
    out, err = folder / f"{number}.out", folder / f"{number}.err"
    with out.open("wb") as out_file, err.open("wb") as err_file:
        process = subprocess.Popen(
            [sys.executable, str(ROOT / "tools" / f"{tool}.py"), *map(str, arguments)],
            stdout=out_file,
            stderr=err_file,
            env=environment(folder, **more),
            cwd=folder,
        )
    return Started(process, out, err)


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
