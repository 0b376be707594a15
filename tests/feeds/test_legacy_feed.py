from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arb.feeds.recorded import RecordedMarket
from arb.market.book import MarketRules
from arb.money import is_multiple
from tests.spec.feed_files import HEADER, LEGACY_HEADER, LEGACY_ROWS, ROWS, written
from tests.spec.shared_data import shared_data


def turned(text: str, order: list[int]) -> str:
    """The same table with its columns in another order."""
    rows = [line.split(",") for line in text.splitlines()]
    return "".join(",".join(row[at] for at in order) + "\n" for row in rows)


@pytest.mark.parametrize("name", ["feed.csv", "feed.csv.gz"])
def test_a_legacy_row_is_a_book_whose_depth_is_unknown(tmp_path: Path, name: str) -> None:
    feed = RecordedMarket(written(tmp_path, LEGACY_HEADER + LEGACY_ROWS, name))
    rows = list(feed.changes(0))
    assert [(row.at_ns, row.market, row.book.sequence) for row in rows] == [
        (1_500_000_000, "ETH/USD", 1),
        (1_500_000_000, "ETH/BTC", 2),
        (2_000_000_001, "ETH/USD", 3),
    ]
    assert rows[0].book.bids == ((Decimal("100.5"), 0),)
    assert rows[0].book.asks == ((Decimal("100.6"), 0),)


def test_a_compressed_feed_is_read_whatever_its_name(tmp_path: Path) -> None:
    packed = written(tmp_path, LEGACY_HEADER + LEGACY_ROWS, "feed.csv.gz")
    named = packed.rename(tmp_path / "named.csv")
    plain = written(tmp_path, LEGACY_HEADER + LEGACY_ROWS, "feed.csv")
    assert list(RecordedMarket(named).changes(0)) == list(RecordedMarket(plain).changes(0))
    named.write_bytes(named.read_bytes()[:-12])
    assert "named.csv:" in (RecordedMarket(named).damage or "")


def test_the_rules_of_a_feed_without_sizes_have_small_steps(tmp_path: Path) -> None:
    rules = RecordedMarket(written(tmp_path, LEGACY_HEADER + LEGACY_ROWS)).markets["ETH/USD"]
    assert (rules.base, rules.quote) == ("ETH", "USD")
    assert (rules.tick_size, rules.step_size) == (Decimal("0.01"), Decimal("0.00000001"))
    assert rules.amount_min == rules.step_size


def test_the_last_legacy_column_may_be_left_out(tmp_path: Path) -> None:
    text = turned(LEGACY_HEADER + LEGACY_ROWS, [0, 1, 2, 3, 4])
    without = RecordedMarket(written(tmp_path, text, "short.csv"))
    whole = RecordedMarket(written(tmp_path, LEGACY_HEADER + LEGACY_ROWS))
    assert list(without.changes(0)) == list(whole.changes(0))


@given(recorded=st.permutations(range(7)), legacy=st.permutations(range(6)))
def test_columns_may_stand_in_any_order(
    tmp_path_factory: pytest.TempPathFactory, recorded: list[int], legacy: list[int]
) -> None:
    folder = tmp_path_factory.mktemp("turned")
    for text, order in ((HEADER + ROWS, recorded), (LEGACY_HEADER + LEGACY_ROWS, legacy)):
        straight = RecordedMarket(written(folder, text, "straight.csv"))
        other = RecordedMarket(written(folder, turned(text, order), "turned.csv"))
        assert list(other.changes(0)) == list(straight.changes(0))
        assert other.markets == straight.markets
        assert other.refused == {}


def test_an_assumed_depth_stands_at_the_touch_of_the_markets_of_its_quote(tmp_path: Path) -> None:
    path = written(tmp_path, LEGACY_HEADER + LEGACY_ROWS)
    feed = RecordedMarket(path, assumed_depth={"USD": Decimal(1000)})
    book = feed.book_at("ETH/USD", 1_500_000_000)
    assert book.bids == ((Decimal("100.5"), Decimal("9.95024875")),)
    assert book.asks == ((Decimal("100.6"), Decimal("9.94035785")),)
    assert feed.book_at("ETH/BTC", 1_500_000_000).bids == ((Decimal("0.039"), 0),)
    assert next(row.book for row in feed.changes(0)) == book


@settings(deadline=None)
@given(
    depth=st.decimals("0.01", 10**9, places=2),
    price=st.decimals("0.00000001", 10**6, places=8),
    step=st.sampled_from(["1E-8", "0.001", "1", "25"]),
)
def test_an_assumed_size_is_the_most_whole_steps_that_the_depth_pays(
    tmp_path_factory: pytest.TempPathFactory, depth: Decimal, price: Decimal, step: str
) -> None:
    rules = MarketRules(
        market="A/B",
        base="A",
        quote="B",
        tick_size=Decimal("1E-8"),
        step_size=Decimal(step),
        amount_min=Decimal(step),
        amount_max=Decimal(10**9),
        notional_min=Decimal(0),
    )
    path = written(
        tmp_path_factory.mktemp("depth"), f"{LEGACY_HEADER}1,A/B,{price:f},{price:f},1,0\n"
    )
    feed = RecordedMarket(path, rules={"A/B": rules}, assumed_depth={"B": depth})
    ((_, size),) = feed.book_at("A/B", 10**9).bids
    assert is_multiple(size, rules.step_size)
    assert size * price <= depth < (size + rules.step_size) * price


def test_the_sizes_of_a_recording_are_its_own_whatever_is_assumed(tmp_path: Path) -> None:
    path = written(tmp_path, HEADER + ROWS)
    feed = RecordedMarket(path, assumed_depth={"USD": Decimal(10**9)})
    assert list(feed.changes(0)) == list(RecordedMarket(path).changes(0))


def test_the_recorded_poloniex_tickers_play() -> None:
    feed = RecordedMarket(shared_data("legacy_feed", "poloniex_all_20210405.csv.gz"))
    rows = list(feed.changes(0))
    assert (len(rows), len(feed.markets), feed.refused) == (6_902, 243, {})
    assert feed.first_ns == 1_617_649_105_908_352_000
    assert 118 * 10**9 < feed.last_ns - feed.first_ns < 119 * 10**9
    assert rows[2].at_ns == 1_617_649_105_908_419_100
    assert rows[2].book.bids == ((Decimal("216.87672072"), 0),)
    assert all(one.at_ns <= two.at_ns for one, two in pairwise(rows))
    assert {rules.tick_size for rules in feed.markets.values()} == {Decimal("1E-8")}


def test_the_two_forms_of_the_gemini_recording_tell_the_same_prices() -> None:
    legacy = RecordedMarket(shared_data("legacy_feed", "gemini_20210417.csv.gz"))
    sized = RecordedMarket(shared_data("streams", "gemini_bbo_20210417.csv.gz"))

    def prices(feed: RecordedMarket) -> list[tuple[int, str, Decimal, Decimal]]:
        return [
            (row.at_ns, row.market, row.book.bids[0][0], row.book.asks[0][0])
            for row in feed.changes(0)
        ]

    assert prices(legacy) == prices(sized)
    assert {name: rules.tick_size for name, rules in legacy.markets.items()} == {
        name: rules.tick_size for name, rules in sized.markets.items()
    }
