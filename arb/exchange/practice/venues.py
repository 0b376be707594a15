"""The protocols that the practice exchange speaks."""

from typing import Final

from arb.exchange.practice.binance_rest import BinanceDoor
from arb.exchange.practice.doors import MakeDoor

DOORS: Final[dict[str, MakeDoor]] = {"binance": BinanceDoor}
