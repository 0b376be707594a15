"""A venue's fees rise while a run goes on: a level or a discount ends. Nothing is opened at the old ones."""

import asyncio
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace

import pytest

from arb.clock import NS_PER_S
from arb.events import facts as f
from arb.execution.opportunities.fee_watch import FeeWatch
from arb.market.book import FeeRates
from arb.simulation.world import loaded
from arb.strategy.loader import load
from tests.spec.given import filled
from tests.spec.world import World

HALF_A_PERCENT = Decimal("0.005")


def charge(world: World, rate: Decimal) -> None:
    """Charge another rate from now on, and say so to whoever asks."""
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
    world.at(30.0, lambda _life: charge(world, HALF_A_PERCENT))
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


@pytest.mark.parametrize("cycle", ["cycle: [USDT, BTC, ETH]", "start_currencies: [USDT]"])
def test_what_pays_once_fees_have_fallen_is_opened(world: World, cycle: str) -> None:
    world.strategies = [loaded(text(cycle))]
    world.show("ETH/USDT", [("2007", "900")], [("2031", "900")])  # -1 bps after fees of 0.1 %
    world.at(30.0, lambda _life: charge(world, Decimal("0.0005")))
    world.at(90.0, lambda life: life.engine.interrupt())
    assert world.run(cycles=None) == 130
    opened = [one.at_ns for one in world.records() if isinstance(one.fact, f.CycleOpened)]
    assert min(opened) > world.records()[0].at_ns + 30 * NS_PER_S
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
    world.at(30.0, lambda _life: charge(world, Decimal("0.0005")))
    world.at(100.0, lambda life: life.engine.interrupt())
    assert world.run(cycles=None) == 130
    opened = [one.at_ns for one in world.records() if isinstance(one.fact, f.CycleOpened)]
    assert max(opened) - opened[0] > 50 * NS_PER_S
    world.check()


@pytest.mark.parametrize("fee_bps", ["10", "0", ""])
def test_a_file_that_names_lower_fees_opens_nothing_at_a_loss(
    world: World, tmp_path: Path, fee_bps: str
) -> None:
    """Rows are written once, for an account that is charged less, or for another venue."""
    (tmp_path / "cycles.csv").write_text(f"path,fee_bps\nUSDT>BTC>ETH,{fee_bps}\n")
    strategy = tmp_path / "demo.yaml"
    strategy.write_text(text("trading_pairs_file: cycles.csv"))
    world.strategies = [load(strategy)]
    world.show("ETH/USDT", [("2030", "900")], [("2031", "900")])  # 113 bps after fees of 0.1 %
    charge(world, HALF_A_PERCENT)
    assert world.run(cycles=None, duration_s=30) == 0
    assert world.facts(f.CycleOpened) == []
    world.check()


@pytest.mark.parametrize("cycle", ["cycle: [USDT, BTC, ETH]", "start_currencies: [USDT]"])
@pytest.mark.parametrize("leg", [1, 2, 3])
@pytest.mark.parametrize("rate", ["0.995", "1", "1.5"])
def test_a_fee_that_takes_all_ends_no_run_and_nothing_is_opened_at_it(
    world: World, cycle: str, leg: int, rate: str
) -> None:
    world.strategies = [loaded(text(cycle))]
    world.show("ETH/USDT", [("2030", "900")], [("2031", "900")])
    whole = FeeRates(Decimal(rate), Decimal(rate))
    world.on(f.OrderIntended, leg, lambda: setattr(world.venue._desk, "_fees", whole))
    assert world.run(cycles=None, duration_s=60) == 0
    fills = [one for one in world.records() if isinstance(one.fact, f.OrderFilled)]
    dear = [one.at_ns for one in fills if one.fact.fee > one.fact.amount / 2]  # type: ignore[union-attr]
    opened = [one.at_ns for one in world.records() if isinstance(one.fact, f.CycleOpened)]
    assert dear
    assert max(opened) < dear[0] + NS_PER_S  # a second one may begin while fees are read
    world.check()


def test_fees_that_cannot_be_read_are_read_later(world: World) -> None:
    world.strategies = [loaded(text("cycle: [USDT, BTC, ETH]"))]
    world.show("ETH/USDT", [("2030", "900")], [("2031", "900")])
    world.fault("read_fails", call="fees", number=2, times=6)
    world.at(30.0, lambda _life: charge(world, HALF_A_PERCENT))
    world.at(90.0, lambda life: life.engine.interrupt())
    assert world.run(cycles=None) == 130
    assert world.account().risk["demo"].tripped == {}
    world.check()


def test_fees_are_read_once_a_minute_though_nothing_is_traded(world: World) -> None:
    world.strategies = [loaded(text("cycle: [USDT, BTC, ETH]"))]
    world.show("ETH/USDT", [("1990", "900")], [("2031", "900")])
    world.at(5.0, lambda _life: charge(world, HALF_A_PERCENT))
    world.at(70.0, lambda _life: world.show("ETH/USDT", [("2030", "900")], [("2031", "900")]))
    world.at(90.0, lambda life: life.engine.interrupt())
    assert world.run(cycles=None) == 130
    assert world.facts(f.CycleOpened) == []


def test_a_dearer_trade_that_comes_while_fees_are_read_is_not_forgotten() -> None:
    asked: list[Decimal] = []

    async def story() -> None:
        heard: list[Callable[[str, f.Fact, int], None]] = []

        async def reload_fees(charged: Decimal) -> None:
            asked.append(charged)
            if len(asked) == 1:
                heard[0]("cycle-x", filled(1, "t2", "1", "0.05", fee="0.020000"), 1)
            await asyncio.sleep(0)

        desk = SimpleNamespace(
            journal=SimpleNamespace(listen=heard.append),
            fees=FeeRates(Decimal("0.001"), Decimal("0.001")),
            reload_fees=reload_fees,
        )
        watch = FeeWatch(desk, lambda _asset: None)  # type: ignore[arg-type]
        looking = asyncio.ensure_future(watch.look_for_ever())
        heard[0]("cycle-x", filled(1, "t1", "1", "0.05", fee="0.010000"), 1)
        for _ in range(9):
            await asyncio.sleep(0)
        looking.cancel()

    asyncio.run(story())
    assert asked == [Decimal("0.01"), Decimal("0.02")]


def test_a_trade_that_brought_nothing_and_had_a_fee_was_charged_all_of_it() -> None:
    heard: list[Callable[[str, f.Fact, int], None]] = []
    desk = SimpleNamespace(
        journal=SimpleNamespace(listen=heard.append),
        fees=FeeRates(Decimal("0.001"), Decimal("0.001")),
    )
    watch = FeeWatch(desk, lambda _asset: None)  # type: ignore[arg-type]
    heard[0]("cycle-x", filled(3, "t1", "1", "0", fee="0.010000", fee_asset="USDT"), 1)
    assert watch._charged == 1
