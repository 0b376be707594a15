"""A market's book as it is published: every change numbered without gaps, as depth streams need it."""

from decimal import Decimal

from msgspec import Struct

from arb.market.book import Book, Level
from arb.money import ZERO


class Delta(Struct, frozen=True, gc=False):
    """What changed in a book between two looks; a level of size 0 is gone."""

    market: str
    first_id: int
    last_id: int
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    at_ns: int


class Tape:
    """One market's published book. Its update ids go on from where they began, one a change."""

    def __init__(self, market: str, begin_id: int) -> None:
        self.book = Book(market, (), (), 0)
        self.update_id = begin_id

    def turn(self, book: Book | None, at_ns: int) -> Delta | None:
        """Publish the book that stands now; None where nothing changed. No book is an empty one."""
        was = self.book
        if book is None:
            book = Book(was.market, (), (), was.sequence)
        bids, asks = _changed(was.bids, book.bids), _changed(was.asks, book.asks)
        self.book = book
        if not bids and not asks:
            return None
        self.update_id += 1
        return Delta(was.market, self.update_id, self.update_id, bids, asks, at_ns)


def _changed(was: tuple[Level, ...], now: tuple[Level, ...]) -> tuple[Level, ...]:
    if was == now:
        return ()
    before: dict[Decimal, Decimal] = dict(was)
    after = dict(now)
    gone = tuple((price, ZERO) for price in before if price not in after)
    return gone + tuple(level for level in now if before.get(level[0]) != level[1])
