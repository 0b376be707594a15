"""A key that the venue does not accept any more (case 33)."""

from collections.abc import Callable
from typing import Any

import pytest

from arb.events import facts as f
from arb.exchange.port import KEY_REVOKED, KeyRevoked, OrderRequest, Refused
from arb.machine import table as t
from tests.spec.world import World

READS = ("balances", "order", "trades", "open_orders", "balance_changes", "order_by_exchange_id")


def revoke(world: World, *, reads: bool = True, creates: bool = True) -> None:
    async def read(*_values: Any) -> Any:
        raise KeyRevoked("-2015 invalid key")

    async def create(_request: OrderRequest) -> Any:
        raise Refused(KEY_REVOKED, "-2015 invalid key")

    for name in READS if reads else ():
        setattr(world.faulty, name, read)
    if creates:
        world.faulty.create = create  # type: ignore[method-assign]


def renew(world: World) -> None:
    for name in (*READS, "create"):
        vars(world.faulty).pop(name, None)


@pytest.mark.parametrize("reads", [True, False])
def test_case_33_a_revoked_key_stops_the_engine_and_halts_it_durably(
    world: World, *, reads: bool
) -> None:
    """What is held stays recorded with its cycle, and nothing more is sent."""
    world.on(f.LegSettled, 1, lambda: revoke(world, reads=reads))
    assert world.run() == 4
    (halt,) = world.facts(f.EngineHalted)
    assert halt.scope == "all"
    assert "-2015" in halt.reason
    (refused,) = world.facts(f.OrderRefused)
    assert refused.reason == KEY_REVOKED
    assert len(world.orders()) == 1
    cycle = world.cycle()
    assert cycle.state not in t.CLOSED
    assert cycle.holdings["BTC"] > 0

    if reads:  # a restart with the same key finds out at once, and says it once
        before = world.now_ns()
        assert world.run() == 4
        assert world.now_ns() == before
        assert len(world.facts(f.EngineHalted)) == 1
    renew(world)
    assert world.run() == 4, "it recovers, and opens nothing"
    assert len(world.cycles()) == 1
    world.check()
    assert world.ask("unpause", reason="a new key").ok
    assert world.run() == 0
    world.check()


def test_case_33_an_order_under_way_when_the_key_goes_stays_unknown_until_it_can_be_read(
    world: World,
) -> None:
    world.fault("reply_lost", number=2)
    world.on(f.OrderUnknown, 1, lambda: revoke(world))
    assert world.run() == 4
    assert world.cycle().orders[1].state == t.UNKNOWN
    renew(world)
    assert world.recover() == 0
    world.check()
    assert len(world.facts(f.OrderIntended)) == len(world.orders())


def test_case_33_a_key_that_goes_between_cycles_is_noticed_by_the_sweep(world: World) -> None:
    world.strategies = [world.strategy(min_profit="5000")]
    world.at(2, lambda _life: revoke(world))
    assert world.run(cycles=None, duration_s=60) == 4
    assert len(world.facts(f.EngineHalted)) == 1


def test_a_key_that_never_worked_is_told_at_once_and_halts_nothing(
    worlds: Callable[..., World],
) -> None:
    world = worlds()
    revoke(world)
    begin = world.now_ns()
    assert world.run() == 4
    assert world.now_ns() == begin, "it is no outage: nothing is waited for"
    assert world.facts(f.EngineHalted, f.RunStarted) == []
    renew(world)
    assert world.run() == 0
    world.check()
