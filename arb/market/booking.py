"""How a fill is booked: the roundings that make plan and execution agree to the last digit."""

from decimal import Decimal
from typing import Final

from arb.market.book import FeeRates
from arb.money import round_up, truncate

BOOKED_UNIT: Final = Decimal("1E-8")  # venues book quote amounts and fees to eight decimals


def booked_cost(price: Decimal, amount: Decimal) -> Decimal:
    """Book the quote amount of one trade: price x amount, cut at 1e-8."""
    return truncate(price * amount, BOOKED_UNIT)


def booked_fee(received: Decimal, rate: Decimal) -> Decimal:
    """Book the fee of one trade: rounded up to 1e-8, never above what the trade received."""
    return min(round_up(received * rate, BOOKED_UNIT), received)


def fee_taken_from(fees: FeeRates, received_asset: str) -> bool:
    """Tell whether the fee comes out of the received asset, so that the next leg has less."""
    return fees.fee_asset is None or fees.fee_asset == received_asset
