"""Record what an engine is told of the books, as it takes it, and what else its decisions were made on."""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from arb.clock import Clock
from arb.errors import ConfigInvalid
from arb.exchange.port import Balance, Books
from arb.execution.desk import Desk
from arb.execution.sending import Gate
from arb.feeds.book_rows import Heading
from arb.feeds.recorder import Recorder
from arb.feeds.run_rows import (
    AcceptsRow,
    Ahead,
    Aside,
    BalancesRow,
    FoldedRow,
    MarketsRow,
    MomentRow,
    TermsRow,
)
from arb.feeds.source import Change
from arb.market.book import Book, MarketRules
from arb.strategy.loader import Loaded


class Tap:
    """Writes a feed to a file beside its way to the engine; raises ConfigInvalid where the file exists.

    Beside the books stand the moments at which something was decided, with whatever was looked at
    that is neither in the books as they were told nor in the log: see `arb.feeds.run_rows`.
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
        self._early: tuple[Aside, ...] = ()  # before there was anything to record
        self._told: dict[str, Book] = {}
        self._markets: Mapping[str, MarketRules] = {}
        self._folded = -1
        self.looked = Looked(self._told)

    # --- joining a run ------------------------------------------------------------------------

    def join(
        self,
        desk: Desk,
        gate: Gate,
        loaded: Sequence[Loaded],
        *,
        run: str,
        cycles_max: int | None,
    ) -> None:
        """Follow a run that is put together; its log holds nothing of it yet."""
        self._desk, self._gate, self._loaded = desk, gate, loaded
        self._run, self._cycles_max = run, cycles_max
        self._began = desk.journal.position
        desk.arbiter.on_balances = self._balances

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
        assert self._recorder is None, "a run has one feed"
        self._markets = self._desk.markets
        heading = Heading(
            venue=self._venue,
            feed=self._feed,
            began_ns=self._clock.now_ns(),
            markets=tuple(self._markets.values()),
        )
        recorder = self._recorder = Recorder(self._path, heading, self._clock, durable=False)
        for row in (self._terms(), *self._early):
            recorder.aside(row)
        async for change in changes:
            self._note_folded(recorder)
            recorder.take(change)
            self._told[change.market] = change.book
            recorder.flush_if_due()
            yield change

    def close(self) -> None:
        """End the recording."""
        if self._recorder is not None:
            self._recorder.close()

    def break_off(self) -> None:
        """Leave the recording as a death does."""
        if self._recorder is not None:
            self._recorder.break_off()

    # --- what else there is -------------------------------------------------------------------

    def _aside(self, row: Aside) -> None:
        assert self._recorder is not None, row
        self._note_folded(self._recorder)
        self._recorder.aside(row)

    def _note_folded(self, recorder: Recorder) -> None:
        position = self._desk.journal.position
        if position != self._folded:
            self._folded = position
            recorder.aside(FoldedRow(position))

    def _balances(self, balances: Mapping[str, Balance]) -> None:
        amounts = {asset: (one.free, one.locked) for asset, one in sorted(balances.items())}
        row = BalancesRow(self._clock.now_ns(), amounts)
        if self._recorder is None:
            self._early = (FoldedRow(self._desk.journal.position), row)
        else:
            self._aside(row)

    def relisted(self) -> None:
        """Learn that the venue's markets were read again."""
        if self._recorder is not None and self._desk.markets != self._markets:
            self._markets = self._desk.markets
            self._aside(MarketsRow(tuple(self._markets.values())))

    def accepts(self, accepting: bool) -> None:  # noqa: FBT001 -- it is what is told
        """New cycles may open from here on, or may not."""
        if self._recorder is not None:
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
            space_low=space_low,
            sent=self._gate.recent(),
            heard={},
            ahead={},
        )
        with self.looked.at(row.heard, row.ahead):
            yield
        self._aside(row)


class Looked:
    """The books of a venue; while it is decided, what was looked at is kept."""

    def __init__(self, told: Mapping[str, Book]) -> None:
        self.books: Books
        self._told = told
        self._heard: dict[str, int | None] | None = None
        self._ahead: dict[str, Ahead | None] = {}

    @contextmanager
    def at(self, heard: dict[str, int | None], ahead: dict[str, Ahead | None]) -> Iterator[None]:
        """Keep what is looked at in these."""
        self._heard, self._ahead = heard, ahead
        try:
            yield
        finally:
            self._heard = None

    def heard_ns(self, market: str) -> int | None:
        """When the connection that carries a market was last heard."""
        heard = self.books.heard_ns(market)
        if self._heard is not None:
            self._heard.setdefault(market, heard)
        return heard

    def book(self, market: str) -> Book | None:
        """The latest book."""
        book = self.books.book(market)
        if self._heard is not None and not same(self._told.get(market), book):
            self._ahead[market] = None if book is None else (book.sequence, book.bids, book.asks)
        return book


def same(told: Book | None, book: Book | None) -> bool:
    """Whether a book is what was told last; one without levels is told where there is none."""
    if told is book:
        return True
    if book is None or told is None:
        other = told if book is None else book
        return other is None or not (other.bids or other.asks)
    return told == book
