"""Strategy files that differ in single keys, so that a test sees what one key does."""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from arb.strategy.loader import Loaded, load

# Path of a key -> its value as YAML; what the world of the tests trades at once.
BASE: Final[Mapping[str, object]] = {
    "name": "demo",
    "exchange": "binance",
    "cycle": "[USDT, BTC, ETH]",
    "min_profit_bps": -100,
    "max_slippage_bps": 20,
    "capital_allocation.mode": "fixed_amount",
    "capital_allocation.amount": 1000,
    "fees.taker_bps": 10,
    "fees.maker_bps": 10,
    "order.retry_delay_ms": 100,
    "order.max_retries": 3,
    "order.timeout_seconds": 2,
}


def strategy_text(keys: Mapping[str, object]) -> str:
    """Write the base strategy with keys set to other values; None leaves a key out."""
    tree: dict[str, Any] = {}
    for path, value in {**BASE, **keys}.items():
        if value is None:
            continue
        *blocks, last = path.split(".")
        node = tree
        for block in blocks:
            node = node.setdefault(block, {})
        node[last] = value
    return "".join(f"{key}: {_flow(value)}\n" for key, value in tree.items())


def _flow(value: object) -> str:
    if not isinstance(value, dict):
        return str(value)
    return "{" + ", ".join(f"{key}: {_flow(inner)}" for key, inner in value.items()) + "}"


def written(folder: Path, keys: Mapping[str, object], file: str = "flipped.yaml") -> Path:
    """Write such a strategy as a file; paths in it are relative to the folder."""
    path = folder / file
    path.write_text(strategy_text(keys))
    return path


def flipped(keys: Mapping[str, object]) -> Loaded:
    """Load such a strategy."""
    return _loaded(strategy_text(keys))


@lru_cache
def _loaded(text: str) -> Loaded:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "flipped.yaml"
        path.write_text(text)
        return load(path)
