"""Room for recovery: a file that is given back when the disk is nearly full."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from arb.errors import DiskFailed
from arb.events.sqlite.storage import beside
from arb.limits import BALLAST_BYTES, FREE_SPACE_RESERVE_BYTES


def ensure_ballast(db: Path) -> bool:
    """Allocate the ballast beside a log; False when the disk has no room for it."""
    path = beside(db, ".ballast")
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        if os.fstat(descriptor).st_size < BALLAST_BYTES:
            os.posix_fallocate(descriptor, 0, BALLAST_BYTES)
    except OSError:  # no room, or a quota: half a ballast would only take what recovery needs
        path.unlink()
        return False
    finally:
        os.close(descriptor)
    return True


def release_ballast(db: Path) -> bool:
    """Give the room back; False when there was no ballast."""
    try:
        beside(db, ".ballast").unlink()
    except FileNotFoundError:
        return False
    return True


def free_space_low(db: Path) -> bool:
    """Tell whether the log's disk is below the reserve: then no new cycle starts."""
    return space_gauge(db)()


def space_gauge(db: Path) -> Callable[[], bool]:
    """Give what tells the same again and again: an open log is looked for once, not at every decision."""
    folder = os.fspath(beside(db, "").parent)

    def is_low() -> bool:
        try:
            return shutil.disk_usage(folder).free < FREE_SPACE_RESERVE_BYTES
        except OSError as error:
            raise DiskFailed(
                f"the room that is left in {folder} cannot be told: {error.strerror}; see that the folder is there"
            ) from None

    return is_low
