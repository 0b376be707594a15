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
_Part = tuple[int, bool]  # a slot, and whether its paths pass a hub
# By the legs of a cycle and how many of its paths pass a hub: how many ways make it, each with other
# ones of its hubs at the ends of its paths.
_MADE: Final = {3: (1, 3), 4: (1, 1, 2), 5: (1, 2, 5)}


def count_above(bounds: Bounds, markets: Collection[int]) -> int:
    """Count the cycles of three legs and more through any of these markets that are above the bar.

    Floats judge: one that is above by less than they can tell is not counted.
    """
    low = bounds.bar * (1.0 + DOUBT)
    counting = _Counting(bounds, low, frozenset(markets))
    made: Counter[int] = Counter()  # by how many ways make the same cycle
    for way in bounds.ways(low):
        counting.count(way, made)
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
    """Counts what ways make that is on some markets: all, less what is made without these."""

    def __init__(self, bounds: Bounds, low: float, markets: frozenset[int]) -> None:
        self._bounds, self._low, self._markets = bounds, low, markets
        slots = bounds.slots
        self._hubs = frozenset(slots.hubs)
        self._through = None if bounds.through is None else frozenset(bounds.through)
        self._found: dict[int, list[tuple[float, str, bool]]] = {}
        self._paths: dict[tuple[_Part, frozenset[str], bool], _Paths] = {}
        # Where there are paths on these markets.
        self._touched = {
            (slot, not self._hubs.isdisjoint({slots.sources[edge], slots.targets[edge]} - {*ends}))
            for market in markets
            for edge in (2 * market, 2 * market + 1)
            for _, slot in slots.joined[edge]
            for ends in (slots.ends[slot],)
        }

    def count(self, way: Way, made: Counter[int]) -> None:
        """Add how many cycles a way makes that are above, by how many ways make each of them."""
        rate, others, on = way
        is_on = any(edge // 2 in self._markets for edge in others)
        for through_hubs in product((False, True), repeat=len(on)):
            parts = list(zip(on, through_hubs, strict=True))
            if not is_on and self._touched.isdisjoint(parts):
                continue
            number = self._wanted(parts, self._low / rate, apart=False)
            if not is_on:
                number -= self._wanted(parts, self._low / rate, apart=True)
            legs = len(others) + 2 * len(on)
            once = self._bounds.hops_max == _TRIANGLE
            made[1 if once else _MADE[legs][sum(through_hubs)]] += number

    def _wanted(self, parts: list[_Part], least: float, *, apart: bool) -> int:
        """Count those that pass a currency that they should."""
        ends = frozenset(end for slot, _ in parts for end in self._bounds.slots.ends[slot])
        number = self._number(parts, ends, least, apart=apart)
        if self._through is not None and self._through.isdisjoint(ends):
            number -= self._number(parts, ends | self._through, least, apart=apart)
        return number

    def _number(
        self, parts: list[_Part], past: frozenset[str], least: float, *, apart: bool
    ) -> int:
        first, *more = (self._of(part, past, apart=apart) for part in parts)
        return first.above_with(more[0], least) if more else first.above(least)

    def _of(self, part: _Part, past: frozenset[str], *, apart: bool) -> _Paths:
        """Give the paths of a slot that pass a hub, or none, and none of these currencies."""
        slot, through_hubs = part
        # Of two slots that follow each other the third end is no matter where no hub is passed.
        key = (part, past if through_hubs else past - self._hubs, apart and part in self._touched)
        known = self._paths.get(key)
        if known is None:
            known = self._paths[key] = _Paths(
                [
                    (brought, via)
                    for brought, via, is_on in self._read(slot)
                    if (via in self._hubs) == through_hubs
                    and via not in past
                    and not (apart and is_on)
                ]
            )
        return known

    def _read(self, slot: int) -> list[tuple[float, str, bool]]:
        found = self._found.get(slot)
        if found is None:
            rates, targets, markets = self._bounds.rates, self._bounds.slots.targets, self._markets
            need = self._bounds.need(slot, self._low)
            found = self._found[slot] = [
                (brought, targets[one], one // 2 in markets or two // 2 in markets)
                for one, two in self._bounds.slots.paths[slot]
                if (brought := rates[one] * rates[two]) > need
            ]
        return found
