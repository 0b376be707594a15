"""Every cycle of a set of markets, found the moment it rises above the bar, without looking at each.

For every ordered pair of hubs two upper bounds are kept: of what its paths bring, and of what any way
back brings. A rate that rises is multiplied into its own paths alone, and each product is compared
with one mark, below which no cycle can be above the bar. Bounds only rise; where one crosses its
mark the paths behind it are read again, so that it is exact, and the cycles that are above are named.
A rate that falls needs nothing: no cycle rises with it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from math import inf
from typing import Final

from arb.market.scan.hubs import Edges, Slots

FOUR: Final = 4
FIVE: Final = 5
_UNKNOWN: Final = -1
# Far above what rounding does to a product of a few floats, far below what anybody trades on.
DOUBT: Final = 1e-12
# How far a cycle is above its bar, relative to it and negative so that the best is least, and its number.
Found = list[tuple[float, int]]


_Joined = tuple[tuple[int, int], ...]  # the other edge of a path, its slot
# Of a sell and of a buy: what is kept after the fee, the paths it is on, the slot that it closes or
# -1; at last the cycles that stand. In one place, because memory takes longer than all the rest.
_Around = tuple[float, _Joined, int, float, _Joined, int, dict[Edges, int]]


# Says whether a cycle that floats cannot judge is above its bar.
Judge = Callable[[Edges], bool]
# Gives a cycle its number; None for one that nobody wants.
Name = Callable[[Edges], int | None]


class Bounds:
    """Cycles of three to `hops_max` legs whose net rates bring more than `bar`.

    The rate of an edge is what one unit brings, net of its fee; 0 while there is none.
    """

    def __init__(
        self,
        slots: Slots,
        keeps: Sequence[float],
        bar: float,
        hops_max: int,
        *,
        judge: Judge,
        name: Name,
    ) -> None:
        self.slots, self.hops_max = slots, hops_max
        self.rates = [0.0] * len(keeps)
        self._low = bar * (1.0 - DOUBT)
        self._judge, self._name = judge, name
        count = len(slots.ends)
        self._paths, self._closers, self._reverse = slots.paths, slots.closers, slots.reverse
        self._best = [0.0] * count  # no path of the slot brings more
        self._back = [0.0] * count  # no way back does
        self._marks = [0.0] * count  # what a path has to exceed to be of interest
        # What a closing edge has to exceed; at last, so at -1, for those that close nothing.
        self._closing_marks = [*([0.0] * count), inf]
        self._four, self._five = hops_max >= FOUR, hops_max >= FIVE
        self._wide = _Wide(slots) if self._five else None
        # A cycle is the sorted tuple of its edges: they say by themselves which follows which.
        self._known: dict[Edges, int | None] = {}  # its number, if it was above once
        self._standing: list[dict[Edges, int]] = [{} for _ in range(len(keeps) // 2)]
        self._around = self._laid_out(keeps)
        self._new: list[Edges] = []  # met in this update, in no order

    def update(self, market: int, sell: float, buy: float) -> Found | None:
        """Take what a unit brings before fees; give the cycles through the market that are above."""
        keep_sold, sold_on, sold_back, keep_bought, bought_on, bought_back, standing = self._around[
            market
        ]
        rates, marks, closing_marks = self.rates, self._marks, self._closing_marks
        edge = market + market
        sold, bought = sell * keep_sold, buy * keep_bought
        sold_before, bought_before = rates[edge], rates[edge + 1]
        rates[edge], rates[edge + 1] = sold, bought
        # Twice the same: on every update a call would cost more.
        if sold > sold_before:
            for other, slot in sold_on:
                if sold * rates[other] > marks[slot]:
                    self._path_rose(edge, other, slot, sold * rates[other])
            if sold > closing_marks[sold_back] or self._five:
                self._closer_rose(edge, sold_back, sold)
        if bought > bought_before:
            for other, slot in bought_on:
                if bought * rates[other] > marks[slot]:
                    self._path_rose(edge + 1, other, slot, bought * rates[other])
            if bought > closing_marks[bought_back] or self._five:
                self._closer_rose(edge + 1, bought_back, bought)
        if standing or self._new:
            return self._settle(market)
        return None

    def _laid_out(self, keeps: Sequence[float]) -> list[_Around]:
        """Lay out what an update of each market looks at."""
        joined, closes = self.slots.joined, self.slots.closes
        same: dict[float, float] = {}  # most markets have the same fees: let them be one number

        def side(edge: int) -> tuple[float, _Joined, int]:
            return same.setdefault(keeps[edge], keeps[edge]), joined[edge], closes[edge]

        return [
            (*side(2 * market), *side(2 * market + 1), standing)
            for market, standing in enumerate(self._standing)
        ]

    def _closer_rose(self, edge: int, slot: int, rate: float) -> None:
        if rate > self._closing_marks[slot]:
            self._closing_rose(edge, slot, rate)
        if self._wide is not None and slot >= 0:
            self._closing_rose_wide(edge, slot, rate)

    def _path_rose(self, edge: int, other: int, slot: int, product: float) -> None:
        """Raise bounds with a path that exceeds its slot's mark, and name the cycles that it makes."""
        if product > self._best[slot]:
            self._raise_best(slot, product)
        if product * self._back[slot] > self._low:
            self._close(edge, other, slot, product)
        self._mark(slot)

    def _closing_rose(self, edge: int, slot: int, rate: float) -> None:
        """Raise the bound of a slot's ways back with an edge, and name the triangles that it closes."""
        if rate * self._best[slot] > self._low:
            self._read(slot, rate, (edge,))
        self._back[slot] = max(self._back[slot], rate)
        self._mark(slot)

    def _closing_rose_wide(self, edge: int, slot: int, rate: float) -> None:
        """Do the same for ways of five legs."""
        wide, best = self._wide, self._best
        assert wide is not None, "asked for where five legs are looked for"
        for path, longer in wide.raised_by_edge[edge]:
            if best[path] * rate > self._back[longer]:
                self._raise_back(longer, best[path] * rate)
        for one, two in wide.doubles[slot]:
            if best[one] * best[two] * rate > self._low:
                self._join(one, two, rate, (edge,))

    def _close(self, edge: int, other: int, slot: int, product: float) -> None:
        """Name the cycles that a path makes, and make the bound of its slot's ways back exact."""
        rates, low = self.rates, self._low
        for closer in self._closers[slot]:
            if product * rates[closer] > low:
                self._new.append((edge, other, closer))
        if self._four and product * self._best[self._reverse[slot]] > low:
            self._read(self._reverse[slot], product, (edge, other))
        if self._wide is not None:
            for path, closers in self._wide.longer[slot]:
                for closer in closers:
                    both = product * rates[closer]
                    if both * self._best[path] > low:
                        self._read(path, both, (edge, other, closer))
        self._back[slot] = self._best_back(slot)

    def _best_back(self, slot: int) -> float:
        """What the ways back bring, by what is known of the paths on them."""
        rates = self.rates
        back = self._best[self._reverse[slot]] if self._four else 0.0
        for closer in self._closers[slot]:
            back = max(back, rates[closer])
        if self._wide is not None:
            for path, closers in self._wide.longer[slot]:
                for closer in closers:
                    back = max(back, self._best[path] * rates[closer])
        return back

    def _read(self, slot: int, rate: float, others: Edges) -> None:
        """Make the bound of a slot's paths exact; name those that make a cycle above with the others."""
        rates, new = self.rates, self._new
        need = self._low / rate
        best = 0.0
        for one, two in self._paths[slot]:
            product = rates[one] * rates[two]
            if product > best:  # noqa: PLR1730 -- on every path a call would cost more
                best = product
            if product > need:
                new.append((one, two, *others))
        self._set_best(slot, best)

    def _join(self, one: int, two: int, rate: float, others: Edges) -> None:
        """Name the cycles of a path of each of two slots and the other edges."""
        rates = self.rates
        need = self._low / (rate * self._best[two])
        exact = 0.0
        for first, second in self._paths[one]:
            product = rates[first] * rates[second]
            exact = max(exact, product)
            if product > need and product * self._best[two] * rate > self._low:
                self._read(two, product * rate, (first, second, *others))
        self._set_best(one, exact)

    def _set_best(self, slot: int, exact: float) -> None:
        """Take what was read again: that may be more, of an edge whose other paths are yet to come."""
        if exact > self._best[slot]:
            self._raise_best(slot, exact)
        self._best[slot] = exact
        self._mark(slot)

    def _raise_best(self, slot: int, rate: float) -> None:
        self._best[slot] = rate
        if self._four:
            self._raise_back(self._reverse[slot], rate)
        if self._wide is not None:
            for closer, longer in self._wide.raised_by_slot[slot]:
                self._raise_back(longer, rate * self.rates[closer])

    def _raise_back(self, slot: int, rate: float) -> None:
        if rate > self._back[slot]:
            self._back[slot] = rate
            self._mark(slot)

    def _mark(self, slot: int) -> None:
        best, back = self._best[slot], self._back[slot]
        self._marks[slot] = min(best, self._low / back) if back else best
        self._closing_marks[slot] = min(back, self._low / best) if best else back

    def _settle(self, market: int) -> Found:
        """Say which of the cycles that were met or stood before are above."""
        standing, rates, low = self._standing, self.rates, self._low
        here = standing[market]
        asked = here
        if self._new:
            asked = {**here, **self._meet_new(here)}
            self._new.clear()
        found: Found = []
        fallen: list[Edges] = []
        for edges, number in asked.items():
            product = 1.0
            for edge in edges:
                product *= rates[edge]
            below = 1.0 - product / low
            if below < -2 * DOUBT or (below < 0.0 and self._judge(edges)):
                found.append((below, number))
                if edges not in here:
                    for edge in edges:
                        standing[edge // 2][edges] = number
            elif edges in here:
                fallen.append(edges)
        for edges in fallen:
            for edge in edges:
                del standing[edge // 2][edges]
        return found

    def _meet_new(self, standing: Mapping[Edges, int]) -> dict[Edges, int]:
        """Number the closed ways that were met and do not stand yet, if they are cycles that are wanted."""
        sources, known = self.slots.sources, self._known
        met: dict[Edges, int] = {}
        for edges in self._new:
            key = tuple(sorted(edges))
            if key in standing or key in met:
                continue
            number = known.get(key, _UNKNOWN)
            if number == _UNKNOWN:
                if len({sources[edge] for edge in edges}) < len(edges):
                    continue  # it passes a currency twice
                if self._surely_below(key):
                    continue
                number = known[key] = self._name(key)
            if number is not None:
                met[key] = number
        return met

    def _surely_below(self, edges: Edges) -> bool:
        product = 1.0
        for edge in edges:
            product *= self.rates[edge]
        return product <= self._low * (1.0 + 2 * DOUBT) and not self._judge(edges)

    def long_ways(self) -> Iterator[tuple[int, int, int]]:
        """List what makes cycles of five legs: two slots whose paths follow each other, and an edge back."""
        if self._wide is not None:
            for slot, longer in enumerate(self._wide.longer):
                for path, closers in longer:
                    for closer in closers:
                        yield slot, path, closer


class _Wide:
    """What five legs need beside: two paths that follow each other, or a path and an edge."""

    def __init__(self, slots: Slots) -> None:
        slot_of = {pair: slot for slot, pair in enumerate(slots.ends)}
        edges_of: dict[tuple[str, str], Edges] = {
            (last, first): slots.closers[slot] for (first, last), slot in slot_of.items()
        }
        # By slot: the ways back of three legs, each as the slot of its path and its closing edges.
        self.longer: list[list[tuple[int, Edges]]] = [[] for _ in slots.ends]
        # By slot: two slots whose paths lead the same way, one after the other.
        self.doubles: list[list[tuple[int, int]]] = [[] for _ in slots.ends]
        self.raised_by_slot: list[list[tuple[int, int]]] = [[] for _ in slots.ends]
        self.raised_by_edge: list[list[tuple[int, int]]] = [[] for _ in slots.sources]
        for (first, last), slot in slot_of.items():
            for middle in slots.hubs:
                if middle in {first, last}:
                    continue
                for path, way in (
                    ((last, middle), (middle, first)),
                    ((middle, first), (last, middle)),
                ):
                    closers = edges_of.get(way, ())
                    if path in slot_of and closers:
                        self.longer[slot].append((slot_of[path], closers))
                        for closer in closers:
                            self.raised_by_slot[slot_of[path]].append((closer, slot))
                            self.raised_by_edge[closer].append((slot_of[path], slot))
                if (first, middle) in slot_of and (middle, last) in slot_of:
                    self.doubles[slot].append((slot_of[first, middle], slot_of[middle, last]))
