"""Every key is read exactly, refused at its place, and has its documented default."""

from collections.abc import Callable

import pytest
import yaml

from arb.strategy.loader import Loaded
from arb.strategy.reading import ALL_KEYS, blocks_and_keys
from arb.strategy.schema import Strategy
from arb.strategy.values import shape_of
from tests.strategy.key_table import KEYS, REQUIRED

AMOUNT = {"mode": "fixed_amount", "amount": 1000}
FRACTION = {"mode": "fixed_fraction", "fraction": 1}
SINGLE = [path for path, key in KEYS.items() if "{zzz: 1}" not in key.bad]


def with_key(path: str, text: str | None) -> tuple[str, int]:
    """Write the smallest file with one key set to a YAML text, or left out; tells the key's line."""
    tree: dict = {
        "name": "demo",
        "exchange": "binance",
        "cycle": ["USDT", "BTC", "ETH"],
        "min_profit_bps": 10,
        "max_slippage_bps": 20,
        "capital_allocation": dict(FRACTION if path.endswith(".fraction") else AMOUNT),
    }
    if path.endswith("max_allocation"):
        tree["capital_allocation"] = dict(FRACTION)
    if path in {"trading_pairs_file", "max_hops", "start_currencies", "lightning.enabled"}:
        del tree["cycle"]
        tree["capital_allocation"] = dict(FRACTION)
    if path.startswith("exchange."):
        tree["exchange"] = {"id": "binance"}
    if path in {"exchange.ca_file", "exchange.dialect"}:
        tree["exchange"]["connect_to"] = "127.0.0.1:8443"
    *blocks, last = path.split(".")
    node = tree
    for name in blocks:
        node = node.setdefault(name, {})
    node.pop(last, None)
    if text is not None:
        node[last] = "@@"
    lines = yaml.safe_dump(tree, sort_keys=False).splitlines()
    line = next((n for n, at in enumerate(lines, 1) if at.endswith("'@@'")), 0)
    return "\n".join(lines).replace("'@@'", text or "") + "\n", line


def value_of(strategy: Strategy, path: str) -> object:
    value: object = strategy
    for name in path.split("."):
        whole = isinstance(value, Strategy) and name == "exchange" and path != "exchange"
        value = value.venue if whole else getattr(value, name)
    return value


def test_every_key_of_the_schema_is_in_the_table() -> None:
    assert [".".join(path) for path in ALL_KEYS] == list(KEYS)


def test_every_single_key_has_a_bound_or_is_one_of_a_few_words() -> None:
    loose = [
        ".".join(path) for path, hint in blocks_and_keys(Strategy) if shape_of(hint).bound is None
    ]
    words = [
        "capital_allocation.mode",
        "exchange.dialect",
        "exchange.sandbox",
        "execution.mode",
        "execution.paper.feed",
        "lightning.enabled",
        "order.allow_partial_fills",
        "order.type",
        "panic_sell.enabled",
    ]
    assert sorted(set(loose) & set(SINGLE)) == words


@pytest.mark.parametrize("path", SINGLE)
def test_good_values_are_read_exactly(path: str, loads: Callable[..., Loaded]) -> None:
    for text, expected in KEYS[path].good.items():
        value = value_of(loads(with_key(path, text)[0]).strategy, path)
        assert (text, value, type(value)) == (text, expected, type(expected))


@pytest.mark.parametrize("path", KEYS)
def test_bad_values_are_refused_at_their_place(path: str, refuses: Callable[..., str]) -> None:
    for text, expected in KEYS[path].bad.items():
        written, line = with_key(path, text)
        message = refuses(written)
        assert expected in message, text
        assert f"demo.yaml:{line}:" in message, text


@pytest.mark.parametrize("path", [path for path, key in KEYS.items() if key.default is REQUIRED])
def test_a_required_key_that_is_missing_is_told(path: str, refuses: Callable[..., str]) -> None:
    assert f"missing required key `{path}`" in refuses(with_key(path, None)[0])


@pytest.mark.parametrize("path", [path for path in SINGLE if KEYS[path].default is not REQUIRED])
def test_a_key_that_is_left_out_has_its_documented_default(
    path: str, loads: Callable[..., Loaded]
) -> None:
    other = "capital_allocation.fraction" if path.endswith(".amount") else "name"
    text, _ = with_key(other, "1")
    if path == "cycle":
        text = with_key("max_hops", "3")[0].replace("max_hops: 3\n", "")
    assert (
        value_of(loads(text.replace("name: 1", "name: demo")).strategy, path) == KEYS[path].default
    )
