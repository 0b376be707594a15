from decimal import Decimal
from pathlib import Path

import pytest

from arb.errors import FeedInvalid
from arb.feeds.recorded import RecordedMarket
from arb.market.book import MarketRules
from tests.spec.feed_files import HEADER, ROWS, written
from tests.spec.shared_data import shared_data


@pytest.mark.parametrize("name", ["feed.csv", "feed.csv.gz"])
def test_each_row_is_a_book_of_one_level(tmp_path: Path, name: str) -> None:
    feed = RecordedMarket(written(tmp_path, HEADER + ROWS, name))
    rows = list(feed.changes(0))
    assert [(row.at_ns, row.market, row.book.sequence) for row in rows] == [
        (1_500_000_000, "ETH/USD", 1),
        (1_500_000_000, "ETH/BTC", 2),
        (2_000_000_001, "ETH/USD", 3),
    ]
    assert rows[0].book.bids == ((Decimal("100.5"), Decimal(2)),)
    assert rows[0].book.asks == ((Decimal("100.6"), Decimal("3.25")),)
    assert (feed.first_ns, feed.last_ns) == (1_500_000_000, 2_000_000_001)


def test_a_feed_may_begin_with_the_mark_of_its_encoding(tmp_path: Path) -> None:
    feed = RecordedMarket(written(tmp_path, "\ufeff" + HEADER + ROWS))
    assert [row.book.sequence for row in feed.changes(0)] == [1, 2, 3]
    assert feed.refused == {}


def test_a_book_stands_from_its_row_until_the_next(tmp_path: Path) -> None:
    feed = RecordedMarket(written(tmp_path, HEADER + ROWS))
    assert feed.book_at("ETH/USD", 1_499_999_999) is None
    assert feed.book_at("ETH/USD", 1_500_000_000).sequence == 1
    assert feed.book_at("ETH/USD", 2_000_000_000).sequence == 1
    assert feed.book_at("ETH/USD", 2_000_000_001).sequence == 3
    assert feed.book_at("ETH/USD", 10**18).sequence == 3
    assert feed.book_at("BTC/USD", 10**18) is None


def test_changes_are_strictly_after_a_time(tmp_path: Path) -> None:
    feed = RecordedMarket(written(tmp_path, HEADER + ROWS))
    assert [row.book.sequence for row in feed.changes(1_499_999_999)] == [1, 2, 3]
    assert [row.book.sequence for row in feed.changes(1_500_000_000)] == [3]
    assert list(feed.changes(2_000_000_001)) == []


def test_the_permissive_rules_are_the_decimals_seen(tmp_path: Path) -> None:
    feed = RecordedMarket(written(tmp_path, HEADER + ROWS))
    rules = feed.markets["ETH/USD"]
    assert feed.rules_name == "permissive"
    assert (rules.base, rules.quote) == ("ETH", "USD")
    assert (rules.tick_size, rules.step_size) == (Decimal("0.01"), Decimal("0.01"))
    assert (rules.amount_min, rules.notional_min) == (Decimal("0.01"), 0)
    assert feed.markets["ETH/BTC"].tick_size == Decimal("0.00001")


def test_a_recording_plays_at_another_time_and_in_part(tmp_path: Path) -> None:
    path = written(tmp_path, HEADER + ROWS)
    later = RecordedMarket(path, offset_ns=10**9)
    assert (later.first_ns, later.last_ns) == (2_500_000_000, 3_000_000_001)
    assert later.book_at("ETH/USD", 2_499_999_999) is None
    part = RecordedMarket(path, start_ns=2 * 10**9, offset_ns=-1)
    assert [(row.at_ns, row.book.sequence) for row in part.changes(0)] == [(2_000_000_000, 3)]
    head = RecordedMarket(path, end_ns=2_000_000_001)
    assert [row.book.sequence for row in head.changes(0)] == [1, 2]
    with pytest.raises(FeedInvalid, match=r"no row .*, from 1970-01-01T00:00:01.500Z to "):
        RecordedMarket(path, start_ns=10**18)


def test_a_part_has_no_book_before_its_first_row_and_keeps_the_last_one(tmp_path: Path) -> None:
    path = written(tmp_path, HEADER + ROWS)
    part = RecordedMarket(path, start_ns=2 * 10**9)
    assert part.book_at("ETH/BTC", 10**18) is None
    assert part.book_at("ETH/USD", 2_000_000_000) is None
    assert part.book_at("ETH/USD", 2_000_000_001).sequence == 3
    head = RecordedMarket(path, end_ns=2 * 10**9)
    assert head.book_at("ETH/USD", 10**18).sequence == 1
    assert head.last_ns == 1_500_000_000


