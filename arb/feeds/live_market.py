"""A market whose books are live: at any time it is asked for, they stand as they stand now."""

from collections.abc import Iterator, Mapping

from arb.feeds.live import LiveBooks
from arb.feeds.source import Change, Shown
from arb.market.book import Book, MarketRules


class LiveMarket:
    """A `MarketSource` over live books: the book at any time is the one that stands now."""

    def __init__(self, books: LiveBooks, markets: Mapping[str, MarketRules]) -> None:
        self._books = books
        self.markets = markets

    def book_at(self, market: str, at_ns: int) -> Book | None:
        """The book that stands now; a live market has no other time."""
        del at_ns
        return self._books.book(market)

    def shown(self, market: str, after_ns: int, until_ns: int) -> Iterator[Shown]:
        """Nothing: what stood is not kept."""
        del market, after_ns, until_ns
        return iter(())

    def changes(self, after_ns: int) -> Iterator[Change]:
        """Nothing: resting orders are held against the books that stand when somebody looks."""
        del after_ns
        return iter(())
