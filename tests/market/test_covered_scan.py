"""A covered market is told exactly as if every cycle of it were multiplied out after every update."""

from decimal import Decimal

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from arb.market.book import MarketRules
from arb.market.scan import Cover, Scan
from arb.money import ONE
from tests.market.covered import a_world, walk
from tests.market.examples import book, rules
from tests.spec.properties import examples


@pytest.mark.parametrize(("hops_max", "steps"), [(2, 40), (3, 80), (4, 40), (5, 40)])
@examples(25)
@given(st.integers(0, 2**32))
def test_after_every_update_exactly_the_cycles_above_are_named(
    hops_max: int, steps: int, seed: int
) -> None:
    event(f"above: {min(walk(*a_world(seed, hops_max), steps), 3)}")


# A path read again for the sake of another one had risen with it, and what it closes was not told.
@pytest.mark.parametrize("seed", [29_649, 42_928])
def test_what_is_read_again_may_have_risen_too(seed: int) -> None:
    walk(*a_world(seed, 5), 40)


def test_what_stood_alone_in_a_cover_falls_with_it_where_another_has_its_markets_too() -> None:
    markets = {name: rules(name) for name in ("B/A", "C/B", "C/A")}
    scan = Scan()

    def cover(name: str, bar: str, shown: dict[str, MarketRules]) -> None:
        made = Cover(markets=shown, hops_max=3, keep_of=lambda *_: ONE, min_profit_bps=Decimal(bar))
        scan.cover(name, made)

    cover("low", "0", markets)
    cover("high", "1000", markets)
    for name, price in (("B/A", "1"), ("C/B", "1"), ("C/A", "1.01")):
        scan.take(book(name, [(price, "1")], [(price, "1")]))
    assert scan.stats().above == 1
    cover("low", "0", {})
    assert scan.stats().above == 0


def test_of_two_covers_the_lowest_bar_counts_also_once_the_higher_one_was_exceeded() -> None:
    markets = {name: rules(name) for name in ("B/A", "C/B", "C/A")}
    scan = Scan()
    for name, bar in (("low", "2"), ("high", "50")):
        made = Cover(
            markets=markets, hops_max=3, keep_of=lambda *_: ONE, min_profit_bps=Decimal(bar)
        )
        scan.cover(name, made)
    for name, price in (("B/A", "1"), ("C/B", "1"), ("C/A", "1.001")):
        scan.take(book(name, [(price, "1")], [(price, "1")]))
    scan.take(book("C/A", [("1.006", "1")], [("1.006", "1")]))
    seen = scan.take(book("C/A", [("1.002", "1")], [("1.002", "1")]))
    assert [scan.cycles[number].min_profit_bps for number in seen.above] == [2]
