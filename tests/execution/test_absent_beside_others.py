"""Absence where money is real: what others did to the account meanwhile explains a balance, and nothing else does."""

from collections.abc import Callable
from decimal import Decimal

import pytest

from arb import crashpoints
from arb.events import facts as f
from tests.spec.world import World

LIVE = {"live": True}
LATE_S = 600


def deposit(world: World) -> None:
    world.venue.deposit("BTC", Decimal("0.01"))


def trade(world: World) -> None:
    world.venue.foreign_order("ETH/BTC", "sell", Decimal("0.5"))


def both(world: World) -> None:
    deposit(world)
    trade(world)


@pytest.mark.parametrize("meanwhile", [deposit, trade, both])
def test_an_order_that_never_arrived_is_proven_absent_beside_what_the_venue_reports(
    worlds: Callable[..., World], meanwhile: Callable[[World], None]
) -> None:
    """Seeds 32 and 37: while it was unknown nothing was swept or recorded, so the balance never fitted."""
    world = worlds(rules=LIVE)
    world.kill_at(crashpoints.INTENT_DURABLE)
    assert world.run() is None
    meanwhile(world)
    world.at(LATE_S, lambda life: life.engine.interrupt())  # by then it is over
    assert world.recover() == 0
    world.check()
    assert len(world.facts(f.OrderAbsent)) == 1


def test_what_nobody_reports_keeps_an_order_unknown_until_an_operator_speaks(
    worlds: Callable[..., World],
) -> None:
    world = worlds(rules=LIVE)
    world.kill_at(crashpoints.INTENT_DURABLE)
    assert world.run() is None
    world.venue.withdraw("BTC", Decimal("0.01"), reported=False)
    name = world.facts(f.OrderIntended)[-1].client_order_id
    world.at(LATE_S, lambda life: life.ask("attest", name, verdict="absent", reason="I took it"))
    assert world.recover() == 0
    assert world.facts(f.EngineHalted)
    (attested,) = world.facts(f.OrderAttested)
    assert attested.client_order_id == name
    assert world.facts(f.OrderAbsent) == []
