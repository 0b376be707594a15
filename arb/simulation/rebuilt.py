"""What of a log the engine's own code proves: tables written anew, and folding against firing."""

from pathlib import Path

from arb.errors import ArbError
from arb.events import facts as f
from arb.events.envelope import Recorded
from arb.events.sqlite import LogReader
from arb.machine.evolve import evolve
from arb.machine.state import Cycle
from arb.machine.transitions import fire
from arb.projections.audit import verify
from arb.projections.fold import CYCLE_PREFIX, CYCLE_TYPES
from arb.simulation.checker import Violation

REBUILT = "rebuilt"
FOLDED = "folded"


def check(db: Path) -> list[Violation]:
    """Name what differs when the log is audited, its tables written anew, and its cycles moved again."""
    if not db.exists():
        return []
    try:
        found = [Violation(REBUILT, finding.text) for finding in verify(db)]
        with LogReader(db) as reader:
            return [*found, *_folded(list(reader.read()))]
    except ArbError as error:
        return [Violation(REBUILT, f"the log cannot be read: {error}")]


def _folded(records: list[Recorded]) -> list[Violation]:
    """Move every cycle twice, by the fold of replay and by the machine, and compare after each fact."""
    folded: dict[str, Cycle] = {}
    fired: dict[str, Cycle] = {}
    found: list[Violation] = []
    for one in records:
        stream, fact = one.stream, one.fact
        if not stream.startswith(CYCLE_PREFIX) or type(fact) not in CYCLE_TYPES:
            continue
        assert isinstance(fact, f.CycleEvent)
        folded[stream] = evolve(folded.get(stream), fact, one.at_ns)
        fired[stream] = fire(fired.get(stream), fact, one.at_ns)
        if folded[stream] != fired[stream]:
            what = f"position {one.position}: {one.type} folds and fires {stream} into two cycles"
            found.append(Violation(FOLDED, what))
    return found
