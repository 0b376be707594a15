"""Keys that say how much worse an order fares than its plan: in paper mode and in a backtest."""

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Final

import pytest

from arb.clock import NS_PER_MS
from arb.limits import PAPER_LATENCY_MS_MAX
from tests.exchange.scripted import order, send
from tests.spec.wired import ASKED, MODES, Wired, fill_of, recorded, wired

NOTHING: Final[Mapping[str, object]] = MappingProxyType({})
pytestmark = pytest.mark.parametrize("mode", MODES)


def prices(
    folder: Path, mode: str, keys: Mapping[str, object] = NOTHING, count: int = 1
) -> list[Decimal]:
    """What BTC costs in orders one after another; `keys` are of the mode's block."""

    async def story(here: Wired) -> list[Decimal]:
        told = [fill_of(await here.buy()).price for _ in range(count)]
        return [price for price in told if price is not None]

    named = {f"execution.{mode}.{key}": value for key, value in keys.items()}
    return wired(folder, {**recorded(folder, mode), **named}, story)


def worse(bps: str) -> Decimal:
    return ASKED * (1 + Decimal(bps) / 10_000)


def test_without_frictions_an_order_gets_the_price_that_stands(tmp_path: Path, mode: str) -> None:
    assert prices(tmp_path, mode) == [ASKED]


def test_an_order_is_executed_halfway_through_its_latency(tmp_path: Path, mode: str) -> None:
    async def story(here: Wired) -> tuple[int, int]:
        asked_ns = here.clock.now_ns()
        told = fill_of(await here.buy())
        assert told.venue_ns is not None
        # The time is asked for first, which takes as long.
        return (told.venue_ns - asked_ns) // NS_PER_MS, (
            here.clock.now_ns() - asked_ns
        ) // NS_PER_MS

    for latency_ms in (20, 300):
        keys = {**recorded(tmp_path, mode), f"execution.{mode}.latency_sim_ms": latency_ms}
        assert wired(tmp_path, keys, story) == (latency_ms * 3 // 2, latency_ms * 2)


def test_an_order_is_taken_however_long_its_way_may_be(tmp_path: Path, mode: str) -> None:
    """Those of real venues are taken for seconds."""

    async def story(here: Wired) -> tuple[int, Decimal | None]:
        window_ns = here.venue.rules.recv_window_ns
        asked = order("BTC/USDT", "buy", "0.1", "60000", window_ns=window_ns)
        return window_ns // NS_PER_MS, (await send(here.venue, asked)).filled

    for latency_ms, window_ms in ((50, 400), (400, 400), (800, 800), (PAPER_LATENCY_MS_MAX, 2_000)):
        keys = {**recorded(tmp_path, mode), f"execution.{mode}.latency_sim_ms": latency_ms}
        assert wired(tmp_path, keys, story) == (window_ms, Decimal("0.1"))


@pytest.mark.parametrize(("ratio", "whole"), [("1", True), ("0", False)])
def test_a_level_is_whole_as_often_as_the_fill_ratio_says(
    tmp_path: Path, mode: str, ratio: str, *, whole: bool
) -> None:
    async def story(here: Wired) -> bool:
        told = await here.buy("10")  # all that is shown
        assert told.filled is not None
        return told.filled == 10

    keys = {**recorded(tmp_path, mode), f"execution.{mode}.fill_ratio": ratio}
    assert wired(tmp_path, keys, story) is whole


@pytest.mark.parametrize("bps", ["5", "8"])
def test_a_padded_spread_costs_that_much(tmp_path: Path, mode: str, bps: str) -> None:
    assert prices(tmp_path, mode, {"spread_padding_bps": bps}) == [worse(bps)]


@pytest.mark.parametrize("bps", ["3", "7"])
def test_a_book_has_moved_on_by_the_base_of_the_slippage_model(
    tmp_path: Path, mode: str, bps: str
) -> None:
    assert prices(tmp_path, mode, {"slippage_model.base_bps": bps}) == [worse(bps)]


def test_the_random_part_of_the_slippage_model_is_both_ways_and_bounded(
    tmp_path: Path, mode: str
) -> None:
    told = prices(tmp_path, mode, {"slippage_model.random_bps": "6"}, count=20)
    assert len(set(told)) > 10
    assert worse("-6") <= min(told) < ASKED < max(told) <= worse("6.01")  # on the tick grid
    assert max(told) > worse("2")


@pytest.mark.parametrize(("per_1000", "bps"), [("0.2", "1"), ("0.6", "3")])
def test_an_order_of_5000_costs_five_times_the_impact_of_1000(
    tmp_path: Path, mode: str, per_1000: str, bps: str
) -> None:
    assert prices(tmp_path, mode, {"market_impact.bps_per_1000": per_1000}) == [worse(bps)]


@pytest.mark.parametrize("most", ["2", "4"])
def test_the_impact_of_an_order_is_bounded(tmp_path: Path, mode: str, most: str) -> None:
    keys = {"market_impact.bps_per_1000": "10", "market_impact.max_bps": most}
    assert prices(tmp_path, mode, keys) == [worse(most)]


def test_another_random_seed_is_another_chance(tmp_path: Path, mode: str) -> None:
    one, again, other = (
        prices(tmp_path, mode, {"slippage_model.random_bps": "6", "random_seed": seed}, count=3)
        for seed in (1, 1, 2)
    )
    assert one == again
    assert one != other
