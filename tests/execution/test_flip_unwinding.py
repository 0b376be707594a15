"""Keys that say where holdings go when a cycle cannot go on."""

from collections.abc import Mapping
from decimal import Decimal
from functools import partial
from itertools import pairwise

import pytest

from arb.events import facts as f
from tests.spec.flipped import flipped
from tests.spec.world import World

FALLEN = ([("1500", "90")], [("1501", "90")])  # going on at this price is far below any floor


def unwinds(world: World) -> list[f.OrderIntended]:
    return [fact for fact in world.facts(f.OrderIntended) if fact.purpose == "unwind"]


def fall(world: World, keys: Mapping[str, object]) -> None:
    """A cycle that holds BTC, gets no ETH for it, and sees the price of ETH fall."""
    world.strategies = [flipped(keys)]
    world.fault("refused", order=2, times=1)
    world.on(f.LegSettled, 1, lambda: world.show("ETH/USDT", *FALLEN))


@pytest.mark.parametrize("enabled", ["true", "false"])
def test_holdings_are_sold_by_themselves_only_where_panic_sell_is_enabled(
    world: World, enabled: str
) -> None:
    fall(world, {"panic_sell.enabled": enabled})
    world.run()
    world.check()
    assert (world.cycle().outcome == "parked") is (enabled == "false")
    assert (unwinds(world) == []) is (enabled == "false")


@pytest.mark.parametrize(("base", "market"), [("USDC", "BTC/USDC"), ("USDT", "BTC/USDT")])
def test_holdings_go_to_a_base_currency_that_pays_best_or_back_to_the_start(
    world: World, base: str, market: str
) -> None:
    world.show("BTC/USDC", [("60000", "5")], [("60010", "5")])
    world.show("USDC/USDT", [("0.9990", "90000")], [("1.0010", "90000")])
    fall(world, {"panic_sell.base_currencies": f"[{base}]", "panic_sell.max_hops": 1})
    assert world.run() == 0
    world.check()
    assert [order.market for order in unwinds(world)] == [market]


@pytest.mark.parametrize(("slippage", "lowest"), [("100", "49750"), ("300", "48750")])
def test_holdings_are_sold_no_further_from_the_touch_than_allowed(
    world: World, slippage: str, lowest: str
) -> None:
    """0.02 BTC are to be sold, and the first level takes half of it."""
    only = {"panic_sell.base_currencies": "[USDT]", "panic_sell.max_hops": 1}
    fall(world, {**only, "panic_sell.max_slippage_bps": slippage})
    bids = [("50000", "0.01"), ("49750", "0.005"), ("48750", "5")]
    world.on(f.LegSettled, 1, lambda: world.show("BTC/USDT", bids, [("50010", "5")]))
    world.run()
    world.check()
    bound = Decimal(slippage) / 10_000
    sold = unwinds(world)
    assert all(order.best - order.limit <= order.best * bound for order in sold)
    assert sold[0].limit == Decimal(lowest)


@pytest.mark.parametrize(("hops", "ends"), [(1, "parked"), (2, "liquidated")])
def test_a_way_out_has_no_more_hops_than_allowed(world: World, hops: int, ends: str) -> None:
    """What is held is ETH, its own market is gone, and over BTC it takes two."""
    world.strategies = [flipped({"panic_sell.max_hops": hops})]
    world.on(f.LegSettled, 2, lambda: world.stage.hide(world.now_ns(), "ETH/USDT"))
    world.run()
    world.check()
    assert world.cycle().outcome == ends


@pytest.mark.parametrize(("hops", "opened"), [(1, 0), (2, 1)])
def test_nothing_is_bought_that_could_not_be_sold_again(
    world: World, hops: int, opened: int
) -> None:
    """Next to nothing is bid for BTC in USDT: what a leg buys of it gets out over ETH only, in two orders."""
    world.strategies = [
        flipped({"panic_sell.base_currencies": "[USDT]", "panic_sell.max_hops": hops})
    ]
    world.show("BTC/USDT", [("50000", "0.00001")], [("50010", "5")])
    assert world.run(duration_s=60) == 0
    world.check()
    assert len(world.facts(f.CycleOpened)) == opened
    declined = [reason for fact in world.facts(f.OpportunitiesDeclined) for reason in fact.reasons]
    assert ("no_exit" in declined) is (opened == 0)


