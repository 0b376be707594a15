"""Keys that say which cycles are traded, and what they must bring."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from arb.events import facts as f
from arb.strategy.loader import load
from tests.spec.flipped import flipped, written
from tests.spec.world import World


def flat(world: World) -> None:
    """Books without a spread, on which a cycle loses its fees alone."""
    for market, price in (("BTC/USDT", "50000"), ("ETH/BTC", "0.04"), ("ETH/USDT", "2000")):
        world.show(market, [(price, "90")], [(price, "90")])


def test_the_name_of_a_strategy_is_in_the_ids_of_its_cycles(world: World) -> None:
    world.strategies = [flipped({"name": "other"})]
    assert world.run() == 0
    assert list(world.cycles()) == ["other-1"]


def test_a_cycle_is_traded_as_it_is_written(worlds: Callable[..., World]) -> None:
    legs = {}
    for cycle in ("[USDT, BTC, ETH]", "[USDT, ETH, BTC]"):
        world = worlds()
        world.strategies = [flipped({"cycle": cycle, "min_profit_bps": -500})]
        assert world.run() == 0
        legs[cycle] = [(fact.market, fact.side) for fact in world.facts(f.OrderIntended)]
    assert list(legs.values()) == [
        [("BTC/USDT", "buy"), ("ETH/BTC", "buy"), ("ETH/USDT", "sell")],
        [("ETH/USDT", "buy"), ("ETH/BTC", "sell"), ("BTC/USDT", "sell")],
    ]


@pytest.mark.parametrize(("bar", "opens"), [("-30.5", True), ("-29.5", False)])
def test_a_cycle_opens_only_above_its_threshold(world: World, bar: str, *, opens: bool) -> None:
    """Three fees of 10 bps, and some crumbs, are all that is lost."""
    flat(world)
    world.strategies = [flipped({"min_profit_bps": bar})]
    assert world.run(duration_s=5) == 0
    assert (world.cycles() != {}) is opens


@pytest.mark.parametrize(("bar", "orders"), [("-60", 2), ("-40", 1)])
def test_a_leg_that_was_refused_is_sent_anew_only_above_the_threshold_of_its_row(
    world: World, tmp_path: Path, bar: str, orders: int
) -> None:
    """What it would bring falls from -30 to -50 bps meanwhile; the strategy's own bar is -100."""
    flat(world)
    rows = f"base,inter,quote,min_profit_bps\nUSDT,BTC,ETH,{bar}\n"
    (tmp_path / "cycles.csv").write_text(rows)
    keys = {"cycle": None, "trading_pairs_file": "cycles.csv", "order.max_retries": 1}
    world.strategies = [load(written(tmp_path, keys))]
    world.fault("refused")
    world.on(f.OrderRefused, 1, lambda: world.show("ETH/USDT", [("1996", "90")], [("1996", "90")]))
    assert world.run() == 0
    world.check()
    assert len(world.facts(f.OrderIntended)) == orders


@pytest.mark.parametrize(("slippage", "prices"), [("20", 2), ("0.5", 1)])
def test_no_order_goes_further_from_the_touch_than_the_slippage_that_is_allowed(
    world: World, slippage: str, prices: int
) -> None:
    """The second level of each book is 1 bps or more from the first."""
    world.strategies = [flipped({"max_slippage_bps": slippage})]
    assert world.run() == 0
    world.check()
    orders = world.facts(f.OrderIntended)
    assert len(orders) == 3
    bound = Decimal(slippage) / 10_000
    assert all(abs(order.limit - order.best) <= order.best * bound for order in orders)
    assert len({fact.price for fact in world.facts(f.OrderFilled)}) == 3 * prices


@pytest.mark.parametrize(("reference", "amount"), [("USDT", "0.002"), ("USDC", "0.0019")])
def test_amounts_are_in_the_reference_currency_at_the_books_of_the_moment(
    world: World, reference: str, amount: str
) -> None:
    world.show("BTC/USDC", [("52600", "5")], [("52610", "5")])
    keys = {
        "cycle": "[BTC, ETH, USDT]",
        "reference_currency": reference,
        "capital_allocation.amount": 100,
    }
    world.strategies = [flipped(keys)]
    assert world.run() == 0
    world.check()
    assert Decimal("0.97") < world.cycle().start_amount / Decimal(amount) <= Decimal("1.001")
