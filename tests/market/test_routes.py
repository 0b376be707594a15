from collections.abc import Iterator, Mapping
from decimal import Decimal
from itertools import combinations
from random import Random

import pytest
from hypothesis import event, given
from hypothesis import strategies as st
from msgspec import structs

from arb.errors import ConfigInvalid
from arb.events.facts import LegRoute
from arb.market.book import Book, FeeRates, MarketRules
from arb.market.chain import price_leg
from arb.market.depth import Walk
from arb.market.liquidation import Hop, Liquidation, best_liquidation, one_order_sells, value
from arb.market.routes import exits_of, exits_without, legs_of, resolve_leg
from tests.market.examples import book, rules
from tests.spec.properties import examples

MARKETS = {
    "BTC/USDT": rules("BTC/USDT", "0.01", "0.00001"),
    "ETH/BTC": rules("ETH/BTC", "0.00001", "0.0001", "0.0001"),
    "ETH/USDT": rules("ETH/USDT"),
    "USDC/USDT": rules("USDC/USDT", "0.0001", "0.1"),
    "ETH/USDC": rules("ETH/USDC"),
}
BOOKS = {
    "BTC/USDT": book("BTC/USDT", [("60000", "5")], [("60010", "5")]),
    "ETH/BTC": book("ETH/BTC", [("0.04", "500")], [("0.0401", "500")]),
    "ETH/USDT": book("ETH/USDT", [("2400", "1")], [("2401", "500")]),
    "USDC/USDT": book("USDC/USDT", [("0.99", "90000")], [("0.9901", "90000")]),
    "ETH/USDC": book("ETH/USDC", [("2410", "500")], [("2411", "500")]),
}
FEES = FeeRates(taker=Decimal("0.001"), maker=Decimal("0.001"))


def best(
    asset: str,
    amount: Decimal | int | str,
    targets: list[str],
    *,
    books: Mapping[str, Book | None] = BOOKS,
    markets: Mapping[str, MarketRules] = MARKETS,
    value_in: str = "USDT",
    hops_max: int = 3,
) -> Liquidation:
    found = best_or_none(
        asset, amount, targets, books=books, markets=markets, value_in=value_in, hops_max=hops_max
    )
    assert found is not None
    return found


def best_or_none(
    asset: str,
    amount: Decimal | int | str,
    targets: list[str],
    *,
    books: Mapping[str, Book | None] = BOOKS,
    markets: Mapping[str, MarketRules] = MARKETS,
    value_in: str = "USDT",
    hops_max: int = 3,
) -> Liquidation | None:
    return best_liquidation(
        asset,
        Decimal(amount),
        targets,
        books.get,
        markets,
        FEES,
        Decimal(50),
        hops_max,
        value_in=value_in,
    )


def route(found: Liquidation) -> list[tuple[str, str]]:
    return [(hop.route.side, hop.route.market) for hop in found.hops]


def test_a_leg_buys_or_sells_by_what_the_market_says() -> None:
    assert resolve_leg("USDT", "BTC", MARKETS) == LegRoute("BTC/USDT", "buy", "USDT", "BTC")
    assert resolve_leg("BTC", "USDT", MARKETS) == LegRoute("BTC/USDT", "sell", "BTC", "USDT")


def test_of_two_markets_the_active_one_wins_and_then_the_sell() -> None:
    both = {**MARKETS, "USDT/BTC": rules("USDT/BTC")}
    assert resolve_leg("USDT", "BTC", both).market == "USDT/BTC"
    halted = {**MARKETS, "USDT/BTC": rules("USDT/BTC", active=False)}
    assert resolve_leg("USDT", "BTC", halted).market == "BTC/USDT"


def test_a_market_s_name_says_nothing() -> None:
    odd = {"XXBTZUSD": structs.replace(rules("BTC/USD"), market="XXBTZUSD")}
    assert resolve_leg("BTC", "USD", odd).market == "XXBTZUSD"


def test_an_unknown_join_says_what_there_is() -> None:
    with pytest.raises(ConfigInvalid, match=r"no market joins BTC and USDC; .* BTC/USDT, ETH/BTC"):
        resolve_leg("BTC", "USDC", MARKETS)


def test_a_cycle_closes_to_its_start() -> None:
    assert [(leg.side, leg.market) for leg in legs_of(["USDT", "BTC", "ETH"], MARKETS)] == [
        ("buy", "BTC/USDT"),
        ("buy", "ETH/BTC"),
        ("sell", "ETH/USDT"),
    ]


