"""A strategy as one text that does not depend on how its YAML was written, and back.

Sorted keys, no spaces, decimals as plain strings, defaults written out (a later version's defaults
cannot change what a cycle began with), absent keys left out, paths as they were written.
"""

import hashlib
import json
from decimal import Decimal
from typing import get_type_hints

import msgspec
from msgspec import Struct

from arb.errors import ConfigInvalid
from arb.money import plain
from arb.strategy.rules import block_complaints, complaints
from arb.strategy.schema import Strategy
from arb.strategy.values import shape_of


def canonical_json(strategy: Strategy) -> str:
    """Write a strategy so that equal strategies are equal texts."""
    return json.dumps(as_plain(strategy), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def hash_of(text: str) -> str:
    """Sha256 of a canonical text, hex: what events call `config`."""
    return hashlib.sha256(text.encode()).hexdigest()


def config_hash(strategy: Strategy) -> str:
    """Sha256 of the canonical text, hex."""
    return hash_of(canonical_json(strategy))


def from_canonical(text: str) -> Strategy:
    """Read a canonical text back; raises ConfigInvalid if this version does not understand it.

    A text written before a key existed gets that key's default.
    """
    try:
        strategy = msgspec.json.decode(text, type=Strategy)
    except (msgspec.DecodeError, UnicodeError) as error:
        raise ConfigInvalid(f"the recorded configuration cannot be read: {error}") from error
    problems = [*_out_of_bounds(strategy), *(message for _, message in complaints(strategy))]
    if problems:
        raise ConfigInvalid(f"the recorded configuration is wrong: {'; '.join(problems)}")
    return strategy


def as_plain(value: object) -> object:
    """Take a part of a strategy apart into what JSON can say; decimals become texts."""
    match value:
        case Struct():
            fields = {name: getattr(value, name) for name in value.__struct_fields__}
            return {name: as_plain(part) for name, part in fields.items() if part is not None}
        case Decimal():
            return plain(value)
        case dict():
            return {str(key): as_plain(part) for key, part in value.items()}
        case tuple():
            return [as_plain(part) for part in value]
    assert isinstance(value, bool | int | str), value
    return value


def _out_of_bounds(block: Struct) -> list[str]:
    """Check each key and rule of a block and of those within, as the loader does."""
    wrong = [text for _, text in block_complaints(block)]
    for name, hint in get_type_hints(type(block), include_extras=True).items():
        value = getattr(block, name)
        if isinstance(value, Struct):
            wrong += _out_of_bounds(value)
            continue
        complaint = shape_of(hint).complaint(value)
        if complaint is not None:
            wrong.append(f"{name} {complaint}")
    return wrong
