"""Where a cycle's marginal profit ends: the best size before it is rounded, in floats.

A chain of legs through depth is piecewise linear in what is put in: between two breakpoints, where
some leg runs out of a level, every unit more brings the product of the legs' rates.
"""

from collections.abc import Sequence
from math import inf, prod

from msgspec import Struct

from arb.market.slope import Slope


class Climb(Struct, frozen=True, gc=False):
    """A walk up the chain, from nothing on: its breakpoints, the first of which is nothing at all."""

    bases: list[float]  # amounts of the watched leg
    surpluses: list[float]  # output - used x hurdle
    moved: list[int]  # after each breakpoint, the leg that goes on to its next rung, or -1
    legs: int
    whole: bool  # nothing is left above the last one; else nothing up there gains anything

    def rungs(self, at: int) -> list[int]:
        """The rung of each leg on the way to a breakpoint."""
        passed = self.moved[: max(at - 1, 0)]
        return [passed.count(leg) for leg in range(self.legs)]

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


def climb(  # noqa: PLR0912, PLR0915 -- one loop, in which every call would cost more than what it does
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
    moved: list[int] = []
    at = [0] * count
    onwards = [range(leg, count) for leg in range(1, count + 1)]
    flows = [1.0]  # input of each leg, and at last the output, for a unit of the first leg's input
    rates, ends = [], []  # of each leg's stretch: what a unit brings, the chain's input at its end
    for slope in slopes:
        rung = slope.rung(0)
        if rung is None:
            return Climb(bases, surpluses, moved, count, whole=True)
        rates.append(rung.rate)
        ends.append(rung.length / flows[-1])
        flows.append(flows[-1] * rung.rate)
    coming = rates.copy()  # of the rung, also in the gap before it
    left = [0.0] * count  # of the stretch, while nothing comes in
    # Base of the watched leg for a unit that it spends or, of a buy, receives.
    counted, base_each = watched, 1.0
    if slopes[watched].buys:
        counted, base_each = watched + 1, 1.0 / slopes[watched].keep
    used = base = surplus = 0.0
    gain = flows[count]
    add_base, add_surplus = bases.append, surpluses.append
    best = 0.0 if base_min <= 0 else -inf
    while True:
        end = min(ends)
        ended = ends.index(end)
        more = end - used
        used = end
        surplus += more * (gain - hurdle)
        if rates[watched]:
            base += more * flows[counted] * base_each
        add_base(base)
        add_surplus(surplus)
        if surplus > best and base >= base_min:
            best = surplus

        slope = slopes[ended]
        below = at[ended]
        above = below + 1 if rates[ended] else below
        read = slope.rungs
        rung = read[above] if above < len(read) else slope.rung(above)
        flow, rate, length = flows[ended], 0.0, inf
        if rung is None:
            if not ended:
                return Climb(bases, surpluses, moved, count, whole=True)
            # What comes in from now on is left over.
            moved.append(-1)
            coming[ended] = 0.0
        else:
            coming[ended] = rate = rung.rate
            length = rung.length
            if above == below:
                moved.append(-1)
            else:
                moved.append(ended)
                at[ended] = above
                if rung.gap > 0:
                    length, rate = rung.gap, 0.0
        rates[ended] = rate
        ends[ended] = used + length / flow
        flow *= rate
        for leg in onwards[ended]:
            before = flows[leg]
            if before:
                left[leg] = (ends[leg] - used) * before
            flows[leg] = flow
            ends[leg] = used + left[leg] / flow if flow else inf
            flow *= rates[leg]
        flows[count] = gain = flow
        # Where it pays less than the hurdle, what lies behind a gap may pay more again.
        past = flow <= hurdle and (
            surplus <= best - slack or (base > base_enough and surplus < best)
        )
        if past and prod(coming) <= hurdle:
            return Climb(bases, surpluses, moved, count, whole=False)


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
