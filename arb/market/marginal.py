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
        """Bound the base amounts that bring more than a surplus: the first and the last.

        Both are 0 where none does; the last is inf where the walk ended before it was sure.
        """
        above = [at for at, mark in enumerate(self.marks) if mark.surplus > surplus]
        if not above:
            return 0.0, 0.0
        first, last = above[0], above[-1]
        low = _crossing(self.marks[first - 1], self.marks[first], surplus) if first else 0.0
        if last + 1 < len(self.marks):
            return low, _crossing(self.marks[last], self.marks[last + 1], surplus)
        return low, self.marks[last].base if self.whole else inf


def climb(
    slopes: Sequence[Slope],
    hurdle: float,
    *,
    watched: int,
    slack: float = 0.0,
    base_min: float = 0.0,
    base_enough: float = inf,
) -> Climb:
    """Walk up the legs together, one breakpoint at a time, from nothing to where it pays no more.

    The leg that runs out first ends a stretch. The walk ends when the first leg is exhausted, or
    past the best mark when no stretch above brings more than `hurdle` for what it uses, and it has
    seen enough: the surplus is `slack` below the best from `base_min` of the watched leg on, or the
    watched leg is above `base_enough`. Exact but for the digits of a float: the largest surplus of
    a chain without steps is that of a mark.
    """
    at = [0] * len(slopes)
    marks = [Mark(0.0, 0.0, tuple(at))]
    flows = [1.0]  # input of each leg, and at last the output, for a unit of the first leg's input
    rates, ends = [], []  # of each leg's stretch: what a unit brings, the chain's input at its end
    for slope in slopes:
        rung = slope.rung(0)
        if rung is None:
            return Climb(marks, whole=True)
        rates.append(rung.rate)
        ends.append(rung.length / flows[-1])
        flows.append(flows[-1] * rung.rate)
    coming = rates.copy()  # of the rung, also in the gap before it
    left = [0.0] * len(slopes)  # of the stretch, while nothing comes in
    keep = slopes[watched].keep if slopes[watched].buys else None
    used = base = surplus = 0.0
    best = 0.0 if base_min <= 0 else -inf
    while True:
        end = min(ends)
        ended = ends.index(end)
        more = end - used
        used = end
        surplus += more * (flows[-1] - hurdle)
        if rates[watched]:
            moved = more * flows[watched + 1] if keep else more * flows[watched]
            base += moved / keep if keep else moved
        marks.append(Mark(base, surplus, tuple(at)))
        if surplus > best and base >= base_min:
            best = surplus

        length, flow = inf, flows[ended]
        above = at[ended] + 1 if rates[ended] else at[ended]
        rung = slopes[ended].rung(above)
        if rung is None:
            if not ended:
                return Climb(marks, whole=True)
            # What comes in from now on is left over.
            coming[ended] = rates[ended] = 0.0
        elif above > at[ended] and rung.gap > 0:
            at[ended], coming[ended], rates[ended], length = above, rung.rate, 0.0, rung.gap
        else:
            at[ended], length = above, rung.length
            coming[ended] = rates[ended] = rung.rate
        ends[ended] = used + length / flow
        flow *= rates[ended]
        for leg in range(ended + 1, len(slopes)):
            if flows[leg]:
                left[leg] = (ends[leg] - used) * flows[leg]
            flows[leg] = flow
            ends[leg] = used + left[leg] / flow if flow else inf
            flow *= rates[leg]
        flows[-1] = flow
        past = surplus <= best - slack or (base > base_enough and surplus < best)
        if past and prod(coming) <= hurdle:
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
