"""Depth that open cycles are about to take: nobody else is offered it until it is taken, or left."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from itertools import takewhile

from msgspec import Struct, structs

from arb.execution.account.desk import Desk
from arb.machine import table as t
from arb.machine.state import Cycle
from arb.market.book import Book, Level
from arb.market.depth import Walk

_WILL_NOT_GO_ON = frozenset({*t.CLOSED, t.PANIC_SELLING})


class Claim(Struct, frozen=True, gc=False):
    """What a leg of a cycle takes, from the touch on."""

    cycle_id: str
    leg: int
    side: str
    amount: Decimal  # base
    levels: tuple[Level, ...]  # that it was made on


class Claims:
    """The books less what cycles that were opened will take of them.

    A claim stands until its leg is over and the book shows what is left: it is another one since, or
    was told again. So two cycles that are opened on the same books, at one moment or shortly after each
    other, never count on the same level.
    """

    def __init__(self, desk: Desk, opening: Callable[[str], Cycle | None]) -> None:
        self._desk = desk
        self._opening = opening  # a cycle that is being appended, by its id
        self._claims: dict[str, list[Claim]] = {}  # by market
        self._left: dict[str, tuple[Book, Book]] = {}  # by market: as it is told, and what is left

    def book(self, market: str) -> Book | None:
        """What of a market's book nobody has claimed; None where there is no book."""
        told = self._desk.book(market)
        if told is None or market not in self._claims:
            return told
        self._drop(market, lambda claim: told.levels(claim.side) == claim.levels)
        claims = self._claims.get(market)
        if not claims:
            return told
        known = self._left.get(market)
        if known is not None and known[0] is told:
            return known[1]
        left = _left(told, claims)
        self._left[market] = (told, left)
        return left

    def left_for(self, cycle_id: str, market: str) -> Book | None:
        """What of a market's book is left for a cycle that claims some of it: others were first."""
        told = self._desk.book(market)
        if told is None:
            return None
        claims = takewhile(lambda one: one.cycle_id != cycle_id, self._claims.get(market, ()))
        first = [one for one in claims if self._goes_on(one) or told.levels(one.side) == one.levels]
        return _left(told, first) if first else told

    def of(self, walks: Sequence[Walk]) -> dict[str, Decimal]:
        """What was claimed of the sides that a path takes, where it is something."""
        found = {walk.market: _sum(self._claims.get(walk.market, ()), walk.side) for walk in walks}
        return {market: amount for market, amount in found.items() if amount}

    def take(self, cycle_id: str, walks: Sequence[Walk]) -> None:
        """Claim what the legs of a new cycle will take."""
        for leg, walk in enumerate(walks):
            book = self._desk.book(walk.market)
            assert book is not None, walk
            claim = Claim(cycle_id, leg, walk.side, walk.amount, book.levels(walk.side))
            self._claims.setdefault(walk.market, []).append(claim)
            self._left.pop(walk.market, None)

    def told(self, market: str) -> None:
        """Learn that a market's book was told: claims of legs that are over end here."""
        if market in self._claims:
            self._drop(market, lambda _claim: False)

    def _drop(self, market: str, still: Callable[[Claim], bool]) -> None:
        """Drop the claims of legs that are over, but for those whose book is still the same."""
        claims = self._claims[market]
        standing = [claim for claim in claims if self._goes_on(claim) or still(claim)]
        if len(standing) == len(claims):
            return
        self._left.pop(market, None)
        if standing:
            self._claims[market] = standing
        else:
            del self._claims[market]

    def _goes_on(self, claim: Claim) -> bool:
        cycle = self._desk.journal.cycles.get(claim.cycle_id) or self._opening(claim.cycle_id)
        return cycle is not None and cycle.leg <= claim.leg and cycle.state not in _WILL_NOT_GO_ON


def _left(told: Book, claims: Sequence[Claim]) -> Book:
    bids, asks = less(told.bids, _sum(claims, "sell")), less(told.asks, _sum(claims, "buy"))
    return structs.replace(told, bids=bids, asks=asks)


def _sum(claims: Sequence[Claim], side: str) -> Decimal:
    return sum((claim.amount for claim in claims if claim.side == side), Decimal(0))


def less(levels: tuple[Level, ...], amount: Decimal) -> tuple[Level, ...]:
    """Take an amount from the touch on."""
    if amount <= 0:
        return levels
    for at, (price, size) in enumerate(levels):
        if size > amount:
            return ((price, size - amount), *levels[at + 1 :])
        amount -= size
    return ()
