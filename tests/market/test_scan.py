"""The scan says exactly what multiplying every cycle out after every update would say."""

from collections.abc import Iterator
from decimal import Decimal
from itertools import permutations
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arb.events.facts import LegRoute
from arb.market.book import Book
from arb.market.cycles import directed_cycles
from arb.market.scan import NOTHING, Scan, Watched
from arb.money import BPS, ONE
from tests.market.examples import book, rules
from tests.spec.properties import examples

NAMES = ("A/U", "B/U", "B/A", "C/U", "C/A", "A/B")
MARKETS = {name: rules(name, "0.01", "0.01") for name in NAMES}
TWICE = (LegRoute("A/U", "buy", "U", "A"), LegRoute("A/U", "sell", "A", "U"))  # one market
CYCLES = (*directed_cycles(MARKETS, 4), TWICE)
BARS = (Decimal(0), Decimal(10), Decimal(-50), Decimal("1E-9"))
KEEPS = st.sampled_from([ONE, Decimal("0.999"), Decimal("0.9925")])
CROWDS = st.sampled_from([1, 4, 100])  # cycles that make a leg crowded: all legs, some or none
SPREADS = st.sampled_from([1, 10])  # of prices around 1, in hundredths


def edge_bps(cycle: Watched, books: dict[str, Book]) -> Decimal | None:
    """Multiply a cycle out."""
    rate = ONE
    for leg in cycle.legs:
        levels = books[leg.market].levels(leg.side) if leg.market in books else ()
        if not levels:
            return None
        price = levels[0][0]
        rate = rate * price if leg.side == "sell" else rate / price
    return (rate * cycle.kept - ONE) * BPS


def is_above(cycle: Watched, books: dict[str, Book]) -> bool:
    edge = edge_bps(cycle, books)
    return edge is not None and edge > cycle.min_profit_bps


def updates(rng: Random, spread: int) -> Iterator[Book]:
    """Draw a walk of books, now and then one without a side."""
    for _ in range(60):
        bid, ask = sorted(100 + rng.randint(-spread, spread) for _ in range(2))
        empty = rng.choice(["", "", "", "bids", "asks"])
        bids = [] if empty == "bids" else [(f"{bid / 100:.2f}", "1")]
        asks = [] if empty == "asks" else [(f"{ask / 100:.2f}", "1")]
        yield book(rng.choice(NAMES), bids, asks)


@examples(200)
@given(st.integers(0), KEEPS, CROWDS, SPREADS)
def test_after_every_update_it_names_exactly_the_cycles_above_their_bar(
    seed: int, keep: Decimal, crowd_min: int, spread: int
) -> None:
    rng = Random(seed)
    scan = Scan(crowd_min)
    cycles = [Watched(legs, keep ** len(legs), rng.choice(BARS)) for legs in CYCLES]
    assert scan.watch_all(cycles) == list(range(len(cycles)))
    books: dict[str, Book] = {}
    before: set[int] = set()
    for update in updates(rng, spread):
        market = update.market
        books[market] = update
        seen = scan.take(update)
        above = {number for number, cycle in enumerate(cycles) if is_above(cycle, books)}
        through = {
            number
            for number, cycle in enumerate(cycles)
            if any(leg.market == market for leg in cycle.legs)
        }
        assert set(seen.above) == above & through
        assert seen.risen == len(above - before)
        for number in seen.above:
            told, multiplied = scan.edge_bps(number), edge_bps(cycles[number], books)
            assert told is not None
            assert multiplied is not None
            assert abs(told - multiplied) < Decimal("1E-30")
        before = above


def test_an_edge_of_exactly_the_bar_is_not_above_it() -> None:
    legs = (LegRoute("A/U", "buy", "U", "A"), LegRoute("B/A", "buy", "A", "B"),
            LegRoute("B/U", "sell", "B", "U"))  # fmt: skip
    scan = Scan()
    scan.watch(Watched(legs, ONE, Decimal(100)))
    for name, price in (("A/U", "2"), ("B/A", "0.5"), ("B/U", "1.01")):
        seen = scan.take(book(name, [(price, "1")], [(price, "1")]))
    assert seen is NOTHING
    assert scan.take(book("B/U", [("1.01001", "1")], [("1.02", "1")])).above == (0,)


def test_the_best_cycle_comes_first() -> None:
    scan = Scan()
    scan.watch_all(Watched(legs, ONE, Decimal(-5000)) for legs in CYCLES)
    for name in NAMES:
        seen = scan.take(book(name, [("1.0", "1")], [("1.1", "1")]))
    edges = [scan.edge_bps(number) for number in seen.above]
    assert len(edges) > 1
    assert edges == sorted(edges, reverse=True)


@pytest.mark.parametrize("bars", [*permutations([Decimal(10), Decimal(0)])])
def test_a_cycle_watched_twice_is_one_cycle_with_the_lower_bar(bars: tuple[Decimal, ...]) -> None:
    legs = CYCLES[0]
    turned = (*legs[1:], legs[0])
    scan = Scan()
    first = scan.watch(Watched(legs, ONE, bars[0]))
    assert scan.watch(Watched(turned, ONE, bars[1])) == first
    assert scan.cycles[first].min_profit_bps == 0
    assert scan.number(turned) == first
    assert len(scan.cycles) == 1


def test_a_market_of_no_cycle_says_nothing() -> None:
    assert Scan().take(book("X/Y", [("1", "1")], [("2", "1")])) is NOTHING
