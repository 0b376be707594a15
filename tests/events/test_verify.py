"""Verification names what was done to a log: the row, and the column where that can be told."""

import asyncio
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from random import Random

import apsw
import pytest

from arb.events.chain import link
from arb.events.codec import encode
from arb.events.sqlite import Finding, LogReader, schema, verify_chain
from tests.spec.log_examples import AT_NS, FILL, META, note, open_paper, to

EVENTS = 20  # positions 2 to 21, behind LogCreated
TEXTS = ["stream", "type", "data", "meta", "command"]
NUMBERS = ["position", "version", "shape", "at_ns"]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "log.db"

    async def main() -> None:
        log = open_paper(path)
        for number in range(EVENTS):
            fact = FILL if number % 2 else note(f"note é {number}")
            batch = to(f"cycle-{number % 3}", number // 3, fact)
            await log.append(batch, at_ns=AT_NS + number, meta=META, command_id=f"c{number}")
        await log.close()

    asyncio.run(main())
    return path


@contextmanager
def unguarded(path: Path) -> Iterator[apsw.Connection]:
    """What somebody can do who knows SQLite: the guards are as before when he is done."""
    with closing(apsw.Connection(str(path))) as connection:
        guards = list(
            connection.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'")
        )
        for name, _ in guards:
            connection.execute(f"DROP TRIGGER {name}")
        yield connection
        for _, sql in guards:
            connection.execute(sql)


def verified(path: Path) -> list[Finding]:
    with LogReader(path) as reader:
        return verify_chain(reader)


def places(findings: list[Finding]) -> list[tuple[int | None, str]]:
    return [(one.position, one.column) for one in findings]


def test_nothing_is_wrong_with_a_whole_log_not_even_while_it_is_written(path: Path) -> None:
    assert verified(path) == []

    async def main() -> None:
        log = open_paper(path, on_loop=False)
        await log.append(to("cycle-9", 0), at_ns=AT_NS, meta=META)
        assert verified(path) == []
        await log.close()

    asyncio.run(main())


def flipped(value: object, random: Random) -> int | bytes | str:
    """Change one byte, and keep a text a text."""
    if isinstance(value, int):
        return value ^ (1 << random.randrange(40))
    assert isinstance(value, str | bytes)
    stored = bytearray(value if isinstance(value, bytes) else value.encode())
    index = random.choice([index for index, byte in enumerate(stored) if byte < 128])
    stored[index] = random.choice([byte for byte in range(33, 127) if byte != stored[index]])
    return bytes(stored) if isinstance(value, bytes) else stored.decode()


@pytest.mark.parametrize("position", [1, 2, 11, 21])
@pytest.mark.parametrize("column", [*TEXTS, *NUMBERS[1:], "hash"])
def test_a_changed_byte_is_named_by_row_and_column(path: Path, position: int, column: str) -> None:
    random = Random(f"{position} {column}")
    with unguarded(path) as connection:
        query = f"SELECT {column} FROM events WHERE position = ?"
        ((value,),) = connection.execute(query, (position,)).fetchall()
        if value is None:
            pytest.skip("LogCreated has no command")
        while True:
            update = f"UPDATE events SET {column} = ? WHERE position = ?"
            try:
                connection.execute(update, (flipped(value, random), position))
                break
            except apsw.ConstraintError:  # another row has that version, or that command
                continue
    assert (position, column) in places(verified(path))


@pytest.mark.parametrize("flip", [0x01, 0x80, 0xFF])
@pytest.mark.parametrize(
    ("column", "offset"),
    [
        ("stream", 3),
        ("version", 7),
        ("type", 12),
        ("at_ns", 22),
        ("data", 60),
        ("meta", -8),
        ("command", -1),
    ],
)
def test_a_byte_flipped_in_the_file_itself_is_named_even_where_it_is_no_text_any_more(
    path: Path, column: str, offset: int, flip: int
) -> None:
    content = bytearray(path.read_bytes())
    row = b"cycle-0\4OrderFilled" + (AT_NS + 9).to_bytes(8) + encode(FILL)[2].encode()
    row += b'{"run":"test"}c9'
    start = content.find(row)
    while start >= 0:  # copies in pages that are no longer used are changed too
        content[start + offset % len(row)] ^= flip
        start = content.find(row, start)
    path.write_bytes(content)
    found = [one for one in verified(path) if one.position == 11]
    assert [one.column for one in found] == [column]
    assert "and was written as" in found[0].text


@pytest.mark.parametrize("position", [2, 11, 21])
def test_a_changed_position_is_named(path: Path, position: int) -> None:
    with unguarded(path) as connection:
        update = "UPDATE events SET position = position + 4096 WHERE position = ?"
        connection.execute(update, (position,))
    findings = verified(path)
    assert (position + 4096, "position") in places(findings)
    assert f"was written at position {position}" in " ".join(one.text for one in findings)


@pytest.mark.parametrize("first", [1, 2, 11])
@pytest.mark.parametrize("count", [1, 3])
def test_dropped_rows_are_named(path: Path, first: int, count: int) -> None:
    with unguarded(path) as connection:
        delete = "DELETE FROM events WHERE position BETWEEN ? AND ?"
        connection.execute(delete, (first, first + count - 1))
    findings = verified(path)
    assert findings[0].position == first
    assert "missing: events were dropped" in findings[0].text
    assert len(findings) == 1 or any(one.column == "version" for one in findings)


def test_a_dropped_tail_is_told_by_the_witness(path: Path) -> None:
    with unguarded(path) as connection:
        connection.execute("DELETE FROM events WHERE position > 19")
    (finding,) = verified(path)
    assert finding.column == "witness"
    assert "ends at position 19, and its witness swears to 21" in finding.text


@pytest.mark.parametrize(("one", "two"), [(5, 6), (2, 3), (20, 21), (4, 17)])
def test_swapped_rows_are_named_both(path: Path, one: int, two: int) -> None:
    with unguarded(path) as connection:
        for old, new in ((one, -1), (two, one), (-1, two)):
            connection.execute("UPDATE events SET position = ? WHERE position = ?", (new, old))
    findings = [one for one in verified(path) if one.column != "witness"]
    assert sorted(places(findings)) == [(one, "position"), (two, "position")]
    assert f"position {two} holds the event that was written at position {one}" in findings[0].text


def test_a_duplicated_row_is_named(path: Path) -> None:
    """The table's own constraint must be taken away first, and that is named too."""
    with closing(apsw.Connection(str(path))) as connection:
        (sql,) = connection.execute(
            "SELECT sql FROM sqlite_schema WHERE name = 'events'"
        ).fetchall()
        connection.execute("ALTER TABLE events RENAME TO old")
        loose = sql[0].replace(",\n    UNIQUE(stream, version)", "")
        assert loose != sql[0]
        connection.execute(loose)
        connection.execute("INSERT INTO events SELECT * FROM old; DROP TABLE old")
        columns = "stream, version, type, shape, at_ns, data, meta, NULL, hash"
        connection.execute(
            f"INSERT INTO events SELECT 22, {columns} FROM events WHERE position = 5"
        )
    findings = verified(path)
    assert (22, "") in places(findings) or (22, "position") in places(findings)
    assert any("events is not as the log was created" in one.text for one in findings)
    assert any("no_update is missing" in one.text for one in findings)


def test_a_repeated_version_with_a_right_hash_is_named(path: Path) -> None:
    with closing(apsw.Connection(str(path))) as connection:
        connection.execute("DROP TRIGGER events_next_version")
        ((previous,),) = connection.execute(
            "SELECT hash FROM events WHERE position = 21"
        ).fetchall()
        row = (22, "cycle-7", 5, "CancelIntended", 1, AT_NS, note_data(), "{}", None)
        insert = "INSERT INTO events VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        connection.execute(insert, (*row, link(previous, *row)))
    findings = verified(path)
    assert (22, "version") in places(findings)
    assert any("stream cycle-7 has no version 1" in one.text for one in findings)


def fill_data(amount: str) -> str:
    _, _, data = encode(FILL)
    return data.replace('"amount":"0.01"', f'"amount":{amount}')


def note_data() -> str:
    return '{"type":"CancelIntended","reason":"r","client_order_id":"x"}'


@pytest.mark.parametrize(
    ("type_", "shape", "data", "words"),
    [
        ("OrderTeleported", 1, "{}", "does not know"),
        ("OrderFilled", 2, "{}", "reads shapes 1 to 1"),
        ("OrderFilled", 1, "{}", "missing required field"),
        ("OrderFilled", 1, note_data(), "CancelIntended"),
        # It can be read, as what nobody would write.
        ("OrderFilled", 1, fill_data('"NaN"'), "amount holds NaN"),
        ("OrderFilled", 1, fill_data('"-inf"'), "amount holds -Infinity"),
        ("OrderFilled", 1, fill_data("0.01"), "not as it is written"),
        ("OrderFilled", 1, fill_data('" 0.01"'), "not as it is written"),
    ],
)
def test_content_that_cannot_be_read_is_named_though_its_hash_is_right(
    path: Path, type_: str, shape: int, data: str, words: str
) -> None:
    with closing(apsw.Connection(str(path))) as connection:
        ((previous,),) = connection.execute(
            "SELECT hash FROM events WHERE position = 21"
        ).fetchall()
        row = (22, "cycle-7", 1, type_, shape, AT_NS, data, "{}", None)
        insert = "INSERT INTO events VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        connection.execute(insert, (*row, link(previous, *row)))
    (finding,) = verified(path)
    assert (finding.position, finding.column) == (22, "data")
    assert words in finding.text


def test_a_row_that_was_written_anew_is_named_though_no_column_can_be(path: Path) -> None:
    with unguarded(path) as connection:
        data = note_data().replace('"r"', '"something else"')
        connection.execute("UPDATE events SET data = ? WHERE position = 8", (data,))
    (finding,) = verified(path)
    assert (finding.position, finding.column) == (8, "")
    assert (
        "does not match its hash: more than a byte was changed (it still decodes)" in finding.text
    )


def test_a_page_that_sqlite_cannot_read_is_named(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[4096:4160] = b"\xff" * 64
    path.write_bytes(content)
    assert any("SQLite" in one.text for one in verified(path))


def test_an_index_that_disagrees_with_its_table_is_named(path: Path) -> None:
    content = bytearray(path.read_bytes())
    # The command index holds short records of command and position: the last one in the file is in it.
    index = content.rindex(b"c13")
    content[index + 2] ^= 8
    path.write_bytes(content)
    assert any(one.text.startswith("SQLite: ") for one in verified(path))


def test_the_schema_is_part_of_what_is_verified(path: Path) -> None:
    with closing(apsw.Connection(str(path))) as connection:
        connection.execute("DROP TRIGGER events_no_delete")
    assert [one.text for one in verified(path)] == ["events_no_delete is missing from the schema"]
    with closing(apsw.Connection(str(path))) as connection:
        connection.execute(schema._OBJECTS["events_no_delete"])
    assert verified(path) == []
