"""A disk that is full while a file is made says so, wherever that begins to show."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import apsw
import pytest

from arb.events.sqlite import schema
from arb.exchange.paper import file as paper_file
from arb.simulation.vfs import watched


def an_account(connection: apsw.Connection) -> None:
    connection.pragma("journal_mode", "wal")
    paper_file._fill(connection, "alice", {"USDT": Decimal(1)})


@pytest.mark.parametrize("make", [schema.create, an_account])
def test_a_full_disk_is_told_as_such(
    tmp_path: Path, make: Callable[[apsw.Connection], None]
) -> None:
    def watch(what: str, name: str, offset: int, data: bytes) -> None:
        if what == "write" and name.endswith("-wal") and offset + len(data) > room:
            raise apsw.FullError("database or disk is full")

    failed = 0
    for room in range(0, 200_000, 2_048):
        with watched(watch) as vfs:
            flags = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE
            connection = apsw.Connection(str(tmp_path / f"{room}.db"), flags=flags, vfs=vfs)
            connection.pragma("cache_size", 1)
            try:
                make(connection)
            except apsw.FullError:
                failed += 1
            else:
                break
            finally:
                connection.close(force=True)
    assert failed > 5
