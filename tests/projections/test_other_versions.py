"""A log is read by other versions than wrote it: by an older one too, where somebody went back to it."""

import asyncio
from pathlib import Path

import pytest

from arb.errors import UnknownEvent
from arb.events.chain import link
from arb.events.envelope import Head
from arb.events.facts import ALL_FACTS, Fact
from arb.events.sqlite import LogReader, connections, read_witness, rows, verify_chain
from arb.events.sqlite.witness import Witness
from arb.projections import tables
from tests.spec.written import example_log, open_paper


class BalancesPledged(Fact, frozen=True):
    """What no version knows yet."""

    SHAPE = 1


def by_a_newer_version(path: Path) -> None:
    """Append a fact as a version would that knows one more, and has the same tables."""
    connection = connections.writer(path)
    head = rows.head(connection)
    row = (head.position + 1, "account-new", 1, "BalancesPledged", 1, 10**18)
    texts = ('{"type":"BalancesPledged"}', '{"run":"later"}', None)
    hash_ = link(head.hash, *row, *texts)
    connection.execute("INSERT INTO events VALUES (?,?,?,?,?,?,?,?,?,?)", (*row, *texts, hash_))
    connection.execute(tables.SET_POSITION, (head.position + 1,))
    for name in tables.NAMES:
        newer = tables.code_of(name, (*ALL_FACTS, BalancesPledged))
        connection.execute("UPDATE projection_codes SET code = ? WHERE name = ?", (newer, name))
    connections.close(connection)
    testimony = read_witness(path)
    assert testimony is not None
    witness = Witness.open(path, testimony)
    witness.sync(Head(head.position + 1, hash_))
    witness.close()


async def opened(path: Path) -> None:
    await open_paper(path).close()


def dumps(path: Path) -> list[str]:
    with LogReader(path) as reader:
        return [tables.dump(reader.connection, name) for name in tables.NAMES]


def test_a_version_that_does_not_know_an_event_does_not_go_on_with_its_log(tmp_path: Path) -> None:
    path = example_log(tmp_path / "log.db")
    by_a_newer_version(path)
    before = dumps(path)
    for _ in range(2):
        with pytest.raises(
            UnknownEvent, match="'BalancesPledged', which this version does not know"
        ):
            asyncio.run(opened(path))
    assert dumps(path) == before
    with LogReader(path) as reader:
        assert len(verify_chain(reader)) == 1


def test_a_shape_that_is_new_is_another_code() -> None:
    class Newer(ALL_FACTS[-1], frozen=True, tag=ALL_FACTS[-1].__name__):  # type: ignore[misc]
        SHAPE = ALL_FACTS[-1].SHAPE + 1

    Newer.__name__ = ALL_FACTS[-1].__name__
    newer = tables.code_of(tables.ACCOUNT_STATE, (*ALL_FACTS[:-1], Newer))
    assert newer != tables.CODES[tables.ACCOUNT_STATE]
    assert tables.code_of(tables.ACCOUNT_STATE, ALL_FACTS) == tables.CODES[tables.ACCOUNT_STATE]
