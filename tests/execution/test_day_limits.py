"""The loss of a day: in which currencies it counts, and what it is worth."""

from collections.abc import Iterable, Sequence

import pytest

from arb import crashpoints
from arb.clock import NS_PER_S
from arb.events import facts as f
from arb.execution.cycles.patience import NO_VALUE
from arb.machine.risk import CONSECUTIVE_LOSSES, DAILY_LOSS
from arb.simulation.market import BOOKS
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
    assert first.pnl > -8  # each of them alone is within it
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


# --- what has no value


OF_USDC = ("USDC/USDT", "BTC/USDC")


def hide(world: World, markets: Iterable[str]) -> None:
    for market in markets:
        world.stage.hide(world.now_ns(), market)


def show(world: World, markets: Sequence[str]) -> None:
    for one in BOOKS:
        if one.market in markets:
            world.stage.put(world.now_ns(), one)


@pytest.mark.parametrize("comes_back", [True, False])
def test_a_close_waits_for_the_value_of_its_limit(losing: World, *, comes_back: bool) -> None:
    """Without it the limit was 0, and any loss tripped it for good."""
    begins(losing, "USDT", "max_daily_loss: 500", "reference_currency: USDC\n")
    losing.on(f.OrderIntended, 3, lambda: hide(losing, OF_USDC))
    if comes_back:
        losing.on(f.RecoveryWaiting, 1, lambda: losing.later(3, lambda: show(losing, OF_USDC)))
    assert losing.run() == (0 if comes_back else 4)
    losing.check()
    assert losing.cycle().outcome == "completed"
    assert trips(losing) == ([] if comes_back else [DAILY_LOSS])
    (waiting, *_) = losing.facts(f.RecoveryWaiting)
    assert waiting.reason == NO_VALUE


def test_a_close_of_a_next_life_waits_for_the_books_that_value_its_limit(losing: World) -> None:
    begins(losing, "USDT", "max_daily_loss: 500", "reference_currency: USDC\n")
    losing.kill_at(crashpoints.EXECUTED_NOT_TOLD, 3)
    assert losing.run() is None
    hide(losing, [one.market for one in BOOKS])
    for one in BOOKS:
        losing.stage.put(losing.now_ns() + 3 * NS_PER_S, one)
    assert losing.recover() == 0
    losing.check()
    assert losing.cycle().outcome == "completed"
    assert trips(losing) == []


def test_a_close_waits_for_the_value_of_what_was_lost_before_it(losing: World) -> None:
    """What the day has lost in another currency is a part of it that nobody knows."""
    begins(losing, "BTC", "max_daily_loss: 500", "reference_currency: USDC\n")
    assert losing.run() == 0
    begins(losing, "USDT", "max_daily_loss: 500", "reference_currency: USDT\n")
    of_btc = ("BTC/USDT", "BTC/USDC", "ETH/BTC")
    losing.on(f.OrderIntended, 3, lambda: hide(losing, of_btc))
    losing.on(f.RecoveryWaiting, 1, lambda: losing.later(3, lambda: show(losing, of_btc)))
    assert losing.run() == 0
    losing.check()
    assert losing.facts(f.RecoveryWaiting)
    assert trips(losing) == []


@pytest.mark.parametrize("daily", ["{USDT: 500}", "500"])
def test_a_limit_in_the_currency_of_the_start_waits_for_nothing(losing: World, daily: str) -> None:
    begins(losing, "USDT", f"max_daily_loss: {daily}", "reference_currency: USDT\n")
    losing.on(f.OrderIntended, 3, lambda: hide(losing, OF_USDC))
    assert losing.run() == 0
    assert losing.facts(f.RecoveryWaiting) == []


# --- limits that are lower than in the last life


