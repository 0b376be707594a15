"""A death at every step of every order's way: before it and after it, with and without the power."""

from collections.abc import Callable
from functools import cache

import pytest

from arb.simulation.disk import SYNC, Disk
from arb.simulation.matrix import (
    DEATHS,
    FATES,
    LEGS,
    Cell,
    CellResult,
    cells,
    markdown,
    places,
    run_cell,
)
from arb.simulation.matrix_world import (
    ASK,
    EXECUTE,
    INTEND,
    RECORD,
    RESOLVE,
    SEND,
    SETTLE,
    SIDES,
    STEPS,
    SYNCED,
    WRITTEN,
    Fate,
)
from tests.spec.pages import section

QUICK = 3  # runs of each fate
ALWAYS_REACHED = {
    *((step, side) for step in (INTEND, WRITTEN, SYNCED, RECORD) for side in SIDES),
    (SEND, "before"),
    (EXECUTE, "before"),
}
IN_DOUBT = {name for fate in FATES for name in [fate.name] if "lost" in name or "never" in name}


@cache
def every() -> tuple[Cell, ...]:
    return tuple(cells())


def test_every_fate_of_every_order_comes_to_the_steps_that_it_must() -> None:
    reached = {(one.fate.name, one.leg): set[tuple[str, str]]() for one in every()}
    assert len(reached) == len(FATES) * len(LEGS)
    for one in every():
        reached[one.fate.name, one.leg].add((one.step, one.side))
    for (fate, leg), there in reached.items():
        assert there >= ALWAYS_REACHED, (fate, leg)
        if fate in IN_DOUBT:
            assert there >= {(step, side) for step in (ASK, RESOLVE) for side in SIDES}, (fate, leg)
        if fate.startswith("filled"):
            assert there >= {(SEND, "after"), (EXECUTE, "after")}, (fate, leg)
    assert {one.step for one in every()} == set(STEPS)
    assert any(one.step == SETTLE for one in every())


def test_the_page_shows_the_whole_matrix() -> None:
    told = markdown([CellResult(one, ()) for one in every()])
    assert section("kill matrix") == told, (
        'write it anew: python -m arb.simulation.matrix | python -m tests.spec.pages "kill matrix"'
    )
    assert f"{len(every())} of {len(every())} runs hold" in told


@pytest.mark.parametrize("number", range(len(FATES)))
def test_a_death_here_loses_and_doubles_nothing(number: int) -> None:
    some = list(cells((FATES[number],), (LEGS[number % len(LEGS)],)))
    for cell in some[number % QUICK :: len(some) // QUICK]:
        assert run_cell(cell).violations == (), cell


def test_a_cell_is_the_same_run_every_time() -> None:
    fate = FATES[0]
    assert places(1, fate) == places(1, fate)


def test_a_disk_that_lies_about_its_fsync_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """What it says is safe is gone with the power, and the checker names what that cost."""
    honest = Disk._note

    def lying(disk: Disk, what: str, name: str, offset: int, data: bytes) -> None:
        if what != SYNC:
            honest(disk, what, name, offset, data)

    monkeypatch.setattr(Disk, "_note", lying)
    for step in (SEND, RECORD):
        cell = Cell(1, step, Fate("filled"), "after", DEATHS[1])
        rules = {one.rule for one in run_cell(cell).violations}
        assert rules & {"lost_acknowledged", "forgotten_order"}, rules


def test_a_death_that_does_not_come_is_named() -> None:
    """A cell that would prove nothing fails."""
    cell = Cell(0, RESOLVE, Fate("filled"), "before", DEATHS[0])
    assert [one.rule for one in run_cell(cell).violations] == ["not_reached"]


@pytest.mark.long
@pytest.mark.parametrize("fate", FATES, ids=lambda fate: fate.name)
def test_every_death_on_the_way_of_an_order_loses_and_doubles_nothing(
    fate: Fate, record_property: Callable[[str, object], None]
) -> None:
    results = [run_cell(one) for one in cells((fate,))]
    held = sum(not one.violations for one in results)
    record_property("proof", f"{fate.name}: {held} of {len(results)}")
    assert [(one.cell, one.violations) for one in results if one.violations] == []
    assert len(results) >= len(LEGS) * len(DEATHS) * len(ALWAYS_REACHED)
