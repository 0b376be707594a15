"""The story of one seed: what its world did, between the events that the engine wrote down."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from arb.clock import NS_PER_S
from arb.errors import ArbError
from arb.events import facts as f
from arb.events.envelope import Recorded
from arb.events.sqlite import LogReader
from arb.faces.words import words
from arb.simulation.market import START_NS
from arb.simulation.seeds import Told

_DETAIL_CHARS_MAX: Final = 120


class Line(Struct, frozen=True):
    """One line, with its place between the events of the log."""

    position: int
    after: bool  # after the event of this position, not the event itself
    at_ns: int
    text: str


def events(db: Path) -> list[Line]:
    """Every event of a log, in words; of a log that cannot be read, why."""
    lines: list[Line] = []
    paths: dict[str, list[str]] = {}
    try:
        with LogReader(db) as reader:
            for one in reader.read():
                if isinstance(one.fact, f.CycleOpened):
                    paths[one.stream] = [leg.spend_asset for leg in one.fact.legs]
                told = _words(one, paths.get(one.stream, []))
                text = f"{one.position:>6} {one.stream}: {told}"
                lines.append(Line(one.position, after=False, at_ns=one.at_ns, text=text))
    except ArbError as error:
        last = lines[-1] if lines else Line(0, after=False, at_ns=START_NS, text="")
        told = f"       the log cannot be read further: {error}"
        lines.append(Line(last.position, after=True, at_ns=last.at_ns, text=told))
    return lines


def story(events_told: list[Line], told: tuple[Told, ...]) -> Iterator[str]:
    """Tell both together."""
    beside = [
        Line(one.position, after=True, at_ns=one.at_ns, text=f"       --- {one.text} ---")
        for one in told
    ]
    for line in sorted([*events_told, *beside], key=lambda line: (line.position, line.after)):
        yield f"{(line.at_ns - START_NS) / NS_PER_S:10.3f} s {line.text}"


def _words(event: Recorded, path: list[str]) -> str:
    """A fact in words; one that has none with what it holds."""
    text = words(event.fact, path)
    if text != event.type:
        return text
    fields: dict[str, object] = msgspec.json.decode(event.data)
    held = ", ".join(f"{name} {value}" for name, value in fields.items() if name != "type")
    return f"{text}: {held}"[:_DETAIL_CHARS_MAX]
