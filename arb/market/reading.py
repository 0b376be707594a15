"""Read books into ladders, and keep what was read for as long as the book stands."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

from msgspec import Struct

from arb.events.facts import LegRoute
from arb.market.book import Level, MarketRules
from arb.market.chain import BookOf
from arb.market.depth import bound, shared
from arb.market.ladder import Ladder


class Terms(NamedTuple):
    """How the orders of a path are placed."""

    rate: Decimal  # the fee's fraction of what is received
    slippage_bps: Decimal
    at_bound: bool
    depth_share: Decimal


class _Read(Struct, frozen=True):
    """A side of a book that was read, and into what."""

    levels: tuple[Level, ...]
    rules: MarketRules
    terms: Terms
    ladder: Ladder


class Reader:
    """Sets up ladders. The last one of each side of a market is kept.

    A book is a value that never changes, so a ladder stands until there is another book; of the
    legs of a cycle that comes up again, most are still the same. A ladder sums no more than was
    asked of it, and its answers do not depend on what was asked before.
    """

    def __init__(self) -> None:
        self._last: dict[tuple[str, str], _Read] = {}

    def ladders(
        self,
        legs: Sequence[LegRoute],
        books: BookOf,
        markets: Mapping[str, MarketRules],
        terms: Terms,
    ) -> list[Ladder] | None:
        """Set up a ladder for each leg; None where a market is not there or a book is met twice."""
        ladders = []
        if len({leg.market for leg in legs}) < len(legs):
            return None
        for leg in legs:
            rules, book = markets.get(leg.market), books(leg.market)
            if rules is None or not rules.active or book is None:
                return None
            levels = book.levels(leg.side)
            if not levels:
                return None
            ladder = self._ladder(leg, levels, rules, terms)
            if ladder.rung(0) is None:
                return None
            ladders.append(ladder)
        return ladders

    def _ladder(
        self, leg: LegRoute, levels: tuple[Level, ...], rules: MarketRules, terms: Terms
    ) -> Ladder:
        key = (leg.market, leg.side)
        last = self._last.get(key)
        alike = last is not None and last.rules is rules and last.terms == terms
        if last is not None and alike and last.levels is levels:
            return last.ladder
        visible = shared(levels, terms.depth_share)
        worst = bound(leg.side, visible[0][0], terms.slippage_bps, rules.tick_size)
        ladder = Ladder(leg.side, visible, rules, terms.rate, worst, at_bound=terms.at_bound)
        if last is not None and alike:
            ladder.scale = last.ladder.scale
        self._last[key] = _Read(levels, rules, terms, ladder)
        return ladder
