"""A file beside the log stops the engine: nothing new begins until it is gone and an operator says so."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from arb.execution.operating.acting import act
from arb.execution.risk.kill_switch import kill_file
from arb.simulation.processes import Started, start, until
from tests.spec.accounts import assert_nothing_lost
from tests.spec.command_line import invoke, paper_strategy
from tests.spec.processes import events, until_event

HALTED = 4


@pytest.fixture
def db(folder: Path) -> Path:
    paper_strategy(folder)
    return folder / "log.db"


@pytest.fixture
def engine(folder: Path, db: Path) -> Iterator[Started]:
    """An engine that trades until the end of the test."""
    started = start(folder, "run", "--strategy", "s.yaml", "--db", db, "--duration", "200")
    until(db.with_name("log.db.sock").exists, "the control socket")
    yield started
    started.end()


def test_the_file_halts_a_running_engine_and_the_halt_outlives_it(
    db: Path, engine: Started
) -> None:
    until_event(db, "CycleOpened")
    kill_file(db).touch()
    halted = until_event(db, "EngineHalted")
    assert halted["reason"] == "the kill switch log.db.kill is there"
    assert engine.wait().code == HALTED
    assert not [e for e in events(db, "CycleOpened") if e["position"] > halted["position"]]
    assert_nothing_lost(db)
    # A supervisor starts it again: it stays halted, with the file and without it.
    again = invoke("--strategy", "s.yaml", "--db", db)
    assert again.code == HALTED
    kill_file(db).unlink()
    assert invoke("--strategy", "s.yaml", "--db", db).code == HALTED
    assert act(db, "unpause", reason="it was me").ok
    assert invoke("--strategy", "s.yaml", "--db", db).code == 0


def test_a_file_that_is_there_at_the_start_lets_nothing_open(folder: Path, db: Path) -> None:
    kill_file(db).touch()
    said = invoke("--strategy", "s.yaml", "--db", db)
    assert said.code == HALTED
    assert events(db, "CycleOpened") == []
    assert events(db, "EngineHalted")[-1]["reason"] == "the kill switch log.db.kill is there"


def test_unpausing_is_refused_while_the_file_is_there(folder: Path, db: Path) -> None:
    kill_file(db).touch()
    invoke("--strategy", "s.yaml", "--db", db)
    answer = act(db, "unpause", reason="go on")
    assert (answer.ok, answer.exit_code) == (False, 2)
    assert "take it away first" in answer.message
    assert events(db, "EngineUnpaused") == []
