"""Trades that are told wrong: of another order, in copies that differ, without a number (21, 22)."""

from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from msgspec import structs

from arb.clock import NS_PER_S
from arb.events import facts as f
from arb.exchange.port import OrderNotFound, OrderRequest
from tests.spec.world import World


@pytest.mark.parametrize(
    "owner",
    [
        {"exchange_order_id": "o777"},
        {"client_order_id": "someone-else"},
        {"exchange_order_id": "o777", "client_order_id": "someone-else"},
    ],
)
def test_a_trade_of_another_order_is_not_booked_because_a_reply_carries_it(
    world: World, owner: dict[str, str]
) -> None:
    real = world.faulty.create

    async def create(request: OrderRequest) -> Any:
        reply = await real(request)
        strange = structs.replace(reply.fills[0], trade_id="t999", **owner)
        return structs.replace(reply, fills=(*reply.fills, strange))

    world.faulty.create = create  # type: ignore[method-assign]
    assert world.run() == 0
    world.check()
    assert "t999" not in {fact.trade_id for fact in world.facts(f.OrderFilled)}
    assert world.facts(f.DiscrepancyFound) == []


def altered(trade: Any) -> Any:
    return structs.replace(trade, price=trade.price * 2, cost=trade.cost * 2)


@pytest.mark.parametrize("leg", [1, 2, 3])
def test_case_21_of_copies_in_the_trades_of_an_unknown_order_the_first_is_booked_and_alarmed(
    world: World, leg: int
) -> None:
    world.fault("reply_lost", number=leg)
    real = world.venue.trades

    async def trades(market: str, since_ns: int) -> Any:
        told = await real(market, since_ns)
        return (*told, altered(told[-1])) if told else told

    world.venue.trades = trades  # type: ignore[method-assign]
    assert world.run() == 0
    world.check()
    assert [fact.kind for fact in world.facts(f.DiscrepancyFound)] == ["fill changed"]


def test_case_21_of_copies_in_a_report_the_first_is_booked_and_alarmed(world: World) -> None:
    real = world.venue.order

    async def order(market: str, client_order_id: str) -> Any:
        told = await real(market, client_order_id)
        own = world.venue.account.order_of_client(client_order_id)
        assert own is not None
        fills = tuple(one.report() for one in world.venue.account.fills_of(own.number))
        return structs.replace(told, fills=(*fills, altered(fills[0])))

    world.venue.order = order  # type: ignore[method-assign]
    world.fault("reply_lost", number=1)
    assert world.run() == 0
    world.check()
    assert [fact.kind for fact in world.facts(f.DiscrepancyFound)] == ["fill changed"]


@pytest.mark.parametrize("copies", ["all readings", "the first reading"])
def test_a_wrong_copy_of_a_late_trade_is_not_booked(
    worlds: Callable[..., World], copies: str
) -> None:
    """Each trade comes twice, altered the second time, and the order is garbled at first."""
    world = worlds(plan={"late_fill_ns": 20 * NS_PER_S})
    world.fault("late_fill", call=None, order=2)
    assert world.run() == 0
    world.wait(30)
    real_trades, real_order = world.faulty.trades, world.faulty.order
    asked: Counter[str] = Counter()

    async def trades(market: str, since_ns: int) -> Any:
        told = await real_trades(market, since_ns)
        asked[market] += bool(told)
        if copies == "the first reading" and asked[market] > 2:  # the start reads them too
            return told
        return [copy for one in told for copy in (one, altered(one))]

    async def order(market: str, client_order_id: str) -> Any:
        told = await real_order(market, client_order_id)
        asked["order"] += 1
        return structs.replace(told, exchange_order_id=None) if asked["order"] == 1 else told

    world.faulty.trades = trades  # type: ignore[method-assign]
    world.faulty.order = order  # type: ignore[method-assign]
    world.recover()
    booked = {one.trade_id: (one.price, one.cost) for one in world.facts(f.OrderFilled)}
    true = {one.trade_id: (one.price, one.cost) for one in world.venue.account.all_fills()}
    assert booked.items() <= true.items()
    assert "copies differ" in {fact.kind for fact in world.facts(f.DiscrepancyFound)}
    if copies == "the first reading":
        world.check()
        assert world.facts(f.EngineHalted) == []


