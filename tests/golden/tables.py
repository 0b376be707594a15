"""What each table holds of the kept logs, by the code that writes it: `python -m tests.golden.tables`.

It refuses to write where a table holds something else and is written by the same code: a log whose
tables were written before would not be written anew, and `--verify` would call it damaged.
"""

import json
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import apsw

from arb.events.sqlite import LogReader
from arb.projections import tables
from arb.projections.projector import Projections
from tests.golden.folded import HERE, golden, unpack

PLACE: Final = HERE / "tables.json"
Held = dict[str, dict[str, str]]  # table -> its code, and a hash of its rows of all logs


def held() -> Held:
    """What the tables of the kept logs come to now."""
    hashes = {name: sha256() for name in tables.NAMES}
    for log in golden():
        with TemporaryDirectory() as folder, LogReader(unpack(log, Path(folder))) as reader:
            memory = apsw.Connection(":memory:")
            Projections(history=reader.connection).rebuild(memory, reader.read())
            for name, found in hashes.items():
                found.update(tables.dump(memory, name).encode())
            memory.close()
    return {
        name: {"code": tables.CODES[name], "rows": found.hexdigest()}
        for name, found in hashes.items()
    }


def kept() -> Held:
    """What they came to when that was last kept."""
    return dict(json.loads(PLACE.read_text(encoding="utf-8"))) if PLACE.exists() else {}


def unsaid(now: Held, then: Held) -> list[str]:
    """The tables that hold something else, by the same code."""
    return [
        name
        for name, one in now.items()
        if name in then and one["rows"] != then[name]["rows"] and one["code"] == then[name]["code"]
    ]


def main() -> None:
    """Keep what is now."""
    now = held()
    if found := unsaid(now, kept()):
        raise SystemExit(f"raise _REVISION in arb/projections/tables.py: {', '.join(found)}")
    PLACE.write_text(json.dumps(now, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
