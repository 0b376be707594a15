"""Which cycles stand above their bar at the top of the book: every cycle of an updated market is rescored.

Floats decide where there is no doubt, exact decimals where there is, so the answer is exact. Where
many cycles share a leg they are not looked at one by one while its rate is too low for all of them.
"""

from collections import Counter
from collections.abc import Iterable
from decimal import Decimal
from math import inf
from typing import Final, NamedTuple

from arb.events.facts import LegRoute
from arb.market.book import Book
from arb.market.cycles import identity
from arb.money import BPS, ONE, ZERO

# Far above what rounding does to a product of a few floats, far below what anybody trades on.
DOUBT: Final = 1e-12
_TRIANGLE: Final = 3
CROWD_MIN: Final = 8  # cycles through one leg, from which on to keep what its rate would have to be


class Watched(NamedTuple):
    """A directed cycle, what its legs keep after fees, and the net edge that it has to exceed."""

    legs: tuple[LegRoute, ...]
    keep: Decimal  # per leg
    min_profit_bps: Decimal

    @property
    def bar(self) -> Decimal:
        """What the product of the rates before fees has to exceed."""
        return (ONE + self.min_profit_bps / BPS) / self.keep ** len(self.legs)


class Seen(NamedTuple):
    """What one update says: the cycles through its market that are above their bars, best first."""

    above: tuple[int, ...]  # numbers of cycles, in the order they were watched
    risen: int  # how many of them were not above before


NOTHING: Final = Seen((), 0)
_NOBODY: Final[frozenset[int]] = frozenset()


class _Entry(NamedTuple):
    """A cycle through a market."""

    low: float  # just below the bar
    edges: tuple[int, ...]
    number: int
    crowded: tuple[int, ...]  # those of its edges that many cycles share


class _Crowd(NamedTuple):
    """The cycles through an edge that many share."""

    edge: int
    entries: tuple[_Entry, ...]
    joint: tuple[_Entry, ...]  # those with more than one such edge


class _Around(NamedTuple):
    """What an update of a market has to look at."""

    few: tuple[_Entry, ...]  # through sides that are not crowded
    crowds: tuple[_Crowd, ...]
    numbers: frozenset[int]  # of all cycles through the market


