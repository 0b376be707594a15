"""A market as a function of time: the same question gives the same answer before and after a restart."""

from collections.abc import Iterator, Mapping
from typing import Protocol

from msgspec import Struct

from arb.market.book import Book, MarketRules

Best = tuple[float, float, float, float]  # bid and its size, ask and its size; 0 and 0: none


class Later(Protocol):
    """A book that is made exact when somebody looks at it."""

    @property
    def book(self) -> Book:
        """The book, exact."""
        ...

    @property
    def touch(self) -> Best | None:
        """Its best prices as they were told; None where they were not told in floats."""
        ...


class Change(Struct, frozen=True, gc=False):
    """One row of a feed: from `at_ns` on, the market's book is this one.

    `more`: the next one was there too when this one was taken, so nobody decides between the two.
    """

    at_ns: int
    market: str
    told: Book | Later
    more: bool = False

    @property
    def book(self) -> Book:
        """The book, made exact at the latest now."""
        told = self.told
        return told if isinstance(told, Book) else told.book

    @property
    def touch(self) -> Best | None:
        """The best prices in floats, where that is how they came."""
        told = self.told
        return None if isinstance(told, Book) else told.touch


class MarketSource(Protocol):
    """Books by time. Nothing here remembers who asked before."""

    @property
    def markets(self) -> Mapping[str, MarketRules]:
        """The markets and their rules."""
        ...

    def book_at(self, market: str, at_ns: int) -> Book | None:
        """The book that stands at a time; None before its first row."""
        ...

    def changes(self, after_ns: int) -> Iterator[Change]:
        """Every change strictly after a time, in order; ends where a recording ends."""
        ...
