"""The table is append-only for everybody who can open the file."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from arb.events.sqlite import schema
from tests.spec.log_examples import AT_NS, META, open_paper, to

NEXT = "(6, 'cycle-a', 5, 'X', 1, 1, '{}', '{}', NULL, x'00')"


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "log.db"

    async def main() -> None:
        log = open_paper(path)
        for version in range(4):
            batch = to("cycle-a", version)
            await log.append(batch, at_ns=AT_NS, meta=META, command_id=f"c{version}")
        await log.close()

    asyncio.run(main())
    return path


@pytest.fixture(params=[False, True], ids=["plain", "recursive triggers"])
def connection(request: pytest.FixtureRequest, log: Path) -> Iterator[apsw.Connection]:
    connection = apsw.Connection(str(log))
    connection.pragma("recursive_triggers", request.param)
    yield connection
    connection.close()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE events SET data = '{}' WHERE position = 2",
        "UPDATE OR REPLACE events SET position = 3 WHERE position = 2",
        "UPDATE events SET command = NULL",
        "DELETE FROM events WHERE position = 5",
        "DELETE FROM events",
        "INSERT OR REPLACE INTO events SELECT * FROM events WHERE position = 3",
        "REPLACE INTO events SELECT * FROM events WHERE position = 5",
        # a new position, but the version, or the command, of another row
        "REPLACE INTO events VALUES(6, 'cycle-a', 4, 'X', 1, 1, '{}', '{}', NULL, x'00')",
        "REPLACE INTO events VALUES(6, 'cycle-a', 5, 'X', 1, 1, '{}', '{}', 'c1', x'00')",
        "INSERT INTO events SELECT * FROM events WHERE position = 3",
        "INSERT OR IGNORE INTO events VALUES(9, 'cycle-a', 5, 'X', 1, 1, '{}', '{}', NULL, x'00')",
        "INSERT INTO events VALUES(NULL, 'cycle-a', 5, 'X', 1, 1, '{}', '{}', NULL, x'00')",
        "INSERT INTO events VALUES(0, 'cycle-b', 1, 'X', 1, 1, '{}', '{}', NULL, x'00')",
        "INSERT INTO events VALUES(6, 'cycle-a', 6, 'X', 1, 1, '{}', '{}', NULL, x'00')",
        "INSERT INTO events VALUES(6, 'cycle-b', 2, 'X', 1, 1, '{}', '{}', NULL, x'00')",
        f"INSERT INTO events VALUES{NEXT} ON CONFLICT DO UPDATE SET data = 'x'; UPDATE events SET data = ''",
    ],
)
def test_nothing_changes_what_was_appended(connection: apsw.Connection, statement: str) -> None:
    before = connection.execute("SELECT * FROM events").fetchall()
    with pytest.raises(apsw.ConstraintError), connection:
        connection.execute(statement)
    assert connection.execute("SELECT * FROM events").fetchall() == before


def test_the_next_event_of_a_stream_goes_in(connection: apsw.Connection) -> None:
    connection.execute(f"INSERT INTO events VALUES{NEXT}")
    assert connection.changes() == 1


@pytest.mark.parametrize(
    "values",
    [
        "(6, 'cycle-a', 5, 'X', 1, 1.5, '{}', '{}', NULL, x'00')",
        "(6, 'cycle-a', 5, 'X', 1, 1, x'00', '{}', NULL, x'00')",
        "(6, 'cycle-a', 5, 'X', 1, 1, '{}', '{}', NULL, 'text')",
        "(6, 'cycle-a', 5, NULL, 1, 1, '{}', '{}', NULL, x'00')",
    ],
)
def test_columns_hold_their_types_only(connection: apsw.Connection, values: str) -> None:
    with pytest.raises(apsw.ConstraintError):
        connection.execute(f"INSERT INTO events VALUES{values}")


def test_the_file_says_what_it_is_and_is_private(log: Path) -> None:
    connection = apsw.Connection(str(log))
    assert connection.pragma("application_id") == schema.APPLICATION_ID
    assert connection.pragma("user_version") == schema.SCHEMA_VERSION
    assert connection.pragma("journal_mode") == "wal"
    columns = [row[1] for row in connection.execute("PRAGMA table_info(events)")]
    contract = "position stream version type shape at_ns data meta command hash"
    assert " ".join(columns) == contract
    strict = connection.execute("SELECT strict FROM pragma_table_list('events')").fetchall()
    assert strict == [(1,)]
    connection.close()
    check_private(log.parent)


def check_private(folder: Path) -> None:
    for file in folder.iterdir():
        assert file.stat().st_mode & 0o777 == 0o600, file


def test_the_writer_is_durable_and_checkpoints_by_itself_only(tmp_path: Path) -> None:
    async def main() -> None:
        log = open_paper(tmp_path / "log.db")
        connection = log._committer.connection
        assert connection.pragma("synchronous") == 2
        assert connection.pragma("wal_autocheckpoint") == 0
        assert connection.pragma("recursive_triggers") == 1
        await log.append(to("cycle-a", 0), at_ns=AT_NS, meta=META)
        check_private(tmp_path)
        await log.close()

    asyncio.run(main())
