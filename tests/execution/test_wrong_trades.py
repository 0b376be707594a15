"""Trades that are told wrong: of another order, in copies that differ, without a number (21, 22)."""

from collections.abc import Callable
from decimal import Decimal
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
