"""What a log may stand on: a SQLite without known corruption, a local file system, and a file that is a log of ours."""

import os
import sys
from pathlib import Path
from typing import Final

import apsw
from msgspec import Struct

from arb.errors import LogDamaged, UnsafeStorage, WrongLog
from arb.events.sqlite.schema import APPLICATION_ID, SCHEMA_VERSION

SQLITE_VERSION_MIN: Final = (
    3,
    51,
    3,
)  # older ones can corrupt a WAL that is reset and checkpointed at once
_MAGIC: Final = b"SQLite format 3\x00"
_HEADER_BYTES: Final = 100
_WAL_FORMAT: Final = b"\x02\x02"
_ROLLBACK_FORMAT: Final = b"\x01\x01"
_WRITTEN: Final = ("", "-wal", "-shm", ".witness", ".ballast")
_MOUNTINFO: Final = Path("/proc/self/mountinfo")
# A lock there may not be a lock, an fsync may be an opinion, and a WAL needs memory shared on one host.
_REMOTE: Final = frozenset(
    {
        "nfs",
        "nfs4",
        "cifs",
        "smb",
        "smb2",
        "smb3",
        "smbfs",
        "ncpfs",
        "9p",
        "afs",
        "coda",
        "ceph",
        "lustre",
        "gfs2",
        "ocfs2",
        "beegfs",
        "orangefs",
        "virtiofs",
        "vboxsf",
        "vmhgfs",
        "fuse",
        "fuseblk",
    }
)
_IN_MEMORY: Final = frozenset({"tmpfs", "ramfs"})
_MOUNT_POINT_FIELD: Final = 4


class FileHeader(Struct, frozen=True):
    """What the first bytes of a database say."""

    is_sqlite: bool
    is_wal: bool
    is_rollback: bool  # whole too, but not as a log is kept
    application_id: int
    schema_version: int


def check_sqlite() -> None:
    """Raise UnsafeStorage for a SQLite library with the WAL-reset bug."""
    found = tuple(int(part) for part in apsw.sqlite_lib_version().split("."))
    if found < SQLITE_VERSION_MIN:
        needed = ".".join(map(str, SQLITE_VERSION_MIN))
        raise UnsafeStorage(
            f"SQLite {apsw.sqlite_lib_version()} can corrupt a log; {needed} or newer is needed: update apsw"
        )


def check_file_system(path: Path) -> None:
    """Raise UnsafeStorage for a folder on a network or user-space file system, WrongLog where there is none."""
    if not path.is_dir():
        raise WrongLog(f"there is no folder {path}; make it, or use another `--db`")
    if not sys.platform.startswith("linux"):
        return  # only Linux tells its mounts this way; elsewhere the operator knows
    kind = file_system(path, _MOUNTINFO.read_text())
    if kind in _REMOTE or kind.startswith("fuse."):
        raise UnsafeStorage(
            f"{path} is on {kind}, which cannot keep what a log acknowledges; use `--db` on a local disk"
        )


def in_memory(db: Path) -> str | None:
    """Name the file system of a log that stands in memory, and so is lost with the power; None on a disk."""
    if not sys.platform.startswith("linux"):
        return None
    kind = file_system(beside(db, "").parent, _MOUNTINFO.read_text())
    return kind if kind in _IN_MEMORY else None


def check_writable(db: Path) -> None:
    """Raise UnsafeStorage naming the first file of a log, or its folder, that this user may not write."""
    files = (beside(db, suffix) for suffix in _WRITTEN)
    for path in (beside(db, "").parent, *(file for file in files if file.exists())):
        if not os.access(path, os.R_OK | os.W_OK):
            raise UnsafeStorage(
                f"{path} cannot be written; let this user write it, or use another `--db`"
            )


def file_system(path: Path, mountinfo: str) -> str:
    """Name the type of the file system that holds a path, by the text of /proc/self/mountinfo."""
    real = os.path.realpath(path)
    best, kind = "", ""
    for line in mountinfo.splitlines():
        mount, _, source = line.partition(" - ")
        point = _unescape(mount.split(" ")[_MOUNT_POINT_FIELD])
        inside = real == point or real.startswith(point.rstrip("/") + "/")
        # Of two mounts on one point the later one hides the earlier one.
        if inside and len(point) >= len(best):
            best, kind = point, source.split(" ")[0]
    return kind


def _unescape(text: str) -> str:
    for code, letter in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        text = text.replace(code, letter)
    return text


def read_header(path: Path) -> FileHeader | None:
    """Read a database's header; None where there is no file, or an empty one.

    No connection of this process may be open on the file: closing any descriptor drops all its POSIX locks.
    """
    try:
        with path.open("rb") as file:
            head = file.read(_HEADER_BYTES)
    except FileNotFoundError:
        return None
    except OSError as error:  # a folder, or a file of somebody else
        raise WrongLog(f"{path} cannot be read: {error.strerror}; use another `--db`") from None
    if not head:
        return None
    head = head.ljust(_HEADER_BYTES, b"\0")
    return FileHeader(
        is_sqlite=head.startswith(_MAGIC),
        is_wal=head[18:20] == _WAL_FORMAT,
        is_rollback=head[18:20] == _ROLLBACK_FORMAT,
        schema_version=int.from_bytes(head[60:64]),
        application_id=int.from_bytes(head[68:72]),
    )


def check_header(path: Path, header: FileHeader, *, witnessed: bool) -> None:
    """Raise WrongLog for a file that is not a log of ours, or newer; LogDamaged where a witness says that it was one."""
    if header.is_sqlite and header.application_id == APPLICATION_ID:
        if header.schema_version > SCHEMA_VERSION:
            raise WrongLog(
                f"{path} has log format {header.schema_version}, this version reads up to {SCHEMA_VERSION};"
                " use the version that wrote it, or a newer one"
            )
        if header.schema_version == SCHEMA_VERSION and header.is_wal:
            return
        if header.schema_version == SCHEMA_VERSION and header.is_rollback:
            raise LogDamaged(
                f"{path} is not in WAL mode, like a copy that VACUUM INTO made: with no {path.name}-wal beside it,"
                f" `sqlite3 {path} 'PRAGMA journal_mode=wal'` makes it a log again"
            )
        raise LogDamaged(f"the header of {path} is not as a log was created; restore a backup")
    if witnessed:
        raise LogDamaged(
            f"the header of {path} is damaged: its witness says it is a log; restore a backup"
        )
    what = "a database of another program" if header.is_sqlite else "not a database"
    raise WrongLog(f"{path} is {what}; it was not touched. Use another `--db`")


def sync_file(path: Path) -> None:
    """Fsync a file that is not the database itself."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_folder(path: Path) -> None:
    """Fsync the folder of a file, so that its name survives a power loss."""
    sync_file(path.parent)


def beside(db: Path, suffix: str) -> Path:
    """Name a companion of a log: `trade_state.db` and `.lock` give `trade_state.db.lock`.

    It is beside the file itself, where SQLite has the WAL, by whatever link the log is named: two names
    are one lock, and one witness.
    """
    real = Path(os.path.realpath(db))
    return real.with_name(real.name + suffix)
