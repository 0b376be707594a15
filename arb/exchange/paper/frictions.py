"""What an order meets that its plan did not see: prices that moved on, and sizes that are gone.

A function of the seed and the order's number, so that a restart changes nothing.
"""

from decimal import Decimal
from typing import Final

from msgspec import Struct

from arb.feeds.noise import hashed
from arb.market.book import Book, Level, MarketRules
from arb.money import BPS, ONE, ZERO, ceil_to, floor_to

PER: Final = Decimal(1_000)  # of the quote currency: what `impact_bps_per_1000` is told for
SIZE_LEFT_MIN: Final = Decimal("0.3")  # of a level that is not whole any more
_WORD: Final = Decimal(1 << 32)


class Frictions(Struct, frozen=True, gc=False, kw_only=True):
    """How much worse than the book an order fares. Rates in bps of the price."""

    seed: int = 0
    fill_ratio: Decimal = ONE  # the chance that a level is whole when the order arrives
    padding_bps: Decimal = ZERO
    base_bps: Decimal = ZERO
    random_bps: Decimal = ZERO  # evenly between minus and plus this
    impact_bps_per_1000: Decimal = ZERO
    impact_bps_max: Decimal = ZERO

    @property
    def is_none(self) -> bool:
        """Whether an order meets the book as it stands."""
        moved = self.padding_bps + self.base_bps + self.random_bps + self.impact_bps_per_1000
        return self.fill_ratio == ONE and moved == 0

    def meet(
        self, book: Book, side: str, amount: Decimal, number: int, rules: MarketRules
    ) -> tuple[Book, tuple[Decimal, ...]]:
        """The book as an order meets it, and the price that each of its levels was shown at."""
        if self.is_none:
            return book, ()
        shown = book.levels(side)
        worse_bps = self._worse_bps(shown, amount, number)
        met: list[Level] = []
        prices: list[Decimal] = []
        for depth, (price, size) in enumerate(shown):
            left = floor_to(size * self._left(number, depth), rules.step_size)
            if left > 0:
                met.append((_moved(side, price, worse_bps, rules.tick_size), left))
                prices.append(price)
        asks, bids = (tuple(met), book.bids) if side == "buy" else (book.asks, tuple(met))
        return Book(book.market, bids, asks, book.sequence), tuple(prices)

    def _worse_bps(self, levels: tuple[Level, ...], amount: Decimal, number: int) -> Decimal:
        if not levels:
            return ZERO
        notional = amount * levels[0][0]
        impact = min(self.impact_bps_per_1000 * notional / PER, self.impact_bps_max)
        swing = self._drawn("moved", number) * 2 - 1
        return self.padding_bps + self.base_bps + impact + swing * self.random_bps

    def _left(self, number: int, depth: int) -> Decimal:
        """The share of a level that is still there."""
        if self._drawn(f"whole {depth}", number) < self.fill_ratio:
            return ONE
        return SIZE_LEFT_MIN + (ONE - SIZE_LEFT_MIN) * self._drawn(f"left {depth}", number)

    def _drawn(self, what: str, number: int) -> Decimal:
        return hashed(self.seed, what, number)[0] / _WORD


NO_FRICTIONS: Final = Frictions()


def _moved(side: str, price: Decimal, worse_bps: Decimal, tick: Decimal) -> Decimal:
    """A price that many bps worse for a taker, on the tick grid, rounded to the worse side."""
    if side == "buy":
        return ceil_to(price * (ONE + worse_bps / BPS), tick)
    return max(floor_to(price * (ONE - worse_bps / BPS), tick), tick)
