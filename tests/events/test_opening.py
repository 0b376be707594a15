"""A file that is not our log is recognised, named, and not touched."""

import asyncio
import os
import sqlite3
import stat
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from arb.errors import ArbError, LogDamaged, WrongLog
from arb.events.facts import LogCreated
from arb.events.sqlite import LogReader, open_log, read_witness
from tests.spec.log_examples import AT_NS, META, names, open_paper, to


def make(path: Path, events: int = 3) -> None:
    async def main() -> None:
        log = open_paper(path)
        for version in range(events):
            await log.append(to("cycle-a", version), at_ns=AT_NS, meta=META)
        await log.close()

    asyncio.run(main())


def crash(path: Path, events: int = 3) -> None:
    """Leave a log as a killed process does, with its WAL."""

    async def main() -> None:
        log = open_paper(path)
        for version in range(events):
            await log.append(to("cycle-crash", version), at_ns=AT_NS, meta=META)
        log._committer.abandon()
        log._lock.release()

    asyncio.run(main())


def picture(folder: Path) -> dict[str, bytes]:
    """Every file but the lock, which is ours to take."""
    return {
        name: (folder / name).read_bytes() for name in names(folder) if not name.endswith(".lock")
    }


def refuse(path: Path, error: type[ArbError], words: str) -> None:
    before = picture(path.parent)
    with pytest.raises(error, match=words) as caught:
        open_paper(path)
    assert type(caught.value) is error
    assert picture(path.parent) == before
    assert caught.value.exit_code == (3 if error is WrongLog else 5)


def patch(path: Path, offset: int, data: bytes) -> None:
    content = bytearray(path.read_bytes())
    content[offset : offset + len(data)] = data
    path.write_bytes(content)


def foreign_database(path: Path) -> None:
    with closing(sqlite3.connect(path)) as other:
        other.execute("PRAGMA journal_mode=WAL")
        other.execute("CREATE TABLE cycles(id TEXT)")
        other.commit()


def test_a_new_log_begins_with_what_it_is(tmp_path: Path) -> None:
    path = tmp_path / "log.db"

    async def main() -> None:
        log = open_paper(path)
        created = LogCreated(instance="abcd", mode="paper", venue="paper", account="alice")
        assert log.identity == created
        (first,) = log.read()
        assert (first.position, first.stream, first.version) == (1, "run-0", 1)
        assert (first.fact, first.at_ns) == (created, AT_NS)
        await log.close()

    asyncio.run(main())
    assert names(tmp_path) == ["log.db", "log.db.ballast", "log.db.lock", "log.db.witness"]


def test_an_opened_log_goes_on_with_its_own_instance(tmp_path: Path) -> None:
    make(tmp_path / "log.db")

    async def main() -> None:
        log = open_log(
            tmp_path / "log.db", mode="paper", venue="paper", account="alice", instance="zzzz",
            run="r2", at_ns=AT_NS, on_loop=True,
        )  # fmt: skip
        assert log.identity.instance == "abcd"
        assert (log.head().position, log.stream_version("cycle-a")) == (4, 3)
        await log.append(to("cycle-a", 3), at_ns=AT_NS, meta=META)
        await log.close()

    asyncio.run(main())


@pytest.mark.parametrize(
    ("prepare", "error", "words"),
    [
        (lambda path: path.write_bytes(b"not a database at all"), WrongLog, "not a database"),
        (lambda path: path.write_bytes(b"x"), WrongLog, "not a database"),
        (foreign_database, WrongLog, "a database of another program"),
    ],
    ids=["text", "one byte", "database"],
)
def test_a_foreign_file_is_refused_and_stays_as_it_is(
    tmp_path: Path, prepare: Callable[[Path], object], error: type[ArbError], words: str
) -> None:
    prepare(tmp_path / "log.db")
    refuse(tmp_path / "log.db", error, words)
    before = picture(tmp_path)
    with pytest.raises(error, match=words):
        LogReader(tmp_path / "log.db")
    assert picture(tmp_path) == before


def test_a_path_that_cannot_be_a_log_is_refused_with_a_reason(tmp_path: Path) -> None:
    with pytest.raises(WrongLog, match=r"there is no folder .*none"):
        open_paper(tmp_path / "none" / "log.db")
    (tmp_path / "log.db").mkdir()
    with pytest.raises(WrongLog, match="cannot be read: Is a directory"):
        open_paper(tmp_path / "log.db")


@pytest.mark.parametrize("door", [open_paper, LogReader])
def test_what_is_no_file_on_a_disk_is_refused_before_anything_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, door: Callable[[Path], object]
) -> None:
    """SQLite would keep a log of that name in memory, and a device was replaced by a file."""
    monkeypatch.chdir(tmp_path)
    os.mkfifo("pipe")
    Path("link").symlink_to("pipe")
    for name, words in (
        ("pipe", "is a device or a pipe"),
        ("link", "is a device or a pipe"),
        (":memory:", "not in memory"),
    ):
        with pytest.raises(WrongLog, match=words):
            door(Path(name))
    assert sorted(one.name for one in tmp_path.iterdir()) == ["link", "pipe"]
    assert stat.S_ISFIFO(Path("pipe").stat().st_mode)


