"""What moves money is told before the balances show it: in between nothing is unexplained."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import pytest

from arb.clock import NS_PER_MS, NS_PER_S
from arb.events import facts as f
from arb.exchange.port import BalanceChange
from arb.simulation.life import Life
from tests.spec.world import World


def lag(world: World, lag_ms: int) -> Callable[[], None]:
    """Give what makes balances stand still as they are now for so long."""
    stale: list[tuple[int, Any]] = []
    real = world.faulty.balances

    async def balances() -> Any:
        told = await real()
        return stale[-1][1] if stale and world.now_ns() < stale[-1][0] else told

    def begin() -> None:
        until_ns = world.now_ns() + lag_ms * NS_PER_MS
        stale.append((until_ns, world.venue.account.balances()))

    world.faulty.balances = balances  # type: ignore[method-assign]
    return begin


@pytest.mark.parametrize("market", ["BTC/USDT", "ETH/BTC"])
@pytest.mark.parametrize("when", [4.95, 5.0, 5.05, 5.1])
@pytest.mark.parametrize("lag_ms", [250, 1000])
def test_a_trade_of_another_client_whose_balances_come_late_halts_nothing(
    worlds: Callable[..., World], market: str, when: float, lag_ms: int
) -> None:
    """Around a sweep, which comes every five seconds."""
    world = worlds()
    world.strategies = [world.strategy(min_profit="900")]
    begin = lag(world, lag_ms)

    def by_hand(_life: Life) -> None:
        begin()
        world.venue.foreign_order(market, "sell", Decimal("0.1"))

    world.at(when, by_hand)
    assert world.run(cycles=None, duration_s=30) == 0
    assert len(world.facts(f.ForeignTradeSeen)) > 0
    assert world.facts(f.EngineHalted) == []
    assert all(one.explained for one in world.facts(f.ExternalChangeFound))
    world.check()


def test_a_trade_of_another_client_that_was_told_right_before_a_death_halts_nothing(
    worlds: Callable[..., World],
) -> None:
    """The next life is there before the balances are."""
    world = worlds(rules={"visibility_ns": 2 * NS_PER_S})
    world.strategies = [world.strategy(min_profit="900")]
    begin = lag(world, 1500)

    def by_hand(_life: Life) -> None:
        begin()
        world.venue.foreign_order("BTC/USDT", "sell", Decimal("0.01"))  # one trade

    world.at(4.95, by_hand)
    world.kill_after(lambda fact: isinstance(fact, f.ForeignTradeSeen))
    assert world.run(cycles=None, duration_s=30) is None
    assert world.run(cycles=None, duration_s=10) == 0
    assert world.facts(f.EngineHalted) == []
    world.check()


def test_a_deposit_that_is_reported_before_the_balances_show_it_halts_nothing(
    world: World,
) -> None:
    """A withdrawal makes the engine ask for reports, and the deposit is among them already."""
    world.strategies = [world.strategy(min_profit="900")]
    begin = lag(world, 250)
    real, left = world.venue.balance_changes, list[Decimal]()

    async def balance_changes(since_ns: int) -> Sequence[BalanceChange]:
        if left:
            begin()
            world.venue.deposit("USDT", left.pop())
        return await real(since_ns)

    def withdraw(_life: Life) -> None:
        world.venue.withdraw("USDT", Decimal(100))
        left.append(Decimal(30))

    world.venue.balance_changes = balance_changes  # type: ignore[method-assign]
    world.at(3.0, withdraw)
    assert world.run(cycles=None, duration_s=15) == 0
    assert world.facts(f.EngineHalted) == []
    found = [(one.amount, one.explained) for one in world.facts(f.ExternalChangeFound)]
    assert sorted(found) == [(Decimal(-100), True), (Decimal(30), True)]
    world.check()


@pytest.mark.parametrize("when", [None, 3.0])
def test_what_no_report_explains_halts_as_soon_as_the_reported_part_can_be_seen(
    world: World, when: float | None
) -> None:
    """Found by the start it halts before anything opens."""
    assert world.run() == 0

    def both(_life: Life | None) -> None:
        world.venue.deposit("USDT", Decimal(30))
        world.venue.withdraw("USDT", Decimal(70), reported=False)

    opened = len(world.facts(f.CycleOpened))
    if when is None:
        both(None)
    else:
        world.at(when, both)
    assert world.run(cycles=None, duration_s=30) == 4
    found = [(one.amount, one.explained) for one in world.facts(f.ExternalChangeFound)]
    assert found == [(Decimal(30), True), (Decimal(-70), False)]
    assert [one.scope for one in world.facts(f.EngineHalted)] == ["USDT"]
    if when is None:
        assert len(world.facts(f.CycleOpened)) == opened
    world.check()