@pytest.mark.parametrize("path", [["USDT"], ["USDT", "BTC", "USDT"]])
def test_a_path_that_is_no_cycle_is_refused(path: list[str]) -> None:
    with pytest.raises(ConfigInvalid, match="cycle"):
        legs_of(path, MARKETS)


def test_a_thin_direct_book_loses_to_two_hops() -> None:
    found = best("ETH", 20, ["USDT"])
    assert route(found) == [("sell", "ETH/BTC"), ("sell", "BTC/USDT")]
    small = best("ETH", 1, ["USDT"])
    assert route(small) == [("sell", "ETH/USDT")]


def test_a_route_takes_only_the_ways_it_may_and_is_valued_by_every_market() -> None:
    """The target BTC is worth what its market with USDT says, though no leg may end in USDT."""
    exits = exits_of(MARKETS)
    found = best_liquidation(
        "ETH",
        Decimal(1),
        ["BTC"],
        BOOKS.get,
        MARKETS,
        FEES,
        Decimal(50),
        value_in="USDT",
        exits=exits,
        ways=exits_without(exits, "USDT"),
    )
    assert found is not None
    assert route(found) == [("sell", "ETH/BTC")]
    assert found.value == value("BTC", found.output, "USDT", BOOKS.get, MARKETS)
    assert [leg.market for leg in exits_without(exits, "USDT")["USDT"]] == [
        leg.market for leg in exits["USDT"]
    ]


def test_each_hop_starts_from_the_net_of_the_one_before() -> None:
    first, second = best("ETH", 20, ["USDT"]).hops
    assert second.walk.used <= first.walk.received
    assert first.walk.received == Decimal("0.8") - Decimal("0.0008")


def test_targets_are_compared_by_their_value_in_the_start_currency() -> None:
    found = best("ETH", 20, ["USDC", "BTC"])
    # 20 ETH are 48,151.80 USDC, worth 47,670 USDT, or 0.7992 BTC, worth 47,952.
    assert (found.asset, found.value) == ("BTC", Decimal(47952))


def test_a_target_without_a_value_is_skipped() -> None:
    alone = {name: MARKETS[name] for name in ("ETH/BTC", "USDC/USDT", "ETH/USDC")}
    found = best_or_none("ETH", 20, ["BTC", "USDC"], markets=alone, value_in="XYZ")
    assert found is None
    assert best("ETH", 20, ["USDC"], markets=alone, value_in="USDC").asset == "USDC"


def test_halted_markets_and_missing_books_are_gone_around() -> None:
    halted = {**MARKETS, "ETH/BTC": rules("ETH/BTC", active=False)}
    assert route(best("ETH", 20, ["USDT"], markets=halted)) == [
        ("sell", "ETH/USDC"),
        ("sell", "USDC/USDT"),
    ]
    gone = {**BOOKS, "ETH/BTC": None, "ETH/USDC": None}
    assert route(best("ETH", 20, ["USDT"], books=gone)) == [("sell", "ETH/USDT")]
    gone["ETH/USDT"] = None
    assert best_or_none("ETH", 20, ["USDT"], books=gone) is None


def test_a_route_that_would_strand_on_its_second_hop_is_no_route() -> None:
    strict = {**MARKETS, "BTC/USDT": rules("BTC/USDT", "0.01", "0.00001", "1000000")}
    assert route(best("ETH", 20, ["USDT"], markets=strict)) == [
        ("sell", "ETH/USDC"),
        ("sell", "USDC/USDT"),
    ]


def test_a_route_has_at_most_the_hops_it_may_have() -> None:
    gone = {**BOOKS, "ETH/USDT": None}
    assert best_or_none("ETH", 20, ["USDT"], books=gone, hops_max=1) is None
    far = {
        "A/B": rules("A/B"),
        "B/C": rules("B/C"),
        "C/D": rules("C/D"),
        "D/E": rules("D/E"),
    }
    books = {name: book(name, [("10", "100")], [("11", "100")]) for name in far}
    assert len(best("B", 5, ["E"], books=books, markets=far, value_in="E").hops) == 3
    assert best_or_none("A", 5, ["E"], books=books, markets=far, value_in="E") is None


