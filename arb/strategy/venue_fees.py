"""The fee rates that a strategy without `fees` gets, by venue: what a new account pays."""

import difflib
from decimal import Decimal
from typing import Final, NamedTuple


class NamedFees(NamedTuple):
    """Fee rates, and where they come from, in words."""

    source: str
    taker_bps: Decimal
    maker_bps: Decimal
    hint: str = ""  # whose rates may have been meant


_TAKER_MAKER_BPS: Final = {
    "binance": (10, 10),
    "coinbase": (60, 40),
    "gemini": (40, 20),
    "kraken": (26, 16),
    "kucoin": (10, 10),
    "okx": (10, 8),
}
_OTHERS_BPS: Final = 10


def named_default(exchange: str) -> NamedFees:
    """Look up a venue's row; of other venues, which may be misspelt, rates are assumed."""
    known = _TAKER_MAKER_BPS.get(exchange)
    if known is not None:
        taker, maker = known
        return NamedFees(f"default of {exchange}", Decimal(taker), Decimal(maker))
    near = difflib.get_close_matches(exchange, _TAKER_MAKER_BPS, n=1)
    return NamedFees(
        f"no rates of {exchange} are known, {_OTHERS_BPS} bps are assumed",
        Decimal(_OTHERS_BPS),
        Decimal(_OTHERS_BPS),
        f"; did you mean {near[0]}?" if near else "",
    )
