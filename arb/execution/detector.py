"""Count opportunities on the feed's own books, never reduced by our own orders."""

from decimal import Decimal

from arb.events.facts import LegRoute
from arb.feeds.source import Change
from arb.market.book import Book, FeeRates
from arb.market.cycles import identity
from arb.money import BPS, ONE


class Detector:
    """Directed cycles above their thresholds at the top of the book, after the configured fees.

    `paths`: distinct cycles ever above; `episodes`: their uninterrupted spells; `states`: book
    states in which some cycle was above. A state is a row of one of the watched markets after
    which every book of some cycle is known.
    """

    def __init__(self) -> None:
        self._keep = ONE
        self._books: dict[str, Book] = {}
        self._watched: dict[str, tuple[tuple[LegRoute, ...], Decimal]] = {}
        self._above: set[str] = set()
        self._ever: set[str] = set()
        self.episodes = 0
        self.states = 0

    @property
    def paths(self) -> int:
        """Distinct directed cycles that were ever above their threshold."""
        return len(self._ever)

    def charge(self, fees: FeeRates) -> None:
        """Count with these fees from now on."""
        self._keep = ONE - fees.taker

    def watch(self, legs: tuple[LegRoute, ...], min_profit_bps: Decimal) -> None:
        """Watch one directed cycle; one threshold a cycle, the lowest asked for."""
        key = identity(legs)
        known = self._watched.get(key)
        if known is None or min_profit_bps < known[1]:
            self._watched[key] = (legs, min_profit_bps)

    def see(self, change: Change) -> None:
        """Take one row of the feed."""
        self._books[change.market] = change.book
        touched = False
        for key, (legs, threshold) in self._watched.items():
            if all(leg.market != change.market for leg in legs):
                continue
            edge = self._edge_bps(legs)
            if edge is None or edge <= threshold:
                self._above.discard(key)
                continue
            touched = True
            self._ever.add(key)
            if key not in self._above:
                self._above.add(key)
                self.episodes += 1
        self.states += touched

    def _edge_bps(self, legs: tuple[LegRoute, ...]) -> Decimal | None:
        rate = ONE
        for leg in legs:
            book = self._books.get(leg.market)
            levels = () if book is None else book.levels(leg.side)
            if not levels:
                return None
            price = levels[0][0]
            rate = rate * price if leg.side == "sell" else rate / price
            rate *= self._keep
        return (rate - ONE) * BPS
