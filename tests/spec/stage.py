"""A market whose books a test puts up and takes down while an engine trades on it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from arb.clock import NS_PER_MS
from arb.feeds.source import Change
from arb.market.book import Book, MarketRules
from tests.market.examples import book, rules

START_NS: Final = 1_700_000_000 * 10**9
DAY_NS: Final = 86_400 * 10**9
FIRST_TICK_NS: Final = 100 * NS_PER_MS
TICK_NS: Final = 1_000 * NS_PER_MS
Sides = Sequence[tuple[str, str]]

MARKETS: Final = {
    "BTC/USDT": rules("BTC/USDT", "0.01", "0.00001"),
    "ETH/BTC": rules("ETH/BTC", "0.00001", "0.0001", "0.0001"),
    "ETH/USDT": rules("ETH/USDT"),
    "BNB/USDT": rules("BNB/USDT", "0.01", "0.001"),
    "BTC/USDC": rules("BTC/USDC", "0.01", "0.00001"),
    "USDC/USDT": rules("USDC/USDT", "0.0001", "0.1"),
}
# Every order of 1,000 USDT takes two levels, so that it is told in two trades.
BOOKS: Final = (
    book("BTC/USDT", [("50000", "0.012"), ("49990", "5")], [("50010", "0.012"), ("50015", "5")]),
    book("ETH/BTC", [("0.0399", "0.3"), ("0.03989", "90")], [("0.04", "0.3"), ("0.04001", "90")]),
    book("ETH/USDT", [("2010", "0.3"), ("2009", "90")], [("2011", "0.3"), ("2012", "90")]),
    book("BNB/USDT", [("500", "90")], [("501", "90")]),
    book("BTC/USDC", [("49900", "5")], [("50100", "5")]),
    book("USDC/USDT", [("0.9990", "90000")], [("1.0010", "90000")]),
)


class Stage:
    """A MarketSource: every book stands until another one is shown, and each ticks all the time."""

    def __init__(
        self, books: Sequence[Book] = BOOKS, markets: Mapping[str, MarketRules] = MARKETS
    ) -> None:
        self.markets = dict(markets)
        self._shown: dict[str, list[tuple[int, Book | None]]] = {}
        self._sequence = 0
        for one in books:
            self.put(START_NS - DAY_NS, one)

    def show(self, at_ns: int, market: str, bids: Sides = (), asks: Sides = ()) -> None:
        """Put up a new book."""
        self.put(at_ns, book(market, bids, asks))

    def hide(self, at_ns: int, market: str) -> None:
        """Take a book away."""
        self._shown[market].append((at_ns, None))

    def put(self, at_ns: int, one: Book) -> None:
        """Put up a book; it is whole, whatever was taken from it before."""
        self._sequence += 1
        renewed = Book(market=one.market, bids=one.bids, asks=one.asks, sequence=self._sequence)
        self._shown.setdefault(one.market, []).append((at_ns, renewed))

    def book_at(self, market: str, at_ns: int) -> Book | None:
        found = None
        for since_ns, one in self._shown.get(market, ()):
            if since_ns <= at_ns:
                found = one
        return found

    def changes(self, after_ns: int) -> Iterator[Change]:
        at_ns = after_ns + FIRST_TICK_NS
        while True:
            for market in tuple(self.markets):
                standing = self.book_at(market, at_ns)
                if standing is not None:
                    yield Change(at_ns, market, standing)
            at_ns += TICK_NS
