"""Record what an engine is told of the books, as it takes it, and what else its decisions were made on."""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import structlog

from arb.clock import Clock
from arb.errors import ConfigInvalid
from arb.exchange.port import Balance, Books
from arb.execution.account.desk import Desk
from arb.feeds.book_rows import Heading
from arb.feeds.recorder import Recorder
from arb.feeds.run_rows import (
    AcceptsRow,
    Aside,
    BalancesRow,
    FeesRow,
    FoldedRow,
    FollowedRow,
    MarketsRow,
    MomentRow,
    TermsRow,
)
from arb.feeds.source import Change
from arb.market.book import Book, FeeRates, MarketRules
from arb.strategy.loader import Loaded

log = structlog.get_logger()


class Tap:
    """Writes a feed to a file beside its way to the engine; raises ConfigInvalid where the file exists.

    Beside the books stand the moments at which something was decided, with whatever was looked at
    that is neither in the books as they were told nor in the log: see `arb.feeds.run_rows`.
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
        self._begun = False
        self._early: tuple[Aside, ...] = ()  # before there was anything to record
        self._told: dict[str, Book] = {}
        self._markets: Mapping[str, MarketRules] = {}
        self._listed: set[str] = set()  # at some time: their rules are in the recording
        self._fees: FeeRates | None = None
        self._folded = -1
        self.looked = Looked(self._told)

    # --- joining a run ------------------------------------------------------------------------

    def join(
        self, desk: Desk, loaded: Sequence[Loaded], *, run: str, cycles_max: int | None
    ) -> None:
        """Follow a run that is put together; its log holds nothing of it yet."""
        self._desk, self._loaded = desk, loaded
        self._run, self._cycles_max = run, cycles_max
        self._began = desk.journal.position
        desk.arbiter.on_balances = self._balances
        desk.ration.venue_wait_ns = self.looked.waiting(desk.ration.venue_wait_ns)

    def _terms(self) -> TermsRow:
        desk = self._desk
        return TermsRow(
            instance=desk.journal.account.instance,
            run=self._run,
            position=self._began,
            configs=tuple(one.config_hash for one in self._loaded),
            named={
                one.config_hash: one.cycle_file.rows
                for one in self._loaded
                if one.cycle_file is not None
            },
            fees=desk.fees,
            cycles_max=self._cycles_max,
            attended=None if desk.attended is None else tuple(sorted(desk.attended)),
        )

    # --- the books ----------------------------------------------------------------------------

    async def through(self, changes: AsyncIterator[Change]) -> AsyncIterator[Change]:
        """Pass a feed on, each change once it is written."""
        self._begin()
        async for change in changes:
            # The engine knows nothing of a market before it has read that it is listed.
            told = change.market in self._listed and not change.again
            if self._recorder is not None and told:
                self._aside()
                self._put(lambda recorder, one=change: recorder.take(one))  # type: ignore[misc]
                self._put(Recorder.flush_if_due)
                self._told[change.market] = change.book
            yield change

    def close(self) -> None:
        """End the recording."""
        self._put(Recorder.close)

    def break_off(self) -> None:
        """Leave the recording as a death does: what was not written yet is lost."""
        if self._recorder is not None:
            self._recorder.abandon()

    def _begin(self) -> None:
        assert not self._begun, "a run has one feed"
        self._begun = True
        self._markets, self._fees = self._desk.markets, self._desk.fees
        self._listed.update(self._markets)
        heading = Heading(
            venue=self._venue,
            feed=self._feed,
            began_ns=self._clock.now_ns(),
            markets=tuple(self._markets.values()),
        )
        try:
            self._recorder = Recorder(self._path, heading, self._clock, durable=False)
        except OSError as error:
            self._broke(error)
        for row in (self._terms(), *self._early):
            self._put(lambda recorder, one=row: recorder.aside(one))  # type: ignore[misc]

    def _put(self, write: Callable[[Recorder], None]) -> None:
        """Write to the recording while there is one."""
        if self._recorder is None:
            return
        try:
            write(self._recorder)
        except OSError as error:
            self._broke(error)

    def _broke(self, error: OSError) -> None:
        """Say it once: what was written so far can be read."""
        if self._recorder is not None:
            self._recorder.abandon()
            self._recorder = None
        log.error("recording.ended", path=str(self._path), error=str(error))

    # --- what else there is -------------------------------------------------------------------

    def _aside(self, *rows: Aside) -> None:
        """Write what became true; how far the log was known goes before it."""
        position = self._desk.journal.position
        if position != self._folded:
            self._folded = position
            rows = (FoldedRow(position), *rows)
        for row in rows:
            self._put(lambda recorder, one=row: recorder.aside(one))  # type: ignore[misc]

    def _balances(self, balances: Mapping[str, Balance]) -> None:
        amounts = {asset: (one.free, one.locked) for asset, one in sorted(balances.items())}
        row = BalancesRow(self._clock.now_ns(), amounts)
        if self._begun:
            self._aside(row)
        else:
            self._early = (FoldedRow(self._desk.journal.position), row)

    def relisted(self, follow: Callable[[], None]) -> None:
        """Learn that the venue's markets or fees were read again, and what is looked at to follow them."""
        row = FollowedRow(self._clock.now_ns(), heard={}, ahead={})
        with self.looked.at(row):
            follow()
        if not self._begun:
            return
        if row.heard:
            self._aside(row)
        if self._desk.fees != self._fees:
            self._fees = self._desk.fees
            self._aside(FeesRow(self._fees))
        if self._desk.markets != self._markets:
            self._markets = self._desk.markets
            self._listed.update(self._markets)
            self._aside(MarketsRow(tuple(self._markets.values())))

    def accepts(self, accepting: bool) -> None:  # noqa: FBT001 -- it is what is told
        """New cycles may open from here on, or may not."""
        if self._begun:
            self._aside(AcceptsRow(accepting))

    @contextmanager
    def moment(self, seen_ns: int, paused: str | None, *, space_low: bool) -> Iterator[None]:
        """Watch what is looked at while it is decided on one moment."""
        desk = self._desk
        row = MomentRow(
            at_ns=self._clock.now_ns(),
            seen_ns=seen_ns,
            venue_ns=desk.access.venue_time_estimate_ns(),
            paused=paused,
            banned=desk.access.banned,
            revoked=desk.access.key_revoked is not None,
            closing=desk.journal.closing,
            cooling=tuple(sorted(desk.journal.cooling)),
            space_low=space_low,
            sent=desk.ration.sent_in_a_second(),
            promised=desk.ration.promised,
            waits={},
            heard={},
            ahead={},
        )
        with self.looked.at(row):
            yield
        self._aside(row)


