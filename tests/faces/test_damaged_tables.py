"""A table that cannot be read is named in a line that says what repairs it, and is repaired where the events are whole."""

import asyncio
import json
from pathlib import Path

import apsw
import pytest
from click.testing import Result

from arb.events.sqlite import LogReader, repair
from arb.faces.cli import monitor, replay
from arb.projections import tables
from arb.projections.audit import verify
from tests.faces.commands import call
from tests.projections.test_audit import alter
from tests.spec.written import open_paper

PAGE = 4096
PARTS = (*tables.NAMES, "idx_state", "ledger_trades", "projection_head", "projection_codes")


def spoil(db: Path, name: str) -> None:
    """Lose the first page of a table or an index, as a bad sector does."""
    connection = apsw.Connection(str(db))
    root = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = ?", (name,)).get
    connection.close()
    assert isinstance(root, int)
    content = bytearray(db.read_bytes())
    content[(root - 1) * PAGE : root * PAGE] = bytes(PAGE)
    db.write_bytes(content)


def events(db: Path) -> list[object]:
    with LogReader(db) as reader:
        return list(reader.pages())


def in_a_line(result: Result) -> str:
    lines: list[str] = result.stderr.strip().splitlines()
    assert lines[-1].startswith("error: "), result.output
    return lines[-1]


@pytest.mark.parametrize("name", PARTS)
def test_a_lost_page_of_a_table_is_a_finding_and_rebuild_repairs_it(db: Path, name: str) -> None:
    before = events(db)
    spoil(db, name)
    told = call(replay, "--db", db, "--verify", "--json")
    assert told.exit_code == 5
    assert not json.loads(told.stdout)["ok"]
    for view in ((), ("--history",), ("--declined",), ("--pause", "--reason", "a test")):
        result = call(monitor, "--db", db, *view)
        assert result.exit_code in {0, 5}
        if result.exit_code == 5:
            assert "--rebuild" in in_a_line(result)
    if name != "projection_head":
        assert call(replay, "--db", db).exit_code in {0, 5}
    assert call(replay, "--db", db, "--rebuild").exit_code == 0
    assert verify(db) == []
    assert events(db)[0][: len(before[0])] == before[0]  # type: ignore[index,arg-type]


@pytest.mark.parametrize(
    ("statement", "table"),
    [
        ("UPDATE account_state SET snapshot = CAST(x'7be97d' AS TEXT)", "account_state"),
        ("UPDATE open_cycles SET snapshot = CAST(x'7be97d' AS TEXT)", "open_cycles"),
        ("UPDATE ledger SET asset = CAST(x'e97d' AS TEXT) WHERE rowid = 2", "ledger"),
        ("UPDATE projection_codes SET code = CAST(x'e97d' AS TEXT)", "projections"),
        ("UPDATE cycles SET metadata_json = CAST(x'7be97d' AS TEXT)", "cycles"),
    ],
)
def test_a_text_that_is_none_is_a_finding_and_rebuild_repairs_it(
    db: Path, statement: str, table: str
) -> None:
    alter(db, statement)
    told = call(replay, "--db", db, "--verify", "--json")
    assert told.exit_code == 5
    (finding,) = json.loads(told.stdout)["findings"]
    assert finding["column"] == table
    assert "--rebuild" in finding["text"]
    for view in ((), ("--history",), ("--pause", "--reason", "a test")):
        result = call(monitor, "--db", db, *view)
        assert result.exit_code == 0 or "--rebuild" in in_a_line(result)
    assert call(replay, "--db", db, "--rebuild").exit_code == 0
    assert verify(db) == []


def test_a_repair_that_was_cut_short_leaves_what_a_start_and_the_next_one_finish(
    db: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoil(db, "orders")

    class Cut(Exception):
        pass

    def cut(connection: apsw.Connection) -> None:
        raise Cut

    with monkeypatch.context() as patched:
        patched.setattr(repair, "_move", cut)
        with pytest.raises(Cut):
            call(replay, "--db", db, "--rebuild")

    async def start() -> None:
        await open_paper(db, "r9", 2 * 10**18).close()

    asyncio.run(start())
    assert [one.text for one in verify(db) if "SQLite" not in one.text] == []
    assert call(replay, "--db", db, "--rebuild").exit_code == 0
    assert verify(db) == []


def test_findings_are_told_where_the_events_cannot_be_read(db: Path) -> None:
    content = bytearray(db.read_bytes())
    at = bytes(content).rindex(b'"type":"OrderFilled"') // PAGE * PAGE
    content[at : at + PAGE] = bytes(PAGE)
    db.write_bytes(content)
    told = call(replay, "--db", db, "--verify", "--json")
    assert told.exit_code == 5
    assert "cannot be read" in json.loads(told.stdout)["findings"][0]["text"]
    result = call(replay, "--db", db, "--rebuild")
    assert result.exit_code == 5
    assert "restore a backup" in in_a_line(result)
