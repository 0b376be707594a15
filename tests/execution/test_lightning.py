"""The lightning mode: which cycles it looks for, and how many of them it sizes at one moment."""

from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from pathlib import Path

import pytest

from arb.errors import ConfigInvalid
from arb.events import facts as f
from arb.execution.opportunities.discovery import Discovery, discover, start_order
from arb.market.book import FeeRates
from arb.market.scan import Scan
from arb.simulation.market import MARKETS
from arb.simulation.world import loaded
from arb.strategy.loader import Loaded, load
from tests.spec.world import World

FEES = FeeRates(Decimal("0.001"), Decimal("0.001"))
BASE = """\
name: lightning
exchange: binance
min_profit_bps: -100
max_slippage_bps: 20
capital_allocation: {mode: fixed_fraction, fraction: 0.1}
fees: {taker_bps: 10, maker_bps: 10}
"""


@pytest.fixture
def written(tmp_path: Path) -> Callable[..., Loaded]:
    def write(keys: str = "", extra: str = "", rows: str | None = None) -> Loaded:
        if rows is not None:
            (tmp_path / "cycles.csv").write_text("base,inter,quote,pair1,pair2,pair3\n" + rows)
            extra += "trading_pairs_file: cycles.csv\n"
        path = tmp_path / "lightning.yaml"
        path.write_text(f"{BASE}lightning: {{enabled: true{keys}}}\n{extra}")
        return load(path)

    return write


def longest(found: Discovery) -> int:
    assert found.sought is not None
    return max(found.sought.counts)


def test_lightning_looks_for_its_own_cycles_where_it_is_enabled(
    written: Callable[..., Loaded],
) -> None:
    enabled = written(", max_hops: 4")
    assert longest(discover(enabled, MARKETS, FEES)) == 4
    enabled.path.write_text(enabled.path.read_text().replace("enabled: true", "enabled: false"))
    assert longest(discover(load(enabled.path), MARKETS, FEES)) == 3
    assert longest(discover(written(), MARKETS, FEES)) == 3


def test_lightning_begins_with_its_start_currencies_alone(written: Callable[..., Loaded]) -> None:
    named = written(", start_currencies: [USDC, BTC]")
    found = discover(named, MARKETS, FEES)
    assert found.sought is not None
    every = discover(written(), MARKETS, FEES).sought
    assert every is not None
    begun = {}
    for legs in every.cycles():
        on_it = {leg.spend_asset for leg in legs}
        assert (found.sought.wants(legs) is not None) == bool(on_it & {"USDC", "BTC"})
        begun[legs] = start_order(named.strategy, legs)
    assert {starts for starts in begun.values() if starts} == {("USDC", "BTC"), ("BTC",)}


def test_a_file_of_cycles_restricts_lightning_to_its_rows(written: Callable[..., Loaded]) -> None:
    rows = "USDT,BTC,ETH,,,\nBTC,USDC,USDT,,,\n"
    both = discover(written(rows=rows), MARKETS, FEES)
    assert [one.start for one in both.wanted] == ["USDT", "BTC"]
    assert both.sought is None
    one = discover(written(", start_currencies: [USDT]", rows=rows), MARKETS, FEES)
    assert [wanted.start for wanted in one.wanted] == ["USDT"]
    assert "BTC is none of `lightning.start_currencies`" in one.left_out[0]
    with pytest.raises(ConfigInvalid, match=r"has 3 legs, `lightning\.max_hops` is 2"):
        discover(written(", max_hops: 2", rows=rows), MARKETS, FEES)


@pytest.mark.parametrize("top", [1, 3])
def test_at_one_moment_the_best_are_sized_up_to_the_top(world: World, top: int) -> None:
    """With every update of BTC/USDT many cycles pay; those beyond the top are not looked at."""
    lightning = f"lightning: {{enabled: true, start_currencies: [USDT], top: {top}}}\n"
    world.strategies = [
        loaded(BASE.replace("-100", "-1000") + lightning + "risk_controls: {max_open_cycles: 1}\n")
    ]
    assert world.run(duration_s=3) == 0
    world.check()
    samples = [fact.samples.get("crowded", "") for fact in world.facts(f.OpportunitiesDeclined)]
    assert f"the best {top} were sized" in samples[0]


def test_those_of_a_crowd_that_nobody_looks_at_are_counted_and_change_no_decision(
    worlds: Callable[..., World], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a scan that holds few of them the same cycles are opened, and as many are declined."""
    lived = []
    asked: Counter[int] = Counter()
    for held_max in (4, 1_000):

        class Asked(Scan):
            def edge_bps(self, number: int) -> Decimal | None:
                asked[self._held_max] += 1
                return super().edge_bps(number)

        monkeypatch.setattr(
            "arb.execution.opportunities.detector.Scan", partial(Asked, held_max=held_max)
        )
        world = worlds()
        lightning = "lightning: {enabled: true, max_hops: 5, top: 1}\n"
        world.strategies = [loaded(BASE.replace("-100", "-1000") + lightning)]
        assert world.run(cycles=None, duration_s=3) == 0
        world.check()
        opened = [(one.legs, one.start_amount, one.books) for one in world.facts(f.CycleOpened)]
        (told,) = world.facts(f.OpportunitiesDeclined)
        lived.append((opened, told.reasons))
        text = told.samples["crowded"]
        assert ("more paid at once than the" in text) == (held_max == 4)
    assert lived[0] == lived[1]
    assert lived[0][1]["crowded"] > len(lived[0][0])
    assert 0 < asked[4] < asked[1_000]
