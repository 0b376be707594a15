"""Books as they come from a venue's streams: the newest of each market, and nothing in a queue.

A book is there from its first snapshot until its stream breaks; how old it is does not matter, for a
quiet market says nothing. What matters is when the connection was last heard.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Final, cast

from msgspec import Struct

from arb.clock import Clock
from arb.feeds.lag import Lag
from arb.feeds.source import Best, Change
from arb.market.book import Book, Level

Number = float | Decimal
RawLevel = tuple[Number, Number]
Told = Sequence[Sequence[Number | str]]  # price and size, best first
Both = tuple[Told, Told]  # bids and asks

# Of each side, by itself: what is deeper costs time and is hardly ever taken.
LEVELS_MAX: Final = 20
NUMBERS_MAX: Final = 65_536  # whose exact values are remembered: most levels stay between two books
# No venue quotes less or more than this of anything; beyond, sums and quotients run out of digits.
_DIGITS_MAX: Final = 24
_FLOATS: Final = (float(f"1e-{_DIGITS_MAX}"), float(f"1e{_DIGITS_MAX}"))
_LEAST, _MOST = _FLOATS
_DECIMALS: Final = (Decimal(f"1e-{_DIGITS_MAX}"), Decimal(f"1e{_DIGITS_MAX}"))


_Sides = tuple[tuple[Level, ...], tuple[Level, ...]]


class Disbelieved(Exception):
    """A book that cannot be: its message is the reason it is counted by."""


class _Levels:
    """Bids and asks as they were told; made exact once, for every book that they are part of."""

    __slots__ = ("_asks", "_bids", "_exact")

    def __init__(self, bids: list[RawLevel], asks: list[RawLevel]) -> None:
        self._bids, self._asks = bids, asks
        self._exact: _Sides | None = None

    @property
    def exact(self) -> _Sides:
        if self._exact is None:
            self._exact = (_exact_levels(self._bids), _exact_levels(self._asks))
        return self._exact

    @property
    def touch(self) -> Best | None:
        bid, bid_size = self._bids[0] if self._bids else (0.0, 0.0)
        ask, ask_size = self._asks[0] if self._asks else (0.0, 0.0)
        if isinstance(bid, Decimal) or isinstance(ask, Decimal):
            return None
        return cast("Best", (bid, bid_size, ask, ask_size))

    def under(self, best: Best) -> _Sides:
        """The best prices, and beneath them what they have not overtaken."""
        bids, asks = self.exact
        bid, bid_size, ask, ask_size = map(_exact_float, best)
        over = 0
        while over < len(bids) and bids[over][0] >= bid:
            over += 1
        bids = ((bid, bid_size), *bids[over:]) if bid else ()
        over = 0
        while over < len(asks) and asks[over][0] <= ask:
            over += 1
        return bids, ((ask, ask_size), *asks[over:]) if ask else ()


_NOTHING: Final = _Levels([], [])


class _Standing(Struct, gc=False):
    """A market's newest book. It is made exact when somebody looks: most are overtaken unseen.

    `best`, where there is one, is newer than the levels: those that it has overtaken are gone.
    """

    market: str
    at_ns: int
    sequence: int
    levels: _Levels
    best: Best | None = None
    exact: Book | None = None

    @property
    def book(self) -> Book:
        if self.exact is None:
            levels, best = self.levels, self.best
            bids, asks = levels.exact if best is None else levels.under(best)
            self.exact = Book(self.market, bids, asks, self.sequence)
        return self.exact

    @property
    def touch(self) -> Best | None:
        """The best prices as they were told; None where they were not told in floats."""
        return self.levels.touch if self.best is None else self.best


class LiveBooks:
    """The books of a venue as they stand now.

    `heard` tells when the connection that carries a market last spoke, where somebody knows it;
    without it a market is heard when a book of it comes. `behind` tells of a connection whose words
    come late up to when all of them were heard, and nothing of one that is in time.
    """

    def __init__(self, clock: Clock, *, levels_max: int = LEVELS_MAX) -> None:
        assert levels_max > 0, levels_max
        self._clock = clock
        self._levels_max = levels_max
        self._standing: dict[str, _Standing] = {}
        # Where a venue numbers nothing. A later run goes on above: a number is never met again.
        self._number = clock.now_ns()
        self._venue_numbers: dict[str, int] = {}
        self._gone: dict[str, int] = {}  # the last number of a market without a book
        self._readers: list[_Reader] = []
        self._closed = False
        self._conflated = 0  # for readers that have left
        self.heard: Callable[[str], int | None] = _unheard
        self.behind: Callable[[str], int | None] = _unheard
        self.refused: Counter[str] = Counter()  # books that were not believed, by reason
        self.dropped = 0  # how often a book was there and its stream broke
        self.lag = Lag(clock, "books")

    @property
    def conflated(self) -> int:
        """How many books were overtaken before a reader came to them."""
        return self._conflated + sum(reader.conflated for reader in self._readers)

    def put(self, market: str, bids: Told, asks: Told, *, sequence: int | None = None) -> bool:
        """Take a market's newest book; the levels may change behind our back afterwards.

        `sequence` is the venue's number of the update, where it has one. A book that cannot be is
        counted, and then there is none; a number below the last one is such a case, after which
        numbers may begin anew. Returns whether the book stands.
        """
        if self._closed:
            return False
        try:
            self._check_sequence(market, sequence)
            buys, sells = self._believe(bids, asks)
        except Disbelieved as error:
            self.refused[str(error)] += 1
            self.drop(market)
            return False
        if sequence is not None:
            self._venue_numbers[market] = sequence
        number = self._next() if sequence is None else sequence
        levels = _Levels(buys, sells)
        self._stand(_Standing(market, self._clock.now_ns(), number, levels))
        return True

    def put_levels(
        self, market: str, levels: Both, best: Best | None, sequence: int | None, at_ns: int
    ) -> bool:
        """Take bids and asks of a market, and its best prices where they are newer than those.

        `sequence` is that of the newer of the two. Levels that change beneath best prices make another
        book, and get the next number.
        """
        if self._closed:
            return False
        try:
            believed = self._believe(*levels)
            if best is not None:
                best = _believed(best)
        except Disbelieved as error:
            self.refused[str(error)] += 1
            self.drop(market)
            return False
        number = self._numbered(market, sequence, self._standing.get(market))
        self._stand(_Standing(market, at_ns, number, _Levels(*believed), best))
        return True

    def put_best(
        self, market: str, best: Best, sequence: int | None, at_ns: int, *, alone: bool = False
    ) -> bool:
        """Take a market's best prices; what stands deeper is what was last told of it, or nothing: `alone`.

        `sequence` is the venue's number, where it has one. Four floats and nothing else are looked
        at: this is the way of most updates.
        """
        bid, bid_size, ask, ask_size = best
        if not (
            _LEAST < bid < ask < _MOST and _LEAST < bid_size < _MOST and _LEAST < ask_size < _MOST
        ):
            try:
                best = _believed(best)
            except Disbelieved as error:
                self.refused[str(error)] += 1
                self.drop(market)
                return False
        if self._closed:
            return False
        before = self._standing.get(market)
        levels = _NOTHING if before is None or alone else before.levels
        if sequence is None or before is None or sequence <= before.sequence:
            sequence = self._numbered(market, sequence, before)
        self._stand(_Standing(market, at_ns, sequence, levels, best))
        return True

    def drop(self, market: str) -> None:
        """Forget a market's book: its stream broke, and until the next snapshot nothing is known."""
        self._venue_numbers.pop(market, None)
        standing = self._standing.pop(market, None)
        if standing is not None:
            self._gone[market] = standing.sequence
            self.dropped += 1
            gone = _Standing(market, self._clock.now_ns(), self._next(), _NOTHING)
            for reader in self._readers:
                reader.tell(gone)

    def close(self) -> None:
        """End `changes`, and forget every book."""
        self._closed = True
        self._standing.clear()
        self._venue_numbers.clear()
        for reader in self._readers:
            reader.news.set()

    def book(self, market: str) -> Book | None:
        """The latest book; None while there is none."""
        standing = self._standing.get(market)
        return None if standing is None else standing.book

    def stands(self, market: str) -> bool:
        """Whether there is a book; it is not made exact for this."""
        return market in self._standing

    def heard_ns(self, market: str) -> int | None:
        """When the connection that carries the market was last heard; None without a book.

        What is heard now of a connection that lags was said long ago, so it is not heard now.
        """
        standing = self._standing.get(market)
        if standing is None:
            return None
        behind = self.behind(market)
        if behind is not None:
            return behind
        heard, now_ns = self.heard(market), self._clock.now_ns()
        newest = standing.at_ns if heard is None else max(heard, standing.at_ns)
        if newest <= now_ns:
            return newest
        # The clock was set back: a time that is not yet would keep a dead connection alive until then.
        return heard if heard is not None and heard <= now_ns else None

    async def changes(self, after_ns: int) -> AsyncIterator[Change]:
        """Give each market's newest book once it changed after a time; what was overtaken is left out.

        What is there when the reader comes is told in one go: all but the last of it have `more`. A
        book that is gone is told as one without levels. Whoever is slow gets fewer books, never an
        old one. Ends when the books are closed.
        """
        reader = _Reader()
        for standing in self._standing.values():
            if standing.at_ns > after_ns:
                reader.tell(standing)
        self._readers.append(reader)
        told_ns = after_ns
        try:
            while not self._closed:
                drained, reader.new = reader.new, {}
                left = len(drained)
                if drained:
                    oldest_ns = min([standing.at_ns for standing in drained.values()])
                    self.lag.note(self._clock.now_ns() - oldest_ns)
                newer = reader.new
                for market, drawn in drained.items():
                    left -= 1
                    # Its newest book, where one came since.
                    standing = newer.pop(market, drawn) if newer else drawn
                    if standing.at_ns > told_ns:  # noqa: PLR1730 -- on every book a call would cost more
                        told_ns = standing.at_ns
                    yield Change(told_ns, market, standing, left > 0)
                    if self._closed:
                        return
                if not reader.new:
                    reader.news.clear()
                    await reader.news.wait()
        finally:
            self._readers.remove(reader)
            self._conflated += reader.conflated

    def _stand(self, standing: _Standing) -> None:
        self._standing[standing.market] = standing
        for reader in self._readers:
            reader.tell(standing)

    def _numbered(self, market: str, sequence: int | None, before: _Standing | None) -> int:
        """The venue's number, or the next one: no two books of a market have the same."""
        if sequence is None:
            return self._next()
        last = self._gone.get(market) if before is None else before.sequence
        return sequence if last is None or sequence > last else last + 1

    def _next(self) -> int:
        self._number += 1
        return self._number

    def _check_sequence(self, market: str, sequence: int | None) -> None:
        if sequence is not None and sequence < self._venue_numbers.get(market, sequence):
            raise Disbelieved("sequence went back")

    def _believe(self, bids: Told, asks: Told) -> tuple[list[RawLevel], list[RawLevel]]:
        try:
            buys = _checked(bids[: self._levels_max], falling=True)
            sells = _checked(asks[: self._levels_max], falling=False)
            if not buys and not sells:
                raise Disbelieved("empty")
            if buys and sells and buys[0][0] >= sells[0][0]:
                raise Disbelieved("crossed")
        except (ArithmeticError, ValueError, TypeError, IndexError, KeyError, AttributeError):
            raise Disbelieved("not a number") from None
        return buys, sells


