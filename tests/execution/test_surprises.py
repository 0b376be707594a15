"""A book that an order found otherwise is not planned on again before it is told anew."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from msgspec import structs

from arb.clock import NS_PER_MS
from arb.events import facts as f
from arb.exchange.port import OrderReport
from arb.execution.account.desk import Desk
from tests.spec.world import World

LAG_NS = 300 * NS_PER_MS


@pytest.fixture
def world(worlds: Callable[..., World], monkeypatch: pytest.MonkeyPatch) -> World:
    """A venue whose second order and all after it get nothing, on books that never change."""
    world = worlds()
    told = Desk.rules.fget
    assert told is not None
    monkeypatch.setattr(
        Desk, "rules", property(lambda desk: structs.replace(told(desk), books_lag_ns=LAG_NS))
    )
    real = world.venue.create
    sent: list[str] = []

    async def create(request: Any) -> OrderReport:
        sent.append(request.client_order_id)
        if 1 < len(sent) < 5:
            nobody = (request.limit * 9 / 10).quantize(request.limit)  # sells at that
            request = structs.replace(request, limit=nobody)
        return await real(request)

    monkeypatch.setattr(world.venue, "create", create)
    return world


def test_a_miss_is_not_repeated_on_the_book_that_caused_it(world: World) -> None:
    world.run()
    world.check()
    at = [one.at_ns for one in world.records() if isinstance(one.fact, f.OrderIntended)]
    ended = [one.at_ns for one in world.records() if isinstance(one.fact, f.OrderClosed)]
    assert len(at) > 4
    # From the second order on, each waits for its market's book, which stays as it is.
    assert all(
        next_ns - end_ns >= LAG_NS for end_ns, next_ns in zip(ended[1:4], at[2:5], strict=True)
    )
    assert all(later >= earlier for earlier, later in pairwise(at))