NUMBERS = ["NaN", "sNaN", "Infinity", "-1"]


def unreadable(world: World, call: str, field: str, number: str, seconds: float) -> None:
    """Let a number of what other people did be none for a while."""
    real, until = getattr(world.venue, call), world.now_ns() + round(seconds * NS_PER_S)

    def spoilt(one: Any) -> Any:
        foreign = getattr(one, "client_order_id", None) is None
        return structs.replace(one, **{field: Decimal(number)}) if foreign else one

    async def read(*values: Any) -> Any:
        told = await real(*values)
        return told if world.now_ns() > until else [spoilt(one) for one in told]

    setattr(world.venue, call, read)


@pytest.mark.parametrize(
    ("field", "number"),
    [
        (field, number)
        for field in ("price", "amount", "cost", "fee")
        for number in NUMBERS
        if (field, number) != ("fee", "-1")  # that one is a rebate
    ],
)
def test_case_22_a_foreign_trade_that_cannot_be_read_is_looked_at_again(
    world: World, number: str, field: str
) -> None:
    assert world.run() == 0
    world.venue.foreign_order("ETH/USDT", "sell", Decimal("0.5"))
    unreadable(world, "trades", field, number, seconds=8)
    assert world.run(cycles=None, duration_s=20) == 0
    world.check()
    assert world.facts(f.EngineHalted) == []


@pytest.mark.parametrize("number", ["NaN", "sNaN", "Infinity", "0"])
def test_case_22_a_reported_change_that_cannot_be_read_is_looked_at_again(
    world: World, number: str
) -> None:
    assert world.run() == 0
    world.venue.deposit("USDT", Decimal(100))
    unreadable(world, "balance_changes", "amount", number, seconds=8)
    assert world.run(cycles=None, duration_s=20) == 0
    world.check()
    assert world.facts(f.EngineHalted) == []


@pytest.mark.parametrize("call", ["trades", "balance_changes"])
def test_what_nobody_can_read_for_too_long_halts_what_it_moved(world: World, call: str) -> None:
    assert world.run() == 0
    if call == "trades":
        world.venue.foreign_order("ETH/USDT", "sell", Decimal("0.5"))
    else:
        world.venue.deposit("USDT", Decimal(100))
    unreadable(world, call, "amount", "NaN", seconds=600)
    assert world.run(cycles=None, duration_s=200) == 4
    scopes = {fact.scope for fact in world.facts(f.EngineHalted)}
    assert scopes == ({"ETH", "USDT"} if call == "trades" else {"USDT"})


@pytest.mark.parametrize("answer", ["not found", "another order", "garbled"])
@pytest.mark.parametrize("whose", ["a foreign trade", "a late trade"])
def test_a_trade_whose_order_cannot_be_read_yet_is_no_unexplained_difference(
    worlds: Callable[..., World], whose: str, answer: str
) -> None:
    world = worlds(plan={"late_fill_ns": 20 * NS_PER_S})
    if whose == "a late trade":
        world.fault("late_fill", call=None, order=2)
    assert world.run() == 0
    if whose == "a foreign trade":
        world.venue.foreign_order("ETH/USDT", "sell", Decimal("0.5"))
    world.wait(30)
    until = world.now_ns() + 8 * NS_PER_S

    for call in ("order", "order_by_exchange_id"):
        hide_until(world, call, until, answer)
    # A late trade of an order whose rest was sold anew makes a result unknown: that trips a limit.
    assert world.run(cycles=None, duration_s=20) == (4 if whose == "a late trade" else 0)
    world.wait(30)
    world.recover()  # the late trades of the cycles that began meanwhile are swept
    world.check()
    assert world.facts(f.EngineHalted) == []


def hide_until(world: World, call: str, until_ns: int, answer: str) -> None:
    """Let a reading of the orders there were before now say nothing of use for a while."""
    real, began = getattr(world.venue, call), world.now_ns()

    async def read(*values: Any) -> Any:
        told = await real(*values)
        if world.now_ns() > until_ns or told.venue_ns > began:
            return told
        if answer == "not found":
            raise OrderNotFound("not shown yet")
        wrong = "o777" if answer == "another order" else None
        return structs.replace(told, exchange_order_id=wrong)

    setattr(world.venue, call, read)
