"""Only a backtest's log may forgo the disk: it is made again from its file and seed."""

import asyncio
from pathlib import Path

import pytest

from arb.clock import NS_PER_S, VirtualClock
from arb.execution.runs.assembling import Options
from arb.execution.runs.sources import open_market
from arb.execution.runs.wiring import assemble
from arb.strategy.loader import load
from tests.spec.flipped import written
from tests.spec.scripted_feed import BEGIN_S
from tests.spec.wired import recorded

OFF, FULL = 0, 2  # what SQLite calls them


@pytest.mark.parametrize(("mode", "synchronous"), [("paper", FULL), ("backtest", OFF)])
def test_every_commit_is_synced_but_in_a_backtest(
    tmp_path: Path, mode: str, synchronous: int
) -> None:
    loaded = load(written(tmp_path, recorded(tmp_path, mode)))
    clock = VirtualClock(BEGIN_S * NS_PER_S)

    async def ask() -> object:
        options = Options(db=tmp_path / "log.db")
        async with assemble([loaded], options, clock, open_market(loaded)) as run:
            return run.log._committer.connection.pragma("synchronous")

    assert asyncio.run(ask()) == synchronous
