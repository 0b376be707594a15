"""A consistent copy of a log that is being written."""

from pathlib import Path

import apsw

from arb.errors import WrongLog
from arb.events.envelope import Head
from arb.events.sqlite import rows
from arb.events.sqlite.reader import LogReader
from arb.events.sqlite.storage import beside, sync_file, sync_folder


def backup(path: Path, target: Path) -> Head:
    """Copy a log while it is written, by SQLite's own means, and tell the head of the copy.

    The copy has no witness: an engine takes it only through the door for accepted heads, with a new instance, so that no
    order id is issued twice. Raises WrongLog when the target exists,
    or a WAL beside it.
    """
    if target.exists() or target.is_symlink():
        raise WrongLog(f"{target} exists, and a backup never overwrites; name another file")
    stale = beside(target, "-wal")
    if stale.exists():  # SQLite would mix it with the copy
        raise WrongLog(
            f"{stale} is of another database; move it away, or name another file for the backup"
        )
    new = beside(target, ".new")
    new.unlink(missing_ok=True)
    new.touch(mode=0o600)
    with LogReader(path) as source:
        copy = apsw.Connection(str(new))
        try:
            with copy.backup("main", source.connection, "main") as running:
                running.step(-1)
            head = rows.head(copy)
        finally:
            copy.close()
    sync_file(new)
    new.replace(target)
    sync_folder(target)
    return head
