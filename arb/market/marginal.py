"""Where a cycle's marginal profit ends: the best size before it is rounded, in floats.

A chain of legs through depth is piecewise linear in what is put in: between two breakpoints, where
some leg runs out of a level, every unit more brings the product of the legs' rates.
"""

from collections.abc import Sequence
from math import inf, prod

from msgspec import Struct

from arb.market.slope import Slope


class Mark(Struct, frozen=True, gc=False):
    """A breakpoint of the chain, with the rung of each leg on the way to it."""

    base: float  # amount of the watched leg
    surplus: float  # output - used x hurdle
    rungs: tuple[int, ...]


class Climb(Struct, frozen=True, gc=False):
    """A walk up the chain, from nothing on."""

    marks: list[Mark]
    whole: bool  # nothing is left above the last mark; else nothing up there gains anything

    def span_above(self, surplus: float) -> tuple[float, float]:
        """Bound the base amounts that bring more than a surplus: the first and the last, or inf."""
        above = [at for at, mark in enumerate(self.marks) if mark.surplus > surplus]
        if not above:
            return inf, 0.0
        first, last = above[0], above[-1]
        low = _crossing(self.marks[first - 1], self.marks[first], surplus) if first else 0.0
        if last + 1 < len(self.marks):
            return low, _crossing(self.marks[last], self.marks[last + 1], surplus)
        return low, self.marks[last].base if self.whole else inf


def climb(  # noqa: PLR0912 -- a call for each stretch would take as long as the stretch
    slopes: Sequence[Slope],
    hurdle: float,
    *,
    watched: int,
    slack: float = 0.0,
    base_min: float = 0.0,
) -> Climb:
    """Walk up the legs together, one breakpoint at a time, from nothing to where it pays no more.

    The leg that runs out first ends a stretch. The walk ends when the first leg is exhausted, or
    when no stretch above brings more than `hurdle` for what it uses, `base_min` of the watched leg
    is reached, and the surplus is `slack` below the best from there on. Exact but for the digits of
    a float: the largest surplus of a chain without steps is that of a mark.
    """
    at = [0] * len(slopes)
    marks = [Mark(0.0, 0.0, tuple(at))]
    left, rates = [], []  # input left on the stretch; what a unit of it brings, 0 in a gap
    for slope in slopes:
        rung = slope.rung(0)
        if rung is None:
            return Climb(marks, whole=True)
        left.append(rung.length)
        rates.append(rung.rate)
    coming = rates.copy()  # of the rung, also in the gap before it
    keep = slopes[watched].keep if slopes[watched].buys else None
    base = surplus = 0.0
    best = 0.0 if base_min <= 0 else -inf
    while True:
        flow, room, ended = 1.0, left[0], 0
        flows = []  # input of each leg for a unit of the first
        for leg, rate in enumerate(rates):
            if left[leg] < room * flow:
                room, ended = left[leg] / flow, leg
            flows.append(flow)
            flow *= rate
            if not flow:
                break
        surplus += room * (flow - hurdle)
        for leg, taken in enumerate(flows):
            left[leg] -= room * taken
        if watched < len(flows) and rates[watched]:
            moved = room * flows[watched]
            base += moved if keep is None else moved * rates[watched] / keep
        marks.append(Mark(base, surplus, tuple(at)))
        if surplus > best and base >= base_min:
            best = surplus

        above = at[ended] + 1 if rates[ended] else at[ended]
        rung = slopes[ended].rung(above)
        if rung is None:
            if not ended:
                return Climb(marks, whole=True)
            # What comes in from now on is left over.
            coming[ended], rates[ended], left[ended] = 0.0, 0.0, inf
        elif above > at[ended] and rung.gap > 0:
            at[ended], coming[ended], rates[ended], left[ended] = above, rung.rate, 0.0, rung.gap
        else:
            at[ended] = above
            coming[ended] = rates[ended] = rung.rate
            left[ended] = rung.length
        if surplus <= best - slack and prod(coming) <= hurdle:
            return Climb(marks, whole=False)


def step_worths(slopes: Sequence[Slope]) -> list[float]:
    """Value one step of each leg in what the last leg brings, at the touch and after fees."""
    worths = []
    onwards = 1.0
    for slope in reversed(slopes):
        touch = slope.rung(0)
        assert touch is not None, "a ladder has a first rung, and a cap pays for some of it"
        price = touch.price
        worths.append(onwards * slope.keep * slope.step * (1.0 if slope.buys else price))
        onwards *= slope.keep * (1.0 / price if slope.buys else price)
    worths.reverse()
    return worths


def _crossing(before: Mark, after: Mark, surplus: float) -> float:
    """Find where between two marks the surplus is this."""
    share = (surplus - before.surplus) / (after.surplus - before.surplus)
    return before.base + (after.base - before.base) * share
