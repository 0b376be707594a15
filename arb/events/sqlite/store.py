"""The event log in an SQLite file, as the engine uses it."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import apsw

from arb.events.envelope import Head, Meta, Recorded
from arb.events.facts import LogCreated
from arb.events.log import Appended, StreamAppend
from arb.events.sequence import draft
from arb.events.sqlite import connections, rows
from arb.events.sqlite.commit import Committer
from arb.events.sqlite.locks import HeldLock
from arb.events.sqlite.writers import LoopWriter, ThreadWriter, Writer


class SqliteLog:
    """An open log (`EventLog`) that this process writes. Made by `open_log`.

    `identity` says who the log is, with the instance in force. An append that is cancelled while it waits is not taken back.
    """

    def __init__(
        self,
        path: Path,
        lock: HeldLock,
        committer: Committer,
        identity: LogCreated,
        *,
        on_loop: bool,
    ) -> None:
        self.path = path
        self.identity = identity
        self._lock = lock
        self._committer = committer
        self._on_loop = on_loop
        self._reader: apsw.Connection | None = None
        self._closed = False
        self._writer: Writer = LoopWriter(committer) if on_loop else ThreadWriter(committer)

    async def append(
        self,
        batch: Sequence[StreamAppend],
        *,
        at_ns: int,
        meta: Meta,
        command_id: str | None = None,
    ) -> Appended:
        """Write facts durably, all or nothing; waits for room when APPEND_QUEUE_MAX appends are waiting."""
        return await self._writer.write(draft(batch, at_ns=at_ns, meta=meta, command_id=command_id))

    def head(self) -> Head:
        """The last acknowledged event."""
        return self._writer.head

    def stream_version(self, stream: str) -> int:
        """The number of events in a stream, 0 if there is none."""
        return rows.stream_version(self._read_connection(), stream)

    def read(self, after: int = 0, limit: int | None = None) -> Iterator[Recorded]:
        """Events in order of position, after a position."""
        return rows.records(self._read_connection(), after, limit)

    def read_stream(self, stream: str, after_version: int = 0) -> Iterator[Recorded]:
        """Events of one stream in order of version."""
        return rows.stream_records(self._read_connection(), stream, after_version)

    def break_off(self, error: Exception) -> None:
        """Write nothing more, as after an error of the disk: what waits is told `error` as unknown."""
        self._committer.break_off(error)

    async def close(self) -> None:
        """Finish what was handed over, then let go of the files and the lock, whatever happens."""
        if self._closed:
            return
        self._closed = True
        try:
            if self._reader is not None:
                connections.close(self._reader)
            await self._writer.close()
        finally:
            self._lock.release()

    def _read_connection(self) -> apsw.Connection:
        if self._on_loop:
            return self._committer.connection
        if self._reader is None:
            self._reader = connections.reader(self.path)
        return self._reader