def test_what_is_a_target_already_needs_no_hop() -> None:
    found = best("USDC", 100, ["USDT", "USDC"])
    assert (found.hops, found.asset, found.output, found.value) == (
        (),
        "USDC",
        Decimal(100),
        Decimal(99),
    )


def test_dust_has_no_route() -> None:
    assert best_or_none("ETH", "0.001", ["USDT", "BTC"]) is None


def test_a_value_is_taken_at_the_touch_of_the_shortest_way() -> None:
    assert value("ETH", Decimal(2), "USDT", BOOKS.get, MARKETS) == Decimal(4800)
    assert value("USDT", Decimal(4802), "ETH", BOOKS.get, MARKETS) == Decimal(2)
    assert value("BTC", Decimal(1), "USDC", BOOKS.get, MARKETS) == Decimal(60000) / Decimal(
        "0.9901"
    ) // Decimal("1E-8") * Decimal("1E-8")
    assert value("ETH", Decimal(2), "ETH", BOOKS.get, MARKETS) == Decimal(2)
    assert value("ETH", Decimal(2), "XYZ", BOOKS.get, MARKETS) is None


ASSETS = ("A", "B", "C", "D", "E")


def drawn(rng: Random) -> tuple[dict[str, MarketRules], dict[str, Book | None]]:
    """Draw markets between five assets that are worth about the same, some thin, some silent."""
    markets: dict[str, MarketRules] = {}
    books: dict[str, Book | None] = {}
    for base, quote in combinations(rng.sample(ASSETS, len(ASSETS)), 2):
        name = f"{base}/{quote}"
        if rng.random() < 0.2:
            continue
        markets[name] = rules(name, "0.01", "0.1", "1", active=rng.random() < 0.9)
        mid = 100 + rng.randint(-2, 2)
        size = str(rng.choice([3, 30, 300]))
        bids, asks = (
            [(f"{price / 100:.2f}", size)] for price in (mid - 1, mid + rng.randint(0, 2))
        )
        books[name] = rng.choice([book(name, bids, asks)] * 5 + [book(name, bids, []), None])
    return markets, books


def every_way_out(  # noqa: PLR0917 -- a holding, where it goes and what it meets
    asset: str,
    amount: Decimal,
    targets: list[str],
    markets: Mapping[str, MarketRules],
    books: Mapping[str, Book | None],
    hops: tuple[Hop, ...] = (),
) -> Iterator[Liquidation]:
    """Walk every simple route of at most three hops to its end."""
    if hops and asset in targets:
        worth = value(asset, amount, "A", books.get, markets)
        if worth is not None:
            yield Liquidation(hops, asset, amount, worth)
        return
    been = {hop.route.spend_asset for hop in hops}
    for leg in exits_of(markets).get(asset, ()) if len(hops) < 3 else ():
        walked = price_leg(leg, amount, books.get, markets, FEES.taker, Decimal(50))
        if isinstance(walked, Walk) and leg.receive_asset not in been and walked.received > 0:
            further = (*hops, Hop(leg, walked))
            yield from every_way_out(
                leg.receive_asset, walked.received, targets, markets, books, further
            )


@examples(400)
@given(st.integers(0), st.sampled_from([["A"], ["A", "B"]]), st.sampled_from(["2.5", "12", "80"]))
def test_no_way_out_is_better_than_the_best(seed: int, targets: list[str], amount: str) -> None:
    markets, books = drawn(Random(seed))
    found = best_or_none("E", amount, targets, books=books, markets=markets, value_in="A")
    ways = list(every_way_out("E", Decimal(amount), targets, markets, books))
    # Of the best ones the shortest, and of those the first by names, which `min` gives.
    best_of_all = min(ways, key=lambda way: (-way.value, len(way.hops)), default=None)
    event(f"hops: {len(best_of_all.hops) if best_of_all else None}")
    assert found == best_of_all


@examples(200)
@given(st.integers(0), st.sampled_from(["2.5", "12", "80"]))
def test_whether_one_order_sells_is_whether_there_is_a_way_of_one_hop(
    seed: int, amount: str
) -> None:
    markets, books = drawn(Random(seed))
    way = best_or_none("E", amount, ["A"], books=books, markets=markets, value_in="A", hops_max=1)
    sells = one_order_sells(
        "E", Decimal(amount), "A", books.get, markets, FEES, Decimal(50), exits_of(markets)
    )
    event(f"sells: {sells}")
    assert sells is (way is not None)
