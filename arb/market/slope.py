"""A ladder in floats: what each rung takes of the spent asset, and what a unit of that brings."""

from decimal import Decimal

from msgspec import Struct

from arb.market.ladder import Ladder


class Stretch(Struct, frozen=True, gc=False):
    """A rung: a stretch of input on which every unit brings the same, and what stands below it."""

    length: float  # input
    rate: float  # received for a unit of input
    gap: float  # input before it that brings nothing
    price: float
    limit: float
    start: float  # base below it
    paid: float  # used below it
    brought: float  # received below it


class Slope:
    """The rungs of a leg in floats, read when they are first asked for.

    A buy locks all of its amount at its worst limit, so going on to a dearer rung first takes a gap,
    input that buys nothing. The first leg of a path has none: what it locks and does not use comes
    back. There a cap bounds what is locked.
    """

    def __init__(self, ladder: Ladder, cap: Decimal | None) -> None:
        self.buys = ladder.buys
        if ladder.scale is None:
            ladder.scale = (number(ladder.rules.step_size), number(1 - ladder.rate))
        self.step, self.keep = ladder.scale
        self._ladder = ladder
        self._cap = None if cap is None else number(cap)
        self.rungs: list[Stretch] = []  # those that were read
        self._base = self._paid = self._brought = 0.0

    def rung(self, at: int) -> Stretch | None:
        """The n-th rung from 0; None above the last, and where the cap is used up."""
        if at < len(self.rungs):
            return self.rungs[at]
        assert at == len(self.rungs), "rungs are climbed one by one"
        return self._grow()

    @property
    def read(self) -> int:
        """How many rungs were read."""
        return len(self.rungs)

    def _grow(self) -> Stretch | None:
        read, at = self._ladder.floats, len(self.rungs)
        if at == len(read):
            rung = self._ladder.rung(at)
            if rung is None:
                return None
            price = float(str(rung.price))  # as `number` does, without the calls
            limit = price if rung.limit is rung.price else number(rung.limit)
            read.append((price, float(str(rung.size)), limit))
        price, size, limit = read[at]
        base, keep, cap = self._base, self.keep, self._cap
        if cap is not None:
            payable = (cap / limit if self.buys else cap) - base
            if payable <= 0:
                return None
            size = min(size, payable)
        cost, gap = size * price, 0.0
        if not self.buys:
            length, used, received = size, size, cost * keep
        elif cap is not None:
            length, used, received = cost, cost, size * keep
        else:
            length, used, received = size * limit, cost, size * keep
            gap = base * (limit - self.rungs[-1].limit) if base else 0.0
        stretch = Stretch(
            length, received / length, gap, price, limit, base, self._paid, self._brought
        )
        self.rungs.append(stretch)
        self._base = base + size
        self._paid += used
        self._brought += received
        return stretch


def number(value: Decimal) -> float:
    """Read a decimal as a float."""
    return float(str(value))  # three times as fast as from the Decimal itself, and the same
