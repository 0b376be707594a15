"""Every cycle of a set of markets, found the moment it rises above the bar, without looking at each.

For every ordered pair of hubs two upper bounds are kept: of what its paths bring, and of what any way
back brings. A rate that rises is multiplied into its own paths alone, and each product is compared
with one mark, below which no cycle can be above the bar. Bounds only rise; where one crosses its
mark the paths behind it are read again, so that it is exact, and the cycles that are above are named.
A rate that falls needs nothing: no cycle rises with it.

Where very many are above at once, as when a hub's book is off, only the best of them are held: the
bar is put where the last of these is, and so it is found what rises among them, and nothing else is
looked at. It is put anew when too few of them are left, or again too many.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from math import inf
from typing import Final

from arb.limits import CYCLES_HELD_MAX
from arb.market.scan.best import Way, best_first
from arb.market.scan.hubs import Edges, Slots
from arb.market.scan.wide import Wide

FOUR: Final = 4
FIVE: Final = 5
_UNKNOWN: Final = -1
_HELD_LEAST: Final = 4
_MET: Final = 2  # times as many as are held: one cycle may be met in several ways
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
# Is told the number of a cycle that is above its bar still, and left out from here on.
LetGo = Callable[[int], None]


class Bounds:
    """Cycles of three to `hops_max` legs whose net rates bring more than `bar`.

    The rate of an edge is what one unit brings, net of its fee; 0 while there is none.

    At most `held_max` of them are held and told. With more, the best half of that many are chosen of
    all, and then every cycle better than the last of these is told and no other one, until a quarter
    is left: then it is chosen again. So the work of an update is bounded, whatever is above.
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
        let_go: LetGo = lambda _number: None,
        through: Collection[str] | None = None,
        held_max: int = CYCLES_HELD_MAX,
    ) -> None:
        assert held_max >= _HELD_LEAST, held_max
        self.slots, self.hops_max, self.through = slots, hops_max, through
        self.rates = [0.0] * len(keeps)
        self.bar = bar
        self._lowest = bar * (1.0 - DOUBT)
        # What a cycle has to exceed to be looked at, and to stay so: more than the bar where only
        # the best are held, infinite while too many are met to go on.
        self._low = self._floor = self._lowest
        self._held, self._held_max = 0, held_max
        self._judge, self._name, self._let_go = judge, name, let_go
        count = len(slots.ends)
        self._paths, self._closers, self._reverse = slots.paths, slots.closers, slots.reverse
        self._best = [0.0] * count  # no path of the slot brings more
        self._back = [0.0] * count  # no way back does
        self._marks = [0.0] * count  # what a path has to exceed to be of interest
        # What a closing edge has to exceed; at last, so at -1, for those that close nothing.
        self._closing_marks = [*([0.0] * count), inf]
        self._four, self._five = hops_max >= FOUR, hops_max >= FIVE
        self._wide = Wide(slots) if self._five else None
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

    @property
    def is_crowded(self) -> bool:
        """Whether only the best of those that are above are held."""
        return self._low > self._lowest

    def held(self, market: int) -> Collection[Edges]:
        """Name the cycles through a market that are held."""
        return self._standing[market].keys()

    def ways(self, low: float) -> Iterator[Way]:
        """List how cycles are made, where bounds do not rule out that they bring more than `low`."""
        rates, best = self.rates, self._best
        for slot, closers in enumerate(self._closers):
            for closer in closers:
                rate = rates[closer]
                if rate * best[slot] > low:
                    yield rate, (closer,), (slot,)
                for one, two in self._wide.doubles[slot] if self._wide is not None else ():
                    if rate * best[one] * best[two] > low:
                        yield rate, (closer,), (one, two)
        for slot, reverse in enumerate(self._reverse) if self._four else ():
            if slot < reverse and best[slot] * best[reverse] > low:
                yield 1.0, (), (slot, reverse)

    def need(self, slot: int, low: float) -> float:
        """What a path of a slot has to exceed, as any way back goes, so that a cycle exceeds `low`."""
        back = self._back[slot]
        return low / back if back else inf

    def best_first(self, low: float) -> Iterator[tuple[float, Edges]]:
        """Name the cycles that bring more than `low`, the best first: as many as are asked for."""
        return best_first(
            self.slots,
            self.rates,
            self.ways(low),
            low=low,
            need=lambda slot: self.need(slot, low),
            through=self.through,
        )

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
        rates = self.rates
        for closer in self._closers[slot]:
            if product * rates[closer] > self._low:
                self._new.append((edge, other, closer))
        if self._four and product * self._best[self._reverse[slot]] > self._low:
            self._read(self._reverse[slot], product, (edge, other))
        if self._wide is not None:
            for path, closers in self._wide.longer[slot]:
                for closer in closers:
                    both = product * rates[closer]
                    if both * self._best[path] > self._low:
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
        if len(new) > _MET * self._held_max:
            self._low = inf  # they are chosen from all that are above, once this rate is known
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
        standing, rates, floor, lowest = self._standing, self.rates, self._floor, self._lowest
        here = standing[market]
        asked = here
        if self._new:
            if self._low < inf:
                asked = {**here, **self._meet_new(here)}
            self._new.clear()
        found: Found = []
        fallen: list[Edges] = []
        for edges, number in asked.items():
            product = 1.0
            for edge in edges:
                product *= rates[edge]
            below = 1.0 - product / lowest
            if product > floor and (below < -2 * DOUBT or self._judge(edges)):
                found.append((below, number))
                if edges not in here:
                    self._hold(edges, number)
            elif edges in here:
                fallen.append(edges)
        for edges in fallen:
            self._forget(edges)
        if self._held > self._held_max or (
            self._low > lowest and (self._held < self._held_max // 4 or self._low == inf)
        ):
            return self._choose(market)
        return found

    def _hold(self, edges: Edges, number: int) -> None:
        self._held += 1
        for edge in edges:
            self._standing[edge // 2][edges] = number

    def _forget(self, edges: Edges) -> None:
        self._held -= 1
        for edge in edges:
            del self._standing[edge // 2][edges]

    def _choose(self, market: int) -> Found:
        """Hold the best of all that are above now; gives those of the market, and those not held before."""
        self._low = self._floor = self._lowest
        chosen: dict[Edges, tuple[float, int]] = {}
        for product, edges in self.best_first(self._lowest):
            if self._surely_below(edges):
                continue
            number = self._known.get(edges, _UNKNOWN)
            if number == _UNKNOWN:
                number = self._known[edges] = self._name(edges)
            if number is None:
                continue
            chosen[edges] = 1.0 - product / self._lowest, number
            if len(chosen) == self._held_max // 2:
                # Others that bring as much are not above these.
                self._low = product * (1.0 + DOUBT)
                self._floor = max(product * (1.0 - DOUBT), self._lowest)
                break
        before = {edges: number for here in self._standing for edges, number in here.items()}
        for edges, number in before.items():
            if edges not in chosen:
                self._forget(edges)
                self._let_go(number)
        for edges, (_, number) in chosen.items():
            if edges not in before:
                self._hold(edges, number)
        for slot in range(len(self._best)):
            self._mark(slot)
        here = self._standing[market]
        return [one for edges, one in chosen.items() if edges in here or edges not in before]

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
