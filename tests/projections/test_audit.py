"""Verify names what is wrong, and touches nothing; rebuild repairs the tables, and nothing else."""

import hashlib
import os
import shutil
from pathlib import Path

import pytest

from arb.errors import LogLocked, WrongLog
from arb.events import facts as f
from arb.events.sqlite import LogReader, lock_log
from arb.events.sqlite.connections import close, writer
from arb.ids import cycle_stream
from arb.projections.audit import verify
from arb.projections.rebuilding import rebuild
from tests.spec import histories as h
from tests.spec.written import write_log


def alter(db: Path, statement: str, *parameters: str) -> None:
    connection = writer(db)
    connection.execute(statement, parameters)
    close(connection)


def test_a_whole_log_has_no_findings(db: Path) -> None:
    assert verify(db) == []


WRONG = [
    ("UPDATE cycles SET state = 'completed' WHERE id = 'demo-4'", "cycles.state", "row demo-4"),
    ("UPDATE cycles SET profit_loss = 5 WHERE id = 'demo-2'", "cycles.profit_loss", "row demo-2"),
    ("UPDATE cycles SET metadata_json = '{}' WHERE id = 'demo-2'", "cycles.metadata_json", "demo-2"),
    ("DELETE FROM cycles WHERE id = 'demo-2'", "cycles", "row demo-2 is missing"),
    ("INSERT INTO cycles(id) VALUES ('demo-2000')", "cycles", "demo-2000 does not follow from the log"),
    ("UPDATE orders SET filled = '1' WHERE number = 1 AND cycle_id = 'demo-2'", "orders.filled", "column filled is '1'"),
    ("UPDATE risk SET count = count + 1 WHERE name = 'cycles_missed'", "risk.count", "cycles_missed"),
    ("UPDATE open_cycles SET snapshot = '[]'", "open_cycles.snapshot", "the log says"),
    ("DELETE FROM open_cycles", "open_cycles", "is missing"),
    ("UPDATE account_state SET snapshot = '{}'", "account_state.snapshot", "row 1"),
    ("UPDATE strategies SET text = 'x'", "strategies.text", "column text"),
    ("UPDATE projection_codes SET code = 'x'", "projections", "written by code x"),
]  # fmt: skip


@pytest.mark.parametrize(("statement", "column", "text"), WRONG)
def test_a_wrong_row_is_named_by_table_key_and_column(
    db: Path, statement: str, column: str, text: str
) -> None:
    alter(db, statement)
    findings = verify(db)
    assert [one for one in findings if one.column == column and text in one.text], findings
    assert {one.column.partition(".")[0] for one in findings} == {column.partition(".")[0]}
    rebuild(db)
    assert verify(db) == []


def test_a_ledger_that_does_not_add_up_is_named_by_row_and_by_asset(db: Path) -> None:
    alter(db, "UPDATE ledger SET amount = '9' WHERE rowid = 2")
    texts = [one.text for one in verify(db)]
    assert any("the ledger's USDT adds up to" in text for text in texts)
    assert any("column amount is '9'" in text for text in texts)


def test_an_amount_that_is_none_is_a_finding_and_no_crash(db: Path) -> None:
    alter(db, "UPDATE ledger SET amount = 'much' WHERE rowid = 2")
    assert any("no amount" in one.text for one in verify(db))


def test_a_move_the_table_does_not_have_is_named_by_position(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    author = h.write(h.missed, 1, h.Random(1))
    write_log(path, [*h.preface(), *author.batches])
    connection = writer(path)
    head = connection.execute("SELECT max(position) FROM events").get
    close(connection)
    # Only a log without tables takes it: the projections of an engine refuse such a fact.
    with pytest.raises(Exception, match="does not fit"):
        write_log(
            path,
            [
                h.Batch(
                    cycle_stream(author.id),
                    (f.LegSettled(leg=0, spent=h.ONE, received=h.ONE, left=h.ONE),),
                )
            ],
        )
    assert connection_head(path) == head


def connection_head(path: Path) -> int:
    with LogReader(path) as reader:
        return reader.head().position


def digests(folder: Path) -> dict[str, str]:
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.iterdir())
        if not path.name.endswith("-shm")
    }


def test_verify_works_on_a_copied_folder_and_changes_no_byte_of_it(
    db: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(db.parent, copy)
    before = digests(copy)
    assert verify(copy / db.name) == []
    after = digests(copy)
    assert {name: after[name] for name in before} == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_verify_works_on_a_folder_that_cannot_be_written(db: Path) -> None:
    db.parent.chmod(0o500)
    try:
        assert verify(db) == []
    finally:
        db.parent.chmod(0o700)


def test_verify_needs_no_lock(db: Path) -> None:
    with lock_log(db):
        assert verify(db) == []


def test_rebuild_is_refused_while_an_engine_holds_the_log(db: Path) -> None:
    with lock_log(db), pytest.raises(LogLocked, match=str(os.getpid())):
        rebuild(db)


def test_rebuild_appends_nothing(db: Path) -> None:
    with LogReader(db) as reader:
        before = reader.head()
    assert rebuild(db) == before.position
    with LogReader(db) as reader:
        assert reader.head() == before


@pytest.mark.parametrize("work", [verify, rebuild])
def test_a_log_that_is_not_there_is_said_so_and_not_made(tmp_path: Path, work: object) -> None:
    with pytest.raises(WrongLog, match="no log at"):
        work(tmp_path / "nothing.db")  # type: ignore[operator]
    assert list(tmp_path.iterdir()) == []
