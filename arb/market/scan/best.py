"""The best cycles now, above any bar or not: each is looked for when it is asked for."""

from collections.abc import Callable, Collection, Iterable, Iterator
from heapq import heappop, heappush
from typing import Final

from arb.market.scan.hubs import Edges, Slots

# What the edges beside paths bring, these edges, and the slots of one path or two that follow each
# other: any paths of them make a closed way.
Way = tuple[float, Edges, tuple[int, ...]]
_Paths = list[tuple[float, Edges]]  # by what they bring, the most first
_NO_MORE: Final[_Paths] = [(1.0, ())]  # after the first path
_Step = tuple[float, int, int, int]  # what it brings, negative; the way, and how far in its paths


def best_first(
    slots: Slots,
    rates: list[float],
    ways: Iterable[Way],
    *,
    low: float,
    need: Callable[[int], float],
    through: Collection[str] | None,
) -> Iterator[tuple[float, Edges]]:
    """Name the cycles of ways that bring more than `low`, the best first.

    A path of a slot has to bring more than the slot's `need` for that. With `through`, only those
    that pass one of these currencies. Paths are put in order, and from there on each cycle costs one
    step more: nothing is multiplied out that is not asked for.
    """
    ranked = _Ranked(slots, rates, need, through)
    laid = [one for way in ways for one in ranked.laid_out(way)]
    steps: list[_Step] = []

    def step(number: int, at: int, beside: int) -> None:
        rate, _, first, second = laid[number]
        if at < len(first) and beside < len(second):
            product = rate * first[at][0] * second[beside][0]
            if product > low:
                heappush(steps, (-product, number, at, beside))

    for number in range(len(laid)):
        step(number, 0, 0)
    told: set[Edges] = set()
    sources = slots.sources
    while steps:
        below, number, at, beside = heappop(steps)
        step(number, at, beside + 1)
        if not beside:
            step(number, at + 1, 0)
        _, others, first, second = laid[number]
        path = first[at][1]
        edges = tuple(sorted((*others, *path, *second[beside][1])))
        # A way may pass a currency twice, and some cycles are made in several ways.
        if edges not in told and len({sources[edge] for edge in edges}) == len(edges):
            told.add(edges)
            yield -below, edges


class _Ranked:
    """The paths of slots in order, made when they are first asked for."""

    def __init__(
        self,
        slots: Slots,
        rates: list[float],
        need: Callable[[int], float],
        through: Collection[str] | None,
    ) -> None:
        self._slots, self._rates, self._need, self._through = slots, rates, need, through
        self._all: dict[int, _Paths] = {}
        self._parted: dict[int, tuple[_Paths, _Paths]] = {}

    def laid_out(self, way: Way) -> Iterator[tuple[float, Edges, _Paths, _Paths]]:
        """Give two lists, of which one path each makes a cycle that is wanted with the others."""
        rate, others, (slot, *more) = way
        ends = {end for one in way[2] for end in self._slots.ends[one]}
        second = self._of(more[0]) if more else _NO_MORE
        if self._through is None or not ends.isdisjoint(self._through):
            choices = [(self._of(slot), second)]
        else:
            wanted, rest = self._part(slot)
            choices = [(wanted, second)]
            if more:
                choices.append((rest, self._part(more[0])[0]))
        for first, second in choices:
            if first and second:
                yield rate, others, first, second

    def _of(self, slot: int) -> _Paths:
        ranked = self._all.get(slot)
        if ranked is None:
            rates, need = self._rates, self._need(slot)
            ranked = self._all[slot] = [
                (product, (one, two))
                for one, two in self._slots.paths[slot]
                if (product := rates[one] * rates[two]) > need
            ]
            ranked.sort(reverse=True)
        return ranked

    def _part(self, slot: int) -> tuple[_Paths, _Paths]:
        """Part the paths of a slot by whether what they pass on the way is wanted."""
        parted = self._parted.get(slot)
        if parted is None:
            wanted: _Paths = []
            rest: _Paths = []
            for path in self._of(slot):
                is_wanted = self._slots.targets[path[1][0]] in (self._through or ())
                (wanted if is_wanted else rest).append(path)
            parted = self._parted[slot] = wanted, rest
        return parted
