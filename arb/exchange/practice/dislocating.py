"""A market that somebody may push off its price for a while, at a moment that he knows."""

from collections.abc import Iterator, Mapping
from decimal import Decimal

from msgspec import Struct, structs

from arb.feeds.source import Change, MarketSource, Shown
from arb.market.book import Book, Level, MarketRules
from arb.money import BPS, ceil_to, floor_to


class Dislocation(Struct, frozen=True):
    """How far a market stands off, and how long."""

    market: str
    bps: Decimal  # up, or down where it is negative
    from_ns: int
    until_ns: int


class Dislocated:
    """A source of books whose prices are shifted while a dislocation lasts."""

    def __init__(self, source: MarketSource) -> None:
        self._source = source
        self._known: list[Dislocation] = []

    @property
    def markets(self) -> Mapping[str, MarketRules]:
        """The markets and their rules."""
        return self._source.markets

    def dislocate(self, dislocation: Dislocation) -> None:
        """Push a market off; of two at once the later one counts."""
        self._known.append(dislocation)

    def book_at(self, market: str, at_ns: int) -> Book | None:
        """The book that stands at a time."""
        book = self._source.book_at(market, at_ns)
        return None if book is None else self._shifted(book, at_ns)

    def shown(self, market: str, after_ns: int, until_ns: int) -> Iterator[Shown]:
        """Every book of a market after a time and until another one, shifted as it was."""
        for at_ns, book in self._source.shown(market, after_ns, until_ns):
            yield at_ns, None if book is None else self._shifted(book, at_ns)

    def changes(self, after_ns: int) -> Iterator[Change]:
        """Every change after a time; that a dislocation begins or ends is none by itself."""
        for change in self._source.changes(after_ns):
            shifted = self._shifted(change.book, change.at_ns)
            yield Change(change.at_ns, change.market, shifted, change.more)

    def _shifted(self, book: Book, at_ns: int) -> Book:
        for one in reversed(self._known):
            if one.market == book.market and one.from_ns <= at_ns < one.until_ns:
                tick, factor = self.markets[book.market].tick_size, 1 + one.bps / BPS
                return structs.replace(
                    book,
                    bids=_moved(book.bids, factor, tick, up=False),
                    asks=_moved(book.asks, factor, tick, up=True),
                )
        return book


def _moved(
    levels: tuple[Level, ...], factor: Decimal, tick: Decimal, *, up: bool
) -> tuple[Level, ...]:
    """Shift prices to the grid, away from the other side; what falls together is one level."""
    sums: dict[Decimal, Decimal] = {}
    for price, size in levels:
        moved = (ceil_to if up else floor_to)(price * factor, tick)
        if moved > 0:
            sums[moved] = sums.get(moved, Decimal(0)) + size
    return tuple(sums.items())
