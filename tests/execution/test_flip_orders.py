"""Keys that say what is sent for a leg, and what follows when it gets nothing."""

from collections.abc import Callable
from decimal import Decimal

import pytest

from arb.clock import NS_PER_MS, NS_PER_S
from arb.events import facts as f
from tests.spec.flipped import flipped
from tests.spec.world import World


def times(world: World, kind: type) -> list[int]:
    return [one.at_ns for one in world.records() if isinstance(one.fact, kind)]


@pytest.mark.parametrize(("kind", "limit"), [("limit", "50015"), ("market", "50110.02")])
def test_a_market_order_goes_to_the_bound_and_a_limit_order_to_the_level_it_needs(
    world: World, kind: str, limit: str
) -> None:
    world.strategies = [flipped({"order.type": kind})]
    assert world.run() == 0
    world.check()
    assert world.facts(f.OrderIntended)[0].limit == Decimal(limit)


@pytest.mark.parametrize(("allowed", "ends"), [("true", "completed"), ("false", "missed")])
def test_without_partial_fills_a_first_leg_that_finds_less_than_it_wants_takes_nothing(
    world: World, allowed: str, ends: str
) -> None:
    world.on(
        f.OrderIntended, 1, lambda: world.show("BTC/USDT", [("50000", "5")], [("50010", "0.01")])
    )
    keys = {"order.allow_partial_fills": allowed, "order.max_retries": 0}
    world.strategies = [flipped(keys)]
    assert world.run() == 0
    world.check()
    assert world.cycle().outcome == ends
    assert (world.facts(f.OrderFilled) == []) is (allowed == "false")


@pytest.mark.parametrize("retries", [0, 1, 4])
def test_a_leg_that_is_refused_is_planned_anew_as_often_as_allowed(
    world: World, retries: int
) -> None:
    world.fault("refused")
    world.strategies = [flipped({"order.max_retries": retries})]
    assert world.run() == 0
    world.check()
    assert len(world.facts(f.OrderIntended)) == 1 + retries


@pytest.mark.parametrize("delay_ms", [100, 3_000])
def test_a_leg_is_tried_again_after_its_delay_and_then_after_twice_that(
    world: World, delay_ms: int
) -> None:
    world.fault("refused")
    world.strategies = [flipped({"order.retry_delay_ms": delay_ms, "order.max_retries": 2})]
    assert world.run() == 0
    ends, begins = times(world, f.OrderRefused), times(world, f.OrderIntended)
    waits = [begin - end for end, begin in zip(ends, begins[1:], strict=False)]
    for wait, least in zip(waits, (delay_ms, 2 * delay_ms), strict=True):
        assert least * NS_PER_MS <= wait < (least + 100) * NS_PER_MS


def test_an_order_that_stays_open_is_cancelled_after_its_timeout(
    worlds: Callable[..., World],
) -> None:
    """The venue says "open" of an immediate order until we cancel it."""
    took = []
    for timeout_s in (2, 20):
        world = worlds()
        world.fault("reordered_reports", number=1)
        world.fault("reordered_reports", call="order", order=1, times=400)
        world.on(f.CancelIntended, 1, world.heal)
        world.strategies = [flipped({"order.timeout_seconds": timeout_s})]
        assert world.run() == 0
        world.check()
        took.append(times(world, f.CancelIntended)[0] - times(world, f.OrderIntended)[0])
    assert 2 * NS_PER_S < took[0] < 5 * NS_PER_S
    assert 20 * NS_PER_S < took[1] < 40 * NS_PER_S
