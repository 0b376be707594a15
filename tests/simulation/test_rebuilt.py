"""Tables written anew are the live ones, and a fold moves a cycle as the machine does."""

import pytest

from arb.events import facts as f
from arb.machine.evolve import evolve
from arb.machine.state import Cycle
from arb.simulation import rebuilt
from tests.simulation.judged import Judged


def test_a_run_as_it_should_be_is_written_anew_without_a_difference(judged: Judged) -> None:
    assert rebuilt.check(judged.db) == []


def test_a_column_that_does_not_follow_from_the_events_is_named(judged: Judged) -> None:
    judged.sql("UPDATE cycles SET error_message = 'x' WHERE id = 'demo-1'")
    assert any("cycles" in one.what for one in rebuilt.check(judged.db))


def test_a_log_that_cannot_be_read_is_named(judged: Judged) -> None:
    judged.db.write_bytes(b"not a log at all" * 1_000)
    assert {one.rule for one in rebuilt.check(judged.db)} == {rebuilt.REBUILT}


def test_a_fold_that_moves_otherwise_than_the_machine_is_named(
    judged: Judged, monkeypatch: pytest.MonkeyPatch
) -> None:
    def elsewhere(cycle: Cycle | None, fact: f.CycleEvent, at_ns: int) -> Cycle:
        moved = evolve(cycle, fact, at_ns)
        if isinstance(fact, f.LegSettled):
            moved.leg_spent += 1
        return moved

    monkeypatch.setattr(rebuilt, "evolve", elsewhere)
    assert rebuilt.FOLDED in {one.rule for one in rebuilt.check(judged.db)}


def test_where_there_is_no_log_nothing_is_written_anew(judged: Judged) -> None:
    judged.db.unlink()
    assert rebuilt.check(judged.db) == []
