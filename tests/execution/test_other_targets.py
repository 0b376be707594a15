"""A cycle that was unwound into another target currency than the one it began with."""

from collections.abc import Callable
from decimal import Decimal

import pytest

from arb.clock import NS_PER_MS
from arb.events import facts as f
from arb.machine import table as t
from arb.machine.net import fees_beside
from tests.market.examples import book
from tests.spec.world import World


def last_leg_in_part(world: World) -> None:
    """Let the last leg fill in part, after which only a way to USDC brings anything."""
    world.strategies = [world.strategy(retries=0)]
    world.show("BTC/USDC", [("60000", "5")], [("60010", "5")])

    def thin() -> None:
        world.show("ETH/USDT", [("2010", "0.2")], [("2011", "90")])
        fallen = book("ETH/USDT", [("1000", "90")], [("1001", "90")])
        world.stage.put(world.now_ns() + 6 * NS_PER_MS, fallen)

    world.on(f.OrderIntended, 3, thin)


def reply_of_the_last_hop_is_lost(world: World) -> None:
    world.fault("reply_lost", number=5)  # orders 4 and 5 go from ETH over BTC to USDC


def balances_cannot_be_read_after_it(world: World) -> None:
    world.on(f.OrderIntended, 5, lambda: world.fault("read_fails", call="balances", times=3))


@pytest.mark.parametrize(
    "trouble", [reply_of_the_last_hop_is_lost, balances_cannot_be_read_after_it]
)
def test_money_in_another_target_currency_goes_back_and_is_no_dust(
    world: World, trouble: Callable[[World], None]
) -> None:
    last_leg_in_part(world)
    trouble(world)
    assert world.run() == 0
    world.check()
    cycle = world.cycle()
    assert (cycle.state, cycle.outcome) == (t.FAILED, t.LIQUIDATED)
    assert cycle.returned["USDC"] > 700
    assert set(cycle.dust) == {"BTC", "ETH"}
    assert cycle.pnl is not None
    assert abs(cycle.pnl) < 300  # what is worth 713 USDT is not written off
    assert "USDC" not in world.account().owned_closed


def test_crumbs_of_another_target_currency_do_not_undo_a_closed_loop(world: World) -> None:
    """Bitcoin is on the path: what rounding left of it is dust, also where one may end in it."""
    extra = "panic_sell: {enabled: true, base_currencies: [BTC, USDT]}\n"
    world.strategies = [world.strategy(extra=extra)]
    world.fault("reply_lost", number=3)
    assert world.run() == 0
    world.check()
    cycle = world.cycle()
    assert cycle.outcome == t.LOOP_COMPLETED
    assert Decimal(0) < cycle.dust["BTC"] < Decimal("0.00001")


def test_a_fee_that_a_sale_for_another_currency_paid_counts_once(world: World) -> None:
    """It is taken from what the sale brings, so that what went back has it already."""
    world.show("ETH/BTC", [("0.0399", "90")], [("0.04", "90")])
    dear = [("0.0399", "90")], [("0.06", "90")]
    world.on(f.OrderIntended, 1, lambda: world.show_soon("ETH/BTC", *dear))
    low = [("40000", "90")], [("50010", "90")]
    world.on(f.OrderClosed, 1, lambda: world.show_soon("BTC/USDT", *low))
    assert world.run() == 0
    world.check()
    cycle = world.cycle()
    assert cycle.outcome == t.LIQUIDATED
    assert cycle.fees["USDC"] > Decimal("0.9")
    assert fees_beside(cycle) == {}
    (told,) = world.facts(f.CycleLiquidated)
    assert told.fee_value == 0
    worth = cycle.returned["USDT"] + cycle.returned["USDC"] * Decimal("0.9990")  # at the bid
    assert told.pnl == worth.quantize(Decimal("1E-8")) - cycle.start_amount
    account = world.account()
    assert account.risk["demo"].days[0].losses == -told.pnl
