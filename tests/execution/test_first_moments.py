"""The first moments of a life: the venue answers, and its books have not come yet."""

from collections.abc import Callable, Sequence
from itertools import cycle

import pytest

from arb import crashpoints
from arb.clock import NS_PER_S
from arb.events import facts as f
from arb.execution.account.journal import Draft
from arb.execution.cycles import patience
from arb.simulation.market import BOOKS, MARKETS, rules
from tests.spec.flipped import flipped
from tests.spec.world import World

OF_ETH = ["ETH/BTC", "ETH/USDT"]
NO_MARKET = "no market takes what is held now"


def hide(world: World, markets: Sequence[str]) -> None:
    for market in markets:
        world.stage.hide(world.now_ns(), market)


def show(world: World, markets: Sequence[str]) -> None:
    for one in BOOKS:
        if one.market in markets:
            sides = [
                [(str(price), str(size)) for price, size in side] for side in (one.bids, one.asks)
            ]
            world.show(one.market, *sides)


def halt_eth(world: World, *, halted: bool) -> None:
    for market in OF_ETH:
        world.venue.halt_market(market, halted=halted)


def come_late(world: World, markets: Sequence[str]) -> None:
    """In the next life these books are told a second after it has begun."""
    hide(world, markets)
    world.wait(1)
    world.at(1, lambda _life: show(world, markets))


@pytest.mark.parametrize("leg", [2, 3])
def test_a_cycle_goes_on_with_its_path_once_its_books_have_come(world: World, leg: int) -> None:
    world.kill_at(crashpoints.EXECUTED_NOT_TOLD, leg - 1)
    assert world.run() is None
    # What could be sold at once is not sold: the book of the next leg is a moment late.
    come_late(world, ["ETH/BTC"] if leg == 2 else ["ETH/USDT"])
    assert world.recover() == 0
    world.check()
    assert world.cycle().outcome == "completed"
    assert world.facts(f.UnwindStarted) == []
    assert [order.market for order in world.orders()] == ["BTC/USDT", "ETH/BTC", "ETH/USDT"]


def test_a_book_that_never_comes_is_waited_for_no_longer_than_some_seconds(world: World) -> None:
    world.kill_at(crashpoints.EXECUTED_NOT_TOLD, 2)
    assert world.run() is None
    hide(world, ["ETH/USDT"])
    world.wait(1)
    began_ns = world.now_ns()
    assert world.recover() == 0
    world.check()
    assert world.facts(f.UnwindStarted)
    unwound = next(one for one in world.records() if isinstance(one.fact, f.UnwindStarted))
    assert 4 * NS_PER_S < unwound.at_ns - began_ns < 12 * NS_PER_S


def test_what_an_earlier_life_waited_for_a_market_does_not_count(world: World) -> None:
    """A halted market opens again while the engine is dead: the next life has only just begun to look."""
    world.on(f.OrderClosed, 2, lambda: halt_eth(world, halted=True))
    world.kill_after(lambda fact: getattr(fact, "reason", "") == NO_MARKET)
    assert world.run() is None
    halt_eth(world, halted=False)
    hide(world, OF_ETH)
    world.wait(60)
    world.at(6, lambda _life: show(world, OF_ETH))  # later than books are waited for by themselves
    assert world.recover() == 0
    world.check()
    assert world.cycle().outcome == "completed"


@pytest.mark.parametrize("point", [crashpoints.EXECUTED_NOT_TOLD, crashpoints.TOLD_NOT_APPENDED])
def test_a_cycle_ends_when_its_fees_can_be_valued(worlds: Callable[..., World], point: str) -> None:
    world = worlds(fee_asset="BNB", bnb="10")
    world.kill_at(point, 3)
    assert world.run() is None
    come_late(world, ["BNB/USDT"])
    assert world.recover() == 0
    world.check()
    assert world.cycle().outcome == "completed"
    assert world.cycle().fee_value is not None
    assert world.facts(f.RiskTripped) == []


def test_a_cycle_in_one_life_waits_for_the_value_of_its_fees(worlds: Callable[..., World]) -> None:
    world = worlds(fee_asset="BNB", bnb="10")
    world.on(f.OrderIntended, 3, lambda: hide(world, ["BNB/USDT"]))
    world.on(f.RecoveryWaiting, 1, lambda: world.later(1, lambda: show(world, ["BNB/USDT"])))
    assert world.run() == 0
    world.check()
    assert world.cycle().outcome == "completed"
    assert world.cycle().fee_value is not None


def test_fees_that_nothing_values_for_long_end_the_cycle_all_the_same(
    worlds: Callable[..., World],
) -> None:
    world = worlds(fee_asset="BNB", bnb="10")
    world.on(f.OrderIntended, 3, lambda: hide(world, ["BNB/USDT"]))
    assert world.run() == 4  # a result that nobody knows trips a limit
    world.check()
    assert world.cycle().outcome == "completed"
    assert world.cycle().fee_value is None
    assert 120 * NS_PER_S < world.cycle().ended_ns - world.cycle().opened_ns < 190 * NS_PER_S


