"""A venue's fees rise while a run goes on: a level or a discount ends. Nothing is opened at the old ones."""

from decimal import Decimal

import pytest

from arb.clock import NS_PER_S
from arb.events import facts as f
from arb.market.book import FeeRates
from arb.simulation.world import loaded
from tests.spec.world import World

HALF_A_PERCENT = Decimal("0.005")


def dearer(world: World, rate: Decimal) -> None:
    """Charge more from now on, and say so to whoever asks."""
    fees = FeeRates(rate, rate)
    world.venue._fees = fees
    world.venue._desk._fees = fees


def text(cycle: str) -> str:
    return (
        f"name: demo\nexchange: binance\n{cycle}\nmin_profit_bps: 10\nmax_slippage_bps: 20\n"
        "capital_allocation: {mode: fixed_amount, amount: 1000}\n"
        "fees: {taker_bps: 10, maker_bps: 10}\n"
    )


@pytest.mark.parametrize("cycle", ["cycle: [USDT, BTC, ETH]", "start_currencies: [USDT]"])
def test_nothing_is_opened_at_a_loss_once_fees_have_risen(world: World, cycle: str) -> None:
    world.strategies = [loaded(text(cycle))]
    world.show("ETH/USDT", [("2030", "900")], [("2031", "900")])  # 113 bps after fees of 0.1 %
    world.at(30.0, lambda _life: dearer(world, HALF_A_PERCENT))
    world.at(90.0, lambda life: life.engine.interrupt())
    assert world.run(cycles=None) == 130
    records = world.records()
    dear = next(
        one for one in records
        if isinstance(one.fact, f.OrderFilled) and one.fact.fee_asset == "BTC"
        and one.fact.fee > one.fact.amount / 500
    )  # fmt: skip
    opened = [one.at_ns for one in records if isinstance(one.fact, f.CycleOpened)]
    assert min(opened) < dear.at_ns
    assert max(opened) < dear.at_ns
    world.check()


def test_what_a_trade_was_charged_counts_though_the_venue_tells_less(world: World) -> None:
    """Rates differ from market to market, and one that is told is not always that of another."""
    world.strategies = [loaded(text("cycle: [USDT, BTC, ETH]"))]
    world.show("ETH/USDT", [("2030", "900")], [("2031", "900")])
    world.venue._desk._fees = FeeRates(HALF_A_PERCENT, HALF_A_PERCENT)
    world.at(180.0, lambda life: life.engine.interrupt())
    assert world.run(cycles=None) == 130
    filled = [one.at_ns for one in world.records() if isinstance(one.fact, f.OrderFilled)]
    opened = [one.at_ns for one in world.records() if isinstance(one.fact, f.CycleOpened)]
    assert opened
    assert max(opened) < filled[0]
    assert world.account().risk["demo"].tripped == {}
    world.check()


def test_what_was_charged_is_forgotten_when_the_venue_tells_other_fees(world: World) -> None:
    world.strategies = [loaded(text("cycle: [USDT, BTC, ETH]"))]
    world.show("ETH/USDT", [("2030", "900")], [("2031", "900")])
    world.venue._desk._fees = FeeRates(HALF_A_PERCENT, HALF_A_PERCENT)
    world.at(30.0, lambda _life: dearer(world, Decimal("0.0005")))
    world.at(100.0, lambda life: life.engine.interrupt())
    assert world.run(cycles=None) == 130
    opened = [one.at_ns for one in world.records() if isinstance(one.fact, f.CycleOpened)]
    assert max(opened) - opened[0] > 50 * NS_PER_S
    world.check()


def test_fees_that_cannot_be_read_are_read_later(world: World) -> None:
    world.strategies = [loaded(text("cycle: [USDT, BTC, ETH]"))]
    world.show("ETH/USDT", [("2030", "900")], [("2031", "900")])
    world.fault("read_fails", call="fees", number=2, times=6)
    world.at(30.0, lambda _life: dearer(world, HALF_A_PERCENT))
    world.at(90.0, lambda life: life.engine.interrupt())
    assert world.run(cycles=None) == 130
    assert world.account().risk["demo"].tripped == {}
    world.check()


def test_fees_are_read_once_a_minute_though_nothing_is_traded(world: World) -> None:
    world.strategies = [loaded(text("cycle: [USDT, BTC, ETH]"))]
    world.show("ETH/USDT", [("1990", "900")], [("2031", "900")])
    world.at(5.0, lambda _life: dearer(world, HALF_A_PERCENT))
    world.at(70.0, lambda _life: world.show("ETH/USDT", [("2030", "900")], [("2031", "900")]))
    world.at(90.0, lambda life: life.engine.interrupt())
    assert world.run(cycles=None) == 130
    assert world.facts(f.CycleOpened) == []
