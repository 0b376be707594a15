"""A run with everything in it, made once, and copies of it to spoil."""

import logging
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path

import pytest
import structlog

from arb import crashpoints
from arb.clock import NS_PER_S
from tests.simulation.judged import Judged
from tests.simulation.seen import Seen
from tests.spec.world import World

LIMITS = "risk_controls: {max_open_cycles: 2, max_position_size: 2000, max_daily_loss: 5000,\n"
LIMITS += "  stop_after_consecutive_losses: 50, slippage_cooldown_seconds: 0}\n"


@pytest.fixture(autouse=True, scope="session")
def _quiet() -> Iterator[None]:
    """What an engine talks to itself takes longer than what it does."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield
    structlog.reset_defaults()


@pytest.fixture(scope="session")
def eventful(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a log and its truth: kills, unknown and absent orders, an unwind, a late fill, other people."""
    folder = tmp_path_factory.mktemp("eventful")
    world = World(folder, fee_asset="BNB", bnb="0.01", plan={"late_fill_ns": 20 * NS_PER_S})
    seen = Seen(world)
    world.strategies = [world.strategy(extra=LIMITS)]
    world.fault("late_fill", call=None, order=3)
    assert world.run() == 0
    world.wait(30)
    assert world.recover() == 0
    world.heal()
    assert world.ask("reset-risk", "all", reason="it was sold twice").ok
    world.fault("reply_lost", order=2, times=1)
    world.at(0.5, lambda _life: world.venue.deposit("USDT", Decimal(10)))
    world.at(0.6, lambda _life: world.venue.foreign_order("BTC/USDT", "sell", Decimal("0.001")))
    assert world.run(cycles=2) == 0
    world.venue.withdraw("ETH", Decimal("0.5"), reported=False)
    world.venue.deposit("USDT", Decimal(3))
    world.recover()
    world.ask("unpause", reason="I took it")
    world.heal()
    world.kill_at(crashpoints.INTENT_DURABLE, 1)
    assert world.run() is None
    assert world.recover() == 0
    world.kill_at(crashpoints.TOLD_NOT_APPENDED, 2)
    assert world.run() is None
    world.ask("panic")
    world.show("ETH/USDT", [("1900", "40")], [("1901", "40")])
    assert world.recover() == 0
    world.show("ETH/USDT", [("2010", "0.3"), ("2009", "90")], [("2011", "90")])
    assert world.run() == 0
    world.check()
    seen.write(folder / "truth.json")
    world.close()
    return folder


@pytest.fixture
def judged(eventful: Path, tmp_path: Path) -> Judged:
    """A copy of it that a test may spoil."""
    return Judged(eventful, tmp_path / "copy")


@pytest.fixture
def copies(eventful: Path, tmp_path: Path) -> Callable[[], Judged]:
    """As many copies as a test wants to spoil."""
    made = iter(range(10_000))
    return lambda: Judged(eventful, tmp_path / str(next(made)))
