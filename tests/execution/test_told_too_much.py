"""Replies that tell of more than was filled: they freeze nothing, and nothing is made up."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from arb.clock import NS_PER_MS, NS_PER_S
from arb.events import facts as f
from arb.exchange.port import OrderReport, OrderRequest
from arb.machine import table as t
from tests.spec.world import World

Change = Callable[[OrderReport], OrderReport]


def reply(world: World, number: int, change: Change) -> None:
    """Change the reply to the n-th create."""
    real = world.faulty.create
    sent = 0

    async def create(request: OrderRequest) -> Any:
        nonlocal sent
        told = await real(request)
        sent += 1
        return change(told) if sent == number else told

    world.faulty.create = create  # type: ignore[method-assign]


def twice(report: OrderReport) -> OrderReport:
    assert report.filled is not None
    return replace(report, filled=report.filled * 2)


def all_of_it(report: OrderReport) -> OrderReport:
    return replace(report, status="closed", filled=report.amount)


def dry(world: World) -> None:
    """Let the second leg fill in part."""
    whole = world.stage.book_at("ETH/BTC", world.now_ns())
    assert whole is not None

    def thin() -> None:
        world.show("ETH/BTC", [("0.0399", "0.1")], [("0.04", "0.1")])
        world.stage.put(world.now_ns() + 8 * NS_PER_MS, whole)

    world.on(f.OrderIntended, 2, thin)


@pytest.mark.parametrize("leg", [1, 2, 3])
def test_a_reply_that_tells_of_more_than_was_ordered_proves_nothing(world: World, leg: int) -> None:
    reply(world, leg, twice)
    assert world.run() == 0
    world.check()
    (unknown,) = world.facts(f.OrderUnknown)
    assert "no trades prove it" in unknown.reason
    assert world.cycle().outcome == "completed"


def test_more_than_was_ordered_is_alarmed_once_and_believed_never(world: World) -> None:
    """Read after read the venue says so, and shows the trades of what was ordered."""
    reply(world, 2, twice)
    real = world.faulty.order

    async def order(market: str, client_order_id: str) -> Any:
        told = await real(market, client_order_id)
        return twice(told) if world.now_ns() < begin + 30 * NS_PER_S else told

    begin = world.now_ns()
    world.faulty.order = order  # type: ignore[method-assign]
    assert world.run() == 0
    world.check()
    (found,) = world.facts(f.DiscrepancyFound)
    assert (found.kind, Decimal(found.now)) == ("garbled reply", 2 * Decimal(found.was))
    assert any("garbled" in one.reason for one in world.facts(f.RecoveryWaiting))


def test_an_end_that_named_too_much_is_corrected_when_the_venue_takes_it_back(world: World) -> None:
    """The reply said that all was filled; trades and every later word say that it was a part."""
    dry(world)
    reply(world, 2, all_of_it)
    assert world.run() == 0
    world.check()
    (found,) = world.facts(f.DiscrepancyFound)
    assert found.kind == "filled went back"
    order = world.cycle().orders[1]
    assert order.state == t.SETTLED
    assert order.told == order.filled == Decimal(found.now) == Decimal("0.1")
    closed = [one for one in world.records() if isinstance(one.fact, f.OrderClosed)]
    told, corrected = [one.at_ns for one in closed if one.fact.client_order_id == found.subject]
    assert corrected - told >= 60 * NS_PER_S


def test_while_an_end_is_in_doubt_the_cycle_waits_and_says_so(world: World) -> None:
    dry(world)
    reply(world, 2, all_of_it)
    world.at(20, lambda life: life.engine.interrupt())
    assert world.run() == 130
    assert world.cycle().state == t.RECOVERING
    assert "does not show every fill" in world.cycle().wait_reason
    assert world.recover() == 0
    world.check()


def test_fills_that_come_after_an_end_was_corrected_are_booked(world: World) -> None:
    """The first word was right, and the trade behind it shows once nobody waits for it any more."""
    reply(world, 2, lambda told: replace(told, fills=()))
    shown: list[int] = []
    world.on(f.DiscrepancyFound, 1, lambda: shown.append(1))
    real_order, real_trades = world.venue.order, world.venue.trades

    async def order(market: str, client_order_id: str) -> Any:
        told = await real_order(market, client_order_id)
        if market != "ETH/BTC" or shown:
            return told
        (first, *_) = await real_trades(market, 0)
        return replace(told, status="expired", filled=first.amount)

    async def trades(market: str, since_ns: int) -> Any:
        told = await real_trades(market, since_ns)
        return told[:1] if market == "ETH/BTC" and not shown else told

    world.venue.order, world.venue.trades = order, trades  # type: ignore[method-assign]
    assert world.run() == 0
    world.check()
    assert shown == [1]
    # The balances showed all the time that there was no rest: nothing was sold twice meanwhile.
    assert min(world.cycle().dust.values(), default=Decimal(0)) >= 0
    assert len(world.facts(f.OrderFilled)) == len(world.venue.account.all_fills())
