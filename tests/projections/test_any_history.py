"""Whatever happens to cycles, account and clock, and wherever a transaction or a life ends: tables are what the log says."""

import asyncio
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from unittest.mock import patch

import apsw
from hypothesis import given
from hypothesis import strategies as st

from arb.events.envelope import Meta
from arb.events.log import StreamAppend
from arb.events.sqlite import LogReader
from arb.ids import cycle_stream
from arb.projections import projector, tables
from arb.projections.audit import verify
from arb.projections.projector import Projections
from arb.projections.replay import replay_all
from arb.projections.snapshots import encode_account
from tests.machine.histories import Walk
from tests.spec import histories as h
from tests.spec.properties import examples
from tests.spec.written import open_paper

DAY_NS = 86_400 * 10**9
CLOCK_STEPS_NS = (1, 7_000_000, 7_000_000, 10**9, 3_600 * 10**9, DAY_NS, -1, -(10**9), -DAY_NS)


def any_history(rng: Random, steps: int) -> list[h.Batch]:
    """Cycles that are driven by any legal command, closed and touched again, among facts of the account."""
    walks = [Walk(rng, number) for number in range(1, 5)]
    batches = h.preface()
    for _ in range(steps):
        if rng.random() < 0.1:
            batches.append(rng.choice((h.account_batch, h.risk_batch))(rng))
            continue
        walk = rng.choice(walks)
        facts = walk.step()
        if facts:
            assert walk.cycle is not None
            batches.append(h.Batch(cycle_stream(walk.cycle.id), tuple(facts)))
    return batches


async def live(path: Path, batches: list[h.Batch], rng: Random, run: str, at_ns: int) -> int:
    """One life of a writer: some appends to a transaction, and a clock that may be set."""
    log = open_paper(path, run, at_ns)
    while batches:
        waiting = []
        versions: dict[str, int] = {}
        for stream, facts in [
            batches.pop(0) for _ in range(min(rng.choice((1, 2, 9)), len(batches)))
        ]:
            version = versions.get(stream, log.stream_version(stream))
            versions[stream] = version + len(facts)
            at_ns = max(at_ns + rng.choice(CLOCK_STEPS_NS), 0)
            one = (StreamAppend(stream, version, facts),)
            waiting.append(log.append(one, at_ns=at_ns, meta=Meta(run=run)))
        await asyncio.gather(*waiting)
    await log.close()
    return at_ns


@given(
    st.integers(0, 2**32), st.integers(1, 120), st.integers(1, 4), st.sampled_from((1, 2, 4_096))
)
@examples(60)
def test_after_any_history_the_tables_are_those_that_the_log_gives(
    seed: int, steps: int, lives: int, kept: int
) -> None:
    rng = Random(seed)
    batches = any_history(rng, steps)
    places = sorted(rng.randrange(len(batches) + 1) for _ in range(lives - 1))
    at_ns = h.START_NS
    with TemporaryDirectory() as folder, patch.object(projector, "KEPT_CYCLES_MAX", kept):
        path = Path(folder) / "log.db"
        for run, (begin, end) in enumerate(zip([0, *places], [*places, len(batches)], strict=True)):
            at_ns = asyncio.run(live(path, batches[begin:end], rng, f"r{run}", at_ns))
            memory = apsw.Connection(":memory:")
            with LogReader(path) as reader:
                Projections(history=reader.connection).rebuild(memory, reader.read())
                for name in tables.NAMES:
                    assert tables.dump(reader.connection, name) == tables.dump(memory, name)
                snapshot = reader.connection.execute("SELECT snapshot FROM account_state").get
                assert encode_account(replay_all(reader).account) == snapshot
        assert verify(path) == []