def test_what_is_worth_most_is_sold_first(world: World) -> None:
    """The orders of an unwind are counted, so crumbs must not use them up before the rest is sold."""
    world.strategies = [flipped({"order.max_retries": 0})]

    def thin() -> None:
        world.show("ETH/BTC", [("0.0399", "90")], [("0.0400", "0.4")])
        world.on(f.OrderFilled, 2, lambda: world.show("ETH/USDT", *FALLEN))

    world.on(f.LegSettled, 1, thin)
    world.run()
    world.check()
    first, second = unwinds(world)[:2]
    assert (first.base, second.base) == ("ETH", "BTC")


def test_orders_of_an_unwind_that_filled_make_no_pause_longer(world: World) -> None:
    """Of a way out over three hops the last order is refused twice: a moment is given, then twice that."""
    keys = {"panic_sell.base_currencies": "[USDT]", "order.retry_delay_ms": 100}
    world.strategies = [flipped(keys)]
    world.show("BTC/USDC", [("60000", "5")], [("60010", "5")])
    world.show("USDC/USDT", [("0.9990", "90000")], [("1.0010", "90000")])

    def strand() -> None:
        for market in ("ETH/USDT", "BTC/USDT"):
            world.stage.hide(world.now_ns(), market)

    world.on(f.LegSettled, 2, strand)
    for order in (6, 7):
        world.fault("refused", order=order, times=1)
    world.run()
    world.check()
    orders = {fact.client_order_id: fact for fact in unwinds(world)}
    at_ns = [one.at_ns for one in world.records() if isinstance(one.fact, f.OrderIntended)]
    assert [fact.market for fact in orders.values()] == ["ETH/BTC", "BTC/USDC", *["USDC/USDT"] * 3]
    after_misses = [round((after - before) / 1e6) for before, after in pairwise(at_ns[-3:])]
    assert after_misses == pytest.approx([100, 200], abs=40)


def test_after_an_order_of_an_unwind_that_got_nothing_the_next_goes_to_the_bound(
    world: World,
) -> None:
    """Bids fall by 4 bps while each order is underway: one at the touch comes too late each time."""
    only = {"panic_sell.base_currencies": "[USDT]", "panic_sell.max_hops": 1}
    fall(world, only)

    def lower(number: int) -> None:
        price = str(50_000 - 20 * number)
        world.show("BTC/USDT", [(price, "5")], [("50010", "5")])

    for number in range(1, 9):
        world.on(f.OrderIntended, number, partial(lower, number), purpose="unwind")
    world.run()
    world.check()
    touch, bound = unwinds(world)
    assert (touch.limit, touch.best) == (Decimal(49990), Decimal(50000))
    assert (bound.limit, bound.best) == (Decimal("49480.20"), Decimal(49980))  # 100 bps below
    cost = world.facts(f.OrderFilled)[-1].cost
    assert cost == bound.amount * 49_960  # it pays what is there, not what it would have taken


def test_an_order_at_the_bound_goes_no_further_from_the_middle_than_the_gate_lets_it(
    world: World,
) -> None:
    """Ten percent below the touch is further than that below the middle."""
    only = {"panic_sell.base_currencies": "[USDT]", "panic_sell.max_hops": 1}
    fall(world, {**only, "panic_sell.max_slippage_bps": "1000"})
    lower = partial(world.show, "BTC/USDT", [("49980", "5")], [("50010", "5")])
    world.on(f.OrderIntended, 1, lower, purpose="unwind")
    world.run()
    world.check()
    _touch, bound = unwinds(world)
    assert bound.limit == Decimal("44995.50")  # of 49995
    assert [one.reason for one in world.facts(f.OrderRefused)] == ["fault"]
