"""A run that is as it should be, and ways to spoil its log or its truth for the checker to find."""

import json
import shutil
import sqlite3
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

from arb.events.chain import link
from arb.events.envelope import Head
from arb.events.sqlite import read_witness
from arb.events.sqlite.witness import Witness
from arb.simulation.checker import Violation, check

Row = dict[str, Any]
COLUMNS = ("position", "stream", "version", "type", "shape", "at_ns", "data", "meta", "command")


class Judged:
    """A copy of a run's log and truth: spoil it, then ask the checker."""

    def __init__(self, source: Path, folder: Path) -> None:
        shutil.copytree(source, folder)
        self.db = folder / "log.db"
        self.truth = folder / "truth.json"

    def violations(self) -> list[Violation]:
        return check(self.db, self.truth)

    def rules(self) -> set[str]:
        return {one.rule for one in self.violations()}

    def really(self, change: Callable[[dict[str, Any]], None]) -> None:
        """Let something else have happened."""
        told = json.loads(self.truth.read_text())
        change(told)
        self.truth.write_text(json.dumps(told))

    def rows(self, kind: str | None = None) -> list[Row]:
        connection = sqlite3.connect(self.db)
        found = connection.execute(f"SELECT {', '.join(COLUMNS)} FROM events ORDER BY position")
        rows = [dict(zip(COLUMNS, row, strict=True)) for row in found]
        connection.close()
        for row in rows:
            row["data"] = json.loads(row["data"])
        return [row for row in rows if kind in {None, row["type"]}]

    def forge(self, rows: list[Row]) -> None:
        """Write another history, with positions, versions, chain and witness that fit it."""
        connection = self._unguarded()
        connection.execute("DELETE FROM events")
        versions: dict[str, int] = {}
        hash_ = bytes(32)
        for position, row in enumerate(rows, 1):
            stream = row["stream"]
            version = versions[stream] = versions.get(stream, 0) + 1
            data = json.dumps(row["data"], separators=(",", ":"))
            values = (position, stream, version, row["type"], row["shape"], row["at_ns"], data,
                      row["meta"], row["command"])  # fmt: skip
            hash_ = link(hash_, *values)
            connection.execute(f"INSERT INTO events VALUES ({'?,' * 9}?)", (*values, hash_))
        connection.commit()
        connection.close()
        self.swear(Head(len(rows), hash_))

    def change(self, position: int, change: Callable[[Row], None]) -> None:
        """Let one event say something else."""
        rows = self.rows()
        change(rows[position - 1])
        self.forge(rows)

    def without(self, position: int) -> None:
        """Let one event never have been written."""
        rows = self.rows()
        del rows[position - 1]
        self.forge(rows)

    def swear(self, head: Head) -> None:
        sworn = read_witness(self.db)
        assert sworn is not None
        witness = Witness.open(self.db, sworn)
        witness.write(head)
        witness.close()

    def sql(self, statement: str, *values: object) -> None:
        """Damage the file itself."""
        connection = self._unguarded()
        connection.execute(statement, values)
        connection.commit()
        connection.close()

    def _unguarded(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.db)
        triggers = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'")
        for (name,) in triggers.fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        return connection


def more(text: str) -> str:
    """Another amount in its place."""
    return str(Decimal(text) + Decimal("0.00000001"))
