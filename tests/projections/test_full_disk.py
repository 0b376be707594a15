"""A disk that fills up while the tables are written anew: it is told as such, and no table is lost by it."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw
import pytest

from arb.errors import Indeterminate
from arb.events.sqlite import LogReader, connections
from arb.projections import tables
from arb.projections.rebuilding import rebuild
from arb.simulation.vfs import watched
from tests.spec.written import example_log, open_paper

ROOMS = range(4_096, 2_000_000, 12_000)  # for the WAL, in bytes
writer = connections.writer


@contextmanager
def room_for(wal_bytes: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let the WAL get so long and no longer, under connections that keep few pages in memory."""

    def watch(what: str, name: str, offset: int, data: bytes) -> None:
        if what == "write" and name.endswith("-wal") and offset + len(data) > wal_bytes:
            raise apsw.FullError("database or disk is full")

    with watched(watch) as vfs:

        def small(path: Path, _vfs: str | None = None, *, durable: bool = True) -> apsw.Connection:
            connection = writer(path, vfs, durable=durable)
            connection.pragma("cache_size", 10)
            return connection

        monkeypatch.setattr(connections, "writer", small)
        yield
        monkeypatch.setattr(connections, "writer", writer)


def dumps(path: Path) -> list[str]:
    with LogReader(path) as reader:
        return [tables.dump(reader.connection, name) for name in tables.NAMES]


def written_by_another_version(path: Path) -> list[str]:
    example_log(path)
    connection = writer(path)
    connection.execute("UPDATE projection_codes SET code = 'older' WHERE name = 'risk'")
    connections.close(connection)
    return dumps(path)


async def opened(path: Path) -> None:
    await open_paper(path, "later").close()


def works_once_there_is_room(
    path: Path, work: Callable[[], object], full: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Give it a little more room each time: it says that the disk is full, and leaves all as it was."""
    before = written_by_another_version(path)
    failed = 0
    for room in ROOMS:
        with room_for(room, monkeypatch):
            try:
                work()
            except full as error:
                assert "FullError" in repr(error)  # noqa: PT017 -- one that has room raises nothing
                failed += 1
            else:
                break
        assert dumps(path) == before
    assert failed > 5
    with LogReader(path) as reader:
        assert tables.stale(reader.connection) is None


def test_a_start_says_that_the_disk_is_full_and_the_next_one_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "log.db"
    works_once_there_is_room(path, lambda: asyncio.run(opened(path)), Indeterminate, monkeypatch)


def test_a_rebuild_leaves_the_tables_as_they_were(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "log.db"
    works_once_there_is_room(path, lambda: rebuild(path), apsw.FullError, monkeypatch)
