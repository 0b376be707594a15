"""How many cycles are above that are not looked at one by one, counted without multiplying each out.

The paths of two slots are put in order, and for each of the first ones it is looked up how many of
the others bring enough with it.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Collection
from itertools import product
from typing import Final

from arb.market.scan.best import Way
from arb.market.scan.bounds import DOUBT, Bounds

_TRIANGLE: Final = 3
# By the legs of a cycle and how many of its paths pass a hub: how many ways make it, each with other
# ones of its hubs at the ends of its paths.
_MADE: Final = {3: (1, 3), 4: (1, 1, 2), 5: (1, 2, 5)}


def count_above(bounds: Bounds, markets: Collection[int]) -> int:
    """Count the cycles of three legs and more through any of these markets that are above the bar.

    Floats judge: one that is above by less than they can tell is not counted.
    """
    return _above(bounds, frozenset()) - _above(bounds, frozenset(markets))


def _above(bounds: Bounds, apart: frozenset[int]) -> int:
    """Count those that are on none of these markets."""
    low = bounds.bar * (1.0 + DOUBT)
    paths = _Counting(bounds, low, apart)
    made: Counter[int] = Counter()  # by how many ways make the same cycle
    for way in bounds.ways(low):
        paths.count(way, made)
    return sum(round(number / times) for times, number in made.items())


class _Paths:
    """What paths bring, in order, and the currencies that they pass."""

    def __init__(self, paths: list[tuple[float, str]]) -> None:
        self.ranked = sorted(paths)
        self.brought = [brought for brought, _ in self.ranked]
        self.by_via: dict[str, list[float]] = {}
        for brought, via in paths:
            self.by_via.setdefault(via, []).append(brought)

    def above(self, least: float) -> int:
        """Count those that bring more."""
        return len(self.brought) - bisect_right(self.brought, least)

    def above_with(self, others: "_Paths", least: float) -> int:
        """Count the pairs with one of the others that together bring more and pass no currency twice."""
        number = 0
        for brought, via in reversed(self.ranked):
            need = least / brought
            more = others.above(need)
            if not more:
                break
            number += more - sum(other > need for other in others.by_via.get(via, ()))
        return number


class _Counting:
    """Counts what ways make of the paths of slots, apart from some markets."""

    def __init__(self, bounds: Bounds, low: float, apart: frozenset[int]) -> None:
        self._bounds, self._low, self._apart = bounds, low, apart
        self._hubs = frozenset(bounds.slots.hubs)
        self._through = None if bounds.through is None else frozenset(bounds.through)
        self._found: dict[int, list[tuple[float, str]]] = {}
        self._paths: dict[tuple[int, bool, frozenset[str]], _Paths] = {}

    def count(self, way: Way, made: Counter[int]) -> None:
        """Add how many cycles a way makes that are above, by how many ways make each of them."""
        rate, others, on = way
        if any(edge // 2 in self._apart for edge in others):
            return
        slots, least = self._bounds.slots, self._low / rate
        ends = frozenset(end for slot in on for end in slots.ends[slot])
        for through_hubs in product((False, True), repeat=len(on)):
            parts = list(zip(on, through_hubs, strict=True))
            number = self._number(parts, ends, least)
            if self._through is not None and self._through.isdisjoint(ends):
                number -= self._number(parts, ends | self._through, least)
            legs = len(others) + 2 * len(on)
            once = self._bounds.hops_max == _TRIANGLE
            made[1 if once else _MADE[legs][sum(through_hubs)]] += number

    def _number(self, parts: list[tuple[int, bool]], past: frozenset[str], least: float) -> int:
        first, *more = (self._of(slot, past, through_hubs=hubs) for slot, hubs in parts)
        return first.above_with(more[0], least) if more else first.above(least)

    def _of(self, slot: int, past: frozenset[str], *, through_hubs: bool) -> _Paths:
        """Give the paths of a slot that pass a hub, or none, and none of these currencies."""
        # Of two slots that follow each other the third end is no matter where no hub is passed.
        key = (slot, through_hubs, past if through_hubs else past - self._hubs)
        known = self._paths.get(key)
        if known is None:
            known = self._paths[key] = _Paths(
                [
                    (brought, via)
                    for brought, via in self._read(slot)
                    if (via in self._hubs) == through_hubs and via not in past
                ]
            )
        return known

    def _read(self, slot: int) -> list[tuple[float, str]]:
        found = self._found.get(slot)
        if found is None:
            rates, targets, apart = self._bounds.rates, self._bounds.slots.targets, self._apart
            need = self._bounds.need(slot, self._low)
            found = self._found[slot] = [
                (brought, targets[one])
                for one, two in self._bounds.slots.paths[slot]
                if (brought := rates[one] * rates[two]) > need
                and one // 2 not in apart
                and two // 2 not in apart
            ]
        return found
