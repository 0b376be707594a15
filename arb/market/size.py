"""The best size of a cycle: how much of its start asset brings most through the visible depth.

Every leg takes all that the leg before it left, so a plan is one number: the first leg's amount. Of
all amounts that give some leg the same lots the smallest is best, because the output is the same.
So one candidate for each number of lots of one leg is enough to find the best plan of all, whichever
leg that is, and the leg whose step is worth most has the fewest. Where those lots are too many, the
best unrounded size says which are near.
"""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from math import ceil, inf
from typing import Final

from msgspec import Struct

from arb.events.facts import LegRoute
from arb.limits import BOOK_LEVELS_MAX, SIZING_LOTS_MAX, SIZING_LOTS_NEAR
from arb.market.book import FeeRates, MarketRules
from arb.market.chain import BookOf, Quote, quote_path, quoted
from arb.market.depth import Shortfall, booking_nothing
from arb.market.ladder import Ladder
from arb.market.marginal import Climb, climb, step_worths
from arb.market.reading import Reader, Terms
from arb.market.rounding import Rounding
from arb.market.slope import Slope, number
from arb.money import BPS, ONE, ZERO

_ALMOST: Final = 1e-6  # of a lot: what floats may lack of a whole one
_FLOAT: Final = 1e-12  # of a surplus in terms of what is used: what floats may lack of it
_BOOKED: Final = 1e-8  # what a rung's cost can be cut by: a plan may look that much better


class Plan(Struct, frozen=True, gc=False):
    """A cycle in whole steps; amounts are base."""

    first: Decimal  # amount of the first leg
    watched: Decimal  # amount of the leg that the search counts by
    used: Decimal  # by the first leg
    output: Decimal  # of the last
    amounts: tuple[Decimal, ...]  # of all legs


def best_size(  # noqa: PLR0917 -- a path, its cap and the market it meets
    legs: Sequence[LegRoute],
    cap: Decimal,
    books: BookOf,
    markets: Mapping[str, MarketRules],
    fees: FeeRates,
    slippage_bps: Decimal,
    *,
    min_profit_bps: Decimal,
    at_bound: bool = False,
    depth_share: Decimal = ONE,
    reader: Reader | None = None,
) -> Quote | Shortfall:
    """Find the size at which a cycle brings most, locking at most `cap` of its start asset.

    Most is the largest output - used, or with a threshold below zero the largest output - used x (1
    + min_profit_bps / 10,000), so that what the threshold allows is traded. The answer is what
    `quote_path` says of its `amount`, with the same `at_bound` and `depth_share`: the amount to
    reserve, and not a unit more. It is the best found also where that is below the threshold.
    Exact where at most `SIZING_LOTS_MAX` lots of the coarsest leg can win; else at most the worth of
    one step of each leg below the best. The shortfall is that of `cap` when nothing can be placed.
    A `reader` that is kept has read some of the books already.
    """
    terms = Terms(fees.taker, slippage_bps, at_bound, depth_share)
    ladders = (reader or Reader()).ladders(legs, books, markets, terms)
    if ladders is not None:
        plan = best_plan(ladders, cap, 1 + min(ZERO, min_profit_bps) / BPS)
        if plan is not None:
            walks = tuple(map(Ladder.walk, ladders, plan.amounts))
            for planned in walks:
                nothing = booking_nothing(planned)
                if nothing is not None:
                    return nothing
            sequences = {leg.market: _sequence(books, leg) for leg in legs}
            return quoted(walks, sequences, ladders[0].lock(plan.first))
    return quote_path(
        legs, cap, books, markets, fees, slippage_bps, at_bound=at_bound, depth_share=depth_share
    )


def _sequence(books: BookOf, leg: LegRoute) -> int:
    book = books(leg.market)
    assert book is not None, leg
    return book.sequence


def best_plan(ladders: Sequence[Ladder], cap: Decimal, hurdle: Decimal) -> Plan | None:
    """Find the plan with the largest output - used x hurdle; None when no order can be placed."""
    if cap <= 0:
        return None
    search = Search(ladders, cap, hurdle)
    peak = search.climb()
    if not search.attempt(peak):
        # A minimum is in the way, so the smallest plan of all is where to look from.
        lowest = settled(ladders, cap, ladders[0].rules.step_size, search.coarsest)
        if lowest is None:
            return None
        peak = search.climb(lowest)
        search.attempt(peak)
    for lots in search.promising(peak):
        search.attempt(lots)
    return search.best


def settled(ladders: Sequence[Ladder], cap: Decimal, first: Decimal, watched: int) -> Plan | None:
    """Make the smallest plan that may be placed from an amount of the first leg on."""
    head = ladders[0]
    while True:
        start = head.allowed_from(first)
        if start is None or not head.affords(start, cap):
            return None
        used, carried = head.filled(start)
        amounts = [start]
        for at, ladder in enumerate(ladders[1:], 1):
            got = ladder.most_for(carried)
            amount = ladder.allowed_from(got)
            if amount is None:
                return None
            if amount > got:
                needed = trimmed(ladders, at, amount)
                if needed is None:
                    return None
                first = max(needed, start + head.rules.step_size)
                break
            _, carried = ladder.filled(amount)
            amounts.append(amount)
        else:
            return Plan(
                first=start,
                watched=amounts[watched],
                used=used,
                output=carried,
                amounts=tuple(amounts),
            )


