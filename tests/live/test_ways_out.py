"""A way out leads only over markets that are watched, and money in another target counts."""

from pathlib import Path

from arb.events import facts as f
from tests.live.trading import accounted_for, traded


def test_a_rest_that_only_an_unwatched_market_takes_is_dust(folder: Path) -> None:
    # OKX names no least notional: a market that nobody follows seems to take a few satoshi.
    ended = traded(folder, cycles=4, at_once=2, venue="okx")
    accounted_for(ended)
    assert ended.of(f.CycleParked) == []
    assert ended.code == 0
