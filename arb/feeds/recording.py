"""A recorded feed in memory: what a file told, in columns, read once."""

from array import array
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Final

from msgspec import Struct

from arb.errors import FeedInvalid
from arb.feeds.blocks import first_line
from arb.feeds.book_recording import AS_RECORDED, BookRecording
from arb.feeds.book_rows import MARK
from arb.feeds.columns import LEGACY, RECORDED, Layout, layout_of
from arb.feeds.lines import read_lines
from arb.feeds.rows import NOT_LISTED, OUT_OF_ORDER, RowParser, RowRefused
from arb.limits import FEED_COMPLAINTS_MAX
from arb.market.book import Book, MarketRules
from arb.money import ONE, ZERO

PERMISSIVE: Final = "permissive"
LISTED: Final = "listed"
_AMOUNT_MAX: Final = Decimal(1_000_000_000)
_STEP_WITHOUT_SIZES: Final = Decimal("1E-8")


class Recording(Struct, frozen=True, gc=False):
    """What was accepted of a file, in its order, a column each; and what was refused."""

    path: Path
    times: "array[int]"  # never falling
    numbers: "array[int]"  # of the row in the file, from 1
    symbols: list[str]
    bids: list[Decimal]
    asks: list[Decimal]
    bid_sizes: list[Decimal]  # without entries where the format has no sizes
    ask_sizes: list[Decimal]
    rows_of: Mapping[str, "array[int]"]  # market -> where its rows stand in the columns
    rules: Mapping[str, MarketRules]
    rules_name: str
    refused: dict[str, int]
    complaints: tuple[str, ...]
    damage: str | None = None  # where it cannot be read any further

    def more(self, row: int) -> bool:
        """Each row was taken by itself."""
        del row
        return False

    def book(self, row: int, depth: Mapping[str, Decimal]) -> Book:
        """The book of a row; by quote, `depth` is how much stands at a touch without a size."""
        market, bid, ask = self.symbols[row], self.bids[row], self.asks[row]
        if self.bid_sizes:
            bid_size, ask_size = self.bid_sizes[row], self.ask_sizes[row]
        else:
            bid_size, ask_size = (
                self._assumed(market, bid, depth),
                self._assumed(market, ask, depth),
            )
        return Book(market, ((bid, bid_size),), ((ask, ask_size),), self.numbers[row])

    def _assumed(self, market: str, price: Decimal, depth: Mapping[str, Decimal]) -> Decimal:
        rules = self.rules[market]
        there = depth.get(rules.quote)
        if there is None:
            return ZERO
        # A whole number of steps in one division, which never rounds up.
        return there // (price * rules.step_size) * rules.step_size


def read_recording(
    path: Path, rules: Mapping[str, MarketRules] | None = None
) -> Recording | BookRecording:
    """Read a file; with `rules` a row of a market without an entry there is refused.

    Raises FeedInvalid where it is no feed: of another format, damaged, or without one good row.
    """
    if (first_line(path) or b"").startswith(MARK):
        books = BookRecording(path, rules, AS_RECORDED if rules is None else LISTED)
        books.read()
        return books
    reader = _Reader(path, rules)
    for lines in read_lines(path, reader.cut):
        reader.take(lines)
    return reader.done()


