"""A ladder in floats: what each rung takes of the spent asset, and what a unit of that brings."""

from decimal import Decimal

from msgspec import Struct

from arb.market.ladder import Ladder

# On which every unit of input brings the same: how much input, what a unit of it brings, what one
# will bring behind it where that is nothing, and the rung that it is on or goes on to.
Stretch = tuple[float, float, float, int]


class Line(Struct, frozen=True, gc=False):
    """A rung, and what stands below it."""

    price: float
    limit: float
    start: float  # base below it
    paid: float  # used below it
    brought: float  # received below it


class Slope:
    """The rungs of a leg in floats, read when they are first asked for.

    A buy locks all of its amount at its worst limit, so going on to a dearer rung first takes a gap,
    a stretch of input that buys nothing. The first leg of a path has none: what it locks and does not
    use comes back. There a cap bounds what is locked.
    """

    def __init__(self, ladder: Ladder, cap: Decimal | None) -> None:
        self.buys = ladder.buys
        if ladder.scale is None:
            ladder.scale = (float(ladder.rules.step_size), float(1 - ladder.rate))
        self.step, self.keep = ladder.scale
        self._ladder = ladder
        self._cap = None if cap is None else float(cap)
        self.lines: list[Line] = []  # of the rungs that were read
        self.stretches: list[Stretch] = []  # the same as a way up
        self._base = self._paid = self._brought = 0.0

    def line(self, rung: int) -> Line | None:
        """The n-th rung from 0; None above the last, and where the cap is used up."""
        lines = self.lines
        if rung == len(lines) and not self._read():
            return None
        return lines[rung]

    def reaches(self, stretch: int) -> bool:
        """Whether there is an n-th stretch from 0."""
        return stretch < len(self.stretches) or self._read()

    def _read(self) -> bool:
        """Read one more rung; False where there is none."""
        read, at = self._ladder.floats, len(self.lines)
        if at == len(read):
            rung = self._ladder.rung(at)
            if rung is None:
                return False
            price = float(rung.price)
            limit = price if rung.limit is rung.price else float(rung.limit)
            read.append((price, float(rung.size), limit))
        price, size, limit = read[at]
        base, keep, cap = self._base, self.keep, self._cap
        if cap is not None:
            payable = (cap / limit if self.buys else cap) - base
            if payable <= 0:
                return False
            size = min(size, payable)
        cost, gap = size * price, 0.0
        if not self.buys:
            length, used, received = size, size, cost * keep
        elif cap is not None:
            length, used, received = cost, cost, size * keep
        else:
            length, used, received = size * limit, cost, size * keep
            gap = base * (limit - self.lines[-1].limit) if base else 0.0
        rate = received / length
        if gap > 0:
            self.stretches.append((gap, 0.0, rate, at))
        self.stretches.append((length, rate, rate, at))
        self.lines.append(Line(price, limit, base, self._paid, self._brought))
        self._base = base + size
        self._paid += used
        self._brought += received
        return True


def number(value: Decimal) -> float:
    """Read a decimal as a float."""
    return float(value)
