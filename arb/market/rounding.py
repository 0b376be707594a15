"""A chain in whole steps near one size, in floats: fast, and checked exactly by who asks."""

from collections.abc import Sequence
from math import ceil, floor
from typing import Final

from arb.market.slope import Slope

_WHOLE: Final = 1e-7  # of a step: what floats may lack of a whole one


class Rounding:
    """Legs that each stay on one rung, where what a lot locks and brings is always the same."""

    def __init__(self, slopes: Sequence[Slope], stretches: Sequence[int], leg: int) -> None:
        # Of each leg: what a lot locks, lots below the rung, received without a lot and for each,
        # used without a lot and for each. Without a lot is where the line would begin.
        lines = []
        for slope, at in zip(slopes, stretches, strict=True):
            rung = slope.lines[slope.stretches[at][-1]]
            locked, used, brings = 1.0, 1.0, slope.keep * rung.price
            if slope.buys:
                locked, used, brings = rung.limit, rung.price, slope.keep
            received, paid = rung.brought - rung.start * brings, rung.paid - rung.start * used
            start, step = rung.start / slope.step, slope.step
            lines.append((locked * step, start, received, brings * step, paid, used * step))
        self._first = lines[0][2:]
        self._onwards = [line[:4] for line in lines[1:]]
        self._back = [(lines[at][0], *lines[at - 1][2:4]) for at in range(leg, 0, -1)]

    def surplus(self, lots: int, hurdle: float) -> float:
        """What this many lots of the leg bring: trimmed back to the first leg, then on to the last."""
        for lot_locks, received, lot_brings in self._back:
            lots = ceil((lots * lot_locks - received) / lot_brings - _WHOLE)
        received, lot_brings, paid, lot_uses = self._first
        carried = received + lots * lot_brings
        spent = paid + lots * lot_uses
        for lot_locks, start, received, lot_brings in self._onwards:
            here = carried / lot_locks
            if here < start:  # noqa: PLR1730 -- on every leg of every candidate a call would cost more
                here = start
            carried = received + floor(here + _WHOLE) * lot_brings
        return carried - spent * hurdle
