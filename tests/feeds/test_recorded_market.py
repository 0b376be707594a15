import gzip
from decimal import Decimal
from pathlib import Path

import pytest

from arb.errors import FeedInvalid
from arb.feeds.recorded import RecordedMarket
from tests.spec.shared_data import shared_data

HEADER = "recv_ts,base,quote,bid,bid_size,ask,ask_size\n"
ROWS = (
    "1.5,ETH,USD,100.5,2,100.6,3.25\n"
    "1.5,ETH,BTC,0.039,4,0.03903,4.15\n"
    "2.000000001,ETH,USD,100.51,1,100.6,3\n"
)


def written(folder: Path, text: str, name: str = "feed.csv") -> Path:
    path = folder / name
    if name.endswith(".gz"):
        path.write_bytes(gzip.compress(text.encode(), mtime=0))
    else:
        path.write_bytes(text.encode())
    return path


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
    with pytest.raises(FeedInvalid, match="no row to play"):
        RecordedMarket(path, start_ns=10**18)


@pytest.mark.parametrize(
    ("row", "what"),
    [
        ("2,ETH,USD,NaN,1,100,1", "bid: 'NaN' is not a finite number"),
        ("2,ETH,USD,99,inf,100,1", "bid_size: 'inf' is not a finite number"),
        ("2,ETH,USD,ninety,1,100,1", "bid: 'ninety' is not a number"),
        ("2,ETH,USD,,1,100,1", "bid: '' is not a number"),
        ("2,ETH,USD,99,-1,100,1", "bid_size: -1 is not above 0"),
        ("2,ETH,USD,0,1,100,1", "bid: 0 is not above 0"),
        ("2,ETH,USD,101,1,100,1", "crossed: bid 101 is above ask 100"),
        ("1.4,ETH,USD,99,1,100,1", "600000001 ns older than the one before"),
        ("2.0000000011,ETH,USD,99,1,100,1", "recv_ts: 2.0000000011 is not a time in whole"),
        ("2,ETH,USD,99,1,100", "expected 7 columns, found 6"),
        ("2,ETH,USD,99,1,100,1,1", "expected 7 columns, found 8"),
        ("", "expected 7 columns, found 1"),
        ("2,,USD,99,1,100,1", "base: '' is not a currency's name"),
        ("2,USD,USD,99,1,100,1", "base and quote are both USD"),
        ("2,ETH,USD,1E-30,1,100,1", "more than 18 digits"),
        ("2,ETH,USD,1E+300,1,100,1", "more than 18 digits"),
        ("2,ETH,USD," + "9" * 41 + ",1,100,1", "more than 40 characters"),
        ("2,ETH,USD," + "9" * 1000 + ",1,100,1", "a line above 1000 bytes"),
        ("2,ETH,USD,99,1,100,1é", "not ASCII"),
    ],
)
def test_a_bad_row_is_refused_with_its_line(tmp_path: Path, row: str, what: str) -> None:
    path = written(tmp_path, HEADER + ROWS + row + "\n" + ROWS)
    with pytest.raises(FeedInvalid) as caught:
        RecordedMarket(path)
    assert str(caught.value).startswith(f"{path}:5: ")
    assert what in str(caught.value)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", ":1: the file has no rows"),
        (HEADER, ":1: the file has no rows"),
        ("timestamp,symbol,bid,ask,last,volume\n", ":1: expected the columns recv_ts,base"),
        (ROWS, ":1: expected the columns"),
    ],
)
def test_a_file_of_another_format_is_refused(tmp_path: Path, text: str, what: str) -> None:
    with pytest.raises(FeedInvalid) as caught:
        RecordedMarket(written(tmp_path, text))
    assert what in str(caught.value)


def test_a_truncated_gz_says_where(tmp_path: Path) -> None:
    rows = "".join(f"{n},ETH,USD,100.{n % 97},{n % 13 + 1},101.{n % 89},2\n" for n in range(5_000))
    path = written(tmp_path, HEADER + rows, "feed.csv.gz")
    path.write_bytes(path.read_bytes()[:-2_000])
    with pytest.raises(FeedInvalid, match=r"feed\.csv\.gz:\d{4}: the compressed data ends"):
        RecordedMarket(path)


def test_damaged_gz_and_missing_files_are_refused(tmp_path: Path) -> None:
    damaged = tmp_path / "feed.csv.gz"
    damaged.write_bytes(b"not gzip at all")
    with pytest.raises(FeedInvalid, match="not readable as gzip"):
        RecordedMarket(damaged)
    with pytest.raises(FeedInvalid, match="No such file"):
        RecordedMarket(tmp_path / "missing.csv")


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
