"""Reading beside the engine, and on a copied folder."""

import asyncio
import os
import shutil
from pathlib import Path

import apsw
import pytest

from arb.errors import LogDamaged, UnknownEvent, WrongLog
from arb.events.chain import link
from arb.events.envelope import EMPTY, Recorded
from arb.events.facts import CancelIntended, OrderFilled
from arb.events.sqlite import LogReader, connections, rows, verify_chain
from arb.events.sqlite.rows import record
from arb.limits import READ_PAGE_EVENTS
from tests.spec.log_examples import AT_NS, FILL, META, names, note, open_paper, to


def make(path: Path, events: int) -> None:
    async def main() -> None:
        log = open_paper(path)
        facts = [note(str(one)) for one in range(events)]
        for start in range(0, events, 1_000):
            batch = to("cycle-long", start, *facts[start : start + 1_000])
            await log.append(batch, at_ns=AT_NS, meta=META)
        await log.append(to("cycle-b", 0), at_ns=AT_NS, meta=META)
        await log.append(to("strategy-x", 0), at_ns=AT_NS, meta=META)
        await log.close()

    asyncio.run(main())


def test_a_log_longer_than_a_page_is_read_whole_and_in_order(tmp_path: Path) -> None:
    events = READ_PAGE_EVENTS + 500
    make(tmp_path / "log.db", events)
    with LogReader(tmp_path / "log.db") as reader:
        assert [one.position for one in reader.read()] == list(range(1, events + 4))
        assert [one.version for one in reader.read_stream("cycle-long")] == list(
            range(1, events + 1)
        )
        assert len(list(reader.read_stream("cycle-long", 4_000))) == events - 4_000
        assert [one.position for one in reader.read(4_000, 200)] == list(range(4_001, 4_201))
        previous = EMPTY.hash
        for page in reader.pages():
            for row in page:
                previous = link(previous, *row[:9])
                assert previous == row[9]
        assert (
            sum(map(len, reader.pages(10, 5_000))) == events + 3 - 10 if events < 5_000 else 5_000
        )
        assert reader.stream_version("cycle-long") == events
        assert reader.stream_version("cycle") == 0
        assert reader.streams() == ["cycle-b", "cycle-long", "run-0", "strategy-x"]
        assert reader.streams("cycle-") == ["cycle-b", "cycle-long"]
        assert reader.streams("cycle-b") == ["cycle-b"]
        assert reader.streams("nothing") == []
        assert len(reader.facts("cycle-long", CancelIntended)) == events
        assert verify_chain(reader) == []


def test_facts_of_one_type_are_found_among_many_others_without_reading_those(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "log.db"

    async def main() -> None:
        log = open_paper(path)
        facts = [FILL if at % 700 == 0 else note(str(at)) for at in range(2 * READ_PAGE_EVENTS)]
        for start in range(0, len(facts), 2_000):
            await log.append(
                to("cycle-a", start, *facts[start : start + 2_000]), at_ns=AT_NS, meta=META
            )
        await log.append(to("cycle-b", 0, FILL), at_ns=AT_NS, meta=META)
        await log.close()

    asyncio.run(main())
    read: list[str] = []

    def counted(row: rows.Row) -> Recorded:
        read.append(row[3])
        return record(row)

    monkeypatch.setattr(rows, "record", counted)
    with LogReader(path) as reader:
        assert reader.facts("cycle-a", OrderFilled) == [FILL] * (2 * READ_PAGE_EVENTS // 700 + 1)
        assert set(read) == {"OrderFilled"}
        assert reader.facts("cycle-c", OrderFilled) == []


def test_a_reader_sees_what_is_committed_meanwhile_and_can_write_nothing(tmp_path: Path) -> None:
    async def main() -> None:
        log = open_paper(tmp_path / "log.db", on_loop=False)
        with LogReader(tmp_path / "log.db") as reader:
            for version in range(5):
                await log.append(to("cycle-a", version), at_ns=AT_NS, meta=META)
                assert reader.head() == log.head()
            reading = reader.read()
            next(reading)
            await log.append(to("cycle-a", 5), at_ns=AT_NS, meta=META)
            assert len(list(reading)) == 5
            with pytest.raises(apsw.ReadOnlyError):
                reader.connection.execute("CREATE TABLE mine(a)")
            identity = reader.identity()
            assert identity == log.identity
        await log.close()

    asyncio.run(main())


def test_a_copied_folder_is_read_without_its_lock_and_with_its_wal(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "copy"
    source.mkdir()

    async def main() -> None:
        log = open_paper(source / "log.db")
        for version in range(5):
            await log.append(to("cycle-a", version), at_ns=AT_NS, meta=META)
        shutil.copytree(source, target)
        await log.append(to("cycle-a", 5), at_ns=AT_NS, meta=META)
        await log.close()

    asyncio.run(main())
    (target / "log.db.lock").unlink()
    (target / "log.db-shm").unlink()
    with LogReader(target / "log.db") as reader:
        assert reader.head().position == 6
        assert verify_chain(reader) == []
    assert "log.db.lock" not in names(target)


@pytest.mark.parametrize("closed", [True, False])
def test_a_log_is_looked_at_without_making_a_file(tmp_path: Path, *, closed: bool) -> None:
    async def main() -> None:
        log = open_paper(tmp_path / "log.db")
        await log.append(to("cycle-a", 0), at_ns=AT_NS, meta=META)
        if closed:
            await log.close()
        else:
            log._committer.abandon()
            log._lock.release()
            (tmp_path / "log.db-shm").unlink()

    asyncio.run(main())
    before = {name: (tmp_path / name).read_bytes() for name in names(tmp_path)}
    connection = connections.untouching(tmp_path / "log.db")
    assert connection.execute("SELECT count(*) FROM events").fetchall() == [(2,)]
    assert names(tmp_path) == list(before)
    connections.close(connection)
    assert {name: (tmp_path / name).read_bytes() for name in names(tmp_path)} == before


def test_there_is_no_log_where_there_is_none(tmp_path: Path) -> None:
    with pytest.raises(WrongLog, match=r"there is no log at .*none\.db; check `--db`"):
        LogReader(tmp_path / "none.db")
    assert names(tmp_path) == []


def test_a_row_that_cannot_be_decoded_is_named_by_position() -> None:
    row = (7, "s", 1, "OrderTeleported", 1, 0, "{}", "{}", None, b"")
    with pytest.raises(UnknownEvent, match="position 7: the log holds an event of type"):
        record(row)
    row = (8, "s", 1, "OrderFilled", 1, 0, "{}", "{}", None, b"")
    with pytest.raises(LogDamaged, match="position 8: the data of OrderFilled"):
        record(row)


def test_where_nothing_can_be_written_a_live_log_is_read_with_its_locks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "log.db"

    async def main() -> None:
        log = open_paper(path)
        await log.append(to("cycle-a", 0), at_ns=AT_NS, meta=META)
        log._committer.abandon()
        log._lock.release()

    asyncio.run(main())
    monkeypatch.setattr(os, "access", lambda *_: False)  # a read-only mount
    for index, vfs in ((True, "unix"), (False, "unix-none")):
        shm = tmp_path / "log.db-shm"
        assert shm.exists() is index
        connection = connections.reader(path)
        assert connection.open_vfs == vfs
        assert connection.execute("SELECT max(position) FROM events").get == 2
        connections.close(connection)
        shm.unlink(missing_ok=True)
