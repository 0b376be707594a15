"""From one YAML node to one value, by the annotation of its key. Numbers never pass through a float."""

import difflib
import re
from collections.abc import Callable
from decimal import Decimal
from types import UnionType
from typing import Annotated, Final, Literal, NamedTuple, Union, cast, get_args, get_origin

from msgspec import Struct
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from arb.money import parse
from arb.strategy.bounds import (
    NUMBER_DIGITS_MAX,
    TEXT_CHARS_MAX,
    Amounts,
    Bound,
    Code,
    Codes,
    Instant,
    Options,
    PerCurrency,
    digits_complaint,
    shown,
)
from arb.strategy.document import kind, place_of
from arb.strategy.source import Problem
from arb.strategy.times import parse_instant

_NUMBER: Final = re.compile(r"[+-]?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d{1,3})?", re.ASCII)
_WHOLE: Final = re.compile(r"[+-]?(?:0|[1-9]\d*)", re.ASCII)
_OTHER_KINDS: Final = {
    "bool": "the yes/no value",
    "float": "the number",
    "int": "the number",
    "null": "the empty value",
    "timestamp": "the date",
}


class BadValue(Exception):
    """One or more things are wrong with a value."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__(*problems)
        self.problems = problems


class Shape(NamedTuple):
    """An annotation taken apart: the type without `| None`, and the bound beside it."""

    type: object
    bound: Bound | None

    def complaint(self, value: object) -> str | None:
        """Say what is wrong with a value of the type; None is fine where a key may be left out."""
        if self.bound is None or value is None:
            return None
        # The annotation pairs each bound with the type it is for.
        return cast("Callable[[object], str | None]", self.bound.complaint)(value)


def shape_of(hint: object) -> Shape:
    """Take an annotation apart."""
    if get_origin(hint) in (Union, UnionType):
        hint = next(part for part in get_args(hint) if part is not type(None))
    if get_origin(hint) is Annotated:
        inner, bound = get_args(hint)
        return Shape(inner, cast("Bound", bound))
    return Shape(hint, None)


def block_of(hint: object) -> type[Struct] | None:
    """The block of keys that a value is, or may be: in a union it stands beside a short form."""
    parts = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    return next(
        (part for part in parts if isinstance(part, type) and issubclass(part, Struct)), None
    )


def read_value(shape: Shape, node: Node, name: str) -> object:
    """Read the value of a key that is not a block; raises BadValue."""
    match shape.bound:
        case Codes():
            value: object = _codes(node, name)
        case Amounts():
            value = _amounts(node, name)
        case Options():
            value = _options(node, name)
        case PerCurrency() if isinstance(node, MappingNode):
            value = _amounts(node, name)
        case PerCurrency():
            value = _scalar(Shape(Decimal, shape.bound), node, name)
        case _:
            value = _scalar(shape, node, name)
    complaint = shape.complaint(value)
    if complaint is not None:
        raise _bad(node, f"{name} {complaint}")
    return value


def found(node: Node) -> str:
    """Say what stands there, for a message."""
    if not isinstance(node, ScalarNode) or kind(node) == "empty":
        return kind(node)
    yaml_kind = str(node.tag).rpartition(":")[2]
    if node.style is None and yaml_kind in _OTHER_KINDS:
        return f"{_OTHER_KINDS[yaml_kind]} {shown(node.value)[1:-1]}"
    return f"the text {shown(node.value)}"


def _bad(node: Node, message: str) -> BadValue:
    return BadValue(Problem(place_of(node), message))


def _codes(node: Node, name: str) -> tuple[str, ...]:
    if not isinstance(node, SequenceNode):
        raise _bad(node, f"{name} must be a list such as [USDT, BTC, ETH], was {found(node)}")
    codes: list[str] = []
    problems: list[Problem] = []
    for position, item in enumerate(node.value):
        try:
            codes.append(str(read_value(Shape(str, Code()), item, f"{name}: item {position + 1}")))
        except BadValue as bad:
            problems += bad.problems
    if problems:
        raise BadValue(*problems)
    return tuple(codes)


def _amounts(node: Node, name: str) -> dict[str, Decimal]:
    if not isinstance(node, MappingNode):
        raise _bad(node, f"{name} must be amounts by currency, was {found(node)}")
    amounts: dict[str, Decimal] = {}
    problems: list[Problem] = []
    for key, item in node.value:
        try:
            code = str(read_value(Shape(str, Code()), key, f"{name}: a key"))
            if code in amounts:
                raise _bad(key, f"{name}: {code} is given twice")
            amounts[code] = Decimal(0)
            amounts[code] = _exact(item, f"{name}: amount of {code}")
        except BadValue as bad:
            problems += bad.problems
    if problems:
        raise BadValue(*problems)
    return amounts


def _options(node: Node, name: str) -> dict[str, str | int | bool]:
    if not isinstance(node, MappingNode):
        raise _bad(node, f"{name} must be values by name, was {found(node)}")
    options: dict[str, str | int | bool] = {}
    problems: list[Problem] = []
    for key, item in node.value:
        try:
            option = _text(key, f"{name}: a key")
            if option in options:
                raise _bad(key, f"{name}: {option} is given twice")
            options[option] = _option(item, f"{name}: {option}")
        except BadValue as bad:
            problems += bad.problems
    if problems:
        raise BadValue(*problems)
    return options


def _option(node: Node, name: str) -> str | int | bool:
    bare = isinstance(node, ScalarNode) and node.style is None
    if bare and node.tag == "tag:yaml.org,2002:bool":
        return _flag(node, name)
    return _whole(node, name) if bare and _WHOLE.fullmatch(node.value) else _text(node, name)


def _scalar(shape: Shape, node: Node, name: str) -> object:
    if isinstance(node, ScalarNode) and kind(node) == "empty":
        raise _bad(node, f"{name} is empty; give it a value or remove the key")
    if isinstance(shape.bound, Instant):
        return _moment(node, name)
    if isinstance(shape.bound, PerCurrency):
        return _exact(node, name)
    if get_origin(shape.type) is Literal:
        return _choice(node, name, get_args(shape.type))
    return _READERS[shape.type](node, name)


def _moment(node: Node, name: str) -> Decimal:
    moment = parse_instant(node.value) if isinstance(node, ScalarNode) else None
    if moment is None:
        example = "2021-04-17T16:45:00Z or 1618677900.5"
        raise _bad(node, f"{name} must be a time such as {example}, was {found(node)}")
    return moment


def _choice(node: Node, name: str, choices: tuple[str, ...]) -> str:
    if isinstance(node, ScalarNode) and node.value in choices:
        return str(node.value)
    message = f"{name} must be one of {', '.join(choices)}, was {found(node)}"
    near = difflib.get_close_matches(str(node.value), choices, n=1)
    raise _bad(node, f"{message}; did you mean {near[0]}?" if near else message)


def _flag(node: Node, name: str) -> bool:
    if isinstance(node, ScalarNode) and node.style is None:
        word = node.value.lower()
        if word in {"true", "false"}:
            return bool(word == "true")
    raise _bad(node, f"{name} must be true or false, was {found(node)}")


def _text(node: Node, name: str) -> str:
    if not isinstance(node, ScalarNode):
        raise _bad(node, f"{name} must be text, was {found(node)}")
    if node.style is None and node.tag != "tag:yaml.org,2002:str":
        raise _bad(node, f"{name} must be text, was {found(node)}; put it in quotes")
    if len(node.value) > TEXT_CHARS_MAX:
        raise _bad(node, f"{name} must be at most {TEXT_CHARS_MAX} characters long")
    return str(node.value)


def _exact(node: Node, name: str) -> Decimal:
    if not isinstance(node, ScalarNode) or not _NUMBER.fullmatch(node.value):
        raise _bad(node, f"{name} must be a number such as 0.25, was {found(node)}")
    if node.style is not None:
        raise _bad(node, f"{name} must be a number, was {found(node)}; remove the quotes")
    value = parse(node.value, what=name)
    complaint = digits_complaint(value)
    if complaint is not None:
        raise _bad(node, f"{name} {complaint}, was {found(node)}")
    return value


def _whole(node: Node, name: str) -> int:
    plain = isinstance(node, ScalarNode) and node.style is None
    if not plain or not _WHOLE.fullmatch(node.value):
        raise _bad(node, f"{name} must be a whole number, was {found(node)}")
    if len(node.value) > NUMBER_DIGITS_MAX:
        raise _bad(node, f"{name} must have at most {NUMBER_DIGITS_MAX} digits, was {found(node)}")
    return int(node.value)


_READERS: Final[dict[object, Callable[[Node, str], object]]] = {
    bool: _flag,
    str: _text,
    Decimal: _exact,
    int: _whole,
}
