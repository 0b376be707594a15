"""The kill matrix: each leg, each step of the order protocol, each fate of the order, each side, each way to die."""

import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from msgspec import Struct

from arb.errors import ArbError
from arb.simulation.checker import Violation
from arb.simulation.matrix_world import (
    MEANINGS,
    SIDES,
    STEPS,
    UNWIND,
    Cell,
    Death,
    Fate,
    MatrixWorld,
)
from arb.simulation.scratch import scratch
from arb.simulation.seeds import check_all, quiet

LEGS: Final = (0, 1, 2, UNWIND)
DEATHS: Final = (
    Death("process killed"),
    Death("power lost", "none"),
    Death("power lost, torn", "random"),
)
FATES: Final = (
    Fate("filled"),
    Fate("filled, fee in a third currency", fee_asset="BNB"),
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
    with quiet(), scratch("matrix") as folder:
        world = MatrixWorld(folder, leg, fate, target)
        try:
            yield world
        finally:
            world.close()
            world.disk.close()


class Share(Struct, frozen=True):
    """How many runs of a fate at a step held, of how many."""

    held: int
    runs: int

    def __str__(self) -> str:
        return f"{self.held}/{self.runs}" if self.runs else "-"


def shares(results: Iterable[CellResult]) -> dict[str, dict[str, Share]]:
    """Count by fate and step, in their order; a fate that has no runs is left out."""
    runs: Counter[Place] = Counter()
    held: Counter[Place] = Counter()
    for one in results:
        key = (one.cell.fate.name, one.cell.step)
        runs[key] += 1
        held[key] += not one.violations
    return {
        fate.name: {step: Share(held[fate.name, step], runs[fate.name, step]) for step in STEPS}
        for fate in FATES
        if any(runs[fate.name, step] for step in STEPS)
    }


def markdown(results: Sequence[CellResult]) -> str:
    """The table of docs/guarantees.md."""
    held = sum(not one.violations for one in results)
    ways = ", ".join(one.name for one in DEATHS)
    lines = [
        f"{held} of {len(results)} runs hold. One run is one life struck dead at one step of one order's way,",
        "restarted at once and again, brought to rest, let trade once more in fair weather, and held against",
        "what really happened. The order is one of the three legs or the first hop of an unwind; death comes",
        f"before the step and after it, in {len(DEATHS)} ways: {ways}.",
        "A fate that never comes to a step has no run there (`-`).",
        "",
        f"| what becomes of the order | {' | '.join(STEPS)} |",
        f"|---|{'---|' * len(STEPS)}",
    ]
    lines += [
        f"| {fate} | {' | '.join(str(row[step]) for step in STEPS)} |"
        for fate, row in shares(results).items()
    ]
    lines += ["", *(f"- {step}: {meaning}" for step, meaning in MEANINGS.items())]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(markdown([run_cell(one) for one in cells()]))
