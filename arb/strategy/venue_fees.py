"""The fee rates that a strategy without `fees` gets, by venue: what a new account pays."""

from decimal import Decimal
from typing import Final, NamedTuple


class NamedFees(NamedTuple):
    """Fee rates with the name of the table's row they come from."""

    name: str
    taker_bps: Decimal
    maker_bps: Decimal


_TAKER_MAKER_BPS: Final = {
    "binance": (10, 10),
    "coinbase": (60, 40),
    "gemini": (40, 20),
    "kraken": (26, 16),
    "kucoin": (10, 10),
    "okx": (10, 8),
}
_OTHERS_BPS: Final = (10, 10)


def named_default(exchange: str) -> NamedFees:
    """Look up a venue's row; other venues get the row `default`."""
    name = exchange if exchange in _TAKER_MAKER_BPS else "default"
    taker, maker = _TAKER_MAKER_BPS.get(exchange, _OTHERS_BPS)
    return NamedFees(name, Decimal(taker), Decimal(maker))
