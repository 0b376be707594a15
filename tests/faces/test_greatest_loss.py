"""The greatest loss that `--check` tells is one that no cycle exceeds."""

import re
from contextlib import closing
from decimal import Decimal
from pathlib import Path

from arb.events import facts as f
from arb.faces.check_text import check_lines
from arb.market.book import FeeRates
from arb.money import BPS
from arb.simulation.market import MARKETS
from tests.spec.world import World


def test_a_cycle_that_completes_may_lose_what_its_last_order_slips_below_the_floor(
    tmp_path: Path,
) -> None:
    """The floor is held against what is planned, and the last order may get its worst price for all."""
    with closing(World(tmp_path)) as world:
        (loaded,) = world.strategies = [world.strategy(min_profit="5", slippage="100")]
        rate = loaded.strategy.fees.taker_bps / BPS
        told = "\n".join(check_lines(loaded, MARKETS, FeeRates(rate, rate)))
        (most,) = re.findall(r"a cycle that completes loses at most ([\d.]+) bps", told)
        assert most == "194.05"  # 95 below, then 100 of what is left

        last = [("1976", "900")], [("2050", "900")]
        world.show("ETH/USDT", [("2040", "900")], last[1])
        above = [("1995", "0.49"), *last[0]], last[1]  # within the floor, as planned
        world.on(f.OrderIntended, 2, lambda: world.show_soon("ETH/USDT", *above))
        world.on(f.OrderIntended, 3, lambda: world.show_soon("ETH/USDT", *last))
        assert world.run() == 0
        world.check()
        cycle = world.cycle()
        assert cycle.outcome == "completed"
        assert cycle.pnl is not None
        assert 95 < -cycle.pnl / cycle.start_amount * BPS < Decimal(most)
