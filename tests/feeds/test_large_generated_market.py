"""A generated market of hundreds of currencies."""

import itertools
import json
from collections import Counter
from decimal import Decimal
from hashlib import sha256
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arb.feeds.generated import GeneratedMarket
from arb.feeds.universe import CURRENCIES_MAX, universe
from arb.market.book import Book
from arb.money import BPS, is_multiple

START_NS = 1_700_000_000 * 10**9
HUBS = ("USDT", "BTC", "USDC", "ETH", "BNB", "EUR")
SIZES = [7, 8, 30, 100, CURRENCIES_MAX]
TIMES = st.integers(0, 4_000_000_000 * 10**9)
CALM = {"dislocated_ppm": 0, "currencies": CURRENCIES_MAX}


def spread_bps(book: Book) -> Decimal:
    return (book.asks[0][0] / book.bids[0][0] - 1) * BPS


@pytest.mark.parametrize("count", SIZES)
def test_it_has_as_many_currencies_as_asked_for_and_each_can_be_traded(count: int) -> None:
    world = universe(count)
    assert len(world.currencies) == count
    traded = {name for market in world.markets for name in market.split("/")}
    assert traded == set(world.currencies)
    assert {market.split("/")[1] for market in world.markets} <= set(HUBS)
    assert set(universe(6).markets) <= set(world.markets)


