"""The disk of a simulated machine: it keeps apart what was synced, fills up, fails, and loses power."""

from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Final

import apsw

from arb.simulation.sectors import WAYS, Survivors, Write, apply_write, survivors
from arb.simulation.vfs import WatchedVFS, wal_watched_by, witness_watched_by

WRITE: Final = "write"
SYNC: Final = "sync"
FULL: Final = "disk full"
SYNC_FAILS: Final = "fsync fails"
FAULTS: Final = (FULL, SYNC_FAILS)
_NEW: Final = ".new"  # what is made under another name is whole when it gets its own
_WAL: Final = "-wal"
_SHM: Final = "-shm"
_WAL_HEADER_BYTES: Final = 32


class DiskFull(OSError):
    """There is no room left."""


class Disk:
    """Watches every write of a log's files.

    The real files hold what a process sees. What a power loss leaves of them is known here: all
    that was synced, and of the rest nothing, everything, or any sectors.
    """

    def __init__(self, folder: Path, rng: Random) -> None:
        self.before: Callable[[str], None] = lambda _what: None  # may strike, then nothing is done
        self.failing: str | None = None  # one of FAULTS, from now on
        self.struck = 0
        self._folder = folder
        self._rng = rng
        self._durable: dict[str, bytearray] = {}
        self._pending: dict[str, list[Write]] = {}
        self._deleted: dict[str, bytearray] = {}  # whose end is not durable yet
        self._vfs = WatchedVFS(f"disk-{id(self)}", self._watch)
        self.vfs = f"disk-{id(self)}"
        self.witness_type = witness_watched_by(self._watch)
        self.wal_type = wal_watched_by(self._watch)

    def close(self) -> None:
        """Let go of the VFS."""
        self._vfs.unregister()

    @property
    def moves(self) -> bool:
        """Whether a checkpoint was cut off: pages of the database were written and not synced."""
        return any(
            writes and not name.endswith((_WAL, ".witness"))
            for name, writes in self._pending.items()
        )

    def lose_power(self, way: Survivors | None = None) -> None:
        """Leave in each file what a power loss leaves of it, drawn or as told; nobody may have them open."""
        for name, content in self._deleted.items():
            if name not in self._durable and self._rng.choice([True, False]):
                self._durable[name] = content  # its deletion did not last
        drawn = self._rng.choice(WAYS) if way is None else way
        image = survivors(self._durable, self._pending, drawn, self._rng)
        for name, left in image.items():
            (self._folder / name).write_bytes(left)
            self._durable[name] = bytearray(left)
        self._pending.clear()
        self._deleted.clear()
        for index in self._folder.glob(f"*{_SHM}"):
            index.unlink()

    def flip_bit(self) -> Callable[[], None] | None:
        """Flip a bit of a WAL; gives how to flip it back. None where there is no WAL."""
        for wal in sorted(self._folder.glob(f"*{_WAL}")):
            content = bytearray(wal.read_bytes())
            if len(content) > _WAL_HEADER_BYTES:
                place, bit = self._rng.randrange(len(content)), 1 << self._rng.randrange(8)
                content[place] ^= bit
                whole = wal.read_bytes()
                wal.write_bytes(content)
                return lambda: _put_back(wal, whole)
        return None

    def _watch(self, what: str, name: str, offset: int, data: bytes) -> None:
        if name.endswith(_NEW):
            return
        self.before(what)
        if self.failing == FULL and what == WRITE:
            self.struck += 1
            raise DiskFull(f"no room for {name}") if "witness" in name else apsw.FullError(name)
        if self.failing == SYNC_FAILS and what == SYNC:
            self.struck += 1
            # What the system could not write it calls written from now on.
            self._pending.pop(name, None)
            raise OSError(f"{name} failed") if "witness" in name else apsw.IOError(name)
        self._note(what, name, offset, data)

    def _note(self, what: str, name: str, offset: int, data: bytes) -> None:
        if what == "delete":
            content = self._durable.pop(name, None)
            self._pending.pop(name, None)
            if content is not None:
                self._deleted[name] = content
            return
        if name not in self._durable:
            path = self._folder / name
            self._durable[name] = bytearray(path.read_bytes() if path.exists() else b"")
        if what == SYNC:
            self._deleted.pop(name, None)
            for one in self._pending.pop(name, []):
                apply_write(self._durable[name], *one)
        else:
            self._pending.setdefault(name, []).append((what, offset, data))


def _put_back(path: Path, content: bytes) -> None:
    """Repair a file, unless a start has used it up or begun it anew."""
    if path.exists() and path.stat().st_size == len(content):
        path.write_bytes(content)