class Looked:
    """The books of a venue, and its ration; while it is decided, or followed, what was looked at is kept.

    Until it is decided each book stands as it was first looked at: a market that is played on the
    clock goes on meanwhile, and nobody could tell later which of its books were meant.
    """

    def __init__(self, told: Mapping[str, Book]) -> None:
        self.books: Books
        self._told = told
        self._row: MomentRow | FollowedRow | None = None
        self._standing: dict[str, Book | None] = {}

    @contextmanager
    def at(self, row: MomentRow | FollowedRow) -> Iterator[None]:
        """Keep what is looked at in this row."""
        self._row = row
        self._standing.clear()
        try:
            yield
        finally:
            self._row = None

    def heard_ns(self, market: str) -> int | None:
        """When the connection that carries a market was last heard."""
        if self._row is None:
            return self.books.heard_ns(market)
        if market not in self._row.heard:
            self._row.heard[market] = self.books.heard_ns(market)
        return self._row.heard[market]

    def book(self, market: str) -> Book | None:
        """The latest book."""
        if self._row is None:
            return self.books.book(market)
        if market not in self._standing:
            book = self._standing[market] = self.books.book(market)
            if not _same(self._told.get(market), book):
                ahead = None if book is None else (book.sequence, book.bids, book.asks)
                self._row.ahead[market] = ahead
        return self._standing[market]

    def waiting(self, ask: Callable[[int, int], int]) -> Callable[[int, int], int]:
        """Ask the venue's ration, and keep its answers."""

        def wait_ns(orders: int, others: int) -> int:
            wait_ns = ask(orders, others)
            if isinstance(self._row, MomentRow):
                self._row.waits[f"{orders} {others}"] = wait_ns
            return wait_ns

        return wait_ns


def _same(told: Book | None, book: Book | None) -> bool:
    """Whether a book is what was told last; one without levels is told where there is none."""
    if told is book:
        return True
    if book is None or told is None:
        other = told if book is None else book
        return other is None or not (other.bids or other.asks)
    return told == book
