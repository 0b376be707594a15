"""The best prices of numbered markets, as they came: refused at the door where they are no prices.

Selling on a market is the edge 2 x its number, buying the next one. The rate of an edge is what one
unit brings before fees: the bid for a sell, 1 / ask for a buy. Without a price it is 0, and no
cycle with a rate of 0 is above anything.
"""

from collections.abc import Sequence
from decimal import Decimal
from math import inf
from typing import Final, NamedTuple

from arb.events.facts import LegRoute
from arb.market.book import Book
from arb.money import BPS, ONE, ZERO

Price = float | Decimal
Size = float | Decimal | None


class Top(NamedTuple):
    """A market's best bid and ask; a price of 0 is of a side that is empty."""

    bid: Price
    bid_size: Size  # None: not known
    ask: Price
    ask_size: Size
    update_id: int | None
    received_ns: int


_Top = tuple[Price, Size, Price, Size, int | None, int]  # the same: made in a fifth of the time
NO_TOP: Final[_Top] = (0.0, None, 0.0, None, None, 0)
SIDES: Final = ("sell", "buy")
_EMPTY: Final = (ZERO, ZERO)


class Prices:
    """What is known of each market now."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}
        self.names: list[str] = []
        self.rates: list[float] = []  # by edge
        self.tops: list[_Top] = []
        self.refused = 0  # updates that no market can have
        self.late = 0  # updates that are not newer than what was there

    def market(self, name: str) -> int:
        """Number a market."""
        number = self.numbers.get(name)
        if number is None:
            number = self.numbers[name] = len(self.names)
            self.names.append(name)
            self.rates += (0.0, 0.0)
            self.tops.append(NO_TOP)
        return number

    def edge(self, leg: LegRoute) -> int:
        """Number a leg."""
        return 2 * self.market(leg.market) + (leg.side == "buy")

    def rates_of(self, number: int) -> tuple[float, float]:
        """What a unit sold on a market brings, and a unit spent there."""
        return self.rates[number + number], self.rates[number + number + 1]

    def take(self, book: Book, number: int, received_ns: int) -> None:
        """Take the touch of a book; its prices are kept as they are."""
        bid, bid_size = book.bids[0] if book.bids else _EMPTY
        ask, ask_size = book.asks[0] if book.asks else _EMPTY
        before = self.tops[number]
        self.tops[number] = (bid, bid_size, ask, ask_size, book.sequence, received_ns)
        edge = number + number
        if bid is not before[0]:
            self.rates[edge] = float(bid)
        if ask is not before[2]:
            self.rates[edge + 1] = 1.0 / float(ask) if ask else 0.0
        if bid > ask > ZERO:
            self.refused += 1
            self.drop(number)

    def drop(self, number: int) -> None:
        """Forget a market's prices, and what it was updated with last."""
        self.tops[number] = NO_TOP
        edge = number + number
        self.rates[edge] = self.rates[edge + 1] = 0.0

    def exact(self, edge: int) -> Decimal:
        """The price of an edge, 0 without one. A float is what its shortest text says."""
        bid, _, ask, *_ = self.tops[edge // 2]
        price = ask if edge % 2 else bid
        return price if isinstance(price, Decimal) else Decimal(repr(price))

    def fraction(self, edges: Sequence[int]) -> tuple[Decimal, Decimal] | None:
        """What one unit brings over edges before fees: the bids, and the asks to divide them by.

        Exact, as no quotient is; None while a price is missing.
        """
        bids = asks = ONE
        for edge in edges:
            price = self.exact(edge)
            if not price:
                return None
            if edge % 2:
                asks *= price
            else:
                bids *= price
        return bids, asks

    def edge_bps(self, edges: Sequence[int], kept: Decimal) -> Decimal | None:
        """The net edge over edges that keep so much after fees; None while a price is missing."""
        rate = self.fraction(edges)
        return None if rate is None else (rate[0] * kept / rate[1] - ONE) * BPS

    def pays(self, edges: Sequence[int], kept: Decimal, min_profit_bps: Decimal) -> bool:
        """Whether the net edge is above a threshold; being equal is not enough."""
        rate = self.fraction(edges)
        return rate is not None and rate[0] * kept * BPS > rate[1] * (BPS + min_profit_bps)

    def possible(
        self, bid: float, ask: float, bid_size: Size, ask_size: Size
    ) -> tuple[float, float]:
        """Tell an empty side, whose price is 0, from prices that cannot be; these are no prices at all."""
        bid, ask = bid if bid_size != 0 else 0.0, ask if ask_size != 0 else 0.0
        if 0.0 <= bid < inf and 0.0 <= ask < inf and (bid <= ask or not ask):
            return bid, ask
        self.refused += 1
        return 0.0, 0.0
