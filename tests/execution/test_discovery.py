"""Which cycles a strategy trades: its own, its file's, or all that the markets have."""

from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from arb.errors import ConfigInvalid
from arb.events import facts as f
from arb.execution.opportunities.discovery import discover, start_order
from arb.market.book import FeeRates
from arb.market.cycles import directed_cycles
from arb.money import ZERO
from arb.simulation.life import Life
from arb.simulation.market import MARKETS
from arb.strategy.loader import Loaded, load
from tests.spec.world import World

FEES = FeeRates(Decimal("0.001"), Decimal("0.001"))
BASE = """\
name: {name}
exchange: binance
min_profit_bps: {bar}
max_slippage_bps: 20
capital_allocation: {{mode: fixed_fraction, fraction: 0.1}}
fees: {{taker_bps: 10, maker_bps: 10}}
order: {{retry_delay_ms: 100, timeout_seconds: 2}}
risk_controls: {{max_open_cycles: 3}}
"""
HEADER = "base,inter,quote,pair1,pair2,pair3,fee_bps,min_profit_bps\n"


@pytest.fixture
def written(tmp_path: Path) -> Callable[..., Loaded]:
    def write(
        extra: str = "", rows: str | None = None, name: str = "found", bar: int = -100
    ) -> Loaded:
        if rows is not None:
            (tmp_path / "cycles.csv").write_text(HEADER + rows)
            extra += "trading_pairs_file: cycles.csv\n"
        path = tmp_path / f"{name}.yaml"
        path.write_text(BASE.format(name=name, bar=bar) + extra)
        return load(path)

    return write


def test_without_a_path_every_cycle_of_the_markets_is_wanted(
    written: Callable[..., Loaded],
) -> None:
    found = discover(written(), MARKETS, FEES)
    assert found.sought is not None
    cycles = list(directed_cycles(MARKETS, 3))
    assert list(found.sought.cycles()) == cycles
    wanted = [found.sought.wants(legs) for legs in cycles]
    assert [(one.legs, one.start) for one in wanted if one] == [(legs, None) for legs in cycles]
    assert found.sought.counts == Counter(map(len, cycles))
    longer = discover(written("max_hops: 4\n"), MARKETS, FEES)
    assert longer.sought is not None
    assert max(longer.sought.counts) == 4
    assert (
        found.sought.wants(next(legs for legs in longer.sought.cycles() if len(legs) > 3)) is None
    )


def test_start_currencies_leave_out_cycles_that_touch_none_of_them(
    written: Callable[..., Loaded],
) -> None:
    found = discover(written("start_currencies: [USDC]\n"), MARKETS, FEES)
    assert found.sought is not None
    cycles = [
        legs
        for legs in directed_cycles(MARKETS, 3)
        if any(leg.spend_asset == "USDC" for leg in legs)
    ]
    assert cycles
    assert list(found.sought.cycles()) == cycles
    assert sum(found.sought.counts.values()) == len(cycles)
    for legs in directed_cycles(MARKETS, 3):
        assert (found.sought.wants(legs) is not None) == (legs in cycles)


def test_a_cycle_begins_with_the_first_start_currency_then_with_base_currencies(
    written: Callable[..., Loaded],
) -> None:
    legs = next(iter(directed_cycles(MARKETS, 3)))
    on_it = {leg.spend_asset for leg in legs}
    assert on_it == {"BTC", "ETH", "USDT"}
    assert start_order(written("start_currencies: [ETH, BTC]\n").strategy, legs) == ("ETH", "BTC")
    assert start_order(written().strategy, legs) == ("USDT", "BTC", "ETH")


def test_rows_of_a_file_keep_their_start_fee_and_threshold(
    written: Callable[..., Loaded],
) -> None:
    found = discover(written(rows="USDT,BTC,ETH,,,,25,-7\nETH,BTC,USDT,,,,,\n"), MARKETS, FEES)
    first, second = found.wanted
    assert first.fees is not None
    assert (first.start, first.fees.taker, first.min_profit_bps) == (
        "USDT",
        Decimal("0.0025"),
        -7,
    )
    assert (second.start, second.fees, second.min_profit_bps) == ("ETH", None, -100)


