"""The best size of a cycle: how much of its start asset brings most through the visible depth.

Every leg takes all that the leg before it left, so a plan is one number: the first leg's amount. Of
all amounts that give some leg the same lots the smallest is best, because the output is the same.
So one candidate for each number of lots of one leg is enough to find the best plan of all, whichever
leg that is, and the leg whose step is worth most has the fewest. Where those lots are too many, the
best unrounded size says which are near.
"""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from heapq import nlargest
from itertools import count
from math import ceil, inf
from typing import Final

from msgspec import Struct

from arb.events.facts import LegRoute
from arb.limits import BOOK_LEVELS_MAX, SIZING_FINALISTS, SIZING_LOTS_MAX, SIZING_LOTS_NEAR
from arb.market.book import FeeRates, MarketRules
from arb.market.chain import BookOf, Quote, quote_path
from arb.market.depth import Shortfall, bound, shared
from arb.market.ladder import Ladder
from arb.market.marginal import Climb, climb, step_worths
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
) -> Quote | Shortfall:
    """Find the size at which a cycle brings most, locking at most `cap` of its start asset.

    Most is the largest output - used, or with a threshold below zero the largest output - used x (1
    + min_profit_bps / 10,000), so that what the threshold allows is traded. The answer is what
    `quote_path` says of its `amount`, with the same `at_bound` and `depth_share`: the amount to
    reserve, and not a unit more. It is the best found also where that is below the threshold.
    Exact where at most `SIZING_LOTS_MAX` lots of the coarsest leg can win; else at most the worth of
    one step of each leg below the best. The shortfall is that of `cap` when nothing can be placed.
    """
    ladders = ladders_of(
        legs, books, markets, fees, slippage_bps, at_bound=at_bound, depth_share=depth_share
    )
    plan = None
    if ladders is not None:
        plan = best_plan(ladders, cap, 1 + min(ZERO, min_profit_bps) / BPS)
    amount = cap if ladders is None or plan is None else ladders[0].lock(plan.first)
    quote = quote_path(
        legs,
        amount,
        books,
        markets,
        fees,
        slippage_bps,
        at_bound=at_bound,
        depth_share=depth_share,
    )
    if plan is not None:
        assert isinstance(quote, Quote), quote
        assert (quote.used, quote.output) == (plan.used, plan.output), (quote, plan)
    return quote


def ladders_of(
    legs: Sequence[LegRoute],
    books: BookOf,
    markets: Mapping[str, MarketRules],
    fees: FeeRates,
    slippage_bps: Decimal,
    *,
    at_bound: bool,
    depth_share: Decimal,
) -> list[Ladder] | None:
    """Set up a ladder for each leg; None where a market is not there or a book is met twice."""
    ladders = []
    if len({leg.market for leg in legs}) < len(legs):
        return None
    for leg in legs:
        rules, book = markets.get(leg.market), books(leg.market)
        if rules is None or not rules.active or book is None:
            return None
        levels = shared(book.levels(leg.side), depth_share)
        if not levels:
            return None
        worst = bound(leg.side, levels[0][0], slippage_bps, rules.tick_size)
        ladder = Ladder(leg.side, levels, rules, fees.taker, worst, at_bound=at_bound)
        if ladder.rung(0) is None:
            return None
        ladders.append(ladder)
    return ladders


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
    for lots in search.finalists(peak):
        search.attempt(lots)
    for lots in search.rest(peak):
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
            return Plan(first=start, watched=amounts[watched], used=used, output=carried)


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
        self._ladders, self._cap, self._hurdle = ladders, cap, hurdle
        # Rounding costs at most this, so what is that far below the best unrounded size is out.
        self._slack = 2 * sum(worths) + _BOOKED * BOOK_LEVELS_MAX
        self._step = ladders[self.coarsest].rules.step_size
        self._lots_min = 1
        self._climb = Climb([], whole=True)
        self._peak = 0  # the mark that the search looks around

    def climb(self, lowest: Plan | None = None) -> int:
        """Find the best unrounded size, in lots; from the smallest plan on, if one is given."""
        base_min = 0.0
        if lowest is not None:
            self._keep(lowest)
            self._lots_min = int(lowest.watched / self._step)
            base_min = number(lowest.watched)
        self._climb = climb(
            self._slopes,
            number(self._hurdle),
            watched=self.coarsest,
            slack=self._slack if lowest is None else inf,
            base_min=base_min,
            base_enough=SIZING_LOTS_MAX * number(self._step) if lowest is None else inf,
        )
        marks = self._climb.marks
        self._peak = max(
            range(len(marks)), key=lambda at: (marks[at].base >= base_min, marks[at].surplus)
        )
        lots = int(marks[self._peak].base / number(self._step) + _ALMOST)
        return max(lots, self._lots_min)

    def attempt(self, lots: int) -> bool:
        """Plan this many lots, or as many as can be; tell whether no minimum asked for more."""
        ladders, head = self._ladders, self._ladders[0]
        first = trimmed(ladders, self.coarsest, lots * self._step)
        if first is None or not head.affords(first, self._cap):
            most = settled(ladders, self._cap, head.most_for(self._cap), self.coarsest)
            if most is None:
                return False
            first = trimmed(ladders, self.coarsest, most.watched)
            assert first is not None, most
        plan = settled(ladders, self._cap, first, self.coarsest)
        if plan is None:
            return False
        self._keep(plan)
        return plan.first == first

    def finalists(self, peak: int) -> list[int]:
        """Choose the lots near the peak that waste least by rounding, told in floats."""
        marks, hurdle = self._climb.marks, number(self._hurdle)
        below = Rounding(self._slopes, marks[self._peak].rungs, self.coarsest)
        near = range(max(peak - SIZING_LOTS_NEAR, self._lots_min), peak)
        scores = [(below.surplus(lots, hurdle), lots) for lots in near]
        if self._peak + 1 < len(marks):
            above = Rounding(self._slopes, marks[self._peak + 1].rungs, self.coarsest)
            near = range(peak + 1, peak + 1 + SIZING_LOTS_NEAR)
            scores += [(above.surplus(lots, hurdle), lots) for lots in near]
        return [lots for _, lots in nlargest(SIZING_FINALISTS, scores)]

    def rest(self, peak: int) -> Iterator[int]:
        """List all lots that may be better than the best plan so far, if they are few enough."""
        known: Plan | None = None
        low, high = peak, 0.0
        for away in count(1):
            if known is not self.best:
                known = self.best
                low, high = self._worth_trying()
            if high > SIZING_LOTS_MAX or (peak - away < low and peak + away > high):
                return
            if peak - away >= low:
                yield peak - away
            if peak + away <= high:
                yield peak + away

    def _keep(self, plan: Plan) -> None:
        surplus = plan.output - plan.used * self._hurdle
        best = self.best
        if best is None or (surplus, -plan.used) > (self._surplus, -best.used):
            self.best, self._surplus = plan, surplus

    def _worth_trying(self) -> tuple[int, float]:
        """Bound the lots whose unrounded surplus is above that of the best plan."""
        assert self.best is not None, "what is better is asked for when something is known"
        floor = number(self._surplus) - _BOOKED * BOOK_LEVELS_MAX - _FLOAT * number(self.best.used)
        low, high = self._climb.span_above(floor)
        step = number(self._step)
        return max(ceil(low / step - _ALMOST), self._lots_min), high / step + _ALMOST
