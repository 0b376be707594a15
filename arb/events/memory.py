"""An event log in memory, with everything but durability: the reference that the others are compared with."""

from collections.abc import Iterator, Sequence

from arb.events.envelope import EMPTY, Head, Meta, Recorded
from arb.events.log import Appended, StreamAppend
from arb.events.sequence import Sequencer, draft


class MemoryLog:
    """Keep events in a list. An append is done when the call begins to wait, so it never waits."""

    def __init__(self) -> None:
        self._records: list[Recorded] = []
        self._streams: dict[str, list[Recorded]] = {}
        self._commands: dict[str, Appended] = {}
        self._sequencer = Sequencer(EMPTY, self.stream_version, self._commands.get)
        self._closed = False

    async def append(
        self,
        batch: Sequence[StreamAppend],
        *,
        at_ns: int,
        meta: Meta,
        command_id: str | None = None,
    ) -> Appended:
        """Write facts, all or nothing."""
        if self._closed:
            raise RuntimeError("the log is closed")
        one = draft(batch, at_ns=at_ns, meta=meta, command_id=command_id)
        records: list[Recorded] = []
        result = self._sequencer.stage(one, records)
        self._records += records
        for record in records:
            self._streams.setdefault(record.stream, []).append(record)
        if command_id is not None:
            self._commands.setdefault(command_id, result)
        return result

    def head(self) -> Head:
        """The last event."""
        return self._sequencer.head()

    def stream_version(self, stream: str) -> int:
        """The number of events in a stream, 0 if there is none."""
        return len(self._streams.get(stream, ()))

    def read(self, after: int = 0, limit: int | None = None) -> Iterator[Recorded]:
        """Events in order of position, after a position."""
        end = None if limit is None else after + limit
        yield from self._records[after:end]

    def read_stream(self, stream: str, after_version: int = 0) -> Iterator[Recorded]:
        """Events of one stream in order of version."""
        yield from self._streams.get(stream, [])[after_version:]

    async def close(self) -> None:
        """Let go; appending afterwards raises."""
        self._closed = True
