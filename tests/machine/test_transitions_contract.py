"""One shared machine serves all cycles, and it is the table.

`machine.events[name].trigger(model)` on a model that was never registered is not a documented use
of `transitions`; these tests hold what the engine relies on, so that a new version cannot change it
unnoticed.
"""

from __future__ import annotations

import gc

import pytest
from transitions import Machine, MachineError

from arb.errors import IllegalMove
from arb.events import facts as f
from arb.machine import table as t
from arb.machine.transitions import COMPILED, MACHINE, build, fire
from tests.spec.given import fold, loop_closed, opened, ready, started, unwinding

KINDS = [kind for kind in f.CYCLE_MOVES if kind is not f.CycleOpened]
PAIRS = [(state, kind) for state in t.STATES for kind in KINDS]


class Model:
    """Slots, and nothing but a state: a machine that decorates its models would fail."""

    __slots__ = ("state",)

    def __init__(self, state: str) -> None:
        self.state = state


def test_the_compiled_table_is_the_table() -> None:
    assert {(state, kind.__name__): to for (state, kind), to in t.MOVES.items()} == COMPILED


@pytest.mark.parametrize(("state", "kind"), PAIRS)
def test_each_pair_of_state_and_trigger_does_what_the_table_says(
    state: str, kind: type[f.CycleFact]
) -> None:
    model = Model(state)
    if (state, kind) in t.MOVES:
        assert MACHINE.events[kind.__name__].trigger(model) is True
        assert model.state == t.MOVES[state, kind]
    else:
        with pytest.raises(MachineError):
            MACHINE.events[kind.__name__].trigger(model)
        assert model.state == state


def test_every_fact_of_the_table_is_a_trigger_and_nothing_else_is() -> None:
    assert set(MACHINE.events) == {kind.__name__ for _state, kind in t.MOVES}
    assert set(MACHINE.events) == {kind.__name__ for kind in KINDS}


def test_the_machine_knows_the_states_of_the_table_and_no_automatic_moves() -> None:
    assert tuple(MACHINE.states) == t.STATES
    assert not any(name.startswith("to_") for name in MACHINE.events)


def test_the_machine_keeps_no_model_and_decorates_none() -> None:
    machine = build()
    model = Model(t.PENDING)
    machine.events["ValidationStarted"].trigger(model)
    assert machine.models == []
    assert model not in gc.get_referrers(machine)
    assert not hasattr(model, "trigger")


def test_two_models_do_not_know_of_each_other() -> None:
    one, other = Model(t.PENDING), Model(t.PENDING)
    MACHINE.events["ValidationStarted"].trigger(one)
    assert (one.state, other.state) == (t.VALIDATING, t.PENDING)


def test_the_machine_is_synchronous_without_queue_conditions_or_callbacks() -> None:
    assert type(MACHINE) is Machine
    assert MACHINE.has_queue is False
    assert MACHINE.send_event is False
    for event in MACHINE.events.values():
        for transitions in event.transitions.values():
            (transition,) = transitions
            assert (transition.conditions, transition.before, transition.after) == ([], [], [])
    for state in MACHINE.states.values():
        assert (state.on_enter, state.on_exit) == ([], [])


def test_an_unknown_state_is_an_error() -> None:
    with pytest.raises(ValueError, match="not a registered state"):
        MACHINE.events["ValidationStarted"].trigger(Model("resting"))


def test_firing_begins_a_cycle_and_moves_it() -> None:
    cycle = fire(None, opened(), 1)
    assert cycle.state == t.PENDING
    assert fire(cycle, started(), 2) is cycle
    assert (cycle.state, cycle.version, cycle.updated_ns) == (t.VALIDATING, 2, 2)


@pytest.mark.parametrize("fact", [unwinding(), opened(), started()])
def test_firing_an_illegal_move_changes_nothing(fact: f.CycleEvent) -> None:
    cycle = fold(*loop_closed())
    with pytest.raises(IllegalMove, match="does not fit"):
        fire(cycle, fact, 99)
    assert cycle == fold(*loop_closed())


@pytest.mark.parametrize("fact", [unwinding(), opened(), started()])
def test_folding_an_illegal_move_is_refused_alike(fact: f.CycleEvent) -> None:
    with pytest.raises(IllegalMove, match="does not fit"):
        fold(*loop_closed(), fact)


@pytest.mark.parametrize("fact", [started(), unwinding()])
def test_a_history_begins_with_its_opening(fact: f.CycleEvent) -> None:
    with pytest.raises(IllegalMove, match="begins with CycleOpened"):
        fold(fact)


def test_a_fact_that_is_not_about_a_cycle_is_refused() -> None:
    stranger = f.EngineUnpaused(reason="x")
    with pytest.raises(IllegalMove, match="not a fact about a cycle"):
        fold(*ready(), stranger)  # type: ignore[arg-type]
