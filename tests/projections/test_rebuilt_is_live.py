"""Whatever happened, in whatever transactions: the tables of a live log and of one written anew are the same text."""

import asyncio
from pathlib import Path
from random import Random

import apsw
import pytest

from arb.events import facts as f
from arb.events.codec import decode
from arb.events.envelope import EMPTY, Meta, Recorded
from arb.events.log import StreamAppend
from arb.events.sequence import Sequencer, draft
from arb.events.sqlite import LogReader
from arb.machine import commands as c
from arb.money import ZERO
from arb.projections import projector, tables
from arb.projections.projector import Projections
from tests.spec import histories as h
from tests.spec.written import append, open_paper, write_log


def dumps(connection: apsw.Connection) -> dict[str, str]:
    return {name: tables.dump(connection, name) for name in tables.NAMES}


def anew(path: Path) -> dict[str, str]:
    """The tables of a log, written from its events alone."""
    memory = apsw.Connection(":memory:")
    with LogReader(path) as reader:
        Projections(history=reader.connection).rebuild(memory, reader.read())
    return dumps(memory)


def shown(path: Path) -> dict[str, str]:
    with LogReader(path) as reader:
        return dumps(reader.connection)


@pytest.mark.parametrize("seed", range(8))
def test_rebuilt_tables_are_the_live_ones(tmp_path: Path, seed: int) -> None:
    path = tmp_path / "log.db"
    write_log(path, h.history(seed, cycles=45), seed)
    assert anew(path) == shown(path)


@pytest.mark.parametrize("seed", range(8))
def test_a_restart_at_any_place_goes_on_from_the_tables(tmp_path: Path, seed: int) -> None:
    path, rng = tmp_path / "log.db", Random(seed)
    batches = h.history(seed, cycles=30)
    places = sorted(rng.sample(range(1, len(batches)), 5))

    async def live(part: list[h.Batch], run: str, at_ns: int) -> int:
        log = open_paper(path, run, at_ns)
        at_ns = await append(log, part, rng, run, at_ns)
        await log.close()
        return at_ns

    at_ns = h.START_NS
    for number, (begin, end) in enumerate(zip([0, *places], [*places, len(batches)], strict=True)):
        at_ns = asyncio.run(live(batches[begin:end], f"r{number}", at_ns))
    assert anew(path) == shown(path)


def test_cycles_that_were_let_go_of_come_back_from_their_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(projector, "KEPT_CYCLES_MAX", 1)
    path = tmp_path / "log.db"
    write_log(path, h.history(5, cycles=45), 5)
    assert anew(path) == shown(path)


def records(batches: list[h.Batch]) -> list[list[Recorded]]:
    """Batches as the log would hand them over, without a log."""
    sequencer = Sequencer(EMPTY, lambda _stream: 0, lambda _command: None)
    staged = []
    for at, batch in enumerate(batches):
        version = sequencer.version(batch.stream)
        one = draft((StreamAppend(batch.stream, version, batch.facts),), at_ns=at, meta=Meta())
        into: list[Recorded] = []
        sequencer.stage(one, into)
        staged.append(into)
    return staged


def test_one_event_a_transaction_gives_the_same_as_all_in_one() -> None:
    """Nothing depends on where a transaction ends, as long as no closed cycle is touched again."""
    tales = (h.completed, h.partial, h.missed, h.refused, h.liquidated, h.parked, h.left_open)
    events = [event for part in records(h.history(3, 21, tales)) for event in part]
    one, all_ = apsw.Connection(":memory:"), apsw.Connection(":memory:")
    single = Projections()
    single.rebuild(one, [])
    for event in events:
        single.apply(one, [event])
    Projections().rebuild(all_, events)
    assert dumps(one) == dumps(all_)


def test_the_zero_of_a_class_and_a_zero_from_the_log_read_the_same() -> None:
    """Live facts may hold the very ZERO that a state defaults to; facts that were read never do."""
    author = h.Author(1, Random(1))
    author.begin()
    for at in range(3):
        author.leg(at)
    author.do(c.CompleteCycle(fee_value=ZERO))
    batches = author.batches
    order = author.now.orders[0]
    author.do(
        c.ReportOrder(
            client_order_id=order.client_order_id, exchange_order_id=order.exchange_order_id,
            status=None, filled=None, fills=(author.trade(order, h.UNIT),),
        )
    )  # fmt: skip
    live = [event for part in records(batches) for event in part]
    assert f.LateFillFound in [type(one.fact) for one in live]
    read = [
        Recorded(*[getattr(one, name) for name in one.__struct_fields__[:-1]], decode(one.type, one.shape, one.data))
        for one in live
    ]  # fmt: skip
    found = []
    for events in (live, read):
        memory = apsw.Connection(":memory:")
        Projections().rebuild(memory, events)
        found.append(dumps(memory))
    assert found[0] == found[1]
    assert "recovering" in found[0][tables.OPEN_CYCLES]
