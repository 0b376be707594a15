"""What was seen and not taken: counted, told once an interval, and shown with its numbers."""

import asyncio
import re
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from itertools import pairwise

import pytest

from arb.clock import NS_PER_S, VirtualClock
from arb.events import facts as f
from arb.events.memory import MemoryLog
from arb.events.sqlite import LogReader
from arb.execution.account.journal import Journal
from arb.execution.opportunities.sizing import BELOW_BAR
from arb.execution.risk.declined import OTHER, Declined
from arb.limits import DECLINED_FLUSH_S, DECLINED_REASONS_MAX, DECLINED_SAMPLE_CHARS_MAX
from arb.machine.account import Account
from arb.projections import queries
from tests.spec.flipped import flipped
from tests.spec.world import World


@pytest.fixture
def world(worlds: Callable[..., World]) -> World:
    """An account without the currency that cycles begin with."""
    return worlds(opening={"BTC": Decimal(1)})


def told(world: World) -> list[f.OpportunitiesDeclined]:
    return world.facts(f.OpportunitiesDeclined)


def summed(facts: list[f.OpportunitiesDeclined]) -> Counter[tuple[str, str]]:
    total: Counter[tuple[str, str]] = Counter()
    for fact in facts:
        for reason, count in fact.reasons.items():
            total[fact.strategy, reason] += count
    return total


def test_a_run_tells_once_an_interval_and_strategy_and_at_its_end(world: World) -> None:
    world.strategies = [
        world.strategy("one"),
        world.strategy("two", capital="{mode: fixed_fraction, fraction: 1}"),
    ]
    assert world.run(duration_s=200) == 0
    facts = told(world)
    for name in ("one", "two"):
        own = [fact for fact in facts if fact.strategy == name]
        assert len(own) == 4
        for fact, later in pairwise(own):
            assert fact.to_ns - fact.from_ns <= DECLINED_FLUSH_S * NS_PER_S
            assert fact.to_ns <= later.from_ns
    assert {one.stream for one in world.records() if one.fact in facts} == {
        "strategy-one",
        "strategy-two",
    }
    world.check()


def test_the_table_shows_the_sums_over_runs_with_the_last_numbers(world: World) -> None:
    assert world.run(duration_s=70) == 0
    assert world.run(duration_s=70) == 0
    world.check()
    with LogReader(world.db) as reader:
        rows = queries.declined(reader.connection)
    assert {(row.strategy, row.reason): row.count for row in rows} == summed(told(world))
    (row,) = [row for row in rows if row.reason == "balance"]
    assert row.sample == "no USDT is available"
    assert row.what == "opportunity"
    assert row.last_ns == told(world)[-1].to_ns


def test_a_kill_loses_at_most_the_last_interval(world: World) -> None:
    world.kill_after(
        lambda fact: isinstance(fact, f.OpportunitiesDeclined) and world.now_ns() > 0
    )  # fmt: skip
    assert world.run(duration_s=200) is None
    assert len(told(world)) == 1
    assert world.run(duration_s=30) == 0
    world.check()
    assert len(told(world)) == 2


def test_a_run_that_declines_nothing_tells_nothing(worlds: Callable[..., World]) -> None:
    world = worlds()
    assert world.run() == 0
    assert told(world) == []


def test_reasons_beyond_the_bound_are_counted_together() -> None:
    log, clock = MemoryLog(), VirtualClock(7)
    declined = Declined(Journal(log, clock, "r", Account(), []))
    for number in range(DECLINED_REASONS_MAX + 5):
        declined.count("demo", (), f"reason {number}", f"sample {number}")
    declined.count("demo", (), "reason 0", "9" * 10_000)
    asyncio.run(declined.flush())
    asyncio.run(declined.flush())
    (record,) = log.read()
    fact = record.fact
    assert isinstance(fact, f.OpportunitiesDeclined)
    assert len(fact.reasons) == DECLINED_REASONS_MAX + 1
    assert fact.reasons[OTHER] == 5
    assert fact.reasons["reason 0"] == 2
    assert fact.samples["reason 0"] == "9" * DECLINED_SAMPLE_CHARS_MAX
    assert sum(fact.reasons.values()) == sum(declined.total.values())


def test_where_no_size_pays_the_edge_is_told_at_the_whole_amount_and_not_at_a_crumb(
    worlds: Callable[..., World],
) -> None:
    world = worlds()
    market = {"order.type": "market", "max_slippage_bps": 300}
    world.strategies = [flipped(market)]
    assert world.run(duration_s=70) == 0
    world.check()
    sample = told(world)[-1].samples[BELOW_BAR]
    edge, size, why = re.fullmatch(r"(\S+) bps at (\S+) USDT, not above \S+; (.*)", sample).groups()
    assert why == "order.type: market leaves up to max_slippage_bps (300) of each buy unspent"
    assert -1000 < Decimal(edge) < 0
    assert Decimal(size) > 900
