"""Trades that are told wrong: of another order, in copies that differ, without a number (21, 22)."""

from typing import Any

import pytest
from msgspec import structs

from arb.events import facts as f
from arb.exchange.port import OrderRequest
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
