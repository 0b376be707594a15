"""A pytest plugin under which one key of strategy files is read and ignored, as by a forgetful engine.

`pytest -p tests.spec.ignoring` with the key's path in ARB_IGNORED_KEY: wherever it is set it has its
default, or, where a strategy cannot be without it, what stands here.
"""

import os
from typing import Final

import yaml
from yaml.nodes import MappingNode

from arb.strategy import loader
from arb.strategy.source import Source

PATH: Final = os.environ["ARB_IGNORED_KEY"]
STANDING_IN: Final = {
    "name": "demo",
    "exchange": "binance",
    "exchange.id": "binance",
    "cycle": "[USDT, BTC, ETH]",
    "min_profit_bps": "-100",
    "max_slippage_bps": "20",
    "capital_allocation.mode": "fixed_amount",
    "capital_allocation.amount": "1000",
    "capital_allocation.fraction": "0.5",
    "fees.taker_bps": "10",
    "fees.maker_bps": "10",
}
_compose = loader.compose


def _ignoring(source: Source) -> MappingNode:
    """Compose a strategy file, and leave the key out of it or give it what always stands there."""
    root = node = _compose(source)
    *blocks, last = PATH.split(".")
    for block in blocks:
        inner = [value for key, value in node.value if key.value == block]
        if not inner or not isinstance(inner[0], MappingNode):
            return root
        node = inner[0]
    for number, (key, _) in enumerate(node.value):
        if key.value == last:
            if PATH in STANDING_IN:
                stands = yaml.compose(STANDING_IN[PATH], Loader=yaml.SafeLoader)
                node.value[number] = (key, stands)
            else:
                del node.value[number]
            break
    return root


loader.compose = _ignoring  # type: ignore[assignment]
