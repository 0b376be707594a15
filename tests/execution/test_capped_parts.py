"""An order is within what the gate lets pass, and no smaller than what its market takes: the rest is sold in parts."""

from decimal import Decimal

import pytest
from msgspec.structs import replace

from arb.clock import NS_PER_S
from arb.events import facts as f
from tests.spec.world import World

OF_ETH = ["ETH/BTC", "ETH/USDT"]
DOUBLED = {"ETH/BTC": ("0.0799", "0.08"), "ETH/USDT": ("4010", "4011")}
BEFORE = {"ETH/BTC": ("0.0399", "0.04"), "ETH/USDT": ("2010", "2011")}


def price(world: World, books: dict[str, tuple[str, str]]) -> None:
    for market, (bid, ask) in books.items():
        world.show_soon(market, [(bid, "90")], [(ask, "90")])


@pytest.mark.parametrize("comes_down", [True, False])
def test_an_unwind_waits_where_a_part_below_the_cap_is_below_what_markets_take(
    world: World,
    comes_down: bool,  # noqa: FBT001 -- a parameter of the test
) -> None:
    """Half an ETH is above the cap at twice its price, and what is below the cap is no lot any more."""

    def change() -> None:
        for market in OF_ETH:
            rules, lot = world.stage.markets[market], Decimal("0.4")
            world.stage.markets[market] = replace(rules, step_size=lot, amount_min=lot)
        price(world, DOUBLED)

    def give_up() -> None:
        world.life.strike()

    world.on(f.OrderIntended, 3, change)
    world.fault("refused", order=3, times=1)
    world.strategies = [world.strategy(retries=0)]
    world.on(f.OrderRefused, 1, lambda: world.life.parts.runner.panic("demo-1"))
    world.on(f.UnwindStarted, 100, give_up)
    if comes_down:
        world.on(f.RecoveryWaiting, 3, lambda: price(world, BEFORE))
    assert world.run() == (0 if comes_down else 1)
    world.check()
    cycle = world.cycle()
    assert len(world.facts(f.UnwindStarted)) == comes_down
    if comes_down:
        assert cycle.outcome == "liquidated"
        return
    assert (cycle.outcome, list(cycle.parked)) == ("parked", ["ETH"])
    assert 20 * NS_PER_S < cycle.ended_ns - cycle.opened_ns < 40 * NS_PER_S


@pytest.mark.parametrize("recovers", [True, False])
def test_no_leg_is_intended_that_is_above_the_cap(
    world: World,
    recovers: bool,  # noqa: FBT001 -- a parameter of the test
) -> None:
    """Half an ETH at twice its price is sold in parts, at once: the gate would let no leg of it pass."""
    world.strategies = [world.strategy(extra="risk_controls: {max_open_cycles: 1}\n")]
    if recovers:
        world.fault("reply_lost", order=2, times=1)
    dear = {"ETH/USDT": DOUBLED["ETH/USDT"]}
    world.on(f.OrderIntended, 2, lambda: price(world, dear))
    world.run()
    world.check()
    assert world.facts(f.OrderRefused) == []
    sold = [one.amount for one in world.facts(f.OrderIntended) if one.purpose == "unwind"]
    assert len(sold) == 2
    assert world.cycle().outcome == "completed"


def test_an_unwind_goes_no_further_from_the_middle_than_the_gate_lets_it(world: World) -> None:
    """What the bids near it take is sold; the rest where they leave the middle, not never."""
    world.strategies = [world.strategy(extra="panic_sell: {max_slippage_bps: 1000}\n")]

    def crash() -> None:
        world.show_soon("ETH/USDT", [("2010", "0.2"), ("1815", "90")], [("2050", "90")])
        world.show_soon("ETH/BTC", [("0.001", "0.1")], [("0.2", "90")])

    world.on(f.OrderClosed, 2, crash)
    world.fault("refused", order=3, times=1)
    assert world.run() == 0
    world.check()
    cycle = world.cycle()
    assert (cycle.outcome, cycle.parked) == ("liquidated", {})
    assert [one.reason for one in world.facts(f.OrderRefused)] == ["fault"]
    sold = [one.limit for one in world.facts(f.OrderIntended) if one.purpose == "unwind"]
    assert sold == [2010, 1815]
