from collections import Counter
from collections.abc import Mapping
from itertools import permutations, product
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from arb.errors import ConfigInvalid
from arb.events.facts import LegRoute
from arb.market.book import MarketRules
from arb.market.cycles import count_cycles, directed_cycles, identity, on_cycles, rotated
from arb.market.routes import legs_of
from arb.market.scan.counts import count_directed
from tests.market.examples import rules
from tests.spec.properties import examples

Legs = tuple[LegRoute, ...]


def markets(*names: str, **inactive: bool) -> dict[str, MarketRules]:
    return {name: rules(name, **inactive) for name in names}


def told(legs: Legs) -> str:
    return " ".join(f"{leg.spend_asset}>{leg.receive_asset}@{leg.market}" for leg in legs)


TRIANGLE = markets("BTC/USDT", "ETH/BTC", "ETH/USDT")


@st.composite
def multigraphs(draw: st.DrawFn) -> dict[str, MarketRules]:
    """Up to nine markets over five assets: parallel ones, halted ones, one of an asset with itself."""
    assets = st.sampled_from("EDCBA")
    drawn = draw(st.lists(st.tuples(assets, assets, st.integers(0, 4)), max_size=9))
    found = {}
    for number, (base, quote, halted) in enumerate(drawn):
        name = f"{base}{quote}{(7 * number) % 9}"
        found[name] = structs.replace(rules(f"{base}/{quote}"), market=name, active=halted > 0)
    return found


def by_brute_force(found: Mapping[str, MarketRules], hops_max: int) -> list[Legs]:
    """Try every order of every choice of assets, with every market on every leg."""
    cycles = []
    assets = sorted({asset for one in found.values() for asset in (one.base, one.quote)})
    for hops in range(2, hops_max + 1):
        for path in permutations(assets, hops):
            if path[0] != min(path):
                continue
            steps = zip(path, (*path[1:], path[0]), strict=True)
            choices = [
                [
                    LegRoute(name, "sell" if there == one.quote else "buy", here, there)
                    for name, one in sorted(found.items())
                    if one.active and {one.base, one.quote} == {here, there}
                ]
                for here, there in steps
            ]
            cycles += [
                legs for legs in product(*choices) if len({leg.market for leg in legs}) == hops
            ]
    cycles.sort(key=lambda legs: ([leg.spend_asset for leg in legs], [leg.market for leg in legs]))
    return cycles


@examples(300)
@given(multigraphs(), st.integers(2, 5))
def test_every_cycle_is_found_once_and_in_order(
    found: dict[str, MarketRules], hops_max: int
) -> None:
    assert list(directed_cycles(found, hops_max)) == by_brute_force(found, hops_max)


@examples(200)
@given(multigraphs(), st.integers(3, 5))
def test_a_count_is_half_the_directed_cycles_over_single_markets(
    found: dict[str, MarketRules], hops: int
) -> None:
    rings = {
        tuple(leg.spend_asset for leg in legs)
        for legs in by_brute_force(found, hops)
        if len(legs) == hops
    }
    assert count_cycles(found, hops) == len(rings) / 2


@examples(300)
@given(multigraphs(), st.integers(2, 5), st.sampled_from([None, "A", "BC"]))
def test_directed_cycles_are_counted_without_being_found(
    found: dict[str, MarketRules], hops_max: int, through: str | None
) -> None:
    lengths = Counter(
        len(legs)
        for legs in by_brute_force(found, hops_max)
        if through is None or any(leg.spend_asset in through for leg in legs)
    )
    assert count_directed(found, hops_max, through) == lengths


@examples(300)
@given(multigraphs(), st.integers(2, 5))
def test_a_market_is_on_a_cycle_if_some_cycle_goes_through_it(
    found: dict[str, MarketRules], hops_max: int
) -> None:
    cycles = by_brute_force(found, hops_max)
    assert on_cycles(found, hops_max) == {leg.market for legs in cycles for leg in legs}


@examples(200)
@given(multigraphs(), st.integers(2, 5), st.randoms(use_true_random=False))
def test_the_order_of_the_markets_says_nothing(
    found: dict[str, MarketRules], hops_max: int, random: Random
) -> None:
    names = list(found)
    random.shuffle(names)
    shuffled = {name: found[name] for name in names}
    assert list(directed_cycles(shuffled, hops_max)) == list(directed_cycles(found, hops_max))


@examples(200)
@given(multigraphs())
def test_an_identity_is_one_cycle_in_one_direction_whatever_its_start(
    found: dict[str, MarketRules],
) -> None:
    seen = {}
    for legs in directed_cycles(found, 4):
        for leg in legs:
            turned = rotated(legs, leg.spend_asset)
            assert turned[0] == leg
            assert identity(turned) == identity(legs)
        assert identity(legs) not in seen, (legs, seen[identity(legs)])
        seen[identity(legs)] = legs
        assert identity(backwards(legs)) != identity(legs)


def backwards(legs: Legs) -> Legs:
    other = {"sell": "buy", "buy": "sell"}
    return tuple(
        LegRoute(leg.market, other[leg.side], leg.receive_asset, leg.spend_asset)
        for leg in reversed(legs)
    )


def test_a_triangle_is_two_directed_cycles() -> None:
    assert [told(legs) for legs in directed_cycles(TRIANGLE, 3)] == [
        "BTC>ETH@ETH/BTC ETH>USDT@ETH/USDT USDT>BTC@BTC/USDT",
        "BTC>USDT@BTC/USDT USDT>ETH@ETH/USDT ETH>BTC@ETH/BTC",
    ]
    assert count_cycles(TRIANGLE, 3) == 1
    assert count_cycles(TRIANGLE, 4) == 0


def test_parallel_markets_are_each_a_choice_and_a_cycle_of_their_own() -> None:
    found = {**TRIANGLE, **markets("USDT/BTC")}
    assert [told(legs) for legs in directed_cycles(found, 2)] == [
        "BTC>USDT@BTC/USDT USDT>BTC@USDT/BTC",
        "BTC>USDT@USDT/BTC USDT>BTC@BTC/USDT",
    ]
    assert len(list(directed_cycles(found, 3))) == 2 + 4
    assert count_cycles(found, 3) == 1


def test_one_market_there_and_back_is_no_cycle() -> None:
    assert list(directed_cycles(markets("BTC/USDT"), 8)) == []
    assert list(directed_cycles({}, 8)) == []


def test_a_halted_market_is_not_passed_through() -> None:
    assert list(directed_cycles({**TRIANGLE, **markets("ETH/BTC", active=False)}, 3)) == []


def test_a_found_cycle_is_what_its_currencies_resolve_to() -> None:
    for legs in directed_cycles(TRIANGLE, 3):
        assert legs_of([leg.spend_asset for leg in legs], TRIANGLE) == legs


def test_cycles_come_one_at_a_time() -> None:
    """Forty assets that are all joined have 387 billion cycles of eight hops; one is had at once."""
    assets = [f"A{number:02}" for number in range(40)]
    dense = markets(*(f"{base}/{quote}" for base in assets for quote in assets if base < quote))
    assert len(next(directed_cycles(dense, 8))) == 3
    whole = (legs for legs in directed_cycles(dense, 8) if len(legs) == 8)
    assert len(next(whole)) == 8


def test_a_cycle_does_not_begin_where_it_does_not_pass() -> None:
    legs = next(directed_cycles(TRIANGLE, 3))
    with pytest.raises(ConfigInvalid, match=r"BTC > ETH > USDT > BTC does not pass through SOL"):
        rotated(legs, "SOL")
