"""The strategy file as a JSON Schema, for editors: generated from the same annotations as the checks.

`python -m arb.strategy.json_schema` prints it; a test holds it equal to `strategies/schema.json`.
It cannot say what keys must fulfil together; `run.py --check` does.
"""

import inspect
import json
import sys
from decimal import Decimal
from typing import Any, Final, Literal, get_args, get_origin, get_type_hints

from msgspec import NODEFAULT, Struct, structs

from arb.money import plain
from arb.strategy.bounds import (
    Amounts,
    Code,
    Codes,
    FilePath,
    Instant,
    Loopback,
    Number,
    Options,
    PerCurrency,
    Text,
)
from arb.strategy.meanings import meaning
from arb.strategy.schema import Fees, Strategy
from arb.strategy.values import Shape, block_of, shape_of

Json = dict[str, Any]
_DRAFT: Final = "https://json-schema.org/draft/2020-12/schema"
_CODE: Final[Json] = {"type": "string", "pattern": r"^[^\s/:,@'\"`\\]{1,20}$"}
# The loader fills these from the venue's named default.
_MAY_BE_LEFT_OUT: Final = {"fees", *(field.name for field in structs.fields(Fees))}


def json_schema() -> Json:
    """Describe every key: its type, range, default and purpose."""
    return {
        "$schema": _DRAFT,
        "title": "A strategy of the arbitrage cycle engine",
        **_block(Strategy),
    }


def _block(cls: type[Struct]) -> Json:
    hints = get_type_hints(cls, include_extras=True)
    properties: Json = {}
    required: list[str] = []
    for field in structs.fields(cls):
        told = {"description": meaning(cls, field.name)}
        properties[field.name] = {**_key(hints[field.name], field), **told}
        bare = field.default is NODEFAULT and field.default_factory is NODEFAULT
        if bare and field.name not in _MAY_BE_LEFT_OUT:
            required.append(field.name)
    block: Json = {
        "type": "object",
        "description": (inspect.getdoc(cls) or "").replace("\n", " "),
        "additionalProperties": False,
        "properties": properties,
    }
    if required:
        block["required"] = required
    return block


def _key(hint: object, field: structs.FieldInfo) -> Json:
    block = block_of(hint)
    if block is not None and block is hint:
        return _block(block)
    described = _value(shape_of(hint))
    if block is not None:
        described = {"anyOf": [described, _block(block)]}
    default = _default(field)
    if default is not None:
        described["default"] = default
    return described


def _default(field: structs.FieldInfo) -> object:
    value: object = field.default
    if field.default_factory is not NODEFAULT:
        value = field.default_factory()
    return None if value is NODEFAULT else _plain(value)


def _plain(value: object) -> object:
    match value:
        case Decimal():
            return json.loads(plain(value))
        case tuple():
            return [_plain(one) for one in value]
        case dict():
            return {key: _plain(one) for key, one in value.items()}
    return value


def _value(shape: Shape) -> Json:
    match shape.bound:
        case Number():
            return _number(shape.bound, whole=shape.type is int)
        case Text():
            return {"type": "string", "pattern": f"^{shape.bound.pattern}$"}
        case Code():
            return dict(_CODE)
        case Codes():
            low, high = shape.bound.count_min, shape.bound.count_max
            items = {"type": "array", "items": dict(_CODE), "uniqueItems": True}
            return {**items, "minItems": low, "maxItems": high}
        case Amounts():
            return _amounts(Number(at_least=0), shape.bound.count_max)
        case PerCurrency():
            above = Number(above=0)
            by_code = {**_amounts(above, shape.bound.count_max), "minProperties": 1}
            return {"anyOf": [_number(above, whole=False), by_code]}
        case FilePath():
            return {"type": "string", "minLength": 1}
        case Instant():
            return {"type": ["number", "string"]}
        case Loopback():
            return {"type": "string", "pattern": r"^.+:[0-9]{1,5}$"}
        case Options():
            values = {"type": ["string", "integer", "boolean"]}
            most = shape.bound.count_max
            return {"type": "object", "additionalProperties": values, "maxProperties": most}
        case None:
            return _loose(shape.type)


def _loose(kind: object) -> Json:
    if get_origin(kind) is Literal:
        return {"enum": list(get_args(kind))}
    assert kind is bool, kind
    return {"type": "boolean"}


def _number(bound: Number, *, whole: bool) -> Json:
    described: Json = {"type": "integer" if whole else "number"}
    for name, limit in (
        ("minimum", bound.at_least),
        ("exclusiveMinimum", bound.above),
        ("maximum", bound.at_most),
    ):
        if limit is not None:
            described[name] = _plain(Decimal(limit))
    return described


def _amounts(bound: Number, count_max: int) -> Json:
    amount = _number(bound, whole=False)
    return {
        "type": "object",
        "propertyNames": dict(_CODE),
        "additionalProperties": amount,
        "maxProperties": count_max,
    }


def as_text() -> str:
    """The schema as it stands in `strategies/schema.json`."""
    return json.dumps(json_schema(), indent=2) + "\n"


if __name__ == "__main__":
    sys.stdout.write(as_text())