def trimmed(ladders: Sequence[Ladder], leg: int, amount: Decimal) -> Decimal | None:
    """Trim backwards: the least amount of the first leg that lets this leg have that amount."""
    for at in range(leg, 0, -1):
        if not ladders[at].reaches(amount):
            return None
        least = ladders[at - 1].least_for(ladders[at].lock(amount))
        if least is None:
            return None
        amount = least
    return amount


class Search:
    """One search for the best plan, by the lots of the leg whose step is worth most."""

    def __init__(self, ladders: Sequence[Ladder], cap: Decimal, hurdle: Decimal) -> None:
        self._slopes = [Slope(ladder, None if leg else cap) for leg, ladder in enumerate(ladders)]
        worths = step_worths(self._slopes)
        self.coarsest = worths.index(max(worths))
        self.best: Plan | None = None
        self._surplus = ZERO  # of the best plan
        self._ladders, self._cap = ladders, cap
        self._hurdle, self._hurdle_float = hurdle, number(hurdle)
        # Rounding costs at most this, so what is that far below the best unrounded size is out.
        self._slack = 2 * sum(worths) + _BOOKED * BOOK_LEVELS_MAX
        self._step = ladders[self.coarsest].rules.step_size
        self._lot = self._slopes[self.coarsest].step  # the same in a float
        self._lots_min = 1
        self._climb = Climb([], [], [], whole=True, peak=0.0, best=-inf)
        self._roundings: dict[int, Rounding] = {}  # on the way to a mark

    @property
    def levels_read(self) -> int:
        """How many levels the search has read."""
        return sum(len(slope.lines) for slope in self._slopes)

    def climb(self, lowest: Plan | None = None) -> int:
        """Find the best unrounded size, in lots; from the smallest plan on, if one is given."""
        base_min = 0.0
        if lowest is not None:
            self._keep(lowest)
            self._lots_min = int(lowest.watched / self._step)
            base_min = number(lowest.watched)
        self._climb = walked = climb(
            self._slopes,
            self._hurdle_float,
            watched=self.coarsest,
            slack=self._slack if lowest is None else inf,
            base_min=base_min,
            base_enough=SIZING_LOTS_MAX * self._lot if lowest is None else inf,
        )
        self._roundings.clear()
        if lowest is not None and walked.best <= number(self._surplus):
            return self._lots_min
        return max(int(walked.peak / self._lot + _ALMOST), self._lots_min)

    def attempt(self, lots: int) -> bool:
        """Plan this many lots, or as many as can be; tell whether no minimum asked for more."""
        ladders, head = self._ladders, self._ladders[0]
        first = trimmed(ladders, self.coarsest, lots * self._step)
        if first is None or not head.affords(first, self._cap):
            most = settled(ladders, self._cap, head.most_for(self._cap), self.coarsest)
            if most is None:
                return False
            first = trimmed(ladders, self.coarsest, most.watched) or most.first
        plan = settled(ladders, self._cap, first, self.coarsest)
        if plan is None:
            return False
        self._keep(plan)
        return plan.first == first

    def promising(self, peak: int) -> Iterator[int]:
        """List the other lots that may be better than the best plan so far, the likeliest first."""
        for score, lots in self.scores(peak):
            if score <= self._beaten_below():
                return
            yield lots

    def scores(self, peak: int) -> list[tuple[float, int]]:
        """Tell the most that lots can bring, in floats, and sort them by it."""
        low, high = self._worth_trying(peak)
        scores = [(self.most(lots), lots) for lots in range(low, high + 1) if lots != peak]
        scores.sort(reverse=True)
        return scores

    def most(self, lots: int) -> float:
        """The most that this many lots can bring, told in floats: every leg on its rung there.

        A rung's line is nowhere below what its leg brings, so a size that is better is never missed.
        """
        bases = self._climb.bases
        at = min(bisect_left(bases, (lots - _ALMOST) * self._lot), len(bases) - 1)
        rounding = self._roundings.get(at)
        if rounding is None:
            stretches = self._climb.stretches(at, len(self._slopes))
            rounding = self._roundings[at] = Rounding(self._slopes, stretches, self.coarsest)
        return rounding.surplus(lots, self._hurdle_float)

    def _keep(self, plan: Plan) -> None:
        surplus = plan.output - plan.used * self._hurdle
        best = self.best
        if best is None or (surplus, -plan.used) > (self._surplus, -best.used):
            self.best, self._surplus = plan, surplus

    def _beaten_below(self) -> float:
        """The surplus that a size told in floats has to be above, to be better than the best plan."""
        assert self.best is not None, "what is better is asked for when something is known"
        booked = _BOOKED * (2 + self._climb.ended.count(0))
        return number(self._surplus) - booked - _FLOAT * number(self.best.used)

    def _worth_trying(self, peak: int) -> tuple[int, int]:
        """Bound the lots whose unrounded surplus is above that of the best plan."""
        low, high = self._climb.span_above(self._beaten_below())
        low, high = ceil(low / self._lot - _ALMOST), high / self._lot + _ALMOST
        if high > SIZING_LOTS_MAX:
            low, high = max(low, peak - SIZING_LOTS_NEAR), min(high, peak + SIZING_LOTS_NEAR)
        return max(low, self._lots_min), int(high)
