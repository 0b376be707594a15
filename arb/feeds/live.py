"""Books as they come from a venue's streams: the newest of each market, and nothing in a queue.

A book is there from its first snapshot until its stream breaks; how old it is does not matter, for a
quiet market says nothing. What matters is when the connection was last heard.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from decimal import Decimal

from arb.clock import Clock
from arb.feeds.source import Change
from arb.limits import BOOK_LEVELS_MAX
from arb.market.book import Book, Level, MarketRules

Told = Sequence[Sequence[float | str]]  # price and size, best first


class LiveBooks:
    """The books of a venue as they stand now; `heard` tells when their connections last spoke."""

    def __init__(self, clock: Clock, *, levels_max: int = BOOK_LEVELS_MAX) -> None:
        self._clock = clock
        self._levels_max = levels_max
        self._books: dict[str, Book] = {}
        self._sequence = 0
        self._new: dict[str, tuple[int, Book]] = {}  # what nobody has taken yet, oldest first
        self._news = asyncio.Event()
        self._closed = False
        self.heard: Callable[[], int | None] = clock.now_ns
        self.refused: Counter[str] = Counter()  # books that were not believed, by reason

    def put(self, market: str, bids: Told, asks: Told) -> None:
        """Take a market's newest book; one that cannot be is counted, and then there is none."""
        try:
            book = self._read(market, bids, asks)
        except (ArithmeticError, ValueError, TypeError, IndexError) as error:
            self.refused[str(error) or type(error).__name__] += 1
            self.drop(market)
            return
        self._books[market] = book
        self._tell(book)

    def drop(self, market: str) -> None:
        """Forget a market's book: its stream broke, and until the next snapshot nothing is known."""
        if self._books.pop(market, None) is not None:
            self._sequence += 1
            self._tell(Book(market, (), (), self._sequence))

    def close(self) -> None:
        """End `changes`, and forget every book."""
        self._closed = True
        self._books.clear()
        self._news.set()

    def book(self, market: str) -> Book | None:
        """The latest book; None while there is none."""
        return self._books.get(market)

    def heard_ns(self, market: str) -> int | None:
        """When the connection that carries the market was last heard."""
        return self.heard() if market in self._books else None

    async def changes(self, _after_ns: int) -> AsyncIterator[Change]:
        """Give each market's newest book once it changed; what was overtaken is left out."""
        while not self._closed:
            while self._new:
                market = next(iter(self._new))
                at_ns, book = self._new.pop(market)
                yield Change(at_ns, market, book)
            self._news.clear()
            if not self._closed:
                await self._news.wait()

    def _tell(self, book: Book) -> None:
        self._new[book.market] = (self._clock.now_ns(), book)
        self._news.set()

    def _read(self, market: str, bids: Told, asks: Told) -> Book:
        buys, sells = self._levels(bids, falling=True), self._levels(asks, falling=False)
        if buys and sells and buys[0][0] >= sells[0][0]:
            raise ValueError("crossed")
        self._sequence += 1
        return Book(market, buys, sells, self._sequence)

    def _levels(self, told: Told, *, falling: bool) -> tuple[Level, ...]:
        levels: list[Level] = []
        for row in told[: self._levels_max]:
            # A float of at most 15 digits is written as the venue wrote it.
            price, size = Decimal(str(row[0])), Decimal(str(row[1]))
            if not (price.is_finite() and size.is_finite()) or price <= 0 or size < 0:
                raise ValueError("not a price and a size")
            if levels and (price >= levels[-1][0] if falling else price <= levels[-1][0]):
                raise ValueError("unsorted")
            if size > 0:
                levels.append((price, size))
        return tuple(levels)


class LiveMarket:
    """A `MarketSource` over live books: the book at any time is the one that stands now."""

    def __init__(self, books: LiveBooks, markets: Mapping[str, MarketRules]) -> None:
        self._books = books
        self.markets = markets

    def book_at(self, market: str, at_ns: int) -> Book | None:
        """The book that stands now; a live market has no other time."""
        del at_ns
        return self._books.book(market)

    def changes(self, after_ns: int) -> Iterator[Change]:
        """Nothing: resting orders are held against the books that stand when somebody looks."""
        del after_ns
        return iter(())
