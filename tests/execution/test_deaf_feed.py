"""A feed that is down tells no book of any market: that says nothing of what the markets would take."""

from collections.abc import Callable

import pytest

from arb.clock import NS_PER_S
from arb.events import facts as f
from arb.execution.cycles.patience import NO_VALUE
from arb.simulation.market import BOOKS
from tests.spec.flipped import flipped
from tests.spec.world import World

ONE_CYCLE = "risk_controls: {max_daily_loss: 100, max_open_cycles: 1}\n"
OF_ETH = ["ETH/BTC", "ETH/USDT"]


def deafen(world: World, deaf_s: float, markets: list[str]) -> None:
    begin = world.now_ns()
    for market in markets:
        world.stage.silence(market, begin - 6 * NS_PER_S, begin + round(deaf_s * NS_PER_S))


def took_s(world: World) -> float:
    return (world.cycle().ended_ns - world.cycle().opened_ns) / NS_PER_S


@pytest.mark.parametrize("deaf_s", [15, 40, 110])
@pytest.mark.parametrize("leg", [1, 2])
def test_a_feed_that_comes_back_within_two_minutes_parks_nothing(
    world: World, leg: int, deaf_s: float
) -> None:
    world.strategies = [world.strategy(extra=ONE_CYCLE)]
    everything = [one.market for one in BOOKS]
    world.on(f.OrderClosed, leg, lambda: deafen(world, deaf_s, everything))
    assert world.run() == 0
    world.check()
    assert world.cycle().outcome == "completed"
    assert deaf_s - 5 < took_s(world) < deaf_s + 5
    assert world.facts(f.RiskTripped) == []


def test_a_feed_that_stays_down_is_for_an_operator_after_two_minutes(world: World) -> None:
    world.on(f.OrderClosed, 2, lambda: deafen(world, 100_000, OF_ETH))
    assert world.run() == 1
    world.check()
    assert (world.cycle().outcome, list(world.cycle().parked)) == ("parked", ["ETH"])
    assert 120 < took_s(world) < 130


@pytest.mark.parametrize("told", [True, False])
def test_only_a_market_without_a_book_is_waited_for_so_long(
    world: World,
    told: bool,  # noqa: FBT001 -- a parameter of the test
) -> None:
    """What every book is told of, and nobody wants, is parked after 20 s, and so beside a halted market."""

    def nobody_bids() -> None:
        world.show_soon("ETH/USDT", [], [("2011", "90")])
        world.show_soon("ETH/BTC", [], [("0.04", "90")])
        if not told:
            world.stage.hide(world.now_ns(), "ETH/BTC")
            world.venue.halt_market("ETH/BTC", halted=True)

    world.on(f.OrderIntended, 3, nobody_bids)
    world.fault(
        "refused", order=3, times=1
    )  # the markets are read again, so that the halt is known
    assert world.run() == 1
    world.check()
    assert world.cycle().outcome == "parked"
    assert 20 < took_s(world) < 30


@pytest.mark.parametrize("deaf_s", [40, 100_000])
def test_fees_are_valued_when_their_feed_comes_back(
    worlds: Callable[..., World], deaf_s: float
) -> None:
    world = worlds(fee_asset="BNB", bnb="10")
    world.on(f.OrderIntended, 3, lambda: deafen(world, deaf_s, ["BNB/USDT"]))
    assert world.run() == (0 if deaf_s == 40 else 4)
    world.check()
    assert world.cycle().outcome == "completed"
    assert (world.cycle().fee_value is None) is (deaf_s > 40)
    assert min(deaf_s, 120) - 5 < took_s(world) < min(deaf_s, 120) + 10


@pytest.mark.parametrize("deaf_s", [40, 100_000])
def test_what_was_sold_for_another_currency_is_valued_when_its_feed_comes_back(
    world: World, deaf_s: float
) -> None:
    world.show("BTC/USDC", [("60000", "5")], [("60010", "5")])
    only = {"panic_sell.base_currencies": "[USDC]", "panic_sell.max_hops": 1}
    world.strategies = [flipped({**only, "risk_controls.max_daily_loss": "100"})]
    world.fault("refused", order=2, times=1)
    fallen = ([("1500", "90")], [("1501", "90")])
    world.on(f.LegSettled, 1, lambda: world.show("ETH/USDT", *fallen))

    def deaf() -> None:  # once the order has left
        world.later(0.002, lambda: deafen(world, deaf_s, ["USDC/USDT", "BTC/USDC"]))

    world.on(f.OrderIntended, 1, deaf, purpose="unwind")
    world.run()
    world.check()
    cycle = world.cycle()
    waits = [fact.reason for fact in world.facts(f.RecoveryWaiting)]
    assert set(waits) == {NO_VALUE}
    assert cycle.outcome == ("liquidated" if deaf_s == 40 else "parked")
    assert min(deaf_s, 120) - 5 < took_s(world) < min(deaf_s, 120) + 10


@pytest.mark.parametrize("fault", ["banned", "maintenance"])
@pytest.mark.parametrize("deaf_s", [612, 640, 100_000])
def test_time_in_which_the_venue_does_not_answer_is_none_of_the_feeds(
    worlds: Callable[..., World], deaf_s: float, fault: str
) -> None:
    """Its books come after its answers: ten minutes of a ban or of maintenance parked all that was held."""
    away_ns = 600 * NS_PER_S
    world = worlds(plan={"ban_ns": away_ns, "maintenance_ns": away_ns})
    world.strategies = [world.strategy(extra=ONE_CYCLE)]

    def away() -> None:
        deafen(world, deaf_s, [one.market for one in BOOKS])
        world.later(10, lambda: world.fault(fault, call="balances", number=1, times=1))

    world.on(f.OrderClosed, 2, away)
    world.run()
    world.check()
    comes_back = deaf_s < 100_000
    assert world.cycle().outcome == ("completed" if comes_back else "parked")
    assert abs(took_s(world) - (deaf_s if comes_back else 600 + 120)) < 10
