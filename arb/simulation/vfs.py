"""SQLite's way to the disk, and the witness's, with somebody watching who may fail any step of it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw

from arb.events.sqlite.left_wal import WalAgain
from arb.events.sqlite.witness import Witness

# what happens ("write", "truncate", "sync", "delete"), file name, offset, bytes written; may raise
Watcher = Callable[[str, str, int, bytes], None]


class WatchedFile(apsw.VFSFile):
    """A file of a watched disk."""

    def __init__(self, watch: Watcher, filename: str | apsw.URIFilename, flags: list[int]) -> None:
        name = filename if isinstance(filename, str) else filename.filename()
        self._name = Path(name).name
        self._watch = watch
        super().__init__("", filename, flags)

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802 -- SQLite's name
        """Write, if the watcher lets it."""
        self._watch("write", self._name, offset, bytes(data))
        super().xWrite(data, offset)

    def xTruncate(self, newsize: int) -> None:  # noqa: N802
        """Cut the file, if the watcher lets it."""
        self._watch("truncate", self._name, newsize, b"")
        super().xTruncate(newsize)

    def xSync(self, flags: int) -> None:  # noqa: N802
        """Make what was written durable, if the watcher lets it."""
        self._watch("sync", self._name, 0, b"")
        super().xSync(flags)


class WatchedVFS(apsw.VFS):
    """The operating system's files, watched."""

    def __init__(self, name: str, watch: Watcher) -> None:
        self._watch = watch
        super().__init__(name, "")

    def xOpen(  # noqa: N802
        self, name: str | apsw.URIFilename | None, flags: list[int]
    ) -> apsw.VFSFile:
        """Open a file; a temporary one is nobody's business."""
        if name is None:
            return apsw.VFSFile("", None, flags)
        return WatchedFile(self._watch, name, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: FBT001, N802
        """Delete a file, if the watcher lets it."""
        self._watch("delete", Path(filename).name, 0, b"")
        super().xDelete(filename, syncdir)


@contextmanager
def watched(watch: Watcher) -> Iterator[str]:
    """Register a watched disk and give its name."""
    vfs = WatchedVFS(f"watched-{id(watch)}", watch)
    try:
        yield f"watched-{id(watch)}"
    finally:
        vfs.unregister()


def witness_watched_by(watch: Watcher) -> type[Witness]:
    """The real witness, with its writes shown to the watcher of the disk."""

    class WatchedWitness(Witness):
        def _pwrite(self, data: bytes, offset: int) -> int:
            watch("write", self._path.name, offset, data)
            return super()._pwrite(data, offset)

        def _fsync(self) -> None:
            watch("sync", self._path.name, 0, b"")
            super()._fsync()

    return WatchedWitness


def wal_watched_by(watch: Watcher) -> type[WalAgain]:
    """The real second writing of a left WAL, shown to the watcher of the disk."""

    class WatchedWal(WalAgain):
        def _pwrite(self, descriptor: int, data: bytes, offset: int) -> int:
            watch("write", self._wal.name, offset, data)
            return super()._pwrite(descriptor, data, offset)

        def _fsync(self, descriptor: int) -> None:
            watch("sync", self._wal.name, 0, b"")
            super()._fsync(descriptor)

    return WatchedWal
