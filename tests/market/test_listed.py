from collections.abc import Mapping
from decimal import Decimal

import pytest

from arb.market.book import MarketRules
from arb.market.cycles import directed_cycles, identity
from arb.market.listed import CycleRow, ListedPath, Resolved, resolve
from arb.market.routes import legs_of
from tests.market.examples import rules

MARKETS = {name: rules(name) for name in ("BTC/USDT", "ETH/BTC", "ETH/USDT", "SOL/USDT")}


def resolved(*paths: str, markets: Mapping[str, MarketRules] = MARKETS) -> Resolved:
    rows = [
        CycleRow(line, tuple(path.split(">")), None, None)
        for line, path in enumerate(paths, start=2)
    ]
    return resolve(rows, markets)


def books(path: ListedPath) -> list[str]:
    return [f"{leg.side} {leg.market}" for leg in path.legs]


def test_a_row_is_the_cycle_of_its_currencies_from_the_first_one() -> None:
    rows = [CycleRow(2, ("USDT", "BTC", "ETH"), Decimal(10), Decimal("7.5"))]
    assert resolve(rows, MARKETS) == Resolved(
        (
            ListedPath(
                legs_of(["USDT", "BTC", "ETH"], MARKETS), Decimal(10), Decimal("7.5"), line=2
            ),
        ),
        (),
    )


def test_a_row_without_a_market_is_told_and_skipped() -> None:
    found = resolved("BTC>SOL>USDT", "SOL>ETH>XYZ", "BTC>ETH>USDT")
    assert [path.line for path in found.paths] == [4]
    assert found.skipped == (
        "line 2: BTC > SOL > USDT > BTC: no market joins BTC and SOL",
        (
            "line 3: SOL > ETH > XYZ > SOL: no market joins SOL and ETH; "
            "no market joins ETH and XYZ; no market joins XYZ and SOL"
        ),
    )


def test_a_halted_market_is_named() -> None:
    halted = {**MARKETS, "ETH/BTC": rules("ETH/BTC", active=False)}
    assert resolved("BTC>ETH>USDT", markets=halted) == Resolved(
        (), ("line 2: BTC > ETH > USDT > BTC: halted: ETH/BTC",)
    )


def test_a_halted_market_with_an_active_one_beside_it_is_gone_around() -> None:
    both = {**MARKETS, "ETH/BTC": rules("ETH/BTC", active=False), "BTC/ETH": rules("BTC/ETH")}
    (path,) = resolved("BTC>ETH>USDT", markets=both).paths
    assert books(path) == ["sell BTC/ETH", "sell ETH/USDT", "buy BTC/USDT"]


def test_of_rows_that_are_one_cycle_the_first_counts() -> None:
    found = resolved("BTC>ETH>USDT", "ETH>USDT>BTC", "USDT>ETH>BTC", "BTC>ETH>USDT")
    assert [path.line for path in found.paths] == [2, 4]
    assert found.skipped == (
        "line 3: ETH > USDT > BTC > ETH: the same cycle as in line 2, which counts",
        "line 5: BTC > ETH > USDT > BTC: the same cycle as in line 2, which counts",
    )


def test_each_choice_among_parallel_markets_is_a_path() -> None:
    both = {**MARKETS, "USDT/BTC": rules("USDT/BTC")}
    found = resolved("USDT>BTC>ETH", "BTC>ETH>USDT", markets=both)
    assert [(path.line, *books(path)) for path in found.paths] == [
        (2, "buy BTC/USDT", "buy ETH/BTC", "sell ETH/USDT"),
        (2, "sell USDT/BTC", "buy ETH/BTC", "sell ETH/USDT"),
    ]
    assert len(found.skipped) == 1


def test_there_and_back_takes_two_markets() -> None:
    assert resolved("BTC>USDT") == Resolved(
        (),
        ("line 2: BTC > USDT > BTC: there and back needs two markets, and one joins BTC and USDT",),
    )
    both = {**MARKETS, "USDT/BTC": rules("USDT/BTC")}
    assert [books(path) for path in resolved("BTC>USDT", "USDT>BTC", markets=both).paths] == [
        ["sell BTC/USDT", "sell USDT/BTC"],
        ["buy USDT/BTC", "buy BTC/USDT"],
    ]


@pytest.mark.parametrize("extra", [(), ("USDT/BTC",), ("USDT/BTC", "BTC/ETH", "SOL/BTC")])
def test_listing_every_path_finds_what_discovery_finds(extra: tuple[str, ...]) -> None:
    markets = {**MARKETS, **{name: rules(name) for name in extra}}
    found = list(directed_cycles(markets, 4))
    paths = sorted({">".join(leg.spend_asset for leg in legs) for legs in found})
    listed = resolved(*paths, markets=markets)
    assert sorted(identity(path.legs) for path in listed.paths) == sorted(map(identity, found))
