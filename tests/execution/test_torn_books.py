"""A book whose two sides are further apart than any order may go tells no price, and makes nothing dust."""

from collections.abc import Callable
from decimal import Decimal
from functools import partial

import pytest
from msgspec.structs import replace

from arb import crashpoints
from arb.clock import NS_PER_S
from arb.events import facts as f
from tests.spec.world import World

ASKS = {"ETH/BTC": [("0.04", "90")], "ETH/USDT": [("2011", "90")]}
SANE = {"ETH/BTC": [("0.0399", "90")], "ETH/USDT": [("2010", "90")]}
SILLY = {"ETH/BTC": [("0.00001", "1000")], "ETH/USDT": [("1", "1000")]}
LOW = {"ETH/BTC": [("0.008", "1000")], "ETH/USDT": [("400", "1000")]}


def bid(world: World, bids: dict[str, list[tuple[str, str]]]) -> None:
    for market, asks in ASKS.items():
        world.show_soon(market, bids[market], asks)


def pull_bids(
    world: World, left: dict[str, list[tuple[str, str]]], *, back_after_s: float | None = 3
) -> None:
    bid(world, left)
    if back_after_s is not None:
        world.later(back_after_s, lambda: bid(world, SANE))


@pytest.mark.parametrize("left", [SILLY, LOW])
def test_a_holding_waits_for_bids_to_come_back(
    world: World, left: dict[str, list[tuple[str, str]]]
) -> None:
    """What is left of them takes nothing worth an order, and says nothing of what is held."""
    world.strategies = [world.strategy(amount="20", min_profit="-900")]
    world.on(f.OrderClosed, 2, lambda: pull_bids(world, left))
    assert world.run() == 0
    world.check()
    cycle = world.cycle()
    assert cycle.outcome == "completed"
    assert cycle.dust.get("ETH", Decimal(0)) < Decimal("0.001")
    assert world.facts(f.OrderRefused) == []  # nothing is tried that the gate would not let pass


def test_the_rest_of_a_last_leg_is_not_left_behind_as_dust(world: World) -> None:
    thin = {**SILLY, "ETH/USDT": [("2010", "0.05"), *SILLY["ETH/USDT"]]}
    world.on(f.OrderIntended, 3, lambda: pull_bids(world, thin))
    assert world.run() == 0
    world.check()
    cycle = world.cycle()
    assert cycle.outcome == "completed"
    assert cycle.dust.get("ETH", Decimal(0)) < Decimal("0.001")


def test_the_rest_of_an_earlier_leg_is_not_left_behind_as_dust(world: World) -> None:
    """A twentieth of what a leg should spend is left when its asks are pulled for some seconds."""
    world.strategies = [world.strategy(min_profit="-900")]  # the rest of the path alone is enough

    def pulled() -> None:
        world.show("ETH/BTC", [("0.0399", "90")], [("9000", "90")])
        world.later(3, lambda: world.show("ETH/BTC", [("0.0399", "90")], [("0.04", "90")]))

    def thin() -> None:
        world.show_soon("ETH/BTC", [("0.0399", "90")], [("0.04", "0.47")])
        world.later(0.008, pulled)  # after the order filled, and before that is told

    world.on(f.OrderIntended, 2, thin)
    assert world.run() == 0
    world.check()
    assert world.cycle().dust.get("BTC", Decimal(0)) < Decimal("0.0001")


def test_a_restart_beside_such_a_book_does_not_take_a_rest_for_change(world: World) -> None:
    """Nearly all of the last leg filled: what is left is small, and still worth several orders."""
    thin = {**SILLY, "ETH/USDT": [("2010", "0.46"), *SILLY["ETH/USDT"]]}
    world.on(f.OrderIntended, 3, lambda: pull_bids(world, thin, back_after_s=None))
    world.kill_at(crashpoints.EXECUTED_NOT_TOLD, 3)
    assert world.run() is None
    bid(world, SILLY)
    world.at(8, lambda _life: bid(world, SANE))
    assert world.recover() == 0
    world.check()
    cycle = world.cycle()
    assert cycle.outcome == "completed"
    assert cycle.dust.get("ETH", Decimal(0)) < Decimal("0.001")


def test_what_no_sane_bid_comes_for_is_parked_and_not_dust(world: World) -> None:
    world.on(f.OrderClosed, 2, lambda: pull_bids(world, SILLY, back_after_s=None))
    assert world.run() == 1
    world.check()
    cycle = world.cycle()
    assert (cycle.outcome, list(cycle.parked)) == ("parked", ["ETH"])
    assert 20 * NS_PER_S < cycle.ended_ns - cycle.opened_ns < 40 * NS_PER_S


@pytest.mark.parametrize(("ask", "ends"), [("2440", "liquidated"), ("3000", "parked")])
def test_below_a_minimum_at_the_touch_is_dust_unless_the_touch_is_too_far_from_the_middle(
    world: World, ask: str, ends: str
) -> None:
    world.strategies = [world.strategy(amount="20", min_profit="-900")]

    def change() -> None:
        for market, least in (("ETH/USDT", "21"), ("ETH/BTC", "0.001")):
            rules = world.stage.markets[market]
            world.stage.markets[market] = replace(rules, notional_min=Decimal(least))
        world.show_soon("ETH/USDT", [("2010", "90")], [(ask, "90")])
        world.show_soon("ETH/BTC", [("0.0399", "90")], [("0.06" if ask == "3000" else "0.04", "9")])

    world.on(f.OrderIntended, 3, change)
    world.fault("refused", order=3, times=1)
    world.run()
    world.check()
    cycle = world.cycle()
    assert cycle.outcome == ends
    assert "ETH" in (cycle.dust if ends == "liquidated" else cycle.parked)


# --- what results and limits are told by


def test_a_fee_is_not_told_as_nothing_by_what_is_left_of_its_book(
    worlds: Callable[..., World],
) -> None:
    """Its book is torn when the cycle ends: it waits for one that tells what was paid."""
    world = worlds(fee_asset="BNB", bnb="10")
    world.strategies = [world.strategy(fees=", fee_currency: BNB")]
    tear = partial(world.show_soon, "BNB/USDT", [("0.01", "90")], [("501", "90")])
    heal = partial(world.show, "BNB/USDT", [("500", "90")], [("501", "90")])
    world.on(f.OrderIntended, 3, tear)
    world.on(f.OrderIntended, 3, partial(world.later, 5, heal))
    assert world.run() == 0
    world.check()
    cycle = world.cycle()
    assert cycle.outcome == "completed"
    assert cycle.fee_value == cycle.fees["BNB"] * 500 > 2


@pytest.mark.parametrize("bids", [[("50000", "5")], []])
def test_what_came_back_in_another_currency_is_not_a_loss_by_what_is_left_of_a_book(
    world: World, bids: list[tuple[str, str]]
) -> None:
    """1,002 USDT were told as a tenth of the 0.02 BTC that they are, and a limit was tripped for good."""
    risk = "risk_controls: {stop_after_consecutive_losses: 50, max_daily_loss: 0.001}\n"
    world.strategies = [world.strategy(cycle="[BTC, ETH, USDT]", amount="0.02", extra=risk)]
    world.on(f.OrderIntended, 2, lambda: world.show_soon("BTC/USDT", bids, [("500000", "5")]))
    assert world.run() == 0
    world.check()
    cycle = world.cycle()
    assert cycle.outcome == "liquidated"
    assert cycle.pnl is not None
    assert abs(cycle.pnl) < Decimal("0.0001")  # by way of USDC
    assert world.facts(f.RiskTripped) == []
