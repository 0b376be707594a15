"""A cycle that got nothing for its first leg has no exposure: its next order would begin it anew."""

from collections.abc import Awaitable, Callable

import pytest

from arb.events import facts as f
from arb.machine.account import EVERYTHING
from tests.spec.world import World

KINDS = (f.OrderIntended, f.EngineHalted, f.NewCyclesPaused, f.RiskTripped)


def pause(world: World) -> Awaitable[object]:
    return world.life.ask("pause", reason="a look at the books")


def halt(world: World) -> Awaitable[object]:
    return note(world, f.EngineHalted(reason="the kill switch is there", scope=EVERYTHING))


def halt_a_currency(world: World) -> Awaitable[object]:
    return note(world, f.EngineHalted(reason="a difference that nothing explains", scope="ETH"))


def trip(world: World) -> Awaitable[object]:
    tripped = f.RiskTripped(
        strategy="demo", limit="daily_loss", reason="lost too much", cycle_id="demo-0"
    )
    return note(world, tripped)


def trip_another(world: World) -> Awaitable[object]:
    tripped = f.RiskTripped(
        strategy="other", limit="daily_loss", reason="lost too much", cycle_id="other-0"
    )
    return note(world, tripped)


def halt_elsewhere(world: World) -> Awaitable[object]:
    return note(world, f.EngineHalted(reason="a difference that nothing explains", scope="USDC"))


def note(world: World, fact: f.Fact) -> Awaitable[object]:
    return world.life.parts.desk.journal.note(fact, cause="test")


def soon(world: World, act: Callable[[World], Awaitable[object]]) -> None:
    async def do() -> None:
        await act(world)

    world.tasks = [world.loop.create_task(do())]


@pytest.mark.parametrize("forbid", [pause, halt, halt_a_currency, trip])
@pytest.mark.parametrize("missed", [True, False])
def test_nothing_is_begun_again_under_what_forbids_new_cycles(
    world: World,
    forbid: Callable[[World], Awaitable[object]],
    missed: bool,  # noqa: FBT001 -- a parameter of the test
) -> None:
    if missed:
        world.on(f.OrderIntended, 1, lambda: dry(world))
    else:
        world.fault("refused", number=1, times=1)
    world.on(f.OrderClosed if missed else f.OrderRefused, 1, lambda: soon(world, forbid))
    world.run(duration_s=20)
    world.check()
    kinds = [type(fact) for fact in world.facts(*KINDS)]
    assert kinds[0] is f.OrderIntended
    assert f.OrderIntended not in kinds[1:]
    assert len(kinds) > 1
    assert world.cycle().outcome == ("missed" if missed else "refused")


def dry(world: World) -> None:
    """The asks are away for the moment in which the order arrives."""
    world.show_soon("BTC/USDT", [("50000", "5")], [("50300", "5")])
    world.later(0.01, lambda: world.show("BTC/USDT", [("50000", "5")], [("50010", "5")]))


@pytest.mark.parametrize("elsewhere", [trip_another, halt_elsewhere])
def test_a_halt_of_something_else_forbids_no_next_try(
    world: World, elsewhere: Callable[[World], Awaitable[object]]
) -> None:
    world.fault("refused", number=1, times=1)
    world.on(f.OrderRefused, 1, lambda: soon(world, elsewhere))
    assert world.run() == 0
    world.check()
    assert world.cycle().outcome == "completed"


@pytest.mark.parametrize("forbid", [pause, halt, trip])
def test_a_leg_after_the_first_is_tried_again_all_the_same(
    world: World, forbid: Callable[[World], Awaitable[object]]
) -> None:
    """There money is at risk, and what forbids more of it is no reason to leave it there."""
    world.fault("refused", order=2, times=1)
    world.on(f.OrderRefused, 1, lambda: soon(world, forbid))
    world.run(duration_s=20)
    world.check()
    assert world.cycle().outcome == "completed"
