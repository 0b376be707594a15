"""The event catalogue, `docs/events.md`, written from the facts themselves."""

import inspect
import types
from collections.abc import Iterable
from decimal import Decimal
from typing import Any, Final, Union, get_args, get_origin, get_type_hints

from msgspec import Struct

from arb.events.facts import ALL_FACTS, CYCLE_MOVES, ORDER_FACTS, Fact

_INTRODUCTION: Final = """\
# Events

This page is written from `arb/events` by `arb.events.catalogue` and checked by a test.

Each row of the log's `events` table is one of these facts. `type` and `shape` are columns; `data` is JSON with the fields
below and `type` once more. Amounts are decimals in text, never floats; `*_ns` are nanoseconds since 1970 in UTC; `*_bps`
are hundredths of a percent. A field that changes gets a new shape, and old rows are brought up to date on reading.
"""
_WORDS: Final = {
    Decimal: "decimal",
    str: "text",
    int: "integer",
    bool: "true or false",
    type(None): "null",
}


def catalogue() -> str:
    """Write the whole page."""
    grouped = {*CYCLE_MOVES, *ORDER_FACTS}
    others = [fact for fact in ALL_FACTS if fact not in grouped]
    parts = [
        _INTRODUCTION,
        _section("Moves of a cycle", CYCLE_MOVES),
        _section("Orders", ORDER_FACTS),
        _section("Accounts, strategies, runs and the engine", others),
        _section("Parts of facts", sorted(_structs(ALL_FACTS), key=lambda part: part.__name__)),
    ]
    return "\n".join(parts)


def _section(title: str, structs: Iterable[type[Struct]]) -> str:
    return "\n".join([f"## {title}", "", *map(_entry, structs)])


def _entry(struct: type[Struct]) -> str:
    shape = f", shape {struct.SHAPE}" if issubclass(struct, Fact) else ""
    lines = [f"### {struct.__name__}{shape}", "", inspect.cleandoc(struct.__doc__ or ""), ""]
    hints = get_type_hints(struct)
    fields = [f"| `{name}` | {_words(hints[name])} |" for name in struct.__struct_fields__]
    if fields:
        lines += ["| field | holds |", "|---|---|", *fields, ""]
    return "\n".join(lines)


def _words(hint: Any) -> str:  # noqa: ANN401 -- a type hint is whatever typing says it is
    origin, args = get_origin(hint), get_args(hint)
    if hint in _WORDS:
        return _WORDS[hint]
    if origin is tuple:
        return f"list of {_words(args[0])}"
    if origin is dict:
        return f"{_words(args[0])} -> {_words(args[1])}"
    if origin in {types.UnionType, Union}:
        return " or ".join(map(_words, args))
    return str(hint.__name__)


def _structs(facts: Iterable[type[Struct]]) -> set[type[Struct]]:
    """The structs inside facts."""
    found: set[type[Struct]] = set()
    for fact in facts:
        for hint in get_type_hints(fact).values():
            for part in (hint, *get_args(hint)):
                if isinstance(part, type) and issubclass(part, Struct):
                    found.add(part)
    return found
