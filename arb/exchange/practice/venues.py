"""The protocols that the practice exchange speaks, and the terms that go with each."""

from typing import Final

from arb.exchange.practice.binance_rest import BinanceDoor
from arb.exchange.practice.doors import MakeDoor
from arb.exchange.practice.okx_rest import OkxDoor
from arb.exchange.practice.terms import Terms

DOORS: Final[dict[str, MakeDoor]] = {"binance": BinanceDoor, "okx": OkxDoor}
TERMS: Final = {
    "binance": Terms(),
    # Its trades name no quote amount: what they cost has to follow from price and size.
    "okx": Terms(cost_cut=False, least_value=False),
}
