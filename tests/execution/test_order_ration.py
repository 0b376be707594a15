"""A venue takes so many orders in a time: whoever has none left waits before an order is intended, never after."""

from collections.abc import Callable
from typing import Any

import pytest

from arb.clock import NS_PER_MS, NS_PER_S, VirtualClock
from arb.events import facts as f
from arb.exchange.port import NotSent, OrderRequest
from arb.execution.account.ration import Ration as OrderRation
from arb.execution.risk.guards import ORDER_RATE
from arb.limits import ORDERS_PER_SECOND_MAX
from tests.spec.world import World

WINDOW_NS = 10 * NS_PER_S


class Scarce:
    """A venue that takes a few orders in ten seconds, and whose way to it refuses to send more."""

    def __init__(self, world: World, most: int) -> None:
        self.most = most
        self.sent: list[int] = []
        self.asked = 0
        self.others_after: int | None = None  # the order of ours after which others send theirs
        self._world = world
        self._create = world.faulty.create
        world.faulty.create = self.create  # type: ignore[method-assign]
        world.faulty.order_wait_ns = self.order_wait_ns  # type: ignore[method-assign]

    def order_wait_ns(self, orders: int, ahead: int) -> int:
        self.asked += 1
        now_ns = self._world.now_ns()
        recent = [at_ns for at_ns in self.sent if now_ns - at_ns < WINDOW_NS]
        over = len(recent) + ahead + min(orders, self.most) - self.most
        if over > len(recent):
            return WINDOW_NS
        return recent[over - 1] + WINDOW_NS - now_ns if over > 0 else 0

    async def create(self, request: OrderRequest) -> Any:
        if self.order_wait_ns(1, 0) > 0:
            raise NotSent("too late")
        self.sent.append(self._world.now_ns())
        if len(self.sent) == self.others_after:
            now_ns = self._world.now_ns()
            self.sent += [now_ns + number * NS_PER_S for number in range(self.most)]
        return await self._create(request)


def declined(world: World) -> dict[str, str]:
    return {
        reason: text
        for fact in world.facts(f.OpportunitiesDeclined)
        for reason, text in fact.samples.items()
    }


def refused(world: World) -> list[str]:
    return [fact.detail for fact in world.facts(f.OrderRefused)]


def test_no_cycle_begins_that_could_not_send_all_its_orders(world: World) -> None:
    scarce = Scarce(world, most=5)
    assert world.run(cycles=2) == 0
    world.check()
    assert refused(world) == []
    assert [one.outcome for one in world.cycles().values()] == ["completed", "completed"]
    assert declined(world)[ORDER_RATE].startswith("its 3 orders, after those of ")
    # The second one began when three of the window's five were free again.
    assert scarce.sent[3] - scarce.sent[0] >= WINDOW_NS


@pytest.mark.parametrize("leg", [2, 3])
def test_a_leg_waits_for_the_venue_before_its_order_is_intended(world: World, leg: int) -> None:
    scarce = Scarce(world, most=5)
    scarce.others_after = leg - 1
    assert world.run() == 0
    world.check()
    assert refused(world) == []
    assert world.cycle().outcome == "completed"
    intended = [one for one in world.records() if isinstance(one.fact, f.OrderIntended)]
    waited_ns = intended[leg - 1].at_ns - intended[leg - 2].at_ns
    assert waited_ns >= WINDOW_NS
    assert scarce.sent[-1] - intended[-1].at_ns < NS_PER_S // 10
    assert scarce.asked < 50, "it slept until there was room"


def test_an_unwind_waits_too_and_is_not_parked_for_it(world: World) -> None:
    """Each order that is refused unsent would count as one of its few."""
    scarce = Scarce(world, most=5)
    world.fault("refused", order=2)
    worse = [("0.0499", "50")], [("0.0800", "50")]
    world.on(f.LegSettled, 1, lambda: world.show("ETH/BTC", *worse))
    scarce.others_after = 2
    assert world.run() == 0
    world.check()
    assert world.cycle().outcome == "liquidated"
    unwinds = [one for one in world.facts(f.OrderIntended) if one.purpose == "unwind"]
    assert len(unwinds) == 1


def test_cycles_that_wait_together_do_not_take_the_same_place(
    worlds: Callable[..., World],
) -> None:
    """One place is free each second: whoever decides on it first has it."""
    world = worlds()
    world.strategies = [world.strategy(extra="risk_controls: {max_open_cycles: 3}\n")]
    Scarce(world, most=9).others_after = 2
    assert world.run(cycles=3) == 0
    world.check()
    assert refused(world) == []
    assert {one.outcome for one in world.cycles().values()} == {"completed"}


def test_our_own_bound_of_orders_in_a_second_is_waited_for(world: World, monkeypatch: Any) -> None:
    monkeypatch.setattr("arb.limits.ORDERS_PER_SECOND_MAX", 2)
    assert world.run() == 0
    world.check()
    assert refused(world) == []
    assert world.cycle().outcome == "completed"
    at_ns = [one.at_ns for one in world.records() if isinstance(one.fact, f.OrderIntended)]
    assert at_ns[2] - at_ns[0] >= NS_PER_S - 10 * NS_PER_MS


def test_our_own_bound_does_not_last_longer_when_the_clock_is_set_back(world: World) -> None:
    clock = VirtualClock(3_600 * NS_PER_S)
    ration = OrderRation(clock, world.venue)
    for number in range(ORDERS_PER_SECOND_MAX):
        ration.promise(f"x{number}")
        ration.leave(f"x{number}")
    assert ration.next_wait_ns() == NS_PER_S
    back = VirtualClock(5 * NS_PER_S)
    ration._clock = back
    assert ration.next_wait_ns() == NS_PER_S
    back.advance_to(6 * NS_PER_S)
    assert ration.next_wait_ns() == 0
