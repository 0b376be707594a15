"""Cycles that are watched by name: those through an updated market are rescored one by one.

Where many of them share a leg they are not looked at while its rate is too low for all of them.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from math import inf
from typing import Final, NamedTuple

from arb.market.scan.bounds import DOUBT, Found
from arb.market.scan.hubs import Edges

_TRIANGLE: Final = 3
CROWD_MIN: Final = 8  # cycles through one leg, from which on to keep what its rate would have to be


class _Entry(NamedTuple):
    """A cycle through a market."""

    low: float  # just below the bar
    edges: Edges
    number: int
    crowded: Edges  # those of its edges that many cycles share


class _Crowd(NamedTuple):
    """The cycles through an edge that many share."""

    edge: int
    entries: tuple[_Entry, ...]
    joint: tuple[_Entry, ...]  # those with more than one such edge


class _Around(NamedTuple):
    """What an update of a market has to look at."""

    few: tuple[_Entry, ...]  # through sides that are not crowded
    crowds: tuple[_Crowd, ...]


class Listed:
    """Rescores the cycles through a market when its prices change.

    Rates are before fees, and so are bars. From `crowd_min` cycles on an edge is crowded: what its
    rate would have to be is kept.
    """

    def __init__(
        self, rates: list[float], judge: Callable[[int], bool], crowd_min: int = CROWD_MIN
    ) -> None:
        self._rates = rates
        self._judge = judge
        self._crowd_min = crowd_min
        self._cycles: dict[int, tuple[Edges, float]] = {}  # by number: its edges, its bar
        self._through: dict[int, list[int]] = {}  # by market, the numbers of its cycles
        self._around: dict[int, _Around] = {}  # by market, made at its first update
        # By crowded edge: below this rate no cycle through it is above its bar. 0 is not known yet.
        self._needs: dict[int, float] = {}

    def __contains__(self, number: int) -> bool:
        return number in self._cycles

    def __len__(self) -> int:
        return len(self._cycles)

    def watch(self, number: int, edges: Edges, bar: float) -> None:
        """Watch a cycle, or watch it with another bar."""
        if number not in self._cycles:
            for market in dict.fromkeys(edge // 2 for edge in edges):
                self._through.setdefault(market, []).append(number)
        self._cycles[number] = (edges, bar)
        self._around.clear()
        self._needs.clear()

    def update(self, market: int, *, quiet: bool) -> Found:
        """Give the cycles through a market that are above; `quiet`: none of them was before."""
        around = self._around.get(market)
        if around is None:
            if market not in self._through:
                return []
            around = self._look_around(market)
        found: Found = []
        if around.few:
            self._score(around.few, found)
        for crowd in around.crowds:
            self._score_crowd(crowd, found, quiet=quiet)
        return found

    def _score(self, entries: Iterable[_Entry], found: Found) -> None:
        """Add the cycles that are above to `found`, and lower what crowded edges need."""
        rates, needs = self._rates, self._needs
        for low, edges, number, crowded in entries:
            if len(edges) == _TRIANGLE:
                one, two, three = edges
                product = rates[one] * rates[two] * rates[three]
            else:
                product = 1.0
                for edge in edges:
                    product *= rates[edge]
            # Nearly every cycle is below its bar, beyond doubt.
            if product > low:
                below = 1.0 - product / low
                if below < -2 * DOUBT or self._judge(number):
                    found.append((below, number))
            for edge in crowded:
                if product * needs[edge] > rates[edge] * low:
                    needs[edge] = rates[edge] * low / product

    def _score_crowd(self, crowd: _Crowd, found: Found, *, quiet: bool) -> None:
        """Score the cycles through a crowded edge; none is above while its rate is below the need."""
        edge, rate = crowd.edge, self._rates[crowd.edge]
        if quiet and 0 < rate < self._needs[edge]:
            self._score(crowd.joint, found)  # what their other crowded edges need has changed
            return
        self._needs[edge] = inf
        self._score(crowd.entries, found)
        if not rate:
            self._needs[edge] = 0.0  # without a price nothing is known of it

    def _look_around(self, market: int) -> _Around:
        """Sort the cycles through a market by the sides they need."""
        if not self._needs:
            crowds = Counter(edge for edges, _ in self._cycles.values() for edge in edges)
            many = (edge for edge, cycles in crowds.items() if cycles >= self._crowd_min)
            self._needs = dict.fromkeys(many, 0.0)
        by_edge: dict[int, list[_Entry]] = {}
        few: list[_Entry] = []
        for number in self._through[market]:
            edges, bar = self._cycles[number]
            crowded = tuple(edge for edge in edges if edge in self._needs)
            entry = _Entry(bar * (1.0 - DOUBT), edges, number, crowded)
            here = [edge for edge in edges if edge // 2 == market]
            # A cycle that runs through the market twice has two rates changed at once.
            if len(here) == 1 and here[0] in crowded:
                by_edge.setdefault(here[0], []).append(entry)
            else:
                few.append(entry)
        made = self._around[market] = _Around(
            tuple(few),
            tuple(
                _Crowd(edge, tuple(entries), tuple(one for one in entries if len(one.crowded) > 1))
                for edge, entries in by_edge.items()
            ),
        )
        return made
