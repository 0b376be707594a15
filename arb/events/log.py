"""What every event log does, whatever keeps it. One contract suite (`tests/contracts`) runs against each implementation."""

from collections.abc import Iterator, Sequence
from typing import Protocol

from msgspec import Struct

from arb.events.envelope import Head, Meta, Recorded
from arb.events.facts import Fact


class StreamAppend(Struct, frozen=True, gc=False):
    """Facts for one stream, which must be at `expected_version` (0: it does not exist yet)."""

    stream: str
    expected_version: int
    facts: tuple[Fact, ...]


class Appended(Struct, frozen=True, gc=False):
    """What an append gave: the positions of its first and last event. `again` when the command id was known already."""

    first: int
    last: int
    again: bool = False


class EventLog(Protocol):
    """An append-only log of facts in streams, totally ordered by position (1, 2, 3 ... without gaps).

    `append` is atomic over its streams and durable when it returns. It raises VersionConflict when a stream is not at its
    expected version (nothing is written), and Indeterminate when it cannot know (nothing more may be sent; see DESIGN in
    docs). A batch whose command id was appended before returns the first result with `again` set.
    """

    async def append(
        self,
        batch: Sequence[StreamAppend],
        *,
        at_ns: int,
        meta: Meta,
        command_id: str | None = None,
    ) -> Appended:
        """Write facts durably, all or nothing."""
        ...

    def head(self) -> Head:
        """The last acknowledged event."""
        ...

    def stream_version(self, stream: str) -> int:
        """The number of events in a stream, 0 if there is none."""
        ...

    def read(self, after: int = 0, limit: int | None = None) -> Iterator[Recorded]:
        """Events in order of position, after a position."""
        ...

    def read_stream(self, stream: str, after_version: int = 0) -> Iterator[Recorded]:
        """Events of one stream in order of version."""
        ...

    async def close(self) -> None:
        """Finish what was handed over, then let go. Appending afterwards raises."""
        ...
