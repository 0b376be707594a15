"""A market as it was recorded: one row per change, from a CSV file or a recording of books."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Final

from arb.errors import FeedInvalid
from arb.feeds.book_recording import BookRecording
from arb.feeds.recording import Recording, read_recording
from arb.feeds.source import Change, Shown
from arb.market.book import Book, MarketRules
from arb.strategy.times import when

AnyRecording = Recording | BookRecording
_NO_DEPTH: Final[Mapping[str, Decimal]] = MappingProxyType({})
_END_NS: Final = 1 << 100  # until when a book stands that nothing follows


class RecordedMarket:
    """Books from a recording: what `tools/record.py` wrote, or a CSV file of best bids and asks.

    A recording of books has the levels, update ids and market rules of its venue. In a CSV file a
    book has one level, and the n-th row of the file has sequence n. Its header tells the format by
    its names, in any order: `recv_ts,base,quote,bid,bid_size,ask,ask_size`, or the legacy backtest's
    `timestamp,symbol,bid,ask,last[,volume]`, whose symbol is BASE/QUOTE. Times are unix seconds with
    at most nine decimals. A file is plain or gzip, whatever its name.

    The legacy format has no sizes. A level's size is then 0, which means that its depth is unknown,
    unless `assumed_depth` tells for the market's quote how much of it stands at the touch: size =
    depth / price, rounded down to the market's step.

    A row with a wrong number of fields, a bad name, a number that is none, is not above 0 or has
    too many digits, a bid above its ask, a time that is none or older than the newest row taken is
    left out: `refused` counts them by reason, `complaints` tells the first few.

    Without `rules` the market's are the `permissive` ones: tick and step are the smallest decimal
    place that the file uses for the market's prices and sizes (1e-8 for sizes that it lacks), the
    smallest amount is a step, the largest 1e9 and the smallest notional 0. With `rules`, rows of
    markets without an entry are refused as `not_listed`; prices and sizes stay as they are.

    `offset_ns` plays it at another time: a row happens at its recorded time plus the offset.
    `start_ns` (inclusive) and `end_ns` (exclusive) are recorded times; rows outside are checked and
    left out, so a market has no book before its first row within. After the last row the last
    books stand. Given another market's
    `recording` in place of a path, nothing is read again.

    Raises FeedInvalid, with file and line, where the file is no feed: another header, not text, too
    large, compressed data that ends in the middle, or no good row; and where no row is to play.
    """

    def __init__(
        self,
        source: Path | AnyRecording,
        *,
        start_ns: int | None = None,
        end_ns: int | None = None,
        offset_ns: int = 0,
        rules: Mapping[str, MarketRules] | None = None,
        assumed_depth: Mapping[str, Decimal] | None = None,
    ) -> None:
        if isinstance(source, Recording | BookRecording):
            assert rules is None, "a recording has its rules from when it was read"
            self.recording: AnyRecording = source
        else:
            self.recording = read_recording(source, rules)
        self._offset_ns = offset_ns
        self._depth = assumed_depth or _NO_DEPTH
        assert all(depth > 0 for depth in self._depth.values()), self._depth
        times = self.recording.times
        first, end = 0, len(times)
        if start_ns is not None:
            first = bisect_left(times, start_ns)
        if end_ns is not None:
            end = bisect_left(times, end_ns)
        if first >= end:
            raise FeedInvalid(
                f"{self.recording.path}: no row to play; it has {len(times)} outside the time asked, "
                f"from {when(times[0])} to {when(times[-1])}"
            )
        self._first, self._end = first, end
        # The book that stands in each market, with the time from which and until which it does.
        self._standing: dict[str, tuple[int, int, Book | None]] = {}

    @property
    def markets(self) -> Mapping[str, MarketRules]:
        """The markets that the file has rows of, and their rules."""
        return self.recording.rules

    @property
    def rules_name(self) -> str:
        """Where the rules come from: `permissive`, `listed` or `recorded`."""
        return self.recording.rules_name

    @property
    def refused(self) -> dict[str, int]:
        """How many rows of the file were left out, by reason."""
        return self.recording.refused

    @property
    def complaints(self) -> tuple[str, ...]:
        """What is wrong with the first refused rows, as `file:line: what`."""
        return self.recording.complaints

    @property
    def damage(self) -> str | None:
        """Where the file cannot be read any further; None where it is whole."""
        return self.recording.damage

    @property
    def first_ns(self) -> int:
        """When the first row plays."""
        return self.recording.times[self._first] + self._offset_ns

    @property
    def last_ns(self) -> int:
        """When the last row plays."""
        return self.recording.times[self._end - 1] + self._offset_ns

    def book_at(self, market: str, at_ns: int) -> Book | None:
        """The book that stands at a time; None before the market's first row, and where it is gone."""
        standing = self._standing.get(market)
        if standing is not None and standing[0] <= at_ns < standing[1]:
            return standing[2]
        recording, offset_ns = self.recording, self._offset_ns
        rows = recording.rows_of.get(market)
        if rows is None:
            return None
        # Rows are counted up to the time, then those of the market among them.
        count = bisect_right(recording.times, at_ns - offset_ns, self._first, self._end)
        after = bisect_left(rows, count)
        if not after or rows[after - 1] < self._first:
            return None
        row = rows[after - 1]
        until_ns = _END_NS
        if after < len(rows) and rows[after] < self._end:
            until_ns = recording.times[rows[after]] + offset_ns
        book = self._book(row)
        self._standing[market] = (recording.times[row] + offset_ns, until_ns, book)
        return book

    def shown(self, market: str, after_ns: int, until_ns: int) -> Iterator[Shown]:
        """Every row of a market after a time and until another one."""
        standing = self._standing.get(market)
        if standing is not None and standing[0] <= after_ns and until_ns < standing[1]:
            return
        recording, offset_ns = self.recording, self._offset_ns
        rows, times = recording.rows_of.get(market), recording.times
        if rows is None:
            return
        first = bisect_right(times, after_ns - offset_ns, self._first, self._end)
        end = bisect_right(times, until_ns - offset_ns, first, self._end)
        for at in range(bisect_left(rows, first), bisect_left(rows, end)):
            yield times[rows[at]] + offset_ns, self._book(rows[at])

    def changes(self, after_ns: int) -> Iterator[Change]:
        """Every row strictly after a time, in the order of the file."""
        offset_ns, times, symbols = self._offset_ns, self.recording.times, self.recording.symbols
        first = max(bisect_right(times, after_ns - offset_ns), self._first)
        for row in range(first, self._end):
            book = self.recording.book(row, self._depth)
            yield Change(times[row] + offset_ns, symbols[row], book, self.recording.more(row))

    def _book(self, row: int) -> Book | None:
        told = self.recording.book(row, self._depth)
        return told if told.bids or told.asks else None
