"""Where a cycle's marginal profit ends: the best size before it is rounded, in floats.

A chain of legs through depth is piecewise linear in what is put in: between two breakpoints, where
some leg runs out of a level, every unit more brings the product of the legs' rates.
"""

from collections.abc import Sequence
from functools import lru_cache
from math import inf, prod

from msgspec import Struct

from arb.market.slope import Slope


class Climb(Struct, frozen=True, gc=False):
    """A walk up the chain, from nothing on: its breakpoints, the first of which is nothing at all."""

    bases: list[float]  # amounts of the watched leg
    surpluses: list[float]  # output - used x hurdle
    ended: list[int]  # after each breakpoint, the leg that goes on to its next stretch, or -1
    whole: bool  # nothing is left above the last one; else nothing up there gains anything
    peak: float  # base of the first of the best breakpoints from `base_min` on
    best: float  # surplus there; -inf without one

    def stretches(self, at: int, legs: int) -> list[int]:
        """The stretch of each leg on the way to a breakpoint."""
        passed = self.ended[: max(at - 1, 0)]
        return [passed.count(leg) for leg in range(legs)]

    def span_above(self, surplus: float) -> tuple[float, float]:
        """Bound the base amounts that bring more than a surplus: the first and the last.

        Both are 0 where none does; the last is inf where the walk ended before it was sure.
        """
        above = [at for at, reached in enumerate(self.surpluses) if reached > surplus]
        if not above:
            return 0.0, 0.0
        first, last = above[0], above[-1]
        low = self._crossing(first - 1, surplus) if first else 0.0
        if last + 1 < len(self.bases):
            return low, self._crossing(last, surplus)
        return low, self.bases[last] if self.whole else inf

    def _crossing(self, before: int, surplus: float) -> float:
        """Find where between a breakpoint and the next one the surplus is this."""
        low, high = self.surpluses[before : before + 2]
        base, base_after = self.bases[before : before + 2]
        return base + (base_after - base) * ((surplus - low) / (high - low))


def climb(  # noqa: PLR0915 -- one loop, in which every call would cost more than what it does
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
    past the best breakpoint when no stretch above brings more than `hurdle` for what it uses, and it
    has seen enough: the surplus is `slack` below the best from `base_min` of the watched leg on, or
    the watched leg is above `base_enough`. Exact but for the digits of a float: the largest surplus
    of a chain without steps is that of a breakpoint.
    """
    count = len(slopes)
    bases, surpluses = [0.0], [0.0]
    went_on: list[int] = []
    peak, best = (0.0, 0.0) if base_min <= 0 else (0.0, -inf)
    flows = [1.0]  # input of each leg, and at last the output, for a unit of the first leg's input
    # Of each leg: its stretches; of the one it is on, what a unit brings, the chain's input at its end.
    ways, rates, ends = [], [], []
    for slope in slopes:
        way = slope.stretches
        if not way and not slope.reaches(0):
            return Climb(bases, surpluses, went_on, whole=True, peak=peak, best=best)
        length, rate, _, _ = way[0]
        ways.append(way)
        rates.append(rate)
        ends.append(length / flows[-1])
        flows.append(flows[-1] * rate)
    gain = flows[count]
    coming = rates.copy()  # the same also in a gap, of what is behind it
    at = [0] * count
    left = [0.0] * count  # of the stretch, while nothing comes in
    # Base of the watched leg for a unit that it spends or, of a buy, receives.
    counted, base_each = watched, 1.0
    if slopes[watched].buys:
        counted, base_each = watched + 1, 1.0 / slopes[watched].keep
    onwards = _onwards(count)
    used = base = surplus = 0.0
    while True:
        end = min(ends)
        leg = ends.index(end)
        more = end - used
        used = end
        surplus += more * (gain - hurdle)
        if rates[watched]:
            base += more * flows[counted] * base_each
        bases.append(base)
        surpluses.append(surplus)
        if surplus > best and base >= base_min:
            peak, best = base, surplus

        flow, way, stretch = flows[leg], ways[leg], at[leg] + 1
        if stretch < len(way) or slopes[leg].reaches(stretch):
            at[leg] = stretch
            length, rate, coming[leg], _ = way[stretch]
            rates[leg] = rate
            ends[leg] = used + length / flow
            went_on.append(leg)
        elif leg:
            # What comes in from now on is left over.
            rates[leg] = coming[leg] = rate = 0.0
            ends[leg] = inf
            went_on.append(-1)
        else:
            return Climb(bases, surpluses, went_on, whole=True, peak=peak, best=best)
        flow *= rate
        for behind in onwards[leg]:
            if before := flows[behind]:
                left[behind] = (ends[behind] - used) * before
            flows[behind] = flow
            ends[behind] = used + left[behind] / flow if flow else inf
            flow *= rates[behind]
        flows[count] = gain = flow
        # Where it pays less than the hurdle, what lies behind a gap may pay more again.
        past = gain <= hurdle and (
            surplus <= best - slack or (base > base_enough and surplus < best)
        )
        if past and prod(coming) <= hurdle:
            return Climb(bases, surpluses, went_on, whole=False, peak=peak, best=best)


@lru_cache
def _onwards(legs: int) -> tuple[range, ...]:
    """List which legs come after each."""
    return tuple(range(leg, legs) for leg in range(1, legs + 1))


def step_worths(slopes: Sequence[Slope]) -> list[float]:
    """Value one step of each leg in what the last leg brings, at the touch and after fees."""
    worths = []
    onwards = 1.0
    for slope in reversed(slopes):
        touch = slope.line(0)
        assert touch is not None, "a ladder has a first rung, and a cap pays for some of it"
        price = touch.price
        worths.append(onwards * slope.keep * slope.step * (1.0 if slope.buys else price))
        onwards *= slope.keep * (1.0 / price if slope.buys else price)
    worths.reverse()
    return worths
