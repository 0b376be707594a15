"""A market as it was recorded: best bid and ask with sizes, one row per change, from a CSV file."""

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Final

from arb.errors import FeedInvalid
from arb.feeds.rows import Row, read_rows
from arb.feeds.source import Change
from arb.market.book import Book, MarketRules
from arb.money import ONE, ZERO

PERMISSIVE: Final = "permissive"
_AMOUNT_MAX: Final = Decimal(1_000_000_000)


class RecordedMarket:
    """Books of one level from a recording: the n-th row of the file has sequence n.

    `offset_ns` plays it at another time: a row happens at its recorded time plus the offset.
    `start_ns` (inclusive) and `end_ns` (exclusive) are recorded times; rows outside are checked and
    left out, so a market has no book before its first row within. After the last row the last
    books stand. A recording tells no filters, so the rules are the `permissive` ones: tick and step
    are the smallest decimal place that the file uses for the market's prices and sizes, the smallest
    amount is a step, the largest 1e9 and the smallest notional 0.

    Raises FeedInvalid, with file and line, at the first row that is not what it should be.
    """

    rules_name: Final = PERMISSIVE

    def __init__(
        self,
        path: Path,
        *,
        start_ns: int | None = None,
        end_ns: int | None = None,
        offset_ns: int = 0,
    ) -> None:
        rows = list(read_rows(path))
        self._markets = MappingProxyType(_permissive(rows))
        self._rows = [
            Change(row.at_ns + offset_ns, row.market, _book(row))
            for row in rows
            if (start_ns is None or row.at_ns >= start_ns)
            and (end_ns is None or row.at_ns < end_ns)
        ]
        if not self._rows:
            raise FeedInvalid(f"{path}: no row to play; it has {len(rows)} outside the time asked")
        self._times = [row.at_ns for row in self._rows]
        self._of_market: dict[str, tuple[list[int], list[Book]]] = {}
        for row in self._rows:
            times, books = self._of_market.setdefault(row.market, ([], []))
            times.append(row.at_ns)
            books.append(row.book)

    @property
    def markets(self) -> Mapping[str, MarketRules]:
        """The markets and their permissive rules."""
        return self._markets

    @property
    def first_ns(self) -> int:
        """When the first row plays."""
        return self._times[0]

    @property
    def last_ns(self) -> int:
        """When the last row plays."""
        return self._times[-1]

    def book_at(self, market: str, at_ns: int) -> Book | None:
        """The book that stands at a time; None before the market's first row."""
        times, books = self._of_market.get(market, ([], []))
        count = bisect_right(times, at_ns)
        return books[count - 1] if count else None

    def changes(self, after_ns: int) -> Iterator[Change]:
        """Every row strictly after a time, in the order of the file."""
        for number in range(bisect_right(self._times, after_ns), len(self._rows)):
            yield self._rows[number]


def _book(row: Row) -> Book:
    return Book(
        market=row.market,
        bids=((row.bid, row.bid_size),),
        asks=((row.ask, row.ask_size),),
        sequence=row.number,
    )


def _permissive(rows: list[Row]) -> dict[str, MarketRules]:
    units: dict[str, tuple[int, int]] = {}
    names: dict[str, tuple[str, str]] = {}
    for row in rows:
        price, size = units.get(row.market, (0, 0))
        units[row.market] = (
            min(price, _exponent(row.bid), _exponent(row.ask)),
            min(size, _exponent(row.bid_size), _exponent(row.ask_size)),
        )
        names[row.market] = (row.base, row.quote)
    rules = {}
    for market, (price, size) in units.items():
        base, quote = names[market]
        rules[market] = MarketRules(
            market=market,
            base=base,
            quote=quote,
            tick_size=ONE.scaleb(price),
            step_size=ONE.scaleb(size),
            amount_min=ONE.scaleb(size),
            amount_max=_AMOUNT_MAX,
            notional_min=ZERO,
        )
    return rules


def _exponent(value: Decimal) -> int:
    exponent = value.as_tuple().exponent
    assert isinstance(exponent, int), value
    return exponent
