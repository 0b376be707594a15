"""A chain in whole steps near one size, in floats: fast, and checked exactly by who asks."""

from collections.abc import Sequence
from math import ceil, floor

from arb.market.slope import Slope

_WHOLE = 1e-7  # of a step: what floats may lack of a whole one


class Rounding:
    """Legs that each stay on one rung, where what they lock and bring is a straight line."""

    def __init__(self, slopes: Sequence[Slope], rungs: Sequence[int], leg: int) -> None:
        # of each leg: step, locked and used for a unit of base, base below the rung, used and
        # received below it, received for a unit of base
        rows = []
        for slope, at in zip(slopes, rungs, strict=True):
            rung = slope.rung(at)
            assert rung is not None, at
            locked, used, brings = 1.0, 1.0, slope.keep * rung.price
            if slope.buys:
                locked, used, brings = rung.limit, rung.price, slope.keep
            paid, received = rung.paid - rung.start * used, rung.brought - rung.start * brings
            rows.append((slope.step, locked, used, rung.start, paid, received, brings))
        self._first, self._onwards = rows[0], rows[1:]
        self._step, self._back = (
            rows[leg][0],
            [(rows[at][1], *rows[at - 1]) for at in range(leg, 0, -1)],
        )

    def surplus(self, lots: int, hurdle: float) -> float:
        """What this many lots bring: trimmed backwards to the first leg, then forwards."""
        amount = lots * self._step
        for need, step, _, _, _, _, received, brings in self._back:
            amount = ceil((amount * need - received) / brings / step - _WHOLE) * step
        _, _, used, _, paid, received, brings = self._first
        spent = paid + amount * used
        carried = received + amount * brings
        for step, locked, _, start, _, received, brings in self._onwards:
            amount = floor(max(carried / locked, start) / step + _WHOLE) * step
            carried = received + amount * brings
        return carried - spent * hurdle
