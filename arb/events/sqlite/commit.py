"""The core of both writers: many appends, one transaction, one fsync, then the witness, then the acknowledgement."""

import asyncio
from collections.abc import Sequence
from typing import Final

import apsw
import structlog

from arb.errors import Indeterminate, VersionConflict
from arb.events.envelope import Head, Recorded
from arb.events.log import Appended
from arb.events.sequence import Draft, Sequencer
from arb.events.sqlite import connections, rows, stamp
from arb.events.sqlite.places import Places
from arb.events.sqlite.projector import Projector
from arb.events.sqlite.witness import Witness
from arb.limits import CHECKPOINT_PAGES, WAL_PAGES_TOLD

log = structlog.get_logger()

_VERSIONS_KEPT_MAX: Final = (
    20_000  # streams whose version is in memory; the others are asked for again
)
_PAGE_BYTES: Final = 4096
_INSERT = f"INSERT INTO events({rows.COLUMNS}) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"


class Waiting:
    """An append on its way through a writer, and what became of it."""

    __slots__ = ("draft", "outcome", "told")

    def __init__(self, draft: Draft) -> None:
        self.draft = draft
        self.outcome: Appended | VersionConflict | Indeterminate | None = None
        self.told: asyncio.Future[None] | None = None  # set when the outcome stands

    def result(self) -> Appended:
        """What the append gave; raises VersionConflict or Indeterminate."""
        assert self.outcome is not None, "an append was told before it was written"
        if isinstance(self.outcome, Appended):
            return self.outcome
        raise self.outcome


class Committer:
    """Write appends. It belongs to one thread at a time, and after the first error it writes nothing more."""

    def __init__(
        self,
        connection: apsw.Connection,
        witness: Witness,
        projector: Projector,
        head: Head,
        checkpoint_pages: int | None = None,
    ) -> None:
        self.connection = connection
        self.head = head  # the last event that is durable and sworn to
        self.broken: BaseException | None = None
        self._witness = witness
        self._projector = projector
        self._places = Places(connection)
        self._sequencer = Sequencer(
            head,
            lambda stream: rows.stream_version(connection, stream),
            lambda command: rows.appended(connection, command),
        )
        self._cursor = connection.cursor()
        self._wal_pages = 0
        self._checkpoint_pages = checkpoint_pages or CHECKPOINT_PAGES
        self._checkpoint_at = self._checkpoint_pages
        self._tell_at = WAL_PAGES_TOLD
        connection.set_wal_hook(self._count_pages)

    def commit(self, batch: Sequence[Waiting]) -> None:
        """Write a batch in one transaction and set each outcome.

        A VersionConflict fails its own append only. Any error fails the whole batch as Indeterminate, and everything after
        it: an error from COMMIT means unknown, not failed, so nothing is ever tried again here.
        """
        if self.broken is None:
            try:
                self._write(batch)
            except BaseException as error:
                self.broken = error
                if not isinstance(error, Exception):
                    raise
            else:
                return
        for one in batch:
            one.outcome = self.indeterminate()

    def break_off(self, error: Exception) -> None:
        """Take an error from elsewhere for one of the disk: nothing more is written."""
        self.broken = self.broken or error

    def indeterminate(self) -> Indeterminate:
        """What everybody who waits is told after an error."""
        found = f"{type(self.broken).__name__}: {self.broken}"
        return Indeterminate(
            f"the log's writer ended with {found}; what it was writing may or may not be in the log."
            " Nothing more is written: end this process, the next start replays and finds out"
        )

    def checkpoint_due(self) -> bool:
        """Tell whether the WAL is long enough to move into the database, between two batches."""
        return self._wal_pages >= self._checkpoint_at and self.broken is None

    def checkpoint(self, *, last: bool = False) -> None:
        """Move the WAL into the database as far as readers allow, then mark the head as durable in the witness.

        Unless it is the last one, a stamp is then the first thing in the next WAL.
        """
        if self.broken is not None:
            return
        try:
            stamp.end(self.connection)
            pages, moved = self.connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
            whole = moved == pages
            if whole:
                connections.empty_wal(self.connection)
        except apsw.BusyError:  # somebody else's checkpoint runs: there will be another time
            self._checkpoint_at = self._wal_pages + self._checkpoint_pages
            return
        except Exception as error:  # noqa: BLE001 -- kept, and told to everybody who waits
            self.broken = error
            return
        # A long reader keeps the WAL from beginning again; trying at every commit would only cost.
        self._checkpoint_at = pages + self._checkpoint_pages
        self._tell_of_readers(0 if whole else pages)
        self._swear_mark()
        if whole and not last and self.broken is None:
            self._begin_wal()

    def close(self) -> None:
        """Leave a whole database without a WAL; after an error, leave everything as it is."""
        try:
            if self.broken is None:
                self.connection.pragma("synchronous", "full")
                self.checkpoint(last=True)
            self.connection.set_wal_hook(None)
            connections.close(self.connection, checkpoint=self.broken is None)
        finally:
            self._witness.close()

    def abandon(self) -> None:
        """Let go as a killed process would: no checkpoint, no mark."""
        connections.close(self.connection, checkpoint=False)
        self._witness.close()

    def _write(self, batch: Sequence[Waiting]) -> None:
        cursor = self._cursor
        sequencer = self._sequencer
        records: list[Recorded] = []
        cursor.execute("BEGIN IMMEDIATE")
        for one in batch:
            try:
                one.outcome = sequencer.stage(one.draft, records)
            except VersionConflict as error:
                one.outcome = error
        if not records:
            cursor.execute("ROLLBACK")
            return
        cursor.executemany(_INSERT, map(_bindings, records))
        self._projector.apply(self.connection, records)
        cursor.execute("COMMIT")
        self._places.check()
        head = sequencer.head()
        self._witness.write(head)
        self.head = head
        sequencer.committed(_VERSIONS_KEPT_MAX)

    def _swear_mark(self) -> None:
        try:
            self._witness.sync(self.head)
        except Exception as error:  # noqa: BLE001 -- kept, and told to everybody who waits
            self.broken = error

    def _begin_wal(self) -> None:
        try:
            stamp.begin(self.connection)
        except Exception as error:  # noqa: BLE001 -- kept, and told to everybody who waits
            self.broken = error

    def _tell_of_readers(self, pages: int) -> None:
        """Say that a reader keeps so many pages of the WAL; again when they are twice as many."""
        if pages < self._tell_at:
            self._tell_at = self._tell_at if pages else WAL_PAGES_TOLD
            return
        self._tell_at = 2 * pages
        log.warning(
            "log.held",
            wal=self.connection.filename_wal,
            mb=pages * _PAGE_BYTES // 10**6,
            why="a program reads the log in one transaction that does not end, and the WAL grows until it does:"
            " look for a stopped `--verify`, an open sqlite3 shell or a backup",
        )

    def _count_pages(self, _: apsw.Connection, __: str, pages: int) -> int:
        if pages < self._wal_pages:
            self._checkpoint_at = self._checkpoint_pages  # the WAL began again
        self._wal_pages = pages
        return apsw.SQLITE_OK


def _bindings(one: Recorded) -> "tuple[apsw.SQLiteValue, ...]":
    return (
        one.position,
        one.stream,
        one.version,
        one.type,
        one.shape,
        one.at_ns,
        one.data,
        one.meta,
        one.command,
        one.hash,
    )