def test_rows_without_markets_are_told_with_their_line_and_skipped(
    written: Callable[..., Loaded],
) -> None:
    found = discover(
        written(rows="USDT,BTC,DOGE,,,,,\nUSDT,BTC,ETH,,,,,\nBTC,ETH,USDT,,,,,\n"), MARKETS, FEES
    )
    assert len(found.wanted) == 1
    told = "\n".join(found.left_out)
    assert "line 2" in told
    assert "DOGE" in told
    assert "line 4" in told  # the same cycle, turned


def test_a_file_without_a_single_market_is_an_error(written: Callable[..., Loaded]) -> None:
    with pytest.raises(ConfigInvalid, match=r"no cycle can be traded.*line 2"):
        discover(written(rows="USDT,BTC,DOGE,,,,,\n"), MARKETS, FEES)


def test_cycles_through_the_fee_currency_are_left_out(written: Callable[..., Loaded]) -> None:
    fees = FeeRates(ZERO, ZERO, "USDC")
    found = discover(written(), MARKETS, fees)
    assert found.sought is not None
    assert "USDC" not in found.assets
    assert list(found.sought.cycles())
    assert all(leg.spend_asset != "USDC" for legs in found.sought.cycles() for leg in legs)
    assert "goes through the fee currency USDC" in found.left_out[0]


def test_found_cycles_are_traded_from_a_currency_that_is_there(
    worlds: Callable[..., World], written: Callable[..., Loaded]
) -> None:
    world = worlds(opening={"BTC": Decimal(1)})
    world.strategies = [written()]
    assert world.run(cycles=2) == 0
    world.check()
    assert {fact.start_asset for fact in world.facts(f.CycleOpened)} == {"BTC"}


def test_what_is_too_little_of_one_start_currency_leaves_the_next_one(
    worlds: Callable[..., World], written: Callable[..., Loaded]
) -> None:
    world = worlds(opening={"USDC": Decimal("0.5"), "USDT": Decimal(10_000)})
    world.show("BTC/USDC", [("50500", "5")], [("50600", "5")])  # pays through USDC and USDT alone
    world.strategies = [written(bar=50)]
    assert world.run(cycles=1, duration_s=5) == 0
    world.check()
    assert [fact.start_asset for fact in world.facts(f.CycleOpened)] == ["USDT"]


def test_the_threshold_and_fee_of_a_row_decide_what_is_traded(
    worlds: Callable[..., World], written: Callable[..., Loaded]
) -> None:
    # Forward loses about 60 bps with these books and fees, backward more than that.
    for rows, expected in (
        ("USDT,BTC,ETH,,,,10,-100\n", 1),
        ("USDT,BTC,ETH,,,,10,50\n", 0),
        ("USDT,BTC,ETH,,,,400,-100\n", 0),
    ):
        world = worlds()
        world.strategies = [written(rows=rows)]
        assert world.run(cycles=1, duration_s=5) == 0
        assert len(world.facts(f.CycleOpened)) == expected, rows
        world.check()


def test_a_market_that_opens_again_is_looked_at_and_one_that_halts_is_not(
    worlds: Callable[..., World], written: Callable[..., Loaded]
) -> None:
    seen: list[dict[str, bool]] = []

    def look(life: Life) -> None:
        scan, (sought,) = life.parts.detector.scan, life.parts.watchlist.sought.values()
        tops = {name: scan.top(name) for name in ("ETH/USDT", "USDC/USDT")}
        priced = {name for name, top in tops.items() if top is not None and top.bid > 0}
        seen.append({name: name in priced & sought.markets.keys() for name in tops})
        found = [leg.market for best in scan.full_scan(999) for leg in best.legs]
        assert {name: name in found for name in tops} == seen[-1]

    world = worlds()
    loaded = written(bar=400)  # nothing is that good
    world.strategies = [loaded]
    world.venue.halt_market("ETH/USDT", halted=True)
    world.at(30, look)
    world.at(31, lambda _life: world.venue.halt_market("ETH/USDT", halted=False))
    world.at(31, lambda _life: world.venue.halt_market("USDC/USDT", halted=True))
    world.at(70, look)
    assert world.run(cycles=None, duration_s=75) == 0
    assert seen == [{"ETH/USDT": False, "USDC/USDT": True}, {"ETH/USDT": True, "USDC/USDT": False}]