def test_a_recording_that_was_read_plays_again_without_its_file(tmp_path: Path) -> None:
    path = written(tmp_path, HEADER + "bad\n" + ROWS)
    first = RecordedMarket(path)
    path.unlink()
    again = RecordedMarket(first.recording, start_ns=2 * 10**9, offset_ns=5)
    assert [(row.at_ns, row.book.sequence) for row in again.changes(0)] == [(2_000_000_006, 4)]
    assert again.markets == first.markets
    assert again.refused == first.refused == {"field_count": 1}


def test_what_is_asked_at_any_time_is_what_the_rows_before_it_said(tmp_path: Path) -> None:
    rows = "".join(f"{n // 3},{'ABC'[n * n % 3]},USD,{n + 1},1,{n + 2},1\n" for n in range(60))
    feed = RecordedMarket(written(tmp_path, HEADER + rows), start_ns=2 * 10**9, offset_ns=-7)
    for at_ns in (*range(0, 21 * 10**9, 500_000_000), *range(15 * 10**9, 0, -500_000_000)):
        for market in feed.markets:
            past = [row.book for row in feed.changes(-1) if row.at_ns <= at_ns]
            expected = [book for book in past if book.market == market][-1:]
            assert feed.book_at(market, at_ns) == (expected[0] if expected else None)


REPEATED = "0,A,USD,9,1,10,1\n1,B,USD,9,1,10,1\n1,A,USD,9,1,10,1\n2,A,USD,9,1,10,2\n3,A,USD,9.0,1,10,2\n4,A,USD,9,1,10,1\n"


def test_what_a_market_was_told_between_two_times_is_every_row_of_it(tmp_path: Path) -> None:
    feed = RecordedMarket(written(tmp_path, HEADER + REPEATED), offset_ns=5)
    for first in range(-1, 6):
        for last in range(first, 6):
            after_ns, until_ns = first * 10**9 + 5, last * 10**9 + 5
            for looked_at in (after_ns, until_ns):  # what was asked before changes nothing
                feed.book_at("A/USD", looked_at)
                told = [
                    (at_ns, book and book.sequence)
                    for at_ns, book in feed.shown("A/USD", after_ns, until_ns)
                ]
                assert told == [
                    (second * 10**9 + 5, number)
                    for second, number in ((0, 1), (1, 3), (2, 4), (3, 5), (4, 6))
                    if first < second <= last
                ]
    assert list(feed.shown("C/USD", -1, 10**12)) == []


def listed(market: str, tick: str, step: str) -> MarketRules:
    base, quote = market.split("/")
    return MarketRules(
        market=market,
        base=base,
        quote=quote,
        tick_size=Decimal(tick),
        step_size=Decimal(step),
        amount_min=Decimal(step),
        amount_max=Decimal(1000),
        notional_min=Decimal(5),
    )


def test_with_a_list_of_markets_others_are_refused_and_books_stay_as_they_are(
    tmp_path: Path,
) -> None:
    rules = {name: listed(name, "1", "1") for name in ("ETH/USD", "BTC/USD")}
    feed = RecordedMarket(written(tmp_path, HEADER + ROWS), rules=rules)
    assert feed.rules_name == "listed"
    assert feed.markets == {"ETH/USD": rules["ETH/USD"]}
    assert feed.refused == {"not_listed": 1}
    assert feed.complaints == (f"{tmp_path}/feed.csv:3: ETH/BTC is not listed among the markets",)
    assert [row.book.sequence for row in feed.changes(0)] == [1, 3]
    assert feed.book_at("ETH/USD", 10**18).bids == ((Decimal("100.51"), Decimal(1)),)
    assert feed.book_at("ETH/BTC", 10**18) is None


def test_the_recorded_gemini_stream_plays() -> None:
    feed = RecordedMarket(shared_data("streams", "gemini_bbo_20210417.csv.gz"))
    rows = list(feed.changes(0))
    assert len(rows) == 344
    assert len(feed.markets) == 10
    assert feed.first_ns == 1_618_677_942_586_266_000
    assert rows[1].at_ns == 1_618_677_942_606_500_100
    for row in rows:
        rules = feed.markets[row.market]
        for price, size in (*row.book.bids, *row.book.asks):
            assert rules.broken_rule(size, price) is None
