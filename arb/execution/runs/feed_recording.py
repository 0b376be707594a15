"""Record the feed of some strategies to a file: a live one as it comes, a played one at once."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from math import inf
from pathlib import Path
from typing import Final

from msgspec import Struct

from arb.clock import NS_PER_S, Clock
from arb.errors import ConfigInvalid
from arb.execution.opportunities.discovery import discover
from arb.execution.opportunities.interest import markets_of_cycles
from arb.execution.runs.assembling import shared
from arb.execution.runs.running import opened_market
from arb.execution.runs.sources import Market
from arb.execution.runs.wiring import fee_rates
from arb.feeds.book_rows import Heading
from arb.feeds.recorder import Recorder
from arb.feeds.source import Change, MarketSource
from arb.limits import RECORDING_FLUSH_S
from arb.strategy.loader import Loaded

ROWS_AT_ONCE: Final = 500  # of a played feed, between two looks for an interrupt

Say = Callable[[str], None]


class Recorded(Struct, frozen=True):
    """What is in the file."""

    rows: int
    markets: int
    bytes: int
    first_ns: int | None
    last_ns: int


class Asked(Struct, frozen=True, kw_only=True):
    """Where to record to, for how long, and which markets: those of the cycles, or all."""

    out: Path
    duration_s: float | None
    all_markets: bool = False


async def record(
    loaded: Sequence[Loaded], asked: Asked, clock: Clock, stop: asyncio.Event, say: Say
) -> Recorded:
    """Record until the time is over, the feed ends or somebody stops it; what is written stays.

    Raises ConfigInvalid where the file exists or the feed has no end and no duration was given.
    """
    async with opened_market(loaded[0], clock) as market:
        for note in market.notes:
            say(note)
        markets = _markets(loaded, asked, market)
        if market.changes is None and market.span_ns is None and asked.duration_s is None:
            raise ConfigInvalid("a generated market never ends: give --duration")
        strategy = shared(loaded)
        rules = tuple(market.source.markets[name] for name in sorted(markets))
        heading = Heading(
            venue=strategy.venue.id,
            feed=_feed(market),
            began_ns=clock.now_ns() if market.span_ns is None else market.span_ns[0],
            markets=rules,
        )
        with Recorder(asked.out, heading, clock) as recorder:
            say(f"{len(markets)} markets, to {asked.out}")
            work = _Work(recorder, markets, asked.duration_s, stop)
            if market.changes is None:
                await work.play(market.source, heading.began_ns)
            else:
                await market.attend(markets)
                await work.follow(market.changes(0), clock)
        return Recorded(
            rows=recorder.rows,
            markets=len(recorder.markets),
            bytes=recorder.bytes,
            first_ns=recorder.first_ns,
            last_ns=recorder.newest_ns,
        )


def _feed(market: Market) -> str:
    if market.changes is not None:
        return "live"
    return "generated" if market.recording is None else "recorded"


def _markets(loaded: Sequence[Loaded], asked: Asked, market: Market) -> frozenset[str]:
    there = market.source.markets
    if asked.all_markets:
        return frozenset(there)
    fees = fee_rates(shared(loaded))
    traded = {code for one in loaded for code in discover(one, there, fees).assets}
    strategies = [each.strategy for each in loaded]
    return frozenset(markets_of_cycles(traded, strategies, fees.fee_asset, there))


class _Work(Struct, frozen=True):
    """Some markets of a feed, to a recorder, for a time or until somebody stops it."""

    recorder: Recorder
    markets: frozenset[str]
    duration_s: float | None
    stop: asyncio.Event

    async def play(self, source: MarketSource, began_ns: int) -> None:
        """Write what a feed plays from a moment on, as fast as it goes."""
        end_ns = inf
        if self.duration_s is not None:
            end_ns = began_ns + round(self.duration_s * NS_PER_S)
        # What stands at the beginning is told first, all of it in one go.
        books = [source.book_at(name, began_ns) for name in sorted(self.markets)]
        standing = [book for book in books if book is not None]
        for left, book in zip(range(len(standing) - 1, -1, -1), standing, strict=True):
            self.recorder.take(Change(began_ns, book.market, book, left > 0))
        for count, change in enumerate(source.changes(began_ns)):
            if change.at_ns > end_ns:
                return
            if change.market in self.markets:
                self.recorder.take(change)
            if count % ROWS_AT_ONCE == 0:
                await asyncio.sleep(0)
                if self.stop.is_set():
                    return

    async def follow(self, changes: AsyncIterator[Change], clock: Clock) -> None:
        """Write a feed as it comes."""

        async def take() -> None:
            async for change in changes:
                if change.market in self.markets:
                    self.recorder.take(change)

        async def flush() -> None:
            while True:
                await clock.sleep(RECORDING_FLUSH_S)
                self.recorder.flush_if_due()

        async def wait() -> None:
            if self.duration_s is None:
                await self.stop.wait()
            else:
                await clock.sleep(self.duration_s)

        tasks = [asyncio.ensure_future(one()) for one in (take, flush, wait, self.stop.wait)]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
