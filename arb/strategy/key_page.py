"""The page of every key of a strategy, `docs/strategies.md`, written from the schema itself.

`python -m arb.strategy.key_page` prints it.
"""

import inspect
import json
import sys
from collections.abc import Iterator
from typing import Final

from arb.strategy.json_schema import Json, json_schema

_HEAD: Final = """\
# Strategies

Every key of a strategy file, written from the code and checked by a test. `tools/run.py --strategy FILE --check` says in words
what a file does, with its greatest loss; `strategies/schema.json` shows the same in editors, with
`# yaml-language-server: $schema=schema.json` as the first line of a file beside it.

Money is in the start currency of a cycle, or in `reference_currency` where the strategy has one; it may also be given by start
currency, as `{USDT: 100, BTC: 0.001}`. Numbers are exact decimals. A basis point (`bps`) is a hundredth of a percent.
Where no default stands the key may be left out, and nothing is set; any other key is refused.
"""
_TABLE: Final = """
| key | takes | default | meaning |
|---|---|---|---|
"""
_LONG: Final = 10**9  # beyond, a bound is only that of the number's type


def key_page() -> str:
    """Tell every block as a table, the file itself first."""
    return _HEAD + "".join(_section("The file", json_schema(), "", set()))


def _section(title: str, block: Json, prefix: str, told: set[str]) -> Iterator[str]:
    yield f"\n## {title}\n"
    yield _TABLE
    blocks = []
    required = set(block.get("required", ()))
    for name, key in block["properties"].items():
        inner = _block_of(key)
        if inner is not None:
            blocks.append((f"{prefix}{name}", inner))
        default = _default(key, required=name in required)
        cells = (f"`{name}`", _takes(key), default, key["description"])
        yield "| " + " | ".join(cells) + " |\n"
    for path, inner in blocks:
        same = str(inner)
        if same not in told:  # paper and backtest have some in common
            told.add(same)
            yield from _section(f"`{path}`", inner, f"{path}.", told)


def _block_of(key: Json) -> Json | None:
    ways = [key, *key.get("anyOf", ())]
    return next((way for way in ways if "properties" in way), None)


def _takes(key: Json) -> str:
    if "anyOf" in key:
        return " or ".join(_takes(way) for way in key["anyOf"])
    if "enum" in key:
        return ", ".join(f"`{one}`" for one in key["enum"])
    match key["type"]:
        case "object":
            return "a block" if "properties" in key else _by(key)
        case "array":
            return f"{key['minItems']} to {key['maxItems']} currencies"
        case "integer" | "number" as kind:
            return _range("whole number" if kind == "integer" else "number", key)
        case "boolean":
            return "`true`, `false`"
        case list():
            return "a moment"
    return "text"


def _by(key: Json) -> str:
    """What its entries are named by: amounts are by currency, options by name."""
    return "by currency" if key["additionalProperties"]["type"] == "number" else "by name"


def _range(kind: str, key: Json) -> str:
    low, above, high = (key.get(name) for name in ("minimum", "exclusiveMinimum", "maximum"))
    if above is not None:
        return f"{kind} above {above}" + ("" if high is None else f", at most {high:,}")
    if low is not None and high is not None and high < _LONG:
        return f"{kind}, {low:,} to {high:,}"
    return f"{kind}, at least {low}"


def _default(key: Json, *, required: bool) -> str:
    if required:
        return "required"
    if "default" not in key or key["default"] == {}:
        return ""
    return f"`{json.dumps(key['default'])}`".replace('"', "")


if __name__ == "__main__":
    sys.stdout.write(inspect.cleandoc(key_page()) + "\n")
