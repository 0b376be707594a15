"""One shared `transitions` machine for every cycle, derived from the table.

A `Machine` for each cycle would cost 138 KB and 1.6 ms, and `AsyncMachine` cancels a running
trigger when a second one comes; so one synchronous machine serves all, and cycles are not
registered with it: `machine.events[name].trigger(cycle)` needs only `cycle.state`. That is not a
documented interface, so the dependency is pinned and a contract test holds it.
"""

from typing import Final

from transitions import Machine

from arb.errors import IllegalMove
from arb.events import facts as f
from arb.machine import table as t
from arb.machine.evolve import MOVE_TYPES, apply, begin
from arb.machine.state import Cycle


def build() -> Machine:
    """Make the machine from the table: a trigger for each fact, no conditions, no callbacks."""
    machine = Machine(
        model=None,
        states=list(t.STATES),
        initial=t.PENDING,
        auto_transitions=False,
        send_event=False,
    )
    for (source, kind), destination in t.MOVES.items():
        machine.add_transition(kind.__name__, source, destination)
    return machine


MACHINE: Final = build()
# The machine's moves as it understood them: `fire` asks here before data is changed, for a trigger that
# does not fit is refused only after. A test holds them against the table, by which the fast fold moves.
COMPILED: Final[dict[tuple[str, str], str]] = {
    (source, name): str(transition.dest)
    for name, event in MACHINE.events.items()
    for source, transitions in event.transitions.items()
    for transition in transitions
}


def fire(cycle: Cycle | None, fact: f.CycleEvent, at_ns: int) -> Cycle:
    """Move a live cycle by a fact that is durable already; the machine alone writes its state.

    It cannot fail for what `decide` emitted; raises IllegalMove for anything else.
    """
    if cycle is None:
        return begin(fact, at_ns)
    kind = type(fact)
    if kind in MOVE_TYPES:
        if (cycle.state, kind.__name__) not in COMPILED:
            raise IllegalMove(f"{cycle.id} is {cycle.state}: {kind.__name__} does not fit")
        apply(cycle, fact, at_ns)
        MACHINE.events[kind.__name__].trigger(cycle)
    else:
        apply(cycle, fact, at_ns)
    return cycle