class _Reader:
    """Rows in, columns out."""

    def __init__(self, path: Path, rules: Mapping[str, MarketRules] | None) -> None:
        self._path = path
        self._rules = rules
        self._layout: Layout | None = None
        self._number = 0  # of the row before; the header is not counted
        self._times = array("q")
        self._numbers = array("q")
        self._symbols: list[str] = []
        self._bids: list[Decimal] = []
        self._asks: list[Decimal] = []
        self._bid_sizes: list[Decimal] = []
        self._ask_sizes: list[Decimal] = []
        self._rows_of: dict[str, array[int]] = {}
        self._newest_ns = 0
        self._refused: dict[str, int] = {}
        self._complaints: list[str] = []
        self._damage: str | None = None

    def take(self, lines: list[str]) -> None:
        """Take a block of lines; the first line of all is the header."""
        rows = lines
        if self._layout is None:
            self._layout = self._layout_of(lines[0])
            self._parser = RowParser(self._layout)
            rows = lines[1:]
        for line in rows:
            self._number += 1
            try:
                self._take_row(line)
            except RowRefused as error:
                self._refused[error.reason] = self._refused.get(error.reason, 0) + 1
                if len(self._complaints) < FEED_COMPLAINTS_MAX:
                    self._complaints.append(f"{self._path}:{self._number + 1}: {error}")

    def cut(self, where: str) -> None:
        """Note where the file ends before its time."""
        self._damage = where

    def _layout_of(self, header: str) -> Layout:
        layout = layout_of(header)
        if layout is None:
            raise FeedInvalid(
                f"{self._path}:1: expected the columns {','.join(RECORDED)} or "
                f"{','.join(LEGACY[:-1])}[,{LEGACY[-1]}] in any order, found {header!r}"
            )
        return layout

    def _take_row(self, line: str) -> None:
        at_ns, symbol, bid, ask, sizes = self._parser.parse(line)
        if at_ns < self._newest_ns:
            late_ns = self._newest_ns - at_ns
            raise RowRefused(OUT_OF_ORDER, f"{late_ns} ns older than the newest row before it")
        rows = self._rows_of.get(symbol)
        if rows is None:
            if self._rules is not None and symbol not in self._rules:
                raise RowRefused(NOT_LISTED, f"{symbol} is not listed among the markets")
            rows = self._rows_of[symbol] = array("q")
        rows.append(len(self._bids))
        self._newest_ns = at_ns
        self._times.append(at_ns)
        self._numbers.append(self._number)
        self._symbols.append(symbol)
        self._bids.append(bid)
        self._asks.append(ask)
        if sizes is not None:
            self._bid_sizes.append(sizes[0])
            self._ask_sizes.append(sizes[1])

    def done(self) -> Recording:
        """Give what was read; raises FeedInvalid when there is nothing."""
        if not self._number:
            if self._damage is not None:
                raise FeedInvalid(self._damage)
            raise FeedInvalid(f"{self._path}:1: the file has no rows")
        if not self._times:
            first = self._complaints[0]
            raise FeedInvalid(f"{self._path}: none of its {self._number} rows is good; {first}")
        return Recording(
            path=self._path,
            times=self._times,
            numbers=self._numbers,
            symbols=self._symbols,
            bids=self._bids,
            asks=self._asks,
            bid_sizes=self._bid_sizes,
            ask_sizes=self._ask_sizes,
            rows_of=self._rows_of,
            rules=MappingProxyType({market: self._rules_of(market) for market in self._rows_of}),
            rules_name=PERMISSIVE if self._rules is None else LISTED,
            refused=self._refused,
            complaints=tuple(self._complaints),
            damage=self._damage,
        )

    def _rules_of(self, market: str) -> MarketRules:
        if self._rules is not None:
            return self._rules[market]
        base, quote = market.split("/")
        step = _STEP_WITHOUT_SIZES
        if self._bid_sizes:
            step = self._smallest_place(market, self._bid_sizes, self._ask_sizes)
        return MarketRules(
            market=market,
            base=base,
            quote=quote,
            tick_size=self._smallest_place(market, self._bids, self._asks),
            step_size=step,
            amount_min=step,
            amount_max=_AMOUNT_MAX,
            notional_min=ZERO,
        )

    def _smallest_place(self, market: str, *columns: list[Decimal]) -> Decimal:
        """Name the smallest decimal place that a market uses; 1 where all are whole numbers.

        An exact sum has the smallest place of what was added, and this one is exact: 37 digits and
        as many as the rows' count has are below the context's 60.
        """
        rows = self._rows_of[market]
        total = ZERO
        for column in columns:
            total = sum(map(column.__getitem__, rows), total)
        exponent = total.as_tuple().exponent
        assert isinstance(exponent, int), total
        return ONE.scaleb(exponent)
