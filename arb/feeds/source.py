"""A market as a function of time: the same question gives the same answer before and after a restart."""

from collections.abc import Iterator, Mapping
from typing import Protocol

from msgspec import Struct

from arb.market.book import Book, MarketRules

Best = tuple[float, float, float, float]  # bid and its size, ask and its size; 0 and 0: none
Shown = tuple[int, Book | None]  # from when on a book stands; None: there is none


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
    `again`: it is as it was told before, so there is nothing new to decide on.
    """

    at_ns: int
    market: str
    told: Book | Later
    more: bool = False
    again: bool = False

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

    def shown(self, market: str, after_ns: int, until_ns: int) -> Iterator[Shown]:
        """Every book that a market was told after a time and until another one, in order.

        Nothing where the source knows no past.
        """
        ...

    def changes(self, after_ns: int) -> Iterator[Change]:
        """Every change strictly after a time, in order; ends where a recording ends."""
        ...
