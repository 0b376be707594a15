"""Values that go before the keys of a strategy file, each read as if it stood in the file."""

import re
from collections.abc import Iterable
from typing import Final, NamedTuple

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from arb.errors import ConfigInvalid
from arb.limits import STRATEGY_FILE_BYTES_MAX
from arb.strategy.bounds import shown
from arb.strategy.document import compose, kind
from arb.strategy.source import Problem, Source

KeyPath = tuple[str, ...]
_KEY: Final = re.compile(r"\w+(?:\.\w+)*", re.ASCII)


class Setting(NamedTuple):
    """A key by its path through the file's blocks, and its value as YAML."""

    path: KeyPath
    value: Node

    @property
    def key(self) -> str:
        """The key as people write it: `fees.taker_bps`."""
        return ".".join(self.path)


def read_settings(key: str, values: str) -> tuple[Setting, ...]:
    """Read values that are separated by commas, as YAML in one line; raises ConfigInvalid.

    Commas within brackets, braces and quotes belong to a value: `[USDT], [USDT, BTC]` are two.
    """
    if not _KEY.fullmatch(key):
        raise ConfigInvalid(f"{shown(key)} is not a key such as fees.taker_bps")
    if len(values) > STRATEGY_FILE_BYTES_MAX:
        raise ConfigInvalid(f"{key}: its values are longer than {STRATEGY_FILE_BYTES_MAX}")
    path = tuple(key.split("."))
    root = compose(Source(key, f"{path[-1]}: [{values}]"))
    nodes = root.value[0][1]
    if len(root.value) != 1 or not isinstance(nodes, SequenceNode) or not nodes.value:
        raise ConfigInvalid(f"{key}: no values; give some, such as {key}=1,2,5")
    return tuple(Setting(path, _without_place(node)) for node in nodes.value)


def put(root: MappingNode, settings: Iterable[Setting]) -> list[Problem]:
    """Put settings in the place of a file's keys; tells those that the file has no room for."""
    return [problem for one in settings if (problem := _put(root, one)) is not None]


def _put(root: MappingNode, setting: Setting) -> Problem | None:
    block = root
    *blocks, last = setting.path
    for depth, name in enumerate(blocks):
        inner = _value(block, name)
        if inner is None:
            inner = MappingNode("tag:yaml.org,2002:map", [])
            _set(block, name, inner)
        if not isinstance(inner, MappingNode):
            outer = ".".join(blocks[: depth + 1])
            text = f"{setting.key} cannot be set: in the file `{outer}` is {kind(inner)}"
            return Problem(None, f"{text}; write it as a block of keys")
        block = inner
    _set(block, last, setting.value)
    return None


def _value(block: MappingNode, name: str) -> Node | None:
    return next((value for key, value in block.value if key.value == name), None)


def _set(block: MappingNode, name: str, value: Node) -> None:
    for at, (key, _) in enumerate(block.value):
        if key.value == name:
            block.value[at] = (key, value)  # one that is there twice is told when it is read
            return
    block.value.append((ScalarNode("tag:yaml.org,2002:str", name), value))


def _without_place(node: Node) -> Node:
    """Take a value out of its text: no line of the file is to blame for it."""
    node.start_mark = node.end_mark = None
    parts: list[Node] = []
    if isinstance(node, MappingNode):
        parts = [part for pair in node.value for part in pair]
    elif isinstance(node, SequenceNode):
        parts = node.value
    for part in parts:
        _without_place(part)
    return node
