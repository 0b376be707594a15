"""The storm once more, with an operator who asks for everything and markets that halt and open."""

from collections.abc import Callable
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from arb import crashpoints
from arb.clock import NS_PER_S
from arb.errors import IllegalMove, VersionConflict
from arb.exchange.port import Refused
from arb.simulation.life import Life
from tests.execution.test_storms import RATES, UNLIMITED
from tests.spec.world import World

LIVES = 8
MARKETS = ["ETH/USDT", "ETH/BTC", "BTC/USDT"]
# What each of these seeds once found, in a sentence.
FOUND = {
    152: "a deposit between the first balances and the clock could not be explained",
    254: "money that was taken out between the first balances and the clock halted its asset",
    264: "the altered copy of a late trade was booked when the true one could not be",
    376: "a trade of another client during an outage at the first start halted both its assets",
    423: "two judges at once recorded every difference twice",
}
FOUND_WITHOUT_LIMITS = {
    2092: "an engine that was cut off while it ended left a cycle at work",
}


def storm(make: Callable[..., World], seed: int, risk: str = UNLIMITED) -> World:
    """Several lives with everything in them, then fair weather until everything rests."""
    rng = Random(seed)
    third = rng.random() < 0.5
    world = make(
        fee_asset="BNB" if third else None,
        bnb=rng.choice(["10", "0.004"]) if third else None,
        plan={"never_ns": 20 * NS_PER_S, "ban_ns": 3 * NS_PER_S, "maintenance_ns": 5 * NS_PER_S},
    )
    extra = risk + ("" if rng.random() < 0.7 else "panic_sell: {enabled: false}\n")
    world.strategies = [
        world.strategy("one", retries=rng.randint(0, 3), extra=extra),
        world.strategy(
            "two", cycle="[USDT, ETH, BTC]", min_profit="-500", amount="700", extra=extra
        ),
    ]
    world.storm(RATES, seed)
    for _ in range(LIVES):
        for _ in range(rng.randint(0, 3)):
            _disturb(world, rng)
        kind = rng.random()
        if kind < 0.5:
            world.kill_at(rng.choice(crashpoints.ALL), rng.randint(1, 6))
        elif kind < 0.8:
            left = [rng.randint(1, 60)]
            world.kill_after(lambda _fact, left=left: _count_down(left))
        cycles, duration_s = rng.randint(1, 4), rng.uniform(1, 20)
        world.run(cycles=cycles, duration_s=duration_s, recover=rng.random() < 0.85)
        world.wait(rng.choice([0, 0.3, 2, 30]))
    world.heal()
    for market in MARKETS:
        world.venue.halt_market(market, halted=False)
    world.wait(30)
    assert world.recover() in {0, 1}
    return world


def _count_down(left: list[int]) -> bool:
    left[0] -= 1
    return left[0] == 0


def _disturb(world: World, rng: Random) -> None:
    at, kind, bid = rng.uniform(0, 6), rng.randrange(9), rng.randint(1_800, 2_200)
    if kind == 0:
        sides = [(str(bid), "40")], [(str(bid + 1), "40")]
        world.at(at, lambda _life: world.show("ETH/USDT", *sides))
    elif kind == 1:
        world.at(at, lambda _life: world.venue.deposit("USDT", Decimal(10)))
    elif kind == 2:
        world.at(at, lambda _life: _sell_by_hand(world))
    elif kind == 3:
        world.at(at, lambda life: life.ask("panic"))
    elif kind == 4:
        world.at(at, lambda life: life.engine.interrupt())
    elif kind == 5:
        world.at(at, lambda life: _ask_of_each_cycle(world, life, rng))
    elif kind == 6:
        market = rng.choice(MARKETS)
        world.at(at, lambda _life: world.venue.halt_market(market, halted=True))
        back = at + rng.uniform(0.1, 30)
        world.at(back, lambda _life: world.venue.halt_market(market, halted=False))
    elif kind == 7:
        world.at(at, lambda life: _attest_what_is_not_there(world, life))
    else:
        world.at(at, lambda _life: _withdraw(world, rng))


def _sell_by_hand(world: World) -> None:
    try:
        world.venue.foreign_order("BTC/USDT", "sell", Decimal("0.001"))
    except Refused:  # the market is halted
        return


def _withdraw(world: World, rng: Random) -> None:
    try:
        world.venue.withdraw(rng.choice(["BTC", "ETH", "USDT"]), Decimal("0.5"))
    except Refused:  # it is not free
        return


async def _ask_of_each_cycle(world: World, life: Life, rng: Random) -> None:
    for cycle_id in list(world.cycles()):
        await _ask(life, rng.choice(["unwind", "release"]), cycle_id, reason="x")


async def _attest_what_is_not_there(world: World, life: Life) -> None:
    for cycle in list(life.parts.desk.journal.cycles.values()):
        for order in cycle.pending_orders():
            if world.venue.account.order_of_client(order.client_order_id) is None:
                await _ask(life, "attest", order.client_order_id, verdict="absent", reason="x")


async def _ask(life: Life, action: str, target: str, **more: Any) -> None:
    try:
        await life.ask(action, target, **more)
    except (IllegalMove, VersionConflict):  # what does not fit is refused
        return


@pytest.mark.parametrize("seed", FOUND)
def test_a_seed_that_once_lost_money_loses_none(worlds: Callable[..., World], seed: int) -> None:
    storm(worlds, seed, risk="").check()


@pytest.mark.parametrize("seed", FOUND_WITHOUT_LIMITS)
def test_a_seed_that_once_failed_without_limits_is_clean(
    worlds: Callable[..., World], seed: int
) -> None:
    storm(worlds, seed).check()


@pytest.mark.parametrize("seed", range(3))
def test_after_a_storm_with_an_operator_every_unit_is_accounted_for(
    worlds: Callable[..., World], seed: int
) -> None:
    storm(worlds, seed).check()


@pytest.mark.long
@pytest.mark.parametrize("block", range(20))
def test_after_many_storms_with_an_operator_every_unit_is_accounted_for(
    worlds: Callable[..., World], block: int
) -> None:
    for seed in range(2_000 + block * 20, 2_020 + block * 20):
        storm(worlds, seed).check()
