"""The kill matrix: each leg, each step of the order protocol, each fate of the order, each side, each way to die."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from msgspec import Struct

from arb.errors import ArbError
from arb.simulation.checker import Violation
from arb.simulation.matrix_world import SIDES, STEPS, UNWIND, Cell, Death, Fate, MatrixWorld
from arb.simulation.seeds import check_all, quiet

LEGS: Final = (0, 1, 2, UNWIND)
DEATHS: Final = (
    Death("process killed"),
    Death("power lost", "none"),
    Death("power lost, torn", "random"),
)
FATES: Final = (
    Fate("filled"),
    Fate("filled in part", books="thin"),
    Fate("missed", books="gone"),
    Fate("refused", ("refused",)),
    Fate("request lost", ("request_lost",)),
    Fate("request late", ("request_delayed",)),
    Fate("reply lost", ("reply_lost",)),
    Fate("reply late", ("reply_delayed",)),
    Fate("reply never", ("reply_never",)),
    Fate("reply lost, order hidden", ("reply_lost", "order_hidden")),
    Fate("last trade late", ("late_fill",)),
    Fate("reply garbled", ("garbage",)),
    Fate("banned", ("banned",)),
    Fate("venue closed", ("maintenance",)),
)
Place = tuple[str, str]  # step, side


class CellResult(Struct, frozen=True):
    """What became of one run."""

    cell: Cell
    violations: tuple[Violation, ...]


def places(leg: int, fate: Fate) -> list[Place]:
    """Find the steps that a cycle passes where nothing strikes it, by living through it once."""
    with _world(leg, fate, None) as world:
        code = world.run()
        assert code in {0, 1}, (leg, fate.name, code)
        return [(step, side) for step in STEPS for side in SIDES if (step, side) in world.reached]


def cells(fates: Iterable[Fate] = FATES, legs: Iterable[int] = LEGS) -> Iterator[Cell]:
    """Every run of the matrix: a step that a fate never comes to has none."""
    for fate in fates:
        for leg in legs:
            for step, side in places(leg, fate):
                for death in DEATHS:
                    yield Cell(leg, step, fate, side, death)


def run_cell(cell: Cell) -> CellResult:
    """Die there, come back, come to rest, trade in fair weather, and be judged."""
    found: list[Violation] = []
    with _world(cell.leg, cell.fate, (cell.step, cell.side)) as world:
        try:
            if world.run() is not None:
                found.append(Violation("not_reached", "the life did not come to its end there"))
            if cell.death.power is not None:
                world.disk.lose_power(cell.death.power)
            found += [Violation("not_at_rest", what) for what in world.rest()]
        except (ArbError, RuntimeError, TimeoutError, AssertionError) as error:
            found.append(Violation("stopped", repr(error)))
        found += check_all(world.db, world.truth())
    return CellResult(cell, tuple(found))


@contextmanager
def _world(leg: int, fate: Fate, target: Place | None) -> Iterator[MatrixWorld]:
    with quiet(), TemporaryDirectory(prefix="arb-matrix-") as folder:
        world = MatrixWorld(Path(folder), leg, fate, target)
        try:
            yield world
        finally:
            world.close()
            world.disk.close()


def table_rows(results: Sequence[CellResult]) -> list[list[str]]:
    """A row a fate, a column a step: how many runs held, of how many."""
    runs = Counter((one.cell.fate.name, one.cell.step) for one in results)
    held = Counter((one.cell.fate.name, one.cell.step) for one in results if not one.violations)
    rows = []
    for fate in FATES:
        keys = [(fate.name, step) for step in STEPS]
        if any(runs[key] for key in keys):
            rows.append(
                [fate.name, *(f"{held[key]}/{runs[key]}" if runs[key] else "-" for key in keys)]
            )
    return rows


def total(results: Sequence[CellResult]) -> str:
    """Say N of N."""
    held = sum(not one.violations for one in results)
    return f"{held} of {len(results)}"
