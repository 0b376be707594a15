"""Opening a log for writing: lock, look without touching, then trust. And the operator's door for a log that disagrees."""

from pathlib import Path

import apsw

from arb.errors import ArbError, LogDamaged, WrongLog
from arb.events.envelope import EMPTY, Head, Meta
from arb.events.facts import Fact, HeadAccepted, LogCreated
from arb.events.log import Appended, StreamAppend
from arb.events.sequence import draft
from arb.events.sqlite import connections, rows, schema
from arb.events.sqlite.ballast import ensure_ballast, free_space_low, release_ballast
from arb.events.sqlite.commit import Committer, Waiting
from arb.events.sqlite.examine import Found, check_domain, examine
from arb.events.sqlite.left_wal import WalAgain, check_left_wal, has_left_wal
from arb.events.sqlite.links import real_file
from arb.events.sqlite.locks import lock_log
from arb.events.sqlite.projector import NoProjections, Projector
from arb.events.sqlite.storage import (
    beside,
    check_file_system,
    check_header,
    check_sqlite,
    check_writable,
    read_header,
    sync_file,
    sync_folder,
)
from arb.events.sqlite.store import SqliteLog
from arb.events.sqlite.trouble import DAMAGE, REBUILD
from arb.events.sqlite.verify import chain_findings
from arb.events.sqlite.witness import Witness, read_witness


def open_log(
    path: Path,
    *,
    mode: str,
    venue: str,
    account: str,
    instance: str,
    run: str,
    at_ns: int,
    on_loop: bool = False,
    durable: bool = True,
    projector: Projector | None = None,
    vfs: str | None = None,
    witness_type: type[Witness] = Witness,
    wal_type: type[WalAgain] = WalAgain,
    checkpoint_pages: int | None = None,
) -> SqliteLog:
    """Open a log for writing, or create it: a LogCreated of the given domain and instance is then its first event.

    Takes the lock; checks file system, header, schema, domain, witness and the chain since the last checkpoint without
    touching a file; then lets the projector prepare and starts the writer, on the running loop or in a thread.
    Without `durable` an acknowledged event survives a kill at once and a power loss from the log's closing on: enough for
    a backtest, which is a function of its inputs and begins anew.
    Raises LogLocked, UnsafeStorage, WrongLog or LogDamaged. `vfs` names an apsw VFS, and `witness_type` and `wal_type`
    write what SQLite does not, where the disk is a simulated one; `checkpoint_pages` takes the place of the limit of
    that name.
    """
    check_sqlite()
    path = real_file(path)
    check_file_system(path.parent)
    domain = LogCreated(instance=instance, mode=mode, venue=venue, account=account)
    lock = lock_log(path)
    try:
        check_writable(path)
        found = examine(path) or _create(path, witness_type)
        if found.identity is not None:
            check_domain(path, found.identity, domain)
        if free_space_low(path):
            release_ballast(path)
        else:
            ensure_ballast(path)
        # A database restored without events may lack its witness; one with events was refused by now.
        testimony = read_witness(path)
        witness = (
            _new_witness(path, witness_type)
            if testimony is None
            else witness_type.open(path, testimony)
        )
        committer = _start(
            path, witness, found.head, projector, vfs,
            wal_type=wal_type, durable=durable, checkpoint_pages=checkpoint_pages, anew=not found.tables_proven,
        )  # fmt: skip
        if found.identity is None:
            _commit(committer, domain, 0, run, at_ns)
    except BaseException:
        lock.release()
        raise
    return SqliteLog(path, lock, committer, found.identity or domain, on_loop=on_loop)


def accept_head(
    path: Path,
    *,
    reason: str,
    instance: str,
    at_ns: int,
    run: str = "",
    projector: Projector | None = None,
) -> Appended:
    """Accept a log whose witness disagrees or is missing, on the record, with a new instance for its order ids.

    This is the door after restoring a backup. The chain itself must be whole: raises LogDamaged otherwise, and WrongLog
    where there is no log with events.
    """
    check_sqlite()
    path = real_file(path)
    check_file_system(path.parent)
    with lock_log(path):
        check_writable(path)
        if not connections.is_open_here(path):
            header = read_header(path)
            if header is None:
                raise WrongLog(f"there is no log at {path}; check `--db`")
            check_header(path, header, witnessed=False)
        head, proven = _whole_head(path)
        # The new witness counts only once the acceptance is in the log: until then the log stays refused.
        witness = Witness.prepare(path)
        committer = _start(path, witness, head, projector, anew=not proven)
        version = rows.stream_version(committer.connection, rows.LOG_STREAM)
        fact = HeadAccepted(reason=reason, position=head.position, instance=instance)
        result = _commit(committer, fact, version, run, at_ns)
        try:
            witness.publish(path)
        except BaseException:
            committer.abandon()
            raise
        committer.close()
        return result


