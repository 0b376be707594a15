"""Cycles that nothing goes wrong with."""

from tests.spec.world import World


def test_a_cycle_runs_through_its_legs_and_every_unit_is_accounted_for(world: World) -> None:
    assert world.run(cycles=3) == 0
    world.check()
    assert [cycle.outcome for cycle in world.cycles().values()] == ["completed"] * 3
    assert len(world.orders()) == 9
