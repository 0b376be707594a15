"""What a log comes to: its chain, its cycles event by event, and the documented tables written anew from it."""

import gzip
import json
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import apsw

from arb.events.sqlite import LogReader
from arb.faces.cycle_json import amounts_json, cycle_json
from arb.projections import tables
from arb.projections.projector import Projections
from arb.projections.replay import steps
from tests.spec.pages import ROOT

HERE: Final = ROOT / "tests" / "golden"
FILES: Final = ("log.db", "log.db.witness")
FOLDED: Final = "folded.json"
TABLES: Final = ("orders", "ledger")


def folded(db: Path) -> dict[str, Any]:
    """Everything that must never change, as JSON."""
    with LogReader(db) as reader:
        records = list(reader.read())
        names = [one.removeprefix("cycle-") for one in reader.streams("cycle-")]
        cycles = {name: _told(reader, name) for name in names}
        memory = apsw.Connection(":memory:")
        Projections(history=reader.connection).rebuild(memory, records)
        shapes = reader.connection.execute(
            "SELECT type || ' ' || shape, count(*) FROM events GROUP BY 1 ORDER BY 1"
        )
        found: dict[str, Any] = {
            "events": len(records),
            "last_hash": records[-1].hash.hex(),
            "shapes": dict(shapes.fetchall()),
            "cycles": cycles,
            "changed": _changed(memory),
            "tables": {name: tables.dump(memory, name).splitlines() for name in TABLES},
        }
    memory.close()
    return dict(json.loads(json.dumps(found)))


def _told(reader: LogReader, name: str) -> dict[str, Any]:
    states, last = [], None
    for step in steps(reader, name):
        states.append(f"{type(step.event.fact).__name__} {step.cycle.state}")
        last = step.cycle
    assert last is not None
    return {"events": states, "end": cycle_json(last)}


def _changed(connection: apsw.Connection) -> dict[str, Any]:
    """The sum of the ledger by asset."""
    sums: Counter[str] = Counter()
    for asset, amount in connection.execute("SELECT asset, amount FROM ledger"):
        sums[str(asset)] += Decimal(str(amount))  # type: ignore[assignment]
    return dict(amounts_json(dict(sums)))  # type: ignore[arg-type]


def golden() -> list[str]:
    """The names of the logs that are kept."""
    return sorted(path.parent.name for path in HERE.glob("*/log.db.gz"))


def unpack(name: str, folder: Path) -> Path:
    """Lay a kept log out in a folder, as a user would find it."""
    for file in FILES:
        (folder / file).write_bytes(gzip.decompress((HERE / name / f"{file}.gz").read_bytes()))
    return folder / "log.db"


def kept(name: str) -> dict[str, Any]:
    """What a log came to when it was kept."""
    return dict(json.loads((HERE / name / FOLDED).read_text(encoding="utf-8")))