@pytest.mark.parametrize(
    ("streak", "daily", "tripped"),
    [
        (50, "1000", []),
        (3, "1000", [CONSECUTIVE_LOSSES]),
        (50, "10", [DAILY_LOSS]),
        (50, "{USDT: 10}", [DAILY_LOSS]),
        (2, "10", [CONSECUTIVE_LOSSES, DAILY_LOSS]),
    ],
)
def test_a_lowered_limit_counts_from_the_next_start(
    losing: World, streak: int, daily: str, tripped: list[str]
) -> None:
    limited(losing, 50, "1000")
    assert losing.run(cycles=3) == 0
    limited(losing, streak, daily)
    assert losing.run(cycles=1) == (4 if tripped else 0)
    losing.check()
    assert len(losing.facts(f.CycleOpened)) == (3 if tripped else 4)
    assert trips(losing) == tripped
    assert losing.run(cycles=1) == (4 if tripped else 0)  # it stays so, and is told once
    assert trips(losing) == tripped
    if tripped:
        assert {trip.cycle_id for trip in losing.facts(f.RiskTripped)} == {""}
        assert losing.ask("reset-risk", "all", reason="looked").ok
        assert losing.run(cycles=1) == 0


def limited(world: World, streak: int, daily: str, extra: str = "") -> None:
    controls = f"stop_after_consecutive_losses: {streak}, max_daily_loss: {daily}"
    extra = f"{extra}risk_controls: {{max_open_cycles: 1, {controls}}}\n"
    world.strategies = [world.strategy(extra=extra)]


def test_what_was_lost_yesterday_breaks_no_lowered_limit_of_a_day(losing: World) -> None:
    limited(losing, 50, "1000")
    assert losing.run(cycles=3) == 0
    losing.wait(86_400)
    limited(losing, 50, "10")
    assert losing.run(cycles=1) == 0
    assert trips(losing) == []


def test_a_run_that_only_recovers_is_held_against_no_limit(losing: World) -> None:
    limited(losing, 50, "1000")
    assert losing.run(cycles=3) == 0
    limited(losing, 2, "10")
    assert losing.recover() == 0
    assert trips(losing) == []


@pytest.mark.parametrize("known", [True, False])
def test_a_start_judges_what_has_a_value(losing: World, *, known: bool) -> None:
    """A loss in BTC that nothing values leaves what was lost in USDT as it is: no less."""
    for start in ("USDT", "BTC"):
        begins(losing, start, "max_daily_loss: 500", "reference_currency: USDT\n")
        assert losing.run() == 0
    begins(losing, "USDT", "max_daily_loss: 8", "reference_currency: USDT\n")
    if not known:
        hide(losing, ("BTC/USDT", "BTC/USDC", "ETH/BTC"))
    assert losing.run(duration_s=5) == (4 if known else 0)
    assert trips(losing) == ([DAILY_LOSS] if known else [])
    begins(losing, "USDT", "max_daily_loss: 5", "reference_currency: USDT\n")
    assert losing.run(duration_s=5) == 4
    assert trips(losing) == [DAILY_LOSS]


def test_what_a_strategy_no_longer_begins_with_is_held_against_no_plain_number(
    losing: World,
) -> None:
    """Its 5 are of another currency than what was lost."""
    begins(losing, "USDT", "max_daily_loss: 500")
    assert losing.run() == 0
    begins(losing, "BTC", "max_daily_loss: 5")
    assert losing.run() == 0
    assert trips(losing) == []


@pytest.mark.parametrize(("own", "trips"), [("500", False), ("5", True)])
@pytest.mark.parametrize("other", ["0.00001", "50"])
def test_what_a_cycle_of_before_loses_is_held_against_a_number_of_its_own_currency(
    losing: World, own: str, other: str, *, trips: bool
) -> None:
    """Meanwhile the strategy begins with another one: 5 USDT are not more than 0.00001 BTC allow."""
    begins(losing, "USDT", f"max_daily_loss: {own}")
    losing.kill_at(crashpoints.EXECUTED_NOT_TOLD, 3)
    assert losing.run() is None
    begins(losing, "BTC", f"max_daily_loss: {other}")
    losing.recover()
    losing.check()
    assert losing.cycle().outcome == "completed"
    assert [trip.limit for trip in losing.facts(f.RiskTripped)] == [DAILY_LOSS] * trips
