"""What our orders took of the books: taken for as long as the level stands that it was taken from.

A level is one price on one side of a market, shown with a size. It stands until the market's books
show that price with another size, or without it; then it is whole, whoever put it there. Whether it
stood is judged by every book that the market was told, not by those that somebody looked at, so that
reading changes nothing, and a restart neither. A live market tells no past: there a level stands
until an order of ours meets a book that shows it otherwise.
"""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import NamedTuple

from arb.exchange.paper.account import Levels, PaperAccount, Taken
from arb.exchange.paper.matching import without
from arb.feeds.source import MarketSource, Shown
from arb.market.book import Book, Level
from arb.money import ZERO


class _Followed(NamedTuple):
    """What still stands of what was written, at a later time."""

    written: Taken
    at_ns: int
    levels: Levels


class _Left(NamedTuple):
    """A book, and what is left of it."""

    book: Book
    levels: Levels
    left: Book


class PaperDepth:
    """Books less what was taken of them. What is written is the truth; what is kept here saves time."""

    def __init__(self, account: PaperAccount, source: MarketSource) -> None:
        self._account = account
        self._source = source
        self._followed: dict[str, _Followed] = {}
        self._left: dict[str, _Left] = {}

    def left(self, book: Book, at_ns: int) -> Book:
        """What is left of the book that stands at a time."""
        levels = self._standing(book.market, at_ns)
        if not levels:
            return book
        known = self._left.get(book.market)
        if known is None or known.book is not book or known.levels is not levels:
            known = _Left(book, levels, without(book, levels))
            self._left[book.market] = known
        return known.left

    def take(self, book: Book, side: str, takes: Sequence[Level], at_ns: int) -> None:
        """Take amounts, each at its price, from the book that stands at a time; in a transaction."""
        levels = dict(_seen(self._standing(book.market, at_ns), book))
        sizes = dict(book.levels(side))
        for price, amount in takes:
            _, before = levels.get((side, price), (ZERO, ZERO))
            levels[side, price] = (sizes[price], before + amount)
        self._account.put_taken(book.market, at_ns, levels)

    def _standing(self, market: str, at_ns: int) -> Levels:
        """What was taken of levels that stood in every book up to a time."""
        written = self._account.taken(market)
        if not written.levels:
            return written.levels
        followed = self._followed.get(market)
        if followed is None or followed.written is not written or followed.at_ns > at_ns:
            followed = _Followed(written, written.at_ns, written.levels)
        if followed.at_ns < at_ns:
            shown = self._source.shown(market, followed.at_ns, at_ns)
            followed = _Followed(written, at_ns, _still(followed.levels, shown))
        self._followed[market] = followed
        return followed.levels


def _still(levels: Levels, shown: Iterable[Shown]) -> Levels:
    """What of some levels stands through all these books."""
    if levels:
        for _, book in shown:
            levels = _seen(levels, book)
            if not levels:
                break
    return levels


def _seen(levels: Levels, book: Book | None) -> Levels:
    """What of some levels a book shows as they were: the same object where that is all of it."""
    if book is None:
        return {}
    there: dict[str, dict[Decimal, Decimal]] = {}
    for side, _ in levels:
        if side not in there:
            there[side] = dict(book.levels(side))
    gone = [key for key, (size, _) in levels.items() if there[key[0]].get(key[1]) != size]
    return {key: levels[key] for key in levels if key not in gone} if gone else levels
