"""Disks that fail, fill up or lose power, under a real log: apsw VFS over the real one, and a witness to match."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Literal, Self

import apsw

from arb.events.sqlite import read_witness
from arb.events.sqlite.commit import Committer
from arb.events.sqlite.witness import Witness

SECTOR = 512
Survivors = Literal["none", "all", "random"]
# what happens, file name, offset, bytes written
Watcher = Callable[[str, str, int, bytes], None]


class WatchedFile(apsw.VFSFile):
    def __init__(self, watch: Watcher, filename: str | apsw.URIFilename, flags: list[int]) -> None:
        name = filename if isinstance(filename, str) else filename.filename()
        self._name = Path(name).name
        self._watch = watch
        super().__init__("", filename, flags)

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802 -- SQLite's name
        self._watch("write", self._name, offset, bytes(data))
        super().xWrite(data, offset)

    def xTruncate(self, newsize: int) -> None:  # noqa: N802
        self._watch("truncate", self._name, newsize, b"")
        super().xTruncate(newsize)

    def xSync(self, flags: int) -> None:  # noqa: N802
        self._watch("sync", self._name, 0, b"")
        super().xSync(flags)


class WatchedVFS(apsw.VFS):
    def __init__(self, name: str, watch: Watcher) -> None:
        self._watch = watch
        super().__init__(name, "")

    def xOpen(  # noqa: N802
        self, name: str | apsw.URIFilename | None, flags: list[int]
    ) -> apsw.VFSFile:
        if name is None:
            return apsw.VFSFile("", None, flags)
        return WatchedFile(self._watch, name, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: FBT001, N802
        self._watch("delete", Path(filename).name, 0, b"")
        super().xDelete(filename, syncdir)


class WatchedWitness(Witness):
    """The real witness, with its writes shown to the watcher of the disk."""

    _watch: Watcher

    @classmethod
    def of(cls, db: Path, watch: Watcher) -> Self:
        sworn = read_witness(db)
        assert sworn is not None
        witness = cls.open(db, sworn)
        witness._watch = watch
        return witness

    def _pwrite(self, data: bytes, offset: int) -> int:
        self._watch("write", self._path.name, offset, data)
        return super()._pwrite(data, offset)

    def _fsync(self) -> None:
        self._watch("sync", self._path.name, 0, b"")
        super()._fsync()


@contextmanager
def watched(watch: Watcher) -> Iterator[str]:
    """Register a watched disk and give its name."""
    vfs = WatchedVFS(f"watched-{id(watch)}", watch)
    try:
        yield f"watched-{id(watch)}"
    finally:
        vfs.unregister()


def watch_witness(committer: Committer, db: Path, watch: Watcher) -> None:
    """Let the writer's witness be watched as well."""
    committer._witness.close()
    committer._witness = WatchedWitness.of(db, watch)


class PowerLoss:
    """Record what a disk is told, and build what it may hold after power is lost at any moment.

    A sync makes everything written to its file durable. Of what was written since, nothing, everything or any sectors
    survive.
    """

    def __init__(self, folder: Path) -> None:
        self._start = {file.name: file.read_bytes() for file in folder.iterdir() if wanted(file)}
        self.steps: list[tuple[str, str, int, bytes]] = []

    def __call__(self, what: str, name: str, offset: int, data: bytes) -> None:
        self.steps.append((what, name, offset, data))

    def acknowledge(self, position: int) -> None:
        """Note that a caller was told."""
        self.steps.append(("acknowledged", "", position, b""))

    def acknowledged(self, step: int) -> int:
        """The last position that was acknowledged before a step."""
        told = [offset for what, _, offset, _ in self.steps[:step] if what == "acknowledged"]
        return max(told, default=0)

    def images(self, random: Random) -> Iterator[tuple[int, Survivors, dict[str, bytes]]]:
        """What may be on the disk after each step."""
        durable = {name: bytearray(content) for name, content in self._start.items()}
        pending: dict[str, list[tuple[str, int, bytes]]] = {}
        ways: tuple[Survivors, ...] = ("none", "all", "random")
        for index in range(len(self.steps) + 1):
            for way in ways:
                yield index, way, _survivors(durable, pending, way, random)
            if index == len(self.steps):
                return
            what, name, offset, data = self.steps[index]
            if what in {"write", "truncate"}:
                pending.setdefault(name, []).append((what, offset, data))
                durable.setdefault(name, bytearray())
            elif what == "sync":
                for one in pending.pop(name, []):
                    _apply(durable[name], *one)
            elif what == "delete":
                durable.pop(name, None)
                pending.pop(name, None)


def wanted(file: Path) -> bool:
    """Tell which files matter after a power loss: the index of the WAL and the lock do not."""
    return not file.name.endswith(("-shm", ".lock", ".ballast"))


def _survivors(
    durable: dict[str, bytearray],
    pending: dict[str, list[tuple[str, int, bytes]]],
    way: Survivors,
    random: Random,
) -> dict[str, bytes]:
    image = {name: bytearray(content) for name, content in durable.items()}
    if way != "none":
        for name, writes in pending.items():
            for what, offset, data in writes:
                for start, piece in _sectors(what, offset, data):
                    if way == "all" or random.random() < 0.5:
                        _apply(image[name], what, start, piece)
    return {name: bytes(content) for name, content in image.items()}


def _sectors(what: str, offset: int, data: bytes) -> Iterator[tuple[int, bytes]]:
    if what == "truncate":
        yield offset, data
        return
    start = 0
    while start < len(data):
        end = start + SECTOR - (offset + start) % SECTOR
        yield offset + start, data[start:end]
        start = end


def _apply(content: bytearray, what: str, offset: int, data: bytes) -> None:
    if what == "truncate":
        del content[offset:]
        return
    if len(content) < offset:
        content.extend(bytes(offset - len(content)))
    content[offset : offset + len(data)] = data