def test_a_newer_log_is_refused_and_stays_as_it_is(tmp_path: Path) -> None:
    make(tmp_path / "log.db")
    patch(tmp_path / "log.db", 60, (9).to_bytes(4))
    refuse(tmp_path / "log.db", WrongLog, "log format 9, this version reads up to 1")


@pytest.mark.parametrize("other", ["mode", "venue", "account"])
def test_a_log_of_another_domain_is_refused_naming_both(tmp_path: Path, other: str) -> None:
    make(tmp_path / "log.db")
    crash(tmp_path / "log.db")
    before = picture(tmp_path)
    domain = {"mode": "paper", "venue": "paper", "account": "alice", other: "elsewhere"}
    with pytest.raises(WrongLog) as caught:
        open_log(tmp_path / "log.db", instance="abcd", run="r", at_ns=AT_NS, **domain)
    assert "is a log of paper on paper, account alice" in str(caught.value)
    wanted = "{mode} on {venue}, account {account}".format(**domain)
    assert f"was opened for {wanted}" in str(caught.value)
    assert picture(tmp_path) == before


@pytest.mark.parametrize("crashed", [False, True])
@pytest.mark.parametrize(
    ("offset", "data"),
    [
        (0, b"X"),  # the magic
        (18, b"\1\1"),  # the format says that it is no WAL database
        (60, bytes(4)),
        (68, bytes(4)),  # the application id
        (100, b"\xff" * 40),  # the first page of the schema
        (4096, b"\xff" * 64),  # the root of the table
    ],
    ids=["magic", "format", "schema version", "application id", "schema", "table"],
)
def test_a_damaged_log_is_refused_and_stays_as_it_is(
    tmp_path: Path, offset: int, data: bytes, *, crashed: bool
) -> None:
    path = tmp_path / "log.db"
    make(path)
    if crashed:
        crash(path, 1)
        (tmp_path / "log.db-shm").unlink()
        if offset >= 100:
            patch(tmp_path / "log.db-wal", 0, bytes(32))  # else its pages hide the damage
    patch(path, offset, data)
    refuse(path, LogDamaged, "damaged|not as a log was created|SQLite cannot read|ends at position")


def test_a_row_since_the_last_checkpoint_that_was_changed_is_found_at_start(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    crash(path)
    with closing(apsw.Connection(str(path))) as connection:
        connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
        (trigger,) = connection.execute(
            "SELECT sql FROM sqlite_schema WHERE name = 'events_no_update'"
        ).fetchall()
        connection.execute("DROP TRIGGER events_no_update")
        connection.execute("UPDATE events SET at_ns = at_ns + 1 WHERE position = 3")
        connection.execute(trigger[0])
    refuse(path, LogDamaged, "position 3 does not match its hash.*--verify")


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("DROP TRIGGER events_no_delete", "events_no_delete is missing"),
        ("DROP INDEX events_command", "events_command is missing"),
        ("ALTER TABLE events ADD COLUMN note TEXT", "events is not as the log was created"),
    ],
)
def test_a_log_without_its_guards_is_refused(tmp_path: Path, statement: str, words: str) -> None:
    path = tmp_path / "log.db"
    make(path)
    with closing(apsw.Connection(str(path))) as connection:
        connection.execute(statement)
    refuse(path, LogDamaged, words)


def test_a_creation_that_was_cut_short_begins_again(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    make(path, 0)
    path.unlink()
    for name, content in [("log.db.new", b"half"), ("log.db.witness.new", b"half")]:
        (tmp_path / name).write_bytes(content)
    (tmp_path / "log.db.witness").unlink()
    make(path)
    with LogReader(path) as reader:
        assert reader.head().position == 4


def test_a_creation_cut_before_its_first_event_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "log.db"

    class Struck(Exception):
        pass

    class Killer:
        def prepare(self, _: apsw.Connection, *, anew: bool = False) -> None:  # noqa: ARG002
            raise Struck

        def apply(self, _: apsw.Connection, __: object) -> None: ...

    with pytest.raises(Struck):
        open_paper(path, projector=Killer())
    with LogReader(path) as reader:
        assert reader.head().position == 0
        assert reader.identity() is None
    make(path)
    with LogReader(path) as reader:
        assert reader.head().position == 4


def test_an_empty_file_becomes_a_log_unless_a_witness_knows_better(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    path.touch()
    make(path)
    path.write_bytes(b"")
    refuse(path, LogDamaged, "the log is gone")
    path.unlink()
    refuse(path, LogDamaged, "the log is gone")


def test_commits_that_were_never_acknowledged_are_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    make(path)
    old = (tmp_path / "log.db.witness").read_bytes()
    crash(path, 5)
    (tmp_path / "log.db.witness").write_bytes(old)  # as if killed before each of its writes
    make(path, 0)
    with LogReader(path) as reader:
        assert reader.head().position == 9
        testimony = read_witness(path)
        assert testimony is not None
        assert testimony.head == testimony.mark == reader.head()


def test_opening_beside_a_reader_of_the_same_process_drops_no_lock(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    make(path)
    with LogReader(path) as reader:
        reader.connection.execute("BEGIN")
        assert reader.head().position == 4
        crash(path)
        assert reader.head().position == 4  # its snapshot still stands
        reader.connection.execute("COMMIT")
        assert reader.head().position == 7