def test_what_was_waited_for_before_makes_no_first_look_later(world: World) -> None:
    """The waits of an earlier life counted on: a book that came after a second was seen after thirty."""
    world.on(f.OrderClosed, 2, lambda: halt_eth(world, halted=True))
    waits: list[f.Fact] = []

    def fatal(fact: f.Fact) -> bool:
        waits.extend([fact] if isinstance(fact, f.RecoveryWaiting) else [])
        return len(waits) == 7

    world.kill_after(fatal)
    assert world.run() is None
    halt_eth(world, halted=False)
    come_late(world, ["ETH/USDT"])
    began_ns = world.now_ns()
    assert world.recover() == 0
    world.check()
    assert world.cycle().outcome == "completed"
    assert world.cycle().ended_ns - began_ns < 3 * NS_PER_S


def test_an_unwind_that_a_kill_broke_off_is_gone_on_with_at_once(world: World) -> None:
    """The market whose halt it began with has no book: it is not waited for."""
    world.on(f.OrderClosed, 2, lambda: world.venue.halt_market("ETH/USDT", halted=True))
    world.kill_after(lambda fact: isinstance(fact, f.UnwindStarted))
    assert world.run() is None
    world.wait(1)
    began_ns = world.now_ns()
    assert world.recover() == 0
    world.check()
    again = [one.at_ns for one in world.records() if isinstance(one.fact, f.UnwindStarted)][-1]
    assert 0 < again - began_ns < 2 * NS_PER_S


def test_an_unwind_has_its_orders_anew_after_a_kill(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Waiting for books would have counted as waiting in the unwind, whose orders then go on counting."""
    monkeypatch.setattr("arb.limits.UNWIND_ORDERS_MAX", 7)

    sizes = cycle(["0.1", "0.1001"])  # each time another one, so that it is whole again

    def thin() -> None:
        world.show_soon("ETH/BTC", [("0.0399", next(sizes))], [("0.04", "5")])

    def halt() -> None:
        world.venue.halt_market("ETH/USDT", halted=True)
        thin()

    world.on(f.OrderClosed, 2, halt)
    for hop in range(1, 12):
        world.on(f.HopSettled, hop, thin)
    hops: list[f.Fact] = []

    def fatal(fact: f.Fact) -> bool:
        hops.extend([fact] if isinstance(fact, f.HopSettled) else [])
        return len(hops) == 3

    world.kill_after(fatal)
    assert world.run() is None
    world.wait(30)
    thin()
    assert world.recover() == 0
    world.check()
    assert world.cycle().outcome == "liquidated"


@pytest.mark.parametrize("sells", [True, False])
@pytest.mark.parametrize("comes_back", [True, False])
def test_a_closed_loop_is_completed_though_every_book_is_gone_as_it_closes(
    worlds: Callable[..., World],
    sells: bool,  # noqa: FBT001 -- a parameter of the test
    comes_back: bool,  # noqa: FBT001 -- the same
) -> None:
    """Without books what rounding left looks like money that no market takes."""
    world = worlds(
        fee_asset="BNB",
        bnb="10",
        markets={**MARKETS, "ETH/BTC": rules("ETH/BTC", "0.00001", "0.001", "0.0001")},
    )
    world.strategies = [world.strategy(extra="" if sells else "panic_sell: {enabled: false}\n")]
    most = [one.market for one in BOOKS if one.market != "USDC/USDT"]
    world.on(f.OrderIntended, 3, lambda: world.later(0.01, lambda: hide(world, most)))
    if comes_back:
        world.on(f.RecoveryWaiting, 2, lambda: show(world, most))
    assert world.run() == (0 if comes_back else 4)
    world.check()
    assert world.cycle().outcome == "completed"
    assert (world.cycle().fee_value is not None) is comes_back


@pytest.mark.parametrize("asked", [True, False])
def test_an_unwind_ends_when_its_fees_can_be_valued(
    worlds: Callable[..., World],
    asked: bool,  # noqa: FBT001 -- a parameter of the test
) -> None:
    """Also one that an operator asked for: nothing is in its hands any more, and its result counts."""
    world = worlds(fee_asset="BNB", bnb="10")
    world.kill_at(crashpoints.EXECUTED_NOT_TOLD, 2)
    assert world.run() is None
    world.show("ETH/USDT", [("1900", "90")], [("1990", "90")])
    come_late(world, ["BNB/USDT"])
    if asked:
        world.at(0.01, lambda life: life.parts.runner.panic("demo-1"))
    assert world.recover() == 0
    world.check()
    assert world.cycle().outcome == "liquidated"
    assert world.cycle().fee_value is not None
    assert world.facts(f.RiskTripped) == []


def test_a_venue_that_is_silent_now_and_then_makes_no_wait_begin_anew(world: World) -> None:
    """What is held has no market any more, and in between the venue cannot be asked."""
    world.strategies = [flipped({"panic_sell.max_hops": 1})]
    world.on(f.LegSettled, 2, lambda: world.stage.hide(world.now_ns(), "ETH/USDT"))
    desks = []
    world.at(0, lambda life: desks.append(life.built.parts.desk))
    world.kill_after(lambda fact: isinstance(fact, f.RecoveryWaiting))
    assert world.run() is None
    before, draft = world.cycle(), Draft(world.cycle())
    assert before.wait_reason == patience.NO_MARKET
    draft.at_ns = before.wait_since_ns + 15 * NS_PER_S
    patience.wait(desks[0], draft, "banned for 3 s")
    assert draft.cycle.waits == before.waits + 1
    assert draft.cycle.wait_reason == before.wait_reason
    assert draft.cycle.wait_since_ns == before.wait_since_ns
