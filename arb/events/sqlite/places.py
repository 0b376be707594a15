"""Whether the files that a writer has open are still those that bear the log's names."""

import os
from pathlib import Path

import apsw

from arb.errors import DiskFailed

_File = tuple[int, int]  # device and inode


class Places:
    """The database and the WAL of an open connection, and where they are looked for after a death.

    Deleting or moving an open file disturbs nobody who writes it: everything would be acknowledged,
    and be gone when the process ends.
    """

    def __init__(self, connection: apsw.Connection) -> None:
        self._database, self._wal = connection.filename, connection.filename_wal
        self._opened = _file(self._database)
        self._opened_wal: _File | None = None  # there is none before the first commit

    def check(self) -> None:
        """Raise DiskFailed, right after a commit, unless what it wrote can be found by its name."""
        if self._opened_wal is None:
            self._opened_wal = _file(self._wal)
        for name, opened in ((self._database, self._opened), (self._wal, self._opened_wal)):
            if opened is None or _file(name) != opened:
                raise DiskFailed(
                    f"{name} was moved, deleted or replaced while it was written; put back"
                    f" {Path(name).name} with all that lies beside it, or restore a backup"
                )


def _file(name: str) -> _File | None:
    try:
        found = os.stat(name)  # noqa: PTH116 -- at every commit: a Path costs as much again
    except OSError:
        return None
    return found.st_dev, found.st_ino
