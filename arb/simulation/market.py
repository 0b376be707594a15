"""A market whose books are put up and taken down while an engine trades on it."""

from bisect import bisect_right, insort
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Final

from arb.clock import NS_PER_DAY, NS_PER_MS
from arb.feeds.source import Change, Shown
from arb.market.book import Book, MarketRules

START_NS: Final = 1_700_000_000 * 10**9
FIRST_TICK_NS: Final = 100 * NS_PER_MS
TICK_NS: Final = 1_000 * NS_PER_MS
Sides = Sequence[tuple[str, str]]


def rules(
    market: str = "ETH/USDT", tick: str = "0.01", step: str = "0.0001", notional_min: str = "5"
) -> MarketRules:
    """The rules of a small market."""
    base, quote = market.split("/")
    return MarketRules(
        market=market,
        base=base,
        quote=quote,
        tick_size=Decimal(tick),
        step_size=Decimal(step),
        amount_min=Decimal(step),
        amount_max=Decimal(9_000),
        notional_min=Decimal(notional_min),
    )


def book(market: str = "ETH/USDT", bids: Sides = (), asks: Sides = (), sequence: int = 1) -> Book:
    """A book from texts."""
    return Book(
        market=market,
        bids=tuple((Decimal(price), Decimal(size)) for price, size in bids),
        asks=tuple((Decimal(price), Decimal(size)) for price, size in asks),
        sequence=sequence,
    )


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
        self._times: dict[str, list[int]] = {}
        self._shown: dict[str, list[Book | None]] = {}
        self._silent: dict[str, list[tuple[int, int]]] = {}
        self._sequence = 0
        for one in books:
            self.put(START_NS - NS_PER_DAY, one)

    def show(self, at_ns: int, market: str, bids: Sides = (), asks: Sides = ()) -> None:
        """Put up a new book."""
        self.put(at_ns, book(market, bids, asks))

    def hide(self, at_ns: int, market: str) -> None:
        """Take a book away."""
        self._place(at_ns, market, None)

    def put(self, at_ns: int, one: Book) -> None:
        """Put up a book."""
        self._sequence += 1
        renewed = Book(market=one.market, bids=one.bids, asks=one.asks, sequence=self._sequence)
        self._place(at_ns, one.market, renewed)

    def silence(self, market: str, since_ns: int, until_ns: int) -> None:
        """Let nothing be heard of a market for a while, however its book moves."""
        self._silent.setdefault(market, []).append((since_ns, until_ns))

    def calm(self, at_ns: int) -> None:
        """Take back what was to happen after a time."""
        for market, times in self._times.items():
            number = bisect_right(times, at_ns)
            del times[number:], self._shown[market][number:]
        for market, spells in self._silent.items():
            cut = [(since, min(until, at_ns)) for since, until in spells]
            self._silent[market] = [(since, until) for since, until in cut if since < until]

    def heard_ns(self, market: str, at_ns: int) -> int:
        """When a market was last heard."""
        for since_ns, until_ns in self._silent.get(market, ()):
            if since_ns <= at_ns < until_ns:
                return since_ns
        return at_ns

    def book_at(self, market: str, at_ns: int) -> Book | None:
        """The last book that was put up by then; None while there is none."""
        number = bisect_right(self._times.get(market, ()), at_ns)
        return self._shown[market][number - 1] if number else None

    def shown(self, market: str, after_ns: int, until_ns: int) -> Iterator[Shown]:
        """What was put up, and taken away, after a time and until another one."""
        times = self._times.get(market, [])
        for number in range(bisect_right(times, after_ns), bisect_right(times, until_ns)):
            yield times[number], self._shown[market][number]

    def changes(self, after_ns: int) -> Iterator[Change]:
        """Tick every standing book that is heard, for ever."""
        at_ns = after_ns + FIRST_TICK_NS
        while True:
            for market in tuple(self.markets):
                standing = self.book_at(market, at_ns)
                if standing is not None and self.heard_ns(market, at_ns) == at_ns:
                    yield Change(at_ns, market, standing)
            at_ns += TICK_NS

    def _place(self, at_ns: int, market: str, one: Book | None) -> None:
        times = self._times.setdefault(market, [])
        self._shown.setdefault(market, []).insert(bisect_right(times, at_ns), one)
        insort(times, at_ns)
