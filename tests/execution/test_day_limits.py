"""The loss of a day: in which currencies it counts, and what it is worth."""

import pytest

from arb.events import facts as f
from arb.machine.risk import DAILY_LOSS
from tests.spec.world import World

LOSING = ([("1997", "0.3"), ("1996", "90")], [("1998", "90")])


def begins(world: World, start: str, controls: str, extra: str = "") -> None:
    """Trade the same loss, some 5 USDT, from one currency or another."""
    path = {"USDT": "[USDT, BTC, ETH]", "BTC": "[BTC, ETH, USDT]"}[start]
    many = "max_open_cycles: 1, stop_after_consecutive_losses: 50"
    controls = f"{extra}risk_controls: {{{many}, {controls}}}\n"
    world.strategies = [world.strategy(cycle=path, amount="1000", extra=controls)]


@pytest.fixture
def losing(world: World) -> World:
    world.show("ETH/USDT", *LOSING)
    return world


def trips(world: World) -> list[str]:
    return [trip.limit for trip in world.facts(f.RiskTripped)]


# --- several start currencies


def test_a_number_in_a_reference_currency_is_one_limit_for_all_starts(losing: World) -> None:
    for start in ("USDT", "BTC"):
        begins(losing, start, "max_daily_loss: 8", "reference_currency: USDT\n")
        assert losing.run() == (0 if start == "USDT" else 4)
    losing.check()
    (first, second) = losing.facts(f.CycleCompleted)
    assert first.pnl > -8 * 1  # each of them alone is within it
    assert second.pnl * 50_000 > -8
    assert trips(losing) == [DAILY_LOSS]
    (trip,) = losing.facts(f.RiskTripped)
    assert "BTC lost in this UTC day" in trip.reason


def test_what_is_won_in_one_currency_makes_up_for_what_is_lost_in_another(world: World) -> None:
    begins(world, "BTC", "max_daily_loss: 4", "reference_currency: USDT\n")
    assert world.run() == 0
    (won,) = world.facts(f.CycleCompleted)
    assert won.pnl > 0
    world.show("ETH/USDT", *LOSING)
    begins(world, "USDT", "max_daily_loss: 4", "reference_currency: USDT\n")
    assert world.run() == 0
    world.check()
    assert world.facts(f.CycleCompleted)[1].pnl < -4


def test_a_limit_for_each_currency_counts_each_alone(losing: World) -> None:
    for start in ("USDT", "BTC"):
        begins(losing, start, "max_daily_loss: {USDT: 8, BTC: 1}", "reference_currency: USDT\n")
        assert losing.run() == 0
    losing.check()
    assert trips(losing) == []
