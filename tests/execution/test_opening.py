"""What an account holds when a log begins: what moves meanwhile is neither lost nor counted twice (25)."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from arb.clock import NS_PER_S
from arb.events import facts as f
from tests.spec.world import World

READS = ["markets", "fees", "time_ns", "open_orders", "balances", "trades", "balance_changes"]


def move_before(world: World, call: str, number: int, act: Callable[[], object]) -> None:
    """Do something just before the n-th reading of a kind reaches the venue."""
    real = getattr(world.venue, call)
    seen = 0

    async def read(*values: Any) -> Any:
        nonlocal seen
        seen += 1
        if seen == number:
            act()
        return await real(*values)

    setattr(world.venue, call, read)


@pytest.mark.parametrize("number", [1, 2, 3])
@pytest.mark.parametrize("call", READS)
@pytest.mark.parametrize("what", ["deposit", "trade"])
def test_what_moves_while_the_start_still_reads_can_be_explained(
    world: World, what: str, call: str, number: int
) -> None:
    def act() -> None:
        if what == "deposit":
            world.venue.deposit("USDT", Decimal(100))
        else:
            world.venue.foreign_order("ETH/USDT", "sell", Decimal("0.5"))

    move_before(world, call, number, act)
    assert world.run(cycles=None, duration_s=12) == 0
    world.check()
    assert world.facts(f.EngineHalted) == []


def test_a_deposit_during_an_outage_at_the_first_start_can_be_explained(
    worlds: Callable[..., World],
) -> None:
    world = worlds(plan={"maintenance_ns": 30 * NS_PER_S})
    world.fault("maintenance", call="markets", times=1)
    world.at(5, lambda _life: world.venue.deposit("USDT", Decimal(100)))
    assert world.run() == 0
    world.check()
    assert world.facts(f.EngineHalted) == []


def test_an_account_that_never_rests_is_not_opened(world: World) -> None:
    real = world.venue.time_ns

    async def time_ns() -> int:
        world.venue.foreign_order("ETH/USDT", "sell", Decimal("0.01"))
        return await real()

    world.venue.time_ns = time_ns  # type: ignore[method-assign]
    assert world.run() == 1
    assert world.facts(f.AccountOpened) == []
