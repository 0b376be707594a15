"""A list of balances with nothing in it, while the account holds something: no answer, and no loss."""

from typing import Any

import pytest

from arb.clock import NS_PER_S
from arb.events import facts as f
from tests.spec.world import World


@pytest.mark.parametrize("when", ["after a cycle", "with money in hand", "at the next start"])
def test_no_balance_at_all_is_no_answer_where_the_account_held_something(
    world: World, when: str
) -> None:
    real, until_ns = world.faulty.balances, 0

    async def balances() -> Any:
        told = await real()
        return {} if world.now_ns() < until_ns else told

    def begin() -> None:
        nonlocal until_ns
        until_ns = world.now_ns() + 20 * NS_PER_S

    world.faulty.balances = balances  # type: ignore[method-assign]
    if when == "after a cycle":
        world.on(f.CycleCompleted, 1, begin)
    else:
        world.fault("reply_lost", number=2)
        world.on(f.OrderUnknown, 1, begin)
    if when == "at the next start":
        world.kill_after(lambda fact: isinstance(fact, f.OrderUnknown))
        assert world.run() is None
        assert world.recover() == 0
    else:
        assert world.run(cycles=2) == 0
    world.check()
    assert world.facts(f.ExternalChangeFound) == []
    assert world.facts(f.EngineHalted) == []