def _create(path: Path, witness_type: type[Witness]) -> Found:
    """Make an empty log and its witness, each whole from the first moment it can be seen under its name."""
    if has_left_wal(path):
        # SQLite would mix the pages of the log that was there into the new one.
        raise WrongLog(
            f"{path}-wal is there without its log, and {path}-shm is of it too: move both away to begin a new one,"
            f" or put {path} back"
        )
    _new_witness(path, witness_type).close()
    new = beside(path, ".new")
    new.unlink(missing_ok=True)  # of a creation that was cut short
    new.touch(mode=0o600)
    connection = apsw.Connection(str(new))
    try:
        schema.create(connection)
    finally:
        connection.close()
    sync_file(new)
    new.replace(path)
    sync_folder(path)
    return Found(EMPTY, None)


def _new_witness(path: Path, witness_type: type[Witness]) -> Witness:
    witness = witness_type.prepare(path)
    witness.publish(path)
    return witness


def _start(
    path: Path,
    witness: Witness,
    head: Head,
    projector: Projector | None,
    vfs: str | None = None,
    *,
    wal_type: type[WalAgain] = WalAgain,
    durable: bool = True,
    checkpoint_pages: int | None = None,
    anew: bool = False,
) -> Committer:
    """Open the writing connection, move a left WAL into the database, and bring the projections up to date."""
    projector = projector or NoProjections()
    connection = connections.writer(path, vfs, durable=durable)
    committer = Committer(connection, witness, projector, head, checkpoint_pages)
    try:
        if has_left_wal(path):
            wal_type(beside(path, "-wal")).write()
        committer.checkpoint()
        if committer.broken is None:
            _prepare(projector, connection, path, anew=anew)
        assert not connection.in_transaction, "a projector left its transaction open"
        if committer.checkpoint_due():  # a rebuild is a long WAL
            committer.checkpoint()
    except (apsw.Error, OSError) as error:
        committer.break_off(error)
    except BaseException:
        committer.abandon()
        raise
    if committer.broken is not None:
        committer.abandon()
        raise committer.indeterminate()
    return committer


def _prepare(projector: Projector, connection: apsw.Connection, path: Path, *, anew: bool) -> None:
    try:
        projector.prepare(connection, anew=anew)
    except DAMAGE as error:
        raise LogDamaged(f"{path}: a table cannot be read: {error}; {REBUILD}") from None


def _commit(committer: Committer, fact: Fact, version: int, run: str, at_ns: int) -> Appended:
    """Append one fact about the log itself, before the writer runs; on any error nothing stays open."""
    batch = (StreamAppend(rows.LOG_STREAM, version, (fact,)),)
    waiting = Waiting(draft(batch, at_ns=at_ns, meta=Meta(run=run)))
    committer.commit((waiting,))
    try:
        return waiting.result()
    except ArbError:
        committer.abandon()
        raise


def _whole_head(path: Path) -> tuple[Head, bool]:
    """The head of a log whose chain is whole, and whether its tables are as far as they can be; changes nothing."""
    in_use = connections.is_open_here(path)
    connection = connections.reader(path) if in_use else connections.untouching(path)
    try:
        proven = in_use or not has_left_wal(path) or check_left_wal(path, connection)
        schema.check(connection)
        findings = chain_findings(connection)
        if findings:
            raise LogDamaged(
                f"{path}: {findings[0].text}; this log cannot be accepted, restore a backup"
            )
        head = rows.head(connection)
    except (apsw.CorruptError, apsw.NotADBError) as error:
        raise LogDamaged(f"SQLite cannot read {path}: {error}; restore a backup") from None
    finally:
        connections.close(connection)
    if head == EMPTY:
        raise WrongLog(f"{path} has no events to accept")
    return head, proven
