"""From a tree of YAML nodes to the schema's structs; every problem is collected with its place."""

import difflib
from collections.abc import Iterator, Mapping
from typing import Final, TypeVar, get_type_hints

from msgspec import NODEFAULT, Struct, structs
from yaml.nodes import MappingNode, Node, ScalarNode

from arb.strategy.bounds import shown
from arb.strategy.document import kind, place_of
from arb.strategy.refused import REFUSED, refusal
from arb.strategy.rules import block_complaints
from arb.strategy.schema import Strategy
from arb.strategy.source import Place, Problem
from arb.strategy.values import BadValue, block_of, found, read_value, shape_of

KeyPath = tuple[str, ...]
S = TypeVar("S", bound=Struct)
_GUESSES_MAX: Final = 50  # unknown keys for which a similar one is looked up


def blocks_and_keys(cls: type[Struct], path: KeyPath = ()) -> Iterator[tuple[KeyPath, object]]:
    """Walk the schema: the path and annotation of every key, blocks included."""
    for name, hint in get_type_hints(cls, include_extras=True).items():
        yield (*path, name), hint
        block = block_of(hint)
        if block is not None:
            yield from blocks_and_keys(block, (*path, name))


ALL_KEYS: Final = tuple(path for path, _ in blocks_and_keys(Strategy))


class Reader:
    """Reads blocks; keeps what is wrong, where each key's value stands, and which keys were left out."""

    def __init__(self, defaults: Mapping[KeyPath, object]) -> None:
        self._defaults = defaults
        self._guesses = 0
        self.problems: list[Problem] = []
        self.places: dict[KeyPath, Place | None] = {}  # None: not in the file
        self.values: dict[KeyPath, object] = {}  # of single keys, where they are right
        self.left_out: set[KeyPath] = set()

    def block(self, cls: type[S], node: Node, path: KeyPath = ()) -> S | None:
        """Read a block; None when a part of it is wrong."""
        if not isinstance(node, MappingNode):
            self._wrong(node, f"{path[-1]} must be a block of keys, was {found(node)}")
            return None
        hints = get_type_hints(cls, include_extras=True)
        given = self._given(node, path, tuple(hints))
        values: dict[str, object] = {}
        complete = True
        for info in structs.fields(cls):
            at = (*path, info.name)
            if info.name in given:
                value = self._value(hints[info.name], given[info.name], at)
                complete = complete and value is not None
                values[info.name] = value
                continue
            self.left_out.add(at)
            if at in self._defaults:
                values[info.name] = self._defaults[at]
            elif info.default is NODEFAULT and info.default_factory is NODEFAULT:
                self._wrong(node, f"missing required key `{'.'.join(at)}`")
                complete = False
        if not complete:
            return None
        block = cls(**values)
        for key, text in block_complaints(block):
            place = self.places.get((*path, key), place_of(node))
            self.problems.append(Problem(place, text))
        return block

    def _wrong(self, node: Node, message: str) -> None:
        self.problems.append(Problem(place_of(node), message))

    def _value(self, hint: object, node: Node, path: KeyPath) -> object:
        """Read the value of a known key; None after telling what is wrong with it."""
        block = block_of(hint)
        if block is hint or (block is not None and isinstance(node, MappingNode)):
            assert block is not None, hint
            return self.block(block, node, path)
        instead = None
        if isinstance(node, ScalarNode):
            instead = REFUSED.get(f"{'.'.join(path)}={node.value}")
        if instead is not None:
            self._wrong(node, f"{path[-1]} {shown(node.value)} is {instead}")
            return None
        try:
            value = read_value(shape_of(hint), node, path[-1])
        except BadValue as bad:
            self.problems += bad.problems
            return None
        self.values[path] = value
        return value

    def _given(self, node: MappingNode, path: KeyPath, known: tuple[str, ...]) -> dict[str, Node]:
        """Pair the known keys of a block with their values; tell unknown, refused and doubled ones."""
        keys: dict[str, Node] = {}
        given: dict[str, Node] = {}
        for key_node, value in node.value:
            if not isinstance(key_node, ScalarNode):
                self._wrong(key_node, f"a key must be a single word, was {kind(key_node)}")
                continue
            key = str(key_node.value)
            if key in keys:
                first = place_of(keys[key])
                where = "" if first is None else f", first in line {first.line}"
                self._wrong(key_node, f"key {_ticked(key)} is given twice{where}")
                continue
            keys[key] = key_node
            if key in known:
                given[key] = value
                self.places[(*path, key)] = place_of(value)
            else:
                self._wrong(key_node, self._unknown((*path, key), known))
        return given

    def _unknown(self, path: KeyPath, known: tuple[str, ...]) -> str:
        """Say what to use in the place of a key that the schema does not have."""
        key = path[-1]
        instead = refusal(".".join(path), key)
        if instead is not None:
            return f"key {_ticked(key)} is refused: {instead}"
        message = f"unknown key {_ticked(key)}"
        self._guesses += 1
        if self._guesses > _GUESSES_MAX:
            return message
        elsewhere = [".".join(other) for other in ALL_KEYS if other[-1] == key]
        near = elsewhere or difflib.get_close_matches(key, known, n=1)
        return (
            f"{message}; did you mean {' or '.join(f'`{one}`' for one in near)}?"
            if near
            else message
        )


def _ticked(key: str) -> str:
    return f"`{shown(key)[1:-1]}`"
