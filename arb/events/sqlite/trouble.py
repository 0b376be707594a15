"""What SQLite's own errors mean to whoever asked something of a log, in one line and one exit code."""

from typing import Final

import apsw

from arb.errors import ArbError, DiskFailed, LogDamaged

# A text that is none, or something else in the place of a table, is what a damaged page looks like.
DAMAGE: Final = (apsw.CorruptError, apsw.NotADBError, apsw.SQLError, UnicodeDecodeError)
REBUILD: Final = (
    "where the events are whole, `tools/replay.py --rebuild` writes the tables anew;"
    " `tools/replay.py --verify` says what is wrong, else restore a backup"
)


def explained(error: BaseException) -> ArbError | None:
    """Say in our words what an error of SQLite means; None for an error of anything else."""
    match error:
        case apsw.CorruptError() | apsw.NotADBError() | apsw.SQLError() | UnicodeDecodeError():
            return LogDamaged(f"SQLite cannot read the log: {error}; {REBUILD}")
        case apsw.FullError():
            return DiskFailed(f"the disk is full: {error}; make room, then try again")
        case apsw.ReadOnlyError() | apsw.PermissionsError() | apsw.AuthError():
            return DiskFailed(f"the log cannot be written: {error}; make it writable")
        case apsw.BusyError() | apsw.LockedError():
            return DiskFailed(f"another program has the log: {error}; end it, then try again")
        case apsw.Error():
            return DiskFailed(
                f"the disk failed: {type(error).__name__}: {error}; see that its files can be read and that there is room"
            )
    return None
