"""Row 5: what a live cycle with three settled legs takes in memory."""

import gc
import tracemalloc
from collections.abc import Callable, Iterable, Sequence

from arb.bench import logs
from arb.bench.cycles import START_NS, Script, scripts
from arb.bench.lines import Line, Setting
from arb.events import facts as f
from arb.events.codec import decode, encode
from arb.machine.evolve import evolve
from arb.machine.state import Cycle
from arb.projections.snapshots import decode_cycle, encode_cycle

BYTES_MAX = 4_096.0


def measure(setting: Setting) -> list[Line]:
    """Fold cycles from their stored facts, and load them from their rows, as a start does."""
    count = setting.size(10_000, 2_000)
    made = list(scripts(count, logs.CONFIG))
    texts = [encode_cycle(_fold(one)) for one in made]

    def load() -> list[Cycle]:
        shared: dict[object, object] = {}
        return [decode_cycle(text, shared) for text in texts]

    folded = _mean_bytes(count, lambda: [_fold(one) for one in made])
    loaded = _mean_bytes(count, load)
    return [
        Line(row="5 folded", value=folded, unit="bytes", budget=BYTES_MAX),
        Line(row="5 loaded", value=loaded, unit="bytes", budget=BYTES_MAX),
    ]


def _mean_bytes(count: int, make: Callable[[], Sequence[Cycle]]) -> float:
    make()  # what is shared by all cycles for ever is there before
    gc.collect()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        kept = make()
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(kept) == count, "a cycle is missing"
    return (after - before) / count


def _fold(one: Script) -> Cycle:
    """The cycle as read back from a log, one event before it is closed."""
    cycle: Cycle | None = None
    for fact in _before_the_end(one):
        cycle = evolve(cycle, decode(*encode(fact)), START_NS)  # type: ignore[arg-type]
    assert cycle is not None, "a script holds events"
    return cycle


def _before_the_end(one: Script) -> Iterable[f.CycleEvent]:
    facts = [fact for move in one.moves for fact in move.facts]
    assert isinstance(facts[-1], f.CycleCompleted), "a script ends with its close"
    return facts[:-1]