def test_most_alts_are_quoted_in_some_hubs_so_that_there_are_thousands_of_cycles() -> None:
    markets = universe(CURRENCIES_MAX).markets
    assert 1_600 < len(markets) < 1_900
    quotes = Counter(market.split("/")[0] for market in markets)
    assert all(f"{alt}/USDT" in markets for alt in quotes if alt not in HUBS)
    triangles = sum(count * (count - 1) // 2 for alt, count in quotes.items() if alt not in HUBS)
    assert triangles > 2_000


def test_few_markets_are_busy_and_most_are_quiet_wide_and_thin() -> None:
    market = GeneratedMarket(3, **CALM)
    world = universe(CURRENCIES_MAX)
    periods = Counter(made.period for made in world.markets.values())
    assert periods[1] == 10
    assert sum(count for period, count in periods.items() if period >= 64) > 1_000
    by_period = [
        [
            market.book_at(name, START_NS)
            for name, made in world.markets.items()
            if made.period == period
        ]
        for period in sorted(periods)
    ]
    assert all(Decimal("0.3") <= spread_bps(book) < 1 for book in by_period[0])
    assert all(5 < spread_bps(book) < 200 for book in by_period[5])
    middles = [sorted(spread_bps(book) for book in books)[len(books) // 2] for books in by_period]
    assert middles == sorted(middles)
    assert all(narrow < wide for narrow, wide in pairwise(middles[1:]))


def test_a_step_has_some_dozens_of_books() -> None:
    market = GeneratedMarket(3, **CALM)
    rows = itertools.takewhile(
        lambda row: row.at_ns <= START_NS + 512 * market.step_ns, market.changes(START_NS)
    )
    books = Counter(row.market for row in rows)
    world = universe(CURRENCIES_MAX)
    assert books == {name: 512 // made.period for name, made in world.markets.items()}
    assert 30 < books.total() / 512 < 60


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 10**6), at_ns=TIMES)
def test_a_book_is_a_function_of_seed_and_time(seed: int, at_ns: int) -> None:
    asked_once = GeneratedMarket(seed, currencies=60)
    asked_often = GeneratedMarket(seed, currencies=60)
    for market in asked_often.markets:
        asked_often.book_at(market, at_ns + 10**9)
        asked_often.book_at(market, max(at_ns - 10**11, 0))
        assert asked_once.book_at(market, at_ns) == asked_often.book_at(market, at_ns)


def test_the_books_are_the_same_on_every_machine() -> None:
    market = GeneratedMarket(7, currencies=CURRENCIES_MAX)
    rows = []
    for name in market.markets:
        book = market.book_at(name, START_NS)
        assert book is not None
        levels = [[str(price), str(size)] for price, size in (*book.bids, *book.asks)]
        rows.append([name, levels, book.sequence])
    digest = sha256(json.dumps(rows).encode()).hexdigest()
    assert digest == "4d5e1fd4ba2e7793ccc7a8beda1683c77f9caf5adce02f300abf34a7d76339cf"


@pytest.mark.parametrize("after_ns", [-1, 0, START_NS])
def test_changes_are_the_books_that_stand_from_then_on(after_ns: int) -> None:
    market = GeneratedMarket(3, currencies=CURRENCIES_MAX)
    standing = {name: market.book_at(name, after_ns) for name in market.markets}
    at_ns = after_ns
    for row in itertools.islice(market.changes(after_ns), 4_000):
        if row.at_ns > at_ns:
            for name in list(standing)[:: 1 + row.at_ns // market.step_ns % 97]:
                assert standing[name] == market.book_at(name, row.at_ns - 1)
        at_ns = row.at_ns
        assert row.book.sequence == row.at_ns // market.step_ns
        standing[row.market] = row.book


@pytest.mark.parametrize("after_ns", [-1, 0, START_NS, START_NS + 77 * 10**6])
def test_what_a_market_was_shown_between_two_times_is_each_change_of_it(after_ns: int) -> None:
    market = GeneratedMarket(3, currencies=CURRENCIES_MAX)
    until_ns = max(after_ns, 0) + 300 * market.step_ns
    rows = list(itertools.takewhile(lambda row: row.at_ns <= until_ns, market.changes(after_ns)))
    for name in (*list(market.markets)[::97], "NONE/USDT"):
        told = [(row.at_ns, row.book) for row in rows if row.market == name]
        assert list(market.shown(name, after_ns, until_ns)) == told


@settings(deadline=None, max_examples=10)
@given(at_ns=TIMES)
def test_books_stand_on_the_grid_of_their_market_and_are_not_crossed(at_ns: int) -> None:
    market = GeneratedMarket(3, currencies=CURRENCIES_MAX)
    for name, rules in market.markets.items():
        book = market.book_at(name, at_ns)
        assert len(book.bids) == len(book.asks) >= 5
        prices = [price for price, _ in (*reversed(book.bids), *book.asks)]
        assert prices == sorted(set(prices))
        for price, size in (*book.bids, *book.asks):
            assert price > 0
            assert size > 0
            assert is_multiple(price, rules.tick_size)
            assert is_multiple(size, rules.step_size)
        best, size = book.asks[0]
        assert rules.broken_rule(max(size, rules.step_size * 1000), best) is None


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 10**6), step=st.integers(0, 10**11))
def test_what_currencies_are_worth_lies_within_every_spread(seed: int, step: int) -> None:
    """So no cycle of any length pays before fees: at these prices each leg is a fair deal or worse."""
    market = GeneratedMarket(seed, **CALM)
    at_ns = step * market.step_ns
    worth = {name: market._price(name, step) for name in universe(CURRENCIES_MAX).currencies}
    for name in market.markets:
        base, quote = name.split("/")
        book = market.book_at(name, at_ns)
        fair = Decimal(worth[base]) / worth[quote]
        assert book.bids[0][0] <= fair <= book.asks[0][0], name


def test_a_dislocated_market_is_far_enough_off_to_pay() -> None:
    market = GeneratedMarket(11, dislocated_ppm=1_000_000, currencies=100)
    world = universe(100)
    off, directions, looks = 0, set(), 0
    for step in range(0, 2_000, 8):
        at_ns = START_NS + step * market.step_ns
        found = {name: market.dislocation_bps(name, at_ns) for name in market.markets}
        found = {name: bps for name, bps in found.items() if bps}
        looks += 1
        off += bool(found)
        for name, bps in found.items():
            assert 30 <= abs(bps) - world.markets[name].beyond_bps <= 80
            directions.add(bps > 0)
            made_at = world.step_of(name, at_ns // market.step_ns)
            base, quote = name.split("/")
            fair = Decimal(market._price(base, made_at)) / market._price(quote, made_at)
            book = market.book_at(name, at_ns)
            gained = book.bids[0][0] / fair if bps > 0 else fair / book.asks[0][0]
            assert 25 < (gained - 1) * BPS < 85
    assert directions == {True, False}
    assert 0.4 < off / looks < 0.9


def test_dislocations_are_as_rare_as_in_a_small_market() -> None:
    market = GeneratedMarket(5, dislocated_ppm=7_500, currencies=CURRENCIES_MAX)
    steps = range(0, 60_000, 256)
    off = sum(
        market.dislocation_bps(name, START_NS + step * market.step_ns) != 0
        for step in steps
        for name in market.markets
    )
    assert off / len(steps) < 0.03


def test_nothing_is_there_before_time_began_or_for_a_market_that_is_not() -> None:
    market = GeneratedMarket(3, currencies=30)
    assert market.book_at("BTC/USDT", -1) is None
    assert market.book_at("C499/USDT", START_NS) is None
    assert {row.market for row in itertools.islice(market.changes(-1), len(market.markets))} == set(
        market.markets
    )
