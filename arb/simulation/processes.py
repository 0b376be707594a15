"""Real processes of this project's tools, and waiting for what they do: the one place that polls."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

ROOT: Final = Path(__file__).resolve().parents[2]
POLL_S: Final = 0.02
DEADLINE_S: Final = 40.0

Seen = TypeVar("Seen")


class NotSeen(Exception):
    """What was waited for did not come to pass."""


def until(look: Callable[[], Seen | None], what: str, *, deadline_s: float = DEADLINE_S) -> Seen:
    """Look again and again until there is something to see; raises NotSeen after the deadline."""
    end = time.monotonic() + deadline_s
    while time.monotonic() < end:
        seen = look()
        if seen:
            return seen
        time.sleep(POLL_S)
    raise NotSeen(f"waited {deadline_s} s in vain for {what}")


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
        """Its number."""
        return self.process.pid

    def interrupt(self, number: int = signal.SIGINT) -> None:
        """Send it a signal."""
        self.process.send_signal(number)

    def stop(self) -> None:
        """Let it stand still in the middle of whatever it does."""
        self.interrupt(signal.SIGSTOP)

    def go_on(self) -> None:
        """End a stop."""
        self.interrupt(signal.SIGCONT)

    def pause(self, seconds: float) -> None:
        """Let it go on for a while, or until it ends."""
        try:
            self.process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            return

    def wait(self, timeout_s: float = DEADLINE_S) -> Finished:
        """Wait for its end."""
        code = self.process.wait(timeout=timeout_s)
        return Finished(code, self.out.read_text(), self.err.read_text())

    def end(self) -> None:
        """Make sure that it is gone, whatever was made of it."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(timeout=DEADLINE_S)


def state_folder(folder: Path) -> Path:
    """Where the account locks of a folder's processes are; the same one for every process of it."""
    return folder / "state"


def environment(folder: Path, **more: str) -> dict[str, str]:
    """What a folder's processes are started with."""
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
        process = subprocess.Popen(  # noqa: S603 -- our own tools
            [sys.executable, str(ROOT / "tools" / f"{tool}.py"), *map(str, arguments)],
            stdout=out_file,
            stderr=err_file,
            env=environment(folder, **more),
            cwd=folder,
        )
    return Started(process, out, err)
