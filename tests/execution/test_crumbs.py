"""Trades so small that their fees take all that they bring."""

from collections.abc import Callable

import pytest

from arb.events import facts as f
from arb.simulation.market import MARKETS, rules
from tests.spec.world import World

STEP = "0.00000001"
FINE = {
    "BTC/USDT": rules("BTC/USDT", "0.01", STEP),
    "ETH/BTC": rules("ETH/BTC", "0.00001", STEP, "0.0001"),
    "ETH/USDT": rules("ETH/USDT", "0.01", STEP),
}
CRUMBS = (
    ("BTC/USDT", [("50000", "1")], [("50010", STEP), ("59000", "5")]),
    ("ETH/BTC", [("0.0399", "1")], [("0.04", STEP), ("0.05", "5")]),
    ("ETH/USDT", [("2010", STEP), ("1500", "5")], [("2011", "9")]),
)


@pytest.mark.parametrize("retries", [0, 1])
@pytest.mark.parametrize("leg", [1, 2, 3])
def test_a_leg_whose_fees_take_all_that_it_received_ends_no_engine(
    worlds: Callable[..., World], leg: int, retries: int
) -> None:
    world = worlds(markets={**MARKETS, **FINE})
    risk = "risk_controls: {max_open_cycles: 1}\n"
    world.strategies = [world.strategy(retries=retries, extra=risk)]
    world.on(f.OrderIntended, leg, lambda: world.show_soon(*CRUMBS[leg - 1]))
    assert world.run() == 0
    world.check()
    crumb = world.cycle().orders[leg - 1]
    assert 0 < crumb.filled < crumb.amount
    assert crumb.received == 0 or leg == 3
