"""Record what an engine is told of the books, as it takes it: the same drains, the same times."""

from collections.abc import AsyncIterator, Iterable
from pathlib import Path

from arb.clock import Clock
from arb.errors import ConfigInvalid
from arb.feeds.book_rows import Heading
from arb.feeds.recorder import Recorder
from arb.feeds.source import Change
from arb.market.book import MarketRules


class Tap:
    """Writes a feed to a file beside its way to the engine; raises ConfigInvalid where the file exists.

    A kill costs a second of it; it is made safe against a power loss where it ends.
    """

    def __init__(self, path: Path, venue: str, feed: str, clock: Clock) -> None:
        if path.exists():
            raise ConfigInvalid(f"{path} exists: a recording is never written over; name another")
        self._path = path
        self._venue = venue
        self._feed = feed
        self._clock = clock
        self._recorder: Recorder | None = None

    async def through(
        self, changes: AsyncIterator[Change], markets: Iterable[MarketRules]
    ) -> AsyncIterator[Change]:
        """Pass a feed on, each change once it is written."""
        assert self._recorder is None, "a run has one feed"
        heading = Heading(
            venue=self._venue,
            feed=self._feed,
            began_ns=self._clock.now_ns(),
            markets=tuple(markets),
        )
        recorder = self._recorder = Recorder(self._path, heading, self._clock, durable=False)
        async for change in changes:
            recorder.take(change)
            recorder.flush_if_due()
            yield change

    def close(self) -> None:
        """End the recording."""
        if self._recorder is not None:
            self._recorder.close()
