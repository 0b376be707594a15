"""`--panic` at the worst moments: while cycles are being opened, and what it does not forbid."""

import asyncio
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest

from arb.errors import IllegalMove
from arb.events import facts as f
from arb.events.log import StreamAppend
from arb.execution.operating.operator import STILL_OPEN
from arb.machine import table as t
from arb.simulation.life import Life
from tests.spec.world import World

LIMITS = "risk_controls: {max_open_cycles: 1, stop_after_consecutive_losses: 1}\n"


def while_opening(world: World, monkeypatch: pytest.MonkeyPatch, target: str | None) -> list[Any]:
    """Ask for panic while the first cycle is on its way into the log; gives the answers."""
    told: list[Any] = []
    tasks: list[asyncio.Task[None]] = []

    async def ask() -> None:
        try:
            told.append((await world.life.ask("panic", target, reason="stop")).message)
        except IllegalMove as error:
            told.append(error)

    def appending(_life: object, batch: Sequence[StreamAppend]) -> None:
        opens = any(isinstance(fact, f.CycleOpened) for one in batch for fact in one.facts)
        if opens and not tasks:
            tasks.append(world.loop.create_task(ask()))

    monkeypatch.setattr(world, "appending", appending)
    return told


@pytest.mark.parametrize("target", [None, "demo-1"])
def test_panic_reaches_a_cycle_that_is_being_opened(
    world: World, monkeypatch: pytest.MonkeyPatch, target: str | None
) -> None:
    """Nothing was bought, so nothing is: its order does not leave, and it is nobody's loss."""
    world.strategies = [world.strategy(extra=LIMITS)]
    told = while_opening(world, monkeypatch, target)
    world.run(cycles=None, duration_s=0.5)
    assert [str(one).partition(";")[0] for one in told] == ["liquidating demo-1"]
    kinds = [type(one) for one in world.facts(f.CycleOpened, f.PanicRequested)]
    assert kinds[:2] == [f.CycleOpened, f.PanicRequested]
    cycle = world.cycle()
    assert (cycle.outcome, [one.filled for one in cycle.orders]) == (t.REFUSED, [0])
    assert all(one.client_order_id != cycle.orders[0].client_order_id for one in world.orders())
    assert world.facts(f.RiskTripped) == []
    world.check()


def test_panic_names_no_cycle_that_there_is_not(world: World) -> None:
    with pytest.raises(IllegalMove, match="there is no cycle demo-9"):
        world.ask("panic", "demo-9")
    assert world.run() == 0
    assert world.ask("panic", "demo-1").message == "demo-1 is not open any more, and holds nothing"


def test_panic_of_a_parked_cycle_names_what_sells_it(world: World) -> None:
    world.strategies = [world.strategy(extra="panic_sell: {enabled: false}\n")]
    world.fault("refused", order=2, times=1)
    world.on(f.LegSettled, 1, lambda: world.show("ETH/USDT", [("1500", "90")], [("1501", "90")]))
    assert world.run() == 1
    said = world.ask("panic", "demo-1")
    assert (said.ok, said.message) == (
        False,
        "demo-1 is parked: `--unwind demo-1` sells what it holds",
    )


def test_panic_forbids_no_new_cycles_and_says_so(world: World) -> None:
    """It sells what is open; who wants nothing new pauses, before or after."""
    said: list[str] = []

    async def ask(life: Life) -> None:
        said.append((await life.ask("panic", reason="stop")).message)
        await life.ask("pause", reason="stop")
        said.append((await life.ask("panic", reason="stop")).message)

    world.on(f.OrderFilled, 1, lambda: world.loop.create_task(ask(world.life)))
    world.run(cycles=None, duration_s=3)
    assert said == [f"liquidating demo-1; {STILL_OPEN}", "liquidating demo-1"]
    assert STILL_OPEN == "new cycles may still open, --pause stops that"
    world.check()


@pytest.mark.parametrize("paused", [False, True])
def test_new_cycles_open_after_a_panic_unless_they_are_paused(
    world: World,
    paused: bool,  # noqa: FBT001 -- drawn
) -> None:
    async def ask(life: Life) -> None:
        if paused:
            await life.ask("pause", reason="stop")
        await life.ask("panic", reason="stop")

    world.strategies = [world.strategy(extra="risk_controls: {max_open_cycles: 1}\n")]
    world.on(f.OrderFilled, 1, lambda: world.loop.create_task(ask(world.life)))
    world.run(cycles=None, duration_s=3)
    (asked,) = [one.at_ns for one in world.records() if isinstance(one.fact, f.PanicRequested)]
    opened = [one.at_ns for one in world.records() if isinstance(one.fact, f.CycleOpened)]
    assert any(at_ns > asked for at_ns in opened) is not paused
    world.check()


def test_panic_reaches_a_first_order_that_is_begun_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first one got nothing; the next one is on its way into the log, and does not leave."""
    world.strategies = [world.strategy(extra=LIMITS)]
    asked: list[asyncio.Task[Any]] = []

    def nothing_there() -> None:
        world.show_soon("BTC/USDT", [("50000", "1")], [("59000", "1")])
        world.later(0.05, lambda: world.show("BTC/USDT", [("50000", "5")], [("50010", "5")]))

    def appending(_life: object, batch: Sequence[StreamAppend]) -> None:
        intents = [one for part in batch for one in part.facts if isinstance(one, f.OrderIntended)]
        if [one.number for one in intents] == [2]:
            asked.append(world.loop.create_task(world.life.ask("panic", reason="stop")))

    monkeypatch.setattr(world, "appending", appending)
    world.on(f.OrderIntended, 1, nothing_there)
    world.run(cycles=None, duration_s=0.5)
    assert [one.result().ok for one in asked] == [True]
    cycle = world.cycle()
    assert (cycle.outcome, [one.filled for one in cycle.orders]) == (t.REFUSED, [0, 0])
    assert all(one.client_order_id != cycle.orders[1].client_order_id for one in world.orders())
    world.check()


def test_no_word_lifts_a_halt_that_is_on_its_way_into_the_log(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who lifts a pause has not read of it, and gives no reason for it."""
    asked: list[asyncio.Task[Any]] = []

    def appending(_life: object, batch: Sequence[StreamAppend]) -> None:
        halts = any(isinstance(fact, f.EngineHalted) for one in batch for fact in one.facts)
        if halts and not asked:
            asked.append(world.loop.create_task(world.life.ask("unpause")))

    async def pause(life: Life) -> None:
        await life.ask("pause", reason="a look")

    def take(_life: Life) -> None:
        world.venue.withdraw("USDT", Decimal(100), reported=False)

    monkeypatch.setattr(world, "appending", appending)
    world.at(0.0, pause)
    world.at(1.0, take)
    assert world.run(cycles=None, duration_s=60) == 4
    assert [one.result().ok for one in asked] == [False]
    assert list(world.account().halts) == ["USDT"]
    refused = world.ask("unpause")
    assert (refused.ok, refused.exit_code) == (False, 2)
