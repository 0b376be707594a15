"""Storms in which an operator says, between the lives, what became of orders that nobody could read."""

from collections import Counter
from collections.abc import Callable

import pytest

from arb.events import facts as f
from arb.machine import table as t
from arb.machine.order_fold import attested_trade_id
from tests.execution.test_storms import storm
from tests.spec.world import World

ARRIVED_S = 5.0  # after this no order can arrive any more


def attest_what_is_true(world: World) -> None:
    """Look at the venue's own books, and say what they say."""
    taken = {order.client_order_id: order for order in world.orders()}
    for cycle in world.cycles().values():
        for order in cycle.pending_orders():
            there = taken.get(order.client_order_id)
            if order.state == t.INTENDED or (there and there.filled != order.amount):
                continue
            verdict = "filled" if there else "absent"
            world.ask("attest", order.client_order_id, verdict=verdict, reason="I looked")


@pytest.mark.parametrize("seed", [2, 3, 4, 10])
def test_every_fill_is_the_venues_own_whatever_was_attested_before_it_showed(
    worlds: Callable[..., World], monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """Each of these seeds attests fills and sees them reversed."""
    real_wait = World.wait

    def wait(world: World, seconds: float) -> None:
        real_wait(world, seconds + ARRIVED_S)
        if world.db.exists():
            attest_what_is_true(world)

    monkeypatch.setattr(World, "wait", wait)
    world = storm(worlds, seed)
    world.check()
    intended = {fact.client_order_id for fact in world.facts(f.OrderIntended)}
    told = Counter(
        (one.client_order_id, one.market, f"t{one.number}", one.amount, one.cost, one.fee)
        for one in world.venue.account.all_fills()
        if one.client_order_id in intended
    )
    booked = Counter(
        (one.client_order_id, one.market, one.trade_id, one.amount, one.cost, one.fee)
        for one in world.facts(f.OrderFilled)
    )
    reversed_ = Counter(
        (one.client_order_id, one.market, one.trade_id, one.amount, one.cost, 0)
        for one in world.facts(f.AttestedFillReversed)
    )
    assert reversed_.total() > 0, "nothing was attested: take another seed"
    assert booked - reversed_ == told
    assert {name for _, _, name, *_ in booked - told} == {
        attested_trade_id(one.client_order_id) for one in world.facts(f.AttestedFillReversed)
    }
