"""Which cycles stand above their bar at the top of the book: every cycle of an updated market is rescored.

Floats decide where there is no doubt, exact decimals where there is, so the answer is exact.
"""

from collections.abc import Iterable
from decimal import Decimal
from typing import Final, NamedTuple

from arb.events.facts import LegRoute
from arb.market.book import Book
from arb.market.cycles import identity
from arb.money import BPS, ONE

# Far above what rounding does to a product of a few floats, far below what anybody trades on.
DOUBT: Final = 1e-12
_TRIANGLE: Final = 3


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


class Scan:
    """Rescores the cycles through a market when its book changes.

    Rates are what one unit brings before fees: the bid for a sell, 1 / ask for a buy. A market
    without both prices has rate 0, and no cycle through it is above anything.
    """

    def __init__(self) -> None:
        self.cycles: list[Watched] = []
        self._of: dict[str, int] = {}  # identity -> number
        self._edges: dict[tuple[str, str], int] = {}  # (market, side) -> number
        self._rates: list[float] = []
        self._exact: list[Decimal] = []  # prices: the bid, or the ask
        # By market: (just below the bar, edges, number) of each cycle through it.
        self._through: dict[str, list[tuple[float, tuple[int, ...], int]]] = {}
        self._above: set[int] = set()

    def watch(self, cycle: Watched) -> int:
        """Watch a directed cycle and give its number; the lower bar counts when it is watched twice."""
        key = identity(cycle.legs)
        number = self._of.get(key)
        if number is None:
            number = self._of[key] = len(self.cycles)
            self.cycles.append(cycle)
        elif cycle.bar < self.cycles[number].bar:
            self._forget(number)
            self.cycles[number] = cycle
        else:
            return number
        edges = tuple(self._edge(leg.market, leg.side) for leg in cycle.legs)
        entry = (float(cycle.bar) * (1.0 - DOUBT), edges, number)
        for market in dict.fromkeys(leg.market for leg in cycle.legs):
            self._through.setdefault(market, []).append(entry)
        return number

    def watch_all(self, cycles: Iterable[Watched]) -> list[int]:
        """Watch many."""
        return [self.watch(cycle) for cycle in cycles]

    def number(self, legs: tuple[LegRoute, ...]) -> int | None:
        """The number of a cycle, whatever it begins with."""
        return self._of.get(identity(legs))

    def update(self, book: Book) -> Seen:
        """Take a market's new book."""
        through = self._through.get(book.market)
        if through is None:
            return NOTHING
        rates = self._rates
        self._price(book)
        found: list[tuple[float, int]] = []
        risen = 0
        above = self._above
        # Nearly every cycle ends at the first comparison: it is below its bar, beyond doubt.
        for low, edges, number in through:
            if len(edges) == _TRIANGLE:
                one, two, three = edges
                product = rates[one] * rates[two] * rates[three]
            else:
                product = 1.0
                for edge in edges:
                    product *= rates[edge]
            if product > low:
                excess = product / low - 1.0
                if excess > 2 * DOUBT or self._surely_above(number):
                    found.append((excess, number))
                    if number not in above:
                        above.add(number)
                        risen += 1
                    continue
            if above and number in above:
                above.discard(number)
        if not found:
            return NOTHING
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
            self._exact.append(Decimal(0))
        return number

    def _price(self, book: Book) -> None:
        for side, levels in (("sell", book.bids), ("buy", book.asks)):
            edge = self._edges.get((book.market, side))
            if edge is None:
                continue
            price = levels[0][0] if levels else Decimal(0)
            self._exact[edge] = price
            value = float(price)
            self._rates[edge] = value if side == "sell" or not value else 1.0 / value

    def _surely_above(self, number: int) -> bool:
        edge = self.edge_bps(number)
        return edge is not None and edge > self.cycles[number].min_profit_bps

    def _forget(self, number: int) -> None:
        for leg in self.cycles[number].legs:
            through = self._through[leg.market]
            through[:] = [entry for entry in through if entry[2] != number]


def _best_first(found: tuple[float, int]) -> tuple[float, int]:
    return (-found[0], found[1])
