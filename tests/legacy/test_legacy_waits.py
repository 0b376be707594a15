"""Where the legacy engine waited for nothing, one test a defect: on virtual time, which only waiting moves."""

from pathlib import Path

from arb.clock import NS_PER_S
from arb.events import facts as f
from tests.exchange.captured import Wire
from tests.exchange.loopback import ORDER_ID
from tests.exchange.told import BINANCE_ORDER
from tests.spec.world import World

POLLS = 100


def test_row_13_polling_an_order_is_never_stalled() -> None:
    """Ten polls, then 25 seconds of silence: a rate was read in the wrong unit. Here a hundred take no time at all."""
    wire = Wire("binance")
    try:
        wire.session.answer = lambda _asked: BINANCE_ORDER
        before = wire.clock.now_ns()
        for _ in range(POLLS):
            wire.runner.run(wire.gateway.order("BTC/USDT", ORDER_ID))
        assert wire.clock.now_ns() == before
        assert len(wire.session.asked) == POLLS
    finally:
        wire.close()


def test_row_14_what_the_venue_shows_is_noticed_at_the_next_look(folder: Path) -> None:
    """A cache of half a second stood before every look. Here nothing is kept: what is shown is seen within a second."""
    world = World(folder)
    try:
        world.fault("reply_lost", number=1)
        world.fault("read_fails", call="order", times=12)  # four looks, each read three times
        assert world.run() == 0
        world.check()
        sent, known = (
            next(one.at_ns for one in world.records() if isinstance(one.fact, kind))
            for kind in (f.OrderUnknown, f.OrderAccepted)
        )
        assert known - sent < 4 * NS_PER_S
    finally:
        world.close()
