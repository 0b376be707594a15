"""Grids of strategies: each point is the files as they stand with some keys set to other values."""

import json
from collections.abc import Callable, Sequence
from decimal import Decimal
from itertools import product
from typing import Final

from msgspec import Struct

from arb.errors import ConfigInvalid
from arb.limits import GRID_POINTS_MAX
from arb.strategy.canonical import as_plain
from arb.strategy.loader import Loaded
from arb.strategy.schema import Strategy
from arb.strategy.settings import KeyPath, Setting

# What would change nothing, or not only what it says.
_FIXED: Final = {
    ("name",): "it is the name of what is compared",
    ("execution", "mode"): "a sweep is of backtests",
    ("execution", "paper"): "it has no effect in a backtest",
}

Settings = tuple[Setting, ...]


class Axis(Struct, frozen=True):
    """A key and the values that it is given, as they are read."""

    key: str
    values: tuple[str, ...]
    numbers: tuple[Decimal, ...]  # the same; empty where not all of them are numbers


class Point(Struct, frozen=True):
    """One value of each axis, and the strategies with these."""

    values: tuple[str, ...]
    loaded: tuple[Loaded, ...]


class Grid(Struct, frozen=True):
    """Every combination of the axes' values; the first axis changes most slowly."""

    axes: tuple[Axis, ...]
    points: tuple[Point, ...]

    def name(self, point: Point) -> str:
        """Name a point by its keys and values."""
        pairs = zip(self.axes, point.values, strict=True)
        return " ".join(f"{axis.key}={value}" for axis, value in pairs)


def make_grid(
    axes: Sequence[Sequence[Setting]], load: Callable[[Settings], tuple[Loaded, ...]]
) -> Grid:
    """Load every combination; raises ConfigInvalid before anything else happens."""
    keys = [settings[0].path for settings in axes]
    _refuse_keys(keys)
    count = 1
    for settings in axes:
        count *= len(settings)
    if count > GRID_POINTS_MAX:
        raise ConfigInvalid(f"a grid of {count} points; {GRID_POINTS_MAX} are the most")
    points = []
    for settings in product(*axes):
        try:
            loaded = load(settings)
        except ConfigInvalid as error:
            raise ConfigInvalid(f"{', '.join(one.key for one in settings)}: {error}") from None
        values = tuple(shown(value_at(loaded[0].strategy, path)) for path in keys)
        points.append(Point(values, loaded))
    made = tuple(_axis(keys[at], at, points) for at in range(len(keys)))
    _refuse_doubles(made, axes)
    return Grid(made, tuple(points))


def value_at(strategy: Strategy, path: KeyPath) -> object:
    """The value of a key; None where it, or the block around it, is left out."""
    value: object = strategy
    for name in path:
        if isinstance(value, Strategy) and name == "exchange" and len(path) > 1:
            value = value.venue
        elif isinstance(value, dict):
            value = value.get(name)
        else:
            value = getattr(value, name, None)
    return value


def shown(value: object) -> str:
    """Write a value as it could stand in the file, in one line; a flag may have taken it away."""
    if value is None:
        return "nothing"
    plain = as_plain(value)
    return plain if isinstance(plain, str) else json.dumps(plain, ensure_ascii=False)


def _refuse_keys(keys: Sequence[KeyPath]) -> None:
    for path in keys:
        for fixed, why in _FIXED.items():
            if path[: len(fixed)] == fixed:
                raise ConfigInvalid(f"{'.'.join(path)} cannot be swept: {why}")
    for at, path in enumerate(keys):
        for other in keys[at + 1 :]:
            depth = min(len(path), len(other))
            if path[:depth] == other[:depth]:
                raise ConfigInvalid(f"{'.'.join(path)} and {'.'.join(other)} set the same value")


def _axis(path: KeyPath, at: int, points: Sequence[Point]) -> Axis:
    values: dict[str, object] = {}
    for point in points:
        values.setdefault(point.values[at], value_at(point.loaded[0].strategy, path))
    numbers = [
        Decimal(value)
        for value in values.values()
        if isinstance(value, Decimal | int) and not isinstance(value, bool)
    ]
    all_numbers = len(numbers) == len(values)
    return Axis(".".join(path), tuple(values), tuple(numbers) if all_numbers else ())


def _refuse_doubles(made: Sequence[Axis], axes: Sequence[Sequence[Setting]]) -> None:
    """Refuse equal values, and keys that something else goes before: their points would be one."""
    for axis, settings in zip(made, axes, strict=True):
        if len(axis.values) < len(settings):
            raise ConfigInvalid(
                f"{axis.key}: of {len(settings)} values only {len(axis.values)} "
                f"{'differs' if len(axis.values) == 1 else 'differ'} ({', '.join(axis.values)}): "
                "give each value once, and no flag that goes before it"
            )
