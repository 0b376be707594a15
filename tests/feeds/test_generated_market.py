import itertools
import json
from decimal import Decimal
from hashlib import sha256
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from arb.feeds.generated import GeneratedMarket
from arb.feeds.noise import Wander
from arb.market.book import Book, FeeRates
from arb.market.chain import Quote, quote_path
from arb.market.routes import legs_of
from arb.money import is_multiple

START_NS = 1_700_000_000 * 10**9
TIMES = st.integers(0, 4_000_000_000 * 10**9)
SOURCE = Path(__file__).resolve().parents[2] / "arb" / "feeds"


def told(book: Book | None) -> list[object]:
    assert book is not None
    return [book.market, [[str(p), str(s)] for p, s in (*book.bids, *book.asks)], book.sequence]


@settings(deadline=None)
@given(seed=st.integers(0, 10**6), at_ns=TIMES)
def test_a_book_is_a_function_of_seed_and_time(seed: int, at_ns: int) -> None:
    asked_once, asked_often = GeneratedMarket(seed), GeneratedMarket(seed)
    for market in asked_often.markets:
        asked_often.book_at(market, at_ns + 10**9)
        asked_often.book_at(market, max(at_ns - 10**11, 0))
        assert asked_once.book_at(market, at_ns) == asked_often.book_at(market, at_ns)


def test_the_books_are_the_same_on_every_machine() -> None:
    market = GeneratedMarket(7)
    rows = [told(market.book_at(name, START_NS)) for name in market.markets]
    digest = sha256(json.dumps(rows).encode()).hexdigest()
    assert digest == "4ed6270a2a951a0c04c3cafbe7bfc669400b42049b6ab51a5bc5f328ee0cbac8"


@settings(deadline=None)
@given(at_ns=TIMES)
def test_books_stand_on_the_grid_of_their_market_and_are_not_crossed(at_ns: int) -> None:
    market = GeneratedMarket(3)
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
        assert rules.broken_rule(Decimal(10), book.asks[0][0]) is None


def test_changes_are_the_books_that_stand_from_then_on() -> None:
    market = GeneratedMarket(3)
    rows = list(itertools.islice(market.changes(START_NS), 25))
    assert [row.at_ns for row in rows[:11]] == [START_NS + 10**8] * 10 + [START_NS + 2 * 10**8]
    for row in rows:
        assert row.book == market.book_at(row.market, row.at_ns)
        assert row.book == market.book_at(row.market, row.at_ns + market.step_ns - 1)
        assert row.book.sequence == row.at_ns // market.step_ns


def test_nothing_is_there_before_time_began_or_for_a_market_that_is_not() -> None:
    market = GeneratedMarket(3)
    assert market.book_at("BTC/USDT", -1) is None
    assert market.book_at("DOGE/USDT", START_NS) is None
    assert next(market.changes(-5 * 10**9)).at_ns == 0


def test_prices_fit_each_other_but_for_some_dislocations_that_pay_after_fees() -> None:
    market = GeneratedMarket(11)
    fees = FeeRates(taker=Decimal("0.001"), maker=Decimal("0.001"))
    cycles = [
        legs_of(path, market.markets)
        for path in (
            ["USDT", "BTC", "ETH"],
            ["USDT", "ETH", "BTC"],
            ["USDT", "BTC", "SOL"],
            ["USDT", "SOL", "BTC"],
            ["USDT", "BNB", "BTC"],
            ["USDT", "USDC", "BTC"],
        )
    ]
    quiet, off, paying = [], 0, 0
    directions = set()
    for step in range(0, 4_000, 2):
        at_ns = START_NS + step * market.step_ns
        offsets = [market.dislocation_bps(name, at_ns) for name in market.markets]
        dislocated = any(offsets)
        off += dislocated
        directions.update(bps > 0 for bps in offsets if bps)
        assert all(bps == 0 or 30 <= abs(bps) <= 80 for bps in offsets)
        edges = [
            found.edge_bps
            for legs in cycles
            if isinstance(
                found := quote_path(
                    legs,
                    Decimal(1_000),
                    lambda name, at_ns=at_ns: market.book_at(name, at_ns),
                    market.markets,
                    fees,
                    Decimal(20),
                ),
                Quote,
            )
        ]
        assert edges
        paying += any(edge > 0 for edge in edges)
        if not dislocated:
            quiet.extend(edges)
    assert min(quiet) > -60
    assert max(quiet) < -10
    assert 0.002 < off / 2_000 < 0.02
    assert paying > 0
    assert directions == {True, False}


@settings(deadline=None)
@given(step=st.integers(0, 10**12))
def test_noise_moves_slowly_and_stays_within_its_octaves(step: int) -> None:
    wander = Wander(5, "BTC")
    here, there = wander.at(step), wander.at(step + 1)
    assert abs(here) < 778 * 100_000
    assert abs(there - here) < 4 * 100_000


def test_no_float_is_near_a_price() -> None:
    for name in ("generated.py", "noise.py", "universe.py"):
        text = (SOURCE / name).read_text()
        assert "float" not in text
        assert "import math" not in text
        if name != "universe.py":  # whose quotients are decimals
            assert " / " not in text
