"""Keep the logs of the stories that are not kept yet: `python -m tests.golden.add`. It adds, and never changes.

A log that only an older version could write is laid into a folder as `log.db.gz` and `log.db.witness.gz`; what it
comes to is added here.
"""

import gzip
import json
from pathlib import Path
from tempfile import TemporaryDirectory

import apsw

from tests.golden.folded import FILES, FOLDED, HERE, folded, golden, unpack
from tests.golden.stories import STORIES


def add(name: str) -> None:
    """Live a story and keep its log; raises FileExistsError where there is one."""
    place = HERE / name
    place.mkdir()
    with TemporaryDirectory() as folder:
        world = STORIES[name](Path(folder))
        world.close()
        connection = apsw.Connection(str(world.db))
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()
        for file in FILES:
            packed = gzip.compress((world.db.parent / file).read_bytes(), mtime=0)
            (place / f"{file}.gz").write_bytes(packed)


def main() -> list[str]:
    """Add what is missing; give the names."""
    added = [name for name in STORIES if name not in golden()]
    for name in added:
        add(name)
    for name in golden():
        with TemporaryDirectory() as folder:
            said = folded(unpack(name, Path(folder)))
        try:
            with (HERE / name / FOLDED).open("x", encoding="utf-8") as file:
                file.write(json.dumps(said, indent=1, ensure_ascii=False) + "\n")
        except FileExistsError:
            continue
        added.append(name)
    return added


if __name__ == "__main__":
    print("added:", *dict.fromkeys(main()))  # noqa: T201 -- this is its output
