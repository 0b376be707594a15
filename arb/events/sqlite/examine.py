"""Looking at a log before it is written: every check that can be made without changing a file."""

from pathlib import Path

import apsw
from msgspec import Struct

from arb.errors import LogDamaged, WrongLog
from arb.events.chain import link
from arb.events.envelope import EMPTY, Head
from arb.events.facts import LogCreated
from arb.events.sqlite import connections, rows, schema
from arb.events.sqlite.left_wal import DOOR, check_left_wal, has_left_wal
from arb.events.sqlite.links import real_file
from arb.events.sqlite.locks import lock_log
from arb.events.sqlite.storage import beside, check_header, read_header, sync_file
from arb.events.sqlite.witness import Sworn, read_witness


class Found(Struct, frozen=True):
    """What stands in a log before anybody writes it."""

    head: Head
    identity: LogCreated | None  # None: it was created, but its first event never got in
    tables_proven: bool = (
        True  # as far as they can be: those of an unclean end may have to be made anew
    )


def examine(path: Path) -> Found | None:
    """Look at a log through every check, and change nothing; None where there is no log yet. The caller holds its lock.

    Checks header, schema, witness and the chain since the last checkpoint; `verify_chain` checks all of it.
    Raises WrongLog for what is not a log of ours, LogDamaged for a log that does not hold what it acknowledged.
    """
    path = real_file(path)
    in_use = connections.is_open_here(path)
    header = None if in_use else read_header(path)
    unreadable: LogDamaged | None = None
    testimony: Sworn | None = None
    try:
        testimony = read_witness(path)
    except LogDamaged as error:
        unreadable = error
    witnessed = testimony is not None and testimony.head != EMPTY
    if header is not None:
        check_header(path, header, witnessed=witnessed)
    elif not in_use:
        if witnessed or unreadable is not None:
            raise LogDamaged(f"{path} has a witness, but the log is gone; restore a backup. {DOOR}")
        return None
    if unreadable is not None:
        raise LogDamaged(f"{unreadable}; {DOOR}")
    _make_wal_durable(path)
    connection = connections.reader(path) if in_use else connections.untouching(path)
    try:
        proven = in_use or not has_left_wal(path) or check_left_wal(path, connection)
        schema.check(connection)
        head = rows.head(connection)
        _check_witness(connection, path, head, testimony)
        return Found(head, rows.identity(connection), proven)
    except (apsw.CorruptError, apsw.NotADBError) as error:
        raise LogDamaged(f"SQLite cannot read {path}: {error}; restore a backup") from None
    finally:
        connections.close(connection)


def look(path: Path) -> Found | None:
    """Examine a log that this process is not about to write: under its lock, since a writer's files may not be read so.

    Raises LogLocked while another process writes it.
    """
    # Whoever writes has locked it before; beside what is no log of ours nothing is made.
    if not beside(path, ".lock").exists():
        return examine(path)
    with lock_log(path):
        return examine(path)


def check_domain(path: Path, found: LogCreated, wanted: LogCreated) -> None:
    """Raise WrongLog for a log of another mode, venue or account."""
    if (found.mode, found.venue, found.account) != (wanted.mode, wanted.venue, wanted.account):
        raise WrongLog(
            f"{path} is a log of {_domain(found)}, and was opened for {_domain(wanted)};"
            " one log serves one domain: use another `--db`"
        )


def witness_finding(connection: apsw.Connection, head: Head, testimony: Sworn | None) -> str | None:
    """Say where a log and its witness disagree; None where they agree. A log may be ahead: it holds the sworn head."""
    if testimony is None:
        return (
            None
            if head == EMPTY
            else f"the witness is missing, and the log has {head.position} events"
        )
    for name, sworn in (("head", testimony.head), ("mark", testimony.mark)):
        if sworn.position > head.position:
            return (
                f"the log ends at position {head.position}, and its witness swears to"
                f" {sworn.position} ({name}): acknowledged events are gone"
            )
        if rows.hash_at(connection, sworn.position) != sworn.hash:
            return (
                f"position {sworn.position} does not carry the hash its witness swears to ({name})"
            )
    return None


def _check_witness(
    connection: apsw.Connection, path: Path, head: Head, testimony: Sworn | None
) -> None:
    finding = witness_finding(connection, head, testimony)
    if finding is not None:
        raise LogDamaged(f"{path}: {finding}; {DOOR}")
    if testimony is None:
        return
    previous = testimony.mark.hash
    for page in rows.pages(connection, testimony.mark.position):
        for row in page:
            previous = link(previous, *row[:9])
            if previous != row[9]:
                raise LogDamaged(
                    f"{path}: position {row[0]} does not match its hash;"
                    " `tools/replay.py --verify` says more. Restore a backup"
                )


def _make_wal_durable(path: Path) -> None:
    # A killed writer may leave commits that were written and never fsynced. They are about to be relied on.
    wal = beside(path, "-wal")
    if wal.exists():
        sync_file(wal)


def _domain(identity: LogCreated) -> str:
    return f"{identity.mode} on {identity.venue}, account {identity.account}"
