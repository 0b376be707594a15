""" "Order not found" in answer to another question is no answer: nobody asked about an order."""

from collections.abc import Callable
from typing import Any

import pytest

from arb.events import facts as f
from arb.exchange.port import OrderNotFound
from tests.spec.world import World


def once_not_found(world: World, call: str) -> Callable[[], None]:
    """Let the next answer to this call be that an order was not found; from when the result is called."""
    real, armed = getattr(world.faulty, call), set[str]()

    async def wrong(*args: Any) -> Any:
        if armed:
            armed.clear()
            raise OrderNotFound("binance answered 400: -2013")
        return await real(*args)

    setattr(world.faulty, call, wrong)
    return lambda: armed.add(call)


CALLS = ["trades", "open_orders", "balances", "time_ns", "markets"]


@pytest.mark.parametrize("call", CALLS)
def test_at_a_start_it_is_asked_again(world: World, call: str) -> None:
    once_not_found(world, call)()
    assert world.run() == 0
    world.check()


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("fault", ["reply_lost", "request_lost", "refused"])
def test_while_an_order_is_resolved_it_is_asked_again(world: World, call: str, fault: str) -> None:
    world.fault(fault, number=2)
    begin = once_not_found(world, call)
    world.on(f.OrderUnknown, 1, begin)
    world.on(f.OrderRefused, 1, begin)
    assert world.run() == 0
    world.check()
