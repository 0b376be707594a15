"""A cycle's story: one line an event, in words, with the gaps that dead processes left."""

from collections.abc import Iterable, Iterator

import msgspec
from msgspec import Struct

from arb.events import facts as f
from arb.events.codec import decode_meta
from arb.events.envelope import Recorded
from arb.events.sqlite import LogReader
from arb.faces.cycle_json import JsonValue
from arb.faces.text import coloured, lasting, when, width, wrapped
from arb.faces.words import words
from arb.ids import run_stream
from arb.machine.state import Cycle, path_of
from arb.projections.replay import Step

_WIDE_COLUMNS = 120
_STATE_CHARS = len("partially_filled")


class RunLife(Struct, frozen=True):
    """What the log knows of one process: when it began, and how it ended."""

    began_ns: int | None
    ended: str | None  # None: without a word


def run_life(reader: LogReader, run: str) -> RunLife:
    """Read a run's own stream."""
    began: int | None = None
    ended: str | None = None
    for event in reader.read_stream(run_stream(run)):
        match event.fact:
            case f.RunStarted():
                began = event.at_ns
            case f.RunEnded():
                ended = f"exit {event.fact.exit_code}, {event.fact.reason}"
    return RunLife(began, ended)


def story_lines(reader: LogReader, steps: Iterable[Step]) -> Iterator[str]:
    """Tell a cycle from its first event to its last."""
    before: Recorded | None = None
    cycle: Cycle | None = None
    for step in steps:
        event, cycle = step.event, step.cycle
        if before is None:
            yield " > ".join([cycle.id + ":", *path_of(cycle), cycle.start_asset]).replace(
                ": >", ":"
            )
        elif (gap := _gap(reader, before, event)) is not None:
            yield f"--- {gap} ---"
        yield from _event_lines(event, cycle)
        before = event
    if cycle is not None and not cycle.is_closed:
        yield "--- the log ends here, and the cycle is still open ---"


def _gap(reader: LogReader, before: Recorded, after: Recorded) -> str | None:
    """What lies between two events of different runs."""
    one, other = decode_meta(before.meta).run, decode_meta(after.meta).run
    if one == other:
        return None
    life, following = run_life(reader, one), run_life(reader, other)
    ended = (
        "run ended without saying so (killed?)"
        if life.ended is None
        else f"run ended ({life.ended})"
    )
    if following.began_ns is None:
        return f"{ended}; an operator acted {_later(before, after.at_ns)}"
    return f"{ended}; next run started {_later(before, following.began_ns)}"


def _later(before: Recorded, at_ns: int) -> str:
    return f"{lasting(max(at_ns - before.at_ns, 0))} later"


def _event_lines(event: Recorded, cycle: Cycle) -> Iterator[str]:
    text, state = words(event.fact, path_of(cycle)), cycle.state
    edge = width()
    place = f"{event.position:>7}  {event.version:>3}  {when(event.at_ns)}"
    if edge is None or edge >= _WIDE_COLUMNS:
        padding = " " * (_STATE_CHARS - len(state))
        yield from wrapped(f"{place}  {coloured(state)}{padding}  ", text)
        return
    yield f"{place}  {coloured(state)}"
    yield from wrapped("      ", text)


def event_json(event: Recorded, state: str) -> dict[str, JsonValue]:
    """One event, and the cycle's state after it."""
    return {
        "position": event.position,
        "stream": event.stream,
        "version": event.version,
        "type": event.type,
        "at_ns": event.at_ns,
        "data": msgspec.json.decode(event.data),
        "hash": event.hash.hex(),
        "state": state,
    }
