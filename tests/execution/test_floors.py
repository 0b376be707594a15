"""The floor of a cycle holds the whole of it, also where its last leg has brought a part already."""

from collections.abc import Callable

import pytest

from arb.events import facts as f
from tests.spec.world import World


@pytest.mark.parametrize(
    ("price", "ends", "floor"),
    [("1993", "completed", None), ("1985", "liquidated", "the floor asks for 195.94")],
)
def test_what_the_last_leg_has_brought_counts_towards_the_floor(
    worlds: Callable[..., World], price: str, ends: str, floor: str | None
) -> None:
    """998.80 USDT are the floor, and four fifths of the last leg brought 802.86: the rest need not be as good."""
    world = worlds()
    world.strategies = [world.strategy(min_profit="10")]
    bids = [("2009", "0.4"), (price, "90")]
    world.on(f.OrderIntended, 3, lambda: world.show_soon("ETH/USDT", bids, [("2012", "90")]))
    assert world.run() == 0
    world.check()
    ended = world.cycle()
    assert ended.outcome == ends
    assert ended.pnl > ended.floor - ended.start_amount
    reasons = [fact.reason for fact in world.facts(f.RecoveryStarted)]
    assert len(reasons) == (floor is not None)
    assert all(floor in reason for reason in reasons)
