"""Record what an engine is told of the books, as it takes it: the same drains, the same times."""

from collections.abc import AsyncIterator, Iterable
from pathlib import Path

import structlog

from arb.clock import Clock
from arb.errors import ConfigInvalid
from arb.feeds.book_rows import Heading
from arb.feeds.recorder import Recorder
from arb.feeds.source import Change
from arb.market.book import MarketRules

log = structlog.get_logger()


class Tap:
    """Writes a feed to a file beside its way to the engine; raises ConfigInvalid where the file exists.

    A kill costs a second of it; it is made safe against a power loss where it ends. Where the disk
    takes no more, the recording ends there, and the run goes on: money may be at work.
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
        self._begin(tuple(markets))
        async for change in changes:
            if self._recorder is not None:
                try:
                    self._recorder.take(change)
                    self._recorder.flush_if_due()
                except OSError as error:
                    self._broke(error)
            yield change

    def close(self) -> None:
        """End the recording."""
        if self._recorder is not None:
            try:
                self._recorder.close()
            except OSError as error:
                self._broke(error)

    def _begin(self, markets: tuple[MarketRules, ...]) -> None:
        assert self._recorder is None, "a run has one feed"
        heading = Heading(
            venue=self._venue,
            feed=self._feed,
            began_ns=self._clock.now_ns(),
            markets=markets,
        )
        try:
            self._recorder = Recorder(self._path, heading, self._clock, durable=False)
        except OSError as error:
            self._broke(error)

    def _broke(self, error: OSError) -> None:
        """Say it once: what was written so far can be read."""
        if self._recorder is not None:
            self._recorder.abandon()
            self._recorder = None
        log.error("recording.ended", path=str(self._path), error=str(error))