class Scan:
    """Rescores the cycles through a market when its book changes.

    Rates are what one unit brings before fees: the bid for a sell, 1 / ask for a buy. A market
    without both prices has rate 0, and no cycle through it is above anything. From `crowd_min`
    cycles on a leg is crowded: what its rate would have to be is kept.
    """

    def __init__(self, crowd_min: int = CROWD_MIN) -> None:
        self.cycles: list[Watched] = []
        self._crowd_min = crowd_min
        self._of: dict[str, int] = {}  # identity -> number
        self._edges: dict[tuple[str, str], int] = {}  # (market, side) -> number
        self._rates: list[float] = []
        self._exact: list[Decimal] = []  # prices: the bid, or the ask
        self._through: dict[str, list[int]] = {}  # by market, the numbers of its cycles
        self._around: dict[str, _Around] = {}  # by market, made at its first update
        # By crowded edge: below this rate no cycle through it is above its bar. 0 is not known yet.
        self._needs: dict[int, float] = {}
        self._above: set[int] = set()

    def watch(self, cycle: Watched) -> int:
        """Watch a directed cycle and give its number; the lower bar counts when it is watched twice."""
        key = identity(cycle.legs)
        number = self._of.get(key)
        if number is None:
            number = self._of[key] = len(self.cycles)
            self.cycles.append(cycle)
        elif cycle.bar < self.cycles[number].bar:
            self.cycles[number] = cycle
            self._around.clear()
            return number
        else:
            return number
        for leg in cycle.legs:
            self._edge(leg.market, leg.side)
        for market in dict.fromkeys(leg.market for leg in cycle.legs):
            self._through.setdefault(market, []).append(number)
        self._around.clear()
        self._needs.clear()
        return number

    def watch_all(self, cycles: Iterable[Watched]) -> list[int]:
        """Watch many."""
        return [self.watch(cycle) for cycle in cycles]

    def number(self, legs: tuple[LegRoute, ...]) -> int | None:
        """The number of a cycle, whatever it begins with."""
        return self._of.get(identity(legs))

    def update(self, book: Book) -> Seen:
        """Take a market's new book."""
        around = self._around.get(book.market)
        if around is None:
            if book.market not in self._through:
                return NOTHING
            around = self._look_around(book.market)
        self._price(book)
        few, crowds, numbers = around
        above = self._above
        were = numbers & above if above else _NOBODY
        found: list[tuple[float, int]] = []
        if few:
            self._score(few, found)
        for crowd in crowds:
            self._score_crowd(crowd, found, quiet=not were)
        if not found:
            above -= were
            return NOTHING
        now = {number for _, number in found}
        above -= were - now
        above |= now
        risen = len(now - were)
        found.sort(key=_best_first)
        return Seen(tuple([number for _, number in found]), risen)

    def edge_bps(self, number: int) -> Decimal | None:
        """The net edge of a cycle at the top of the books now; None while a price is missing."""
        cycle = self.cycles[number]
        rate = ONE
        for leg in cycle.legs:
            price = self._exact[self._edges[leg.market, leg.side]]
            if not price:
                return None
            rate = rate * price if leg.side == "sell" else rate / price
        return (rate * cycle.keep ** len(cycle.legs) - ONE) * BPS

    def _edge(self, market: str, side: str) -> int:
        number = self._edges.get((market, side))
        if number is None:
            number = self._edges[market, side] = len(self._rates)
            self._rates.append(0.0)
            self._exact.append(ZERO)
        return number

    def _price(self, book: Book) -> None:
        for side, levels in (("sell", book.bids), ("buy", book.asks)):
            edge = self._edges.get((book.market, side))
            if edge is None:
                continue
            price = levels[0][0] if levels else ZERO
            if price is self._exact[edge]:
                continue  # only its size changed
            self._exact[edge] = price
            value = float(str(price))  # much faster than from the Decimal itself, and the same
            self._rates[edge] = value if side == "sell" or not value else 1.0 / value

    def _score(self, entries: Iterable[_Entry], found: list[tuple[float, int]]) -> None:
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
                excess = product / low - 1.0
                if excess > 2 * DOUBT or self._surely_above(number):
                    found.append((excess, number))
            for edge in crowded:
                if product * needs[edge] > rates[edge] * low:
                    needs[edge] = rates[edge] * low / product

    def _score_crowd(self, crowd: _Crowd, found: list[tuple[float, int]], *, quiet: bool) -> None:
        """Score the cycles through a crowded edge; none is above while its rate is below the need."""
        edge, rate = crowd.edge, self._rates[crowd.edge]
        if quiet and 0 < rate < self._needs[edge]:
            self._score(crowd.joint, found)  # what their other crowded edges need has changed
            return
        self._needs[edge] = inf
        self._score(crowd.entries, found)
        if not rate:
            self._needs[edge] = 0.0  # without a price nothing is known of it

    def _look_around(self, market: str) -> _Around:
        """Sort the cycles through a market by the sides they need."""
        if not self._needs:
            crowds = Counter(
                self._edges[leg.market, leg.side] for cycle in self.cycles for leg in cycle.legs
            )
            many = (edge for edge, cycles in crowds.items() if cycles >= self._crowd_min)
            self._needs = dict.fromkeys(many, 0.0)
        by_edge: dict[int, list[_Entry]] = {}
        few: list[_Entry] = []
        for number in self._through[market]:
            legs = self.cycles[number].legs
            edges = tuple(self._edges[leg.market, leg.side] for leg in legs)
            crowded = tuple(edge for edge in edges if edge in self._needs)
            low = float(self.cycles[number].bar) * (1.0 - DOUBT)
            entry = _Entry(low, edges, number, crowded)
            here = [edge for leg, edge in zip(legs, edges, strict=True) if leg.market == market]
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
            frozenset(self._through[market]),
        )
        return made

    def _surely_above(self, number: int) -> bool:
        edge = self.edge_bps(number)
        return edge is not None and edge > self.cycles[number].min_profit_bps


def _best_first(found: tuple[float, int]) -> tuple[float, int]:
    return (-found[0], found[1])
