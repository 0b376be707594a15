"""What legs that filled in part leave over on the way, where their own markets take so little no more."""

from decimal import Decimal

import pytest
from msgspec.structs import replace

from arb.clock import NS_PER_S
from arb.events import facts as f
from arb.machine import table as t
from tests.spec.world import World

OF_BTC = ("BTC/USDT", "BTC/USDC")


def fills_in_part(world: World, eth: str, notional_min: str, *, panic: str = "true") -> None:
    """Let the second leg buy so much of half an ETH, and leave less than its market takes."""
    controls = f"panic_sell: {{enabled: {panic}}}\n"
    world.strategies = [world.strategy(min_profit="-9000", extra=controls)]
    rules = world.stage.markets["ETH/BTC"]
    world.stage.markets["ETH/BTC"] = replace(rules, notional_min=Decimal(notional_min))
    world.show("ETH/BTC", [("0.0399", "9")], [("0.04", "9")])
    asks = [("0.04", eth), ("0.05", "90")]
    world.on(f.OrderIntended, 2, lambda: world.show_soon("ETH/BTC", [("0.0399", "9")], asks))


LITTLE, MUCH = ("0.4935", "0.0003"), ("0.3", "0.009")  # 11 USDT are left, or 398


@pytest.mark.parametrize("part", [LITTLE, MUCH])
def test_what_another_market_takes_is_sold_and_the_loop_is_completed(
    world: World, part: tuple[str, str]
) -> None:
    """It stayed behind as dust, and a profit was told as a loss of as much."""
    fills_in_part(world, *part)
    assert world.run() == 0
    world.check()
    cycle = world.cycle()
    assert (cycle.state, cycle.outcome) == (t.COMPLETED, t.LOOP_COMPLETED)
    assert cycle.dust["BTC"] < Decimal("0.00001")
    assert cycle.pnl is not None
    assert cycle.pnl > 0
    assert [order.market for order in cycle.orders[3:]] == ["BTC/USDT"]


def test_a_loop_that_lost_is_completed_too_when_a_rest_was_sold(world: World) -> None:
    fills_in_part(world, *LITTLE)
    world.show("ETH/USDT", [("1990", "9")], [("2011", "9")])
    assert world.run() == 0
    world.check()
    cycle = world.cycle()
    assert cycle.pnl is not None
    assert cycle.pnl < 0
    assert cycle.outcome == t.LOOP_COMPLETED


def hide(world: World) -> None:
    for market in OF_BTC:
        world.stage.hide(world.now_ns(), market)


@pytest.mark.parametrize(("part", "outcome"), [(LITTLE, t.LOOP_COMPLETED), (MUCH, t.PARKED)])
def test_without_a_way_out_change_is_left_behind_in_the_end_and_more_is_parked(
    world: World, part: tuple[str, str], outcome: str
) -> None:
    fills_in_part(world, *part)
    world.on(f.OrderIntended, 3, lambda: hide(world))
    assert world.run() == (outcome == t.PARKED)
    world.check()
    cycle = world.cycle()
    assert cycle.outcome == outcome
    assert "BTC" in (cycle.parked if outcome == t.PARKED else cycle.dust)
    assert cycle.ended_ns - cycle.opened_ns > 100 * NS_PER_S


def test_change_waits_for_a_book_that_was_missing_for_a_moment(world: World) -> None:
    fills_in_part(world, *LITTLE)
    world.on(f.OrderIntended, 3, lambda: hide(world))
    shown = [("49990", "9")], [("50015", "9")]
    world.on(f.OrderIntended, 3, lambda: world.later(4, lambda: world.show("BTC/USDT", *shown)))
    assert world.run() == 0
    world.check()
    assert world.cycle().outcome == t.LOOP_COMPLETED
    assert world.cycle().dust["BTC"] < Decimal("0.00001")


@pytest.mark.parametrize(("part", "outcome"), [(LITTLE, t.LOOP_COMPLETED), (MUCH, t.PARKED)])
def test_nothing_is_sold_where_that_is_not_enabled(
    world: World, part: tuple[str, str], outcome: str
) -> None:
    fills_in_part(world, *part, panic="false")
    assert world.run() == (outcome == t.PARKED)
    world.check()
    cycle = world.cycle()
    assert (cycle.outcome, len(cycle.orders)) == (outcome, 3)
    assert "BTC" in (cycle.parked if outcome == t.PARKED else cycle.dust)


@pytest.mark.parametrize(("btc", "notional_min"), [("0.0198", "30"), ("0.012", "450")])
def test_a_rest_in_another_target_currency_goes_back_and_counts(
    world: World, btc: str, notional_min: str
) -> None:
    """The second leg leaves 8 USDC, or 398, which nothing has to be sold for."""
    world.strategies = [world.strategy(cycle="[USDT, USDC, BTC]", min_profit="-9000")]
    rules = world.stage.markets["BTC/USDC"]
    world.stage.markets["BTC/USDC"] = replace(rules, notional_min=Decimal(notional_min))
    world.show("BTC/USDC", [("49900", "9")], [("50000", "9")])
    asks = [("50000", btc), ("60000", "90")]
    world.on(f.OrderIntended, 2, lambda: world.show_soon("BTC/USDC", [("49900", "9")], asks))
    assert world.run() == 0
    world.check()
    cycle = world.cycle()
    assert (cycle.outcome, len(cycle.orders)) == (t.LIQUIDATED, 3)
    assert cycle.returned["USDC"] > 8
    assert "USDC" not in cycle.dust
    assert cycle.pnl is not None
    assert cycle.pnl > -5