class _Reader:
    """What one reader of the changes has not taken yet: at most one book of each market."""

    def __init__(self) -> None:
        self.new: dict[str, _Standing] = {}
        self.news = asyncio.Event()
        self.conflated = 0

    def tell(self, standing: _Standing) -> None:
        new, market = self.new, standing.market
        if market in new:
            self.conflated += 1
        elif not new:
            self.news.set()
        new[market] = standing


def _unheard(_market: str) -> int | None:
    return None


def _believed(best: Best) -> Best:
    """The best prices, where they can be: a side may be empty, but not both; raises Disbelieved."""
    bid, bid_size, ask, ask_size = best
    bids = _checked([(bid, bid_size)], falling=True) if bid or bid_size else []
    asks = _checked([(ask, ask_size)], falling=False) if ask or ask_size else []
    if not bids and not asks:
        raise Disbelieved("empty")
    if bids and asks and bid >= ask:
        raise Disbelieved("crossed")
    none = (0.0, 0.0)
    return (*((bid, bid_size) if bids else none), *((ask, ask_size) if asks else none))


def _checked(rows: Told, *, falling: bool) -> list[RawLevel]:
    """The levels as they were told, floats as floats; raises Disbelieved for what cannot be."""
    least: Number
    beyond: Number
    least, beyond = _FLOATS
    told = cast("Sequence[Sequence[Number]]", rows)  # what is neither does not compare
    if rows and isinstance(rows[0][0], str | Decimal):
        told = [(Decimal(row[0]), Decimal(row[1])) for row in rows]
        least, beyond = _DECIMALS
    levels: list[RawLevel] = []
    last: Number | None = None
    for row in told:
        price, size = row[0], row[1]
        if not least < price < beyond:
            raise Disbelieved("not a price")
        if size != 0 and not least < size < beyond:
            raise Disbelieved("not a size")
        if last is not None and (price >= last if falling else price <= last):
            raise Disbelieved("unsorted")
        last = price
        if size:
            levels.append((price, size))
    return levels


def _exact_levels(levels: Sequence[RawLevel]) -> tuple[Level, ...]:
    return tuple((_exact(price), _exact(size)) for price, size in levels)


def _exact(value: Number) -> Decimal:
    return value if isinstance(value, Decimal) else _exact_float(value)


@lru_cache(NUMBERS_MAX)
def _exact_float(value: float) -> Decimal:
    """A float of at most 15 digits is written as the venue wrote it."""
    return Decimal(repr(value + 0))  # + 0: JSON has `true`, which compares as 1
