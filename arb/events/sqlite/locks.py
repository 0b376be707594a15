"""Two locks that keep two engines apart: one beside the log, one per account, since damage is done to an account.

Only flock counts. The file stays for ever and holds the pid of its last owner, so that a dead owner, or another process with
its pid, is no obstacle, and so that nobody can lock a file that was unlinked under him.
"""

import fcntl
import os
import re
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from arb.errors import LogLocked, UnsafeStorage
from arb.events.sqlite.storage import beside

_PID_BYTES_MAX: Final = 20
_MODE: Final = 0o600
_NAME_CHARS_MAX: Final = 100


class HeldLock:
    """A lock that this process holds from now on. Raises LogLocked at once, naming the pid, when another one holds it."""

    def __init__(self, path: Path, what: str) -> None:
        self.path = path
        self._descriptor: int | None = None
        try:
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _MODE)
        except OSError as error:
            raise UnsafeStorage(
                f"{what} cannot be locked by {path}: {error.strerror}; make it writable"
            ) from None
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.pread(self._descriptor, _PID_BYTES_MAX, 0).decode(errors="replace").strip()
            self.release()
            raise LogLocked(
                f"{what} is in use by process {owner or '(starting)'}; stop it first"
            ) from None
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Let go; doing it twice is harmless."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()


def lock_log(db: Path) -> HeldLock:
    """Take the lock beside a log; whoever writes the log holds it."""
    return HeldLock(beside(db, ".lock"), f"the log {db}")


def lock_account(venue: str, fingerprint: str, folder: Path | None = None) -> HeldLock:
    """Take the lock of an account; whoever trades it holds it, whatever log it uses."""
    folder = folder or state_folder()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    name = f"{venue}-{fingerprint}"
    if not re.fullmatch(r"[A-Za-z0-9_-]+", name) or len(name) > _NAME_CHARS_MAX:
        name = sha256(name.encode()).hexdigest()
    return HeldLock(folder / f"{name}.lock", f"the account {fingerprint} on {venue}")


def state_folder() -> Path:
    """Where locks of accounts live: `$XDG_STATE_HOME/arb`, else `~/.local/state/arb`."""
    home = os.environ.get("XDG_STATE_HOME")
    # The specification says that a relative path there is to be ignored.
    if home and Path(home).is_absolute():
        return Path(home) / "arb"
    return Path.home() / ".local" / "state" / "arb"
