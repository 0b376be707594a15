"""Order books and the rules of a market, as exact values."""

from decimal import Decimal

from msgspec import Struct

from arb.money import BPS, is_multiple

# Price (quote per base), size (base). A size of 0 is of a feed without sizes: the depth is unknown.
Level = tuple[Decimal, Decimal]


class Book(Struct, frozen=True, gc=False):
    """The visible depth of one market: bids from the highest price down, asks from the lowest up."""

    market: str
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    sequence: int  # of the venue's update this state stands at

    def levels(self, side: str) -> tuple[Level, ...]:
        """The levels that an order of this side takes: a buy takes asks."""
        return self.asks if side == "buy" else self.bids

    def mid(self) -> Decimal | None:
        """The middle of best bid and best ask; None when a side is empty."""
        if not self.bids or not self.asks:
            return None
        return (self.bids[0][0] + self.asks[0][0]) / 2

    def distance_bps(self, price: Decimal) -> Decimal | None:
        """How far a price is from the middle; None when a side is empty."""
        mid = self.mid()
        return None if mid is None else abs(price - mid) / mid * BPS


class MarketRules(Struct, frozen=True, gc=False):
    """What a venue accepts on a market. Sizes are in base, prices and notionals in quote."""

    market: str
    base: str
    quote: str
    tick_size: Decimal
    step_size: Decimal
    amount_min: Decimal
    amount_max: Decimal
    notional_min: Decimal
    active: bool = True

    def broken_rule(self, amount: Decimal, price: Decimal) -> str | None:
        """Name the rule that an order breaks, with its numbers; None when it breaks none."""
        if not self.active:
            return f"{self.market} is halted"
        if not is_multiple(amount, self.step_size):
            return f"amount {amount} is not a multiple of step {self.step_size}"
        if not is_multiple(price, self.tick_size):
            return f"price {price} is not a multiple of tick {self.tick_size}"
        if price <= 0:
            return f"price {price} is not above 0"
        if not self.amount_min <= amount <= self.amount_max:
            return f"amount {amount} is outside {self.amount_min}..{self.amount_max}"
        if amount * price < self.notional_min:
            return f"notional {amount * price} is below {self.notional_min}"
        return None


class FeeRates(Struct, frozen=True, gc=False):
    """What a venue charges: fractions of the fill, in the received asset, or in a third currency while that lasts."""

    taker: Decimal
    maker: Decimal
    fee_asset: str | None = None  # None: the received asset
