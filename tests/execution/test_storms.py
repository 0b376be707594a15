"""Everything at once, at random: faults of every kind, kills at every point, other people's trades."""

from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from random import Random

import pytest

from arb import crashpoints
from arb.clock import NS_PER_S
from arb.events import facts as f
from tests.spec.world import World

RATES = {
    "request_lost": 0.06,
    "request_delayed": 0.03,
    "refused": 0.06,
    "reply_lost": 0.08,
    "reply_delayed": 0.06,
    "reply_never": 0.02,
    "banned": 0.003,
    "maintenance": 0.003,
    "read_fails": 0.08,
    "order_hidden": 0.1,
    "late_fill": 0.05,
    "duplicated_reports": 0.1,
    "reordered_reports": 0.06,
    "altered_reports": 0.04,
    "none_fields": 0.06,
    "garbage": 0.04,
}
LIVES = 8
# These strategies lose on purpose, and no limit is to keep them out of the weather.
UNLIMITED = (
    "risk_controls: {stop_after_consecutive_losses: 1000000, slippage_cooldown_seconds: 0}\n"
)
LIMITED = (
    "risk_controls: {max_open_cycles: 2, stop_after_consecutive_losses: 1000000,"
    " slippage_cooldown_seconds: 0, max_daily_loss: 40, max_position_size: 600}\n"
)


def storm(make: Callable[..., World], seed: int, risk: str = UNLIMITED) -> World:
    """Several lives in the storm, then fair weather until everything rests."""
    rng = Random(seed)
    third = rng.random() < 0.5
    world = make(
        fee_asset="BNB" if third else None,
        bnb=rng.choice(["10", "0.004"]) if third else None,
        plan={"never_ns": 20 * NS_PER_S, "ban_ns": 3 * NS_PER_S, "maintenance_ns": 5 * NS_PER_S},
    )
    world.strategies = [
        world.strategy("one", retries=rng.randint(0, 3), extra=risk),
        world.strategy(
            "two", cycle="[USDT, ETH, BTC]", min_profit="-500", amount="700", extra=risk
        ),
    ]
    world.storm(RATES, seed)
    for _ in range(LIVES):
        _disturb(world, rng)
        kind = rng.random()
        if kind < 0.6:
            world.kill_at(rng.choice(crashpoints.ALL), rng.randint(1, 6))
        elif kind < 0.9:
            left = [rng.randint(1, 60)]
            world.kill_after(lambda _fact, left=left: _count_down(left))
        world.run(cycles=rng.randint(1, 4), duration_s=rng.uniform(1, 20))
        world.wait(rng.choice([0, 0.3, 2, 30]))
    world.heal()
    world.wait(30)
    assert world.recover() in {0, 1, 4}
    return world


def _count_down(left: list[int]) -> bool:
    left[0] -= 1
    return left[0] == 0


def _disturb(world: World, rng: Random) -> None:
    """Prices move, and the account's owner trades and moves money by hand."""
    if rng.random() < 0.4:
        bid = rng.randint(1_960, 2_030)
        sides = [(str(bid), "40")], [(str(bid + 1), "40")]
        world.at(rng.uniform(0, 3), lambda _life: world.show("ETH/USDT", *sides))
    if rng.random() < 0.3:
        world.at(rng.uniform(0, 3), lambda _life: world.venue.deposit("USDT", Decimal(10)))
    if rng.random() < 0.3:
        world.at(
            rng.uniform(0, 3),
            lambda _life: world.venue.foreign_order("BTC/USDT", "sell", Decimal("0.001")),
        )
    if rng.random() < 0.1:
        world.at(rng.uniform(0, 5), lambda life: life.ask("panic"))


@pytest.mark.parametrize("seed", range(8))
def test_after_the_storm_every_unit_is_accounted_for(
    worlds: Callable[..., World], seed: int
) -> None:
    world = storm(worlds, seed)
    world.check()


@pytest.mark.parametrize("seed", range(100, 108))
def test_two_strategies_in_a_storm_keep_their_limits_over_kills_and_share_what_there_is(
    worlds: Callable[..., World], seed: int
) -> None:
    world = storm(worlds, seed, LIMITED)
    world.check()
    open_now: dict[str, set[str]] = {"one": set(), "two": set()}
    ended: Counter[str] = Counter()
    tripped: set[str] = set()
    owner: dict[str, str] = {}
    for one in world.records():
        fact, stream = one.fact, one.stream
        match fact:
            case f.CycleOpened():
                assert fact.strategy not in tripped, "it opened a cycle behind its own limit"
                assert fact.start_amount <= 600
                owner[stream] = fact.strategy
                open_now[fact.strategy].add(stream)
                assert len(open_now[fact.strategy]) <= 2
            case f.RiskTripped():
                tripped.add(fact.strategy)
            case f.CycleCompleted() | f.CycleLiquidated() | f.CycleParked() | f.CycleMissed():
                open_now[owner[stream]].discard(stream)
                ended[owner[stream]] += 1
            case f.CycleRefused() | f.CycleAbandoned():
                open_now[owner[stream]].discard(stream)
    assert ended.total() > 0, "nothing was traded: take another seed"


@pytest.mark.long
@pytest.mark.parametrize("block", range(20))
def test_after_many_storms_every_unit_is_accounted_for(
    worlds: Callable[..., World], block: int
) -> None:
    for seed in range(1_000 + block * 20, 1_020 + block * 20):
        world = storm(worlds, seed)
        world.check()
