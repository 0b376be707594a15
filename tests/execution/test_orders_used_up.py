"""A cycle sends so many orders and no more: what it holds then is the user's to sell."""

import pytest

from arb.errors import IllegalMove
from arb.simulation.life import Life
from tests.spec.world import World


@pytest.mark.parametrize("running", [False, True])
def test_a_cycle_that_has_used_up_its_orders_can_only_be_released(
    world: World,
    monkeypatch: pytest.MonkeyPatch,
    running: bool,  # noqa: FBT001 -- drawn
) -> None:
    """It would be parked again at every unwind, and nobody would be told why."""
    monkeypatch.setattr("arb.limits.ORDERS_PER_CYCLE_MAX", 3)
    monkeypatch.setattr("arb.machine.decide.ORDERS_PER_CYCLE_MAX", 3)
    world.fault("refused", order=3)
    assert world.run() == 1
    assert (world.cycle().outcome, len(world.cycle().orders)) == ("parked", 3)
    world.heal()
    before = world.records()

    async def unwind(life: Life) -> None:
        with pytest.raises(IllegalMove, match=r"used up its 3 orders.*--release demo-1"):
            await life.ask("unwind", "demo-1")

    if running:
        world.strategies = [world.strategy(min_profit="900")]
        world.at(1.0, unwind)
        assert world.run(cycles=None, duration_s=3) == 0
    else:
        with pytest.raises(IllegalMove, match=r"used up its 3 orders.*--release demo-1"):
            world.ask("unwind", "demo-1")
    own = [one for one in before if one.stream == "cycle-demo-1"]
    assert [one for one in world.records() if one.stream == "cycle-demo-1"] == own
    assert world.ask("release", "demo-1").ok
    assert world.account().owned_closed == {}
    world.check()
