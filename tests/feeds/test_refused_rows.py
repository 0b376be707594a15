import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arb.errors import FeedInvalid
from arb.feeds.lines import read_lines
from arb.feeds.recorded import RecordedMarket
from arb.limits import FEED_COMPLAINTS_MAX, FEED_NUMBERS_MAX
from tests.spec.feed_files import HEADER, LEGACY_HEADER, LEGACY_ROWS, ROWS, written

BAD = [
    ("2,ETH,USD,NaN,1,100,1", "not_a_number", "bid: 'NaN' is not a finite number"),
    ("2,ETH,USD,99,inf,100,1", "not_a_number", "bid_size: 'inf' is not a finite number"),
    ("2,ETH,USD,ninety,1,100,1", "not_a_number", "bid: 'ninety' is not a number"),
    ("2,ETH,USD,9.9.9,1,100,1", "not_a_number", "bid: '9.9.9' is not a number"),
    ("2,ETH,USD,,1,100,1", "not_a_number", "bid: '' is not a number"),
    ("2,ETH,USD,.,1,100,1", "not_a_number", "bid: '.' is not a number"),
    ("2,ETH,USD,99,-1,100,1", "not_positive", "bid_size: -1 is not above 0"),
    ("2,ETH,USD,0,1,100,1", "not_positive", "bid: 0 is not above 0"),
    ("2,ETH,USD,99,1,-0.0,1", "not_positive", "ask: -0.0 is not above 0"),
    ("2,ETH,USD,101,1,100,1", "crossed", "crossed: bid 101 is above ask 100"),
    ("1.999,ETH,USD,99,1,100,1", "out_of_order", "1000001 ns older than the newest row"),
    ("2.0000000011,ETH,USD,99,1,100,1", "bad_time", "2.0000000011 is not a time in whole nano"),
    ("-2,ETH,USD,99,1,100,1", "bad_time", "recv_ts: -2 is not a time in whole nanoseconds"),
    ("now,ETH,USD,99,1,100,1", "bad_time", "recv_ts: 'now' is not a number"),
    (",ETH,USD,99,1,100,1", "bad_time", "recv_ts: '' is not a number"),
    ("1617649105908,ETH,USD,99,1,100,1", "bad_time", "is not a time in seconds since 1970"),
    ("2,ETH,USD,99,1,100", "field_count", "expected 7 columns, found 6"),
    ("2,ETH,USD,99,1,100,1,1", "field_count", "expected 7 columns, found 8"),
    ("", "field_count", "expected 7 columns, found 1"),
    ("2,,USD,99,1,100,1", "bad_name", "base: '' is not a currency's name"),
    ("2,A/B,C,99,1,100,1", "bad_name", "symbol: 'A/B/C' is not BASE/QUOTE"),
    ("2,USD,USD,99,1,100,1", "bad_name", "base and quote are both USD"),
    ("2,ETH,USD,1E-30,1,100,1", "not_a_number", "more than 18 digits"),
    ("2,ETH,USD,1E+300,1,100,1", "not_a_number", "more than 18 digits"),
    ("2,ETH,USD,0." + "1" * 19 + ",1,100,1", "not_a_number", "more than 18 digits"),
    ("2,ETH,USD," + "9" * 41 + ",1,100,1", "not_a_number", "more than 40 characters"),
]
BAD_LEGACY = [
    ("2,ETH-USD,99,100,99.5,0", "bad_name", "symbol: 'ETH-USD' is not BASE/QUOTE"),
    ("2,ETH/USD/X,99,100,99.5,0", "bad_name", "symbol: 'ETH/USD/X' is not BASE/QUOTE"),
    ("2,ETH/U$D,99,100,99.5,0", "bad_name", "quote: 'U$D' is not a currency's name"),
    ("2,ETH/USD,99,nan,99.5,0", "not_a_number", "ask: 'nan' is not a finite number"),
    ("2,ETH/USD,99,100,NaN,0", "not_a_number", "last: 'NaN' is not a finite number"),
    ("2,ETH/USD,99,100,0,0", "not_positive", "last: 0 is not above 0"),
    ("2,ETH/USD,99,100,99.5,-1", "not_positive", "volume: -1 is below 0"),
    ("2,ETH/USD,99,100,99.5,", "not_a_number", "volume: '' is not a number"),
    ("2,ETH/USD,99,100,99.5", "field_count", "expected 6 columns, found 5"),
    ("1,ETH/USD,99,100,99.5,0", "out_of_order", "1000000001 ns older than the newest row"),
    ("x,ETH/USD,99,100,99.5,0", "bad_time", "timestamp: 'x' is not a number"),
]


def without_row(path: Path, number: int) -> list[tuple[int, str]]:
    """What a feed plays, and that it is what it plays without the row of this number."""
    feed = RecordedMarket(path)
    lines = path.read_text().split("\n")
    good = RecordedMarket(written(path.parent, "\n".join(lines[:number] + lines[number + 1 :])))
    played = [row.book for row in feed.changes(0)]
    assert [(book.bids, book.asks) for book in played] == [
        (row.book.bids, row.book.asks) for row in good.changes(0)
    ]
    assert feed.markets == good.markets
    return [(book.sequence, book.market) for book in played]


@pytest.mark.parametrize(("row", "reason", "what"), BAD)
def test_a_bad_row_is_left_out_and_counted_with_its_line(
    tmp_path: Path, row: str, reason: str, what: str
) -> None:
    path = written(tmp_path, HEADER + ROWS + row + "\n" + "3,ETH,BTC,0.04,1,0.05,1\n", "bad.csv")
    feed = RecordedMarket(path)
    assert feed.refused == {reason: 1}
    assert feed.complaints[0].startswith(f"{path}:5: ")
    assert what in feed.complaints[0]
    assert [number for number, _ in without_row(path, 4)] == [1, 2, 3, 5]


@pytest.mark.parametrize(("row", "reason", "what"), BAD_LEGACY)
def test_a_bad_row_of_a_legacy_feed_is_left_out_and_counted(
    tmp_path: Path, row: str, reason: str, what: str
) -> None:
    text = LEGACY_HEADER + LEGACY_ROWS + row + "\n" + "3,ETH/BTC,0.04,0.05,0.04,0\n"
    path = written(tmp_path, text, "bad.csv")
    feed = RecordedMarket(path)
    assert feed.refused == {reason: 1}
    assert feed.complaints[0].startswith(f"{path}:5: ")
    assert what in feed.complaints[0]
    assert [number for number, _ in without_row(path, 4)] == [1, 2, 3, 5]


def test_all_refused_rows_are_counted_and_the_first_few_are_told(tmp_path: Path) -> None:
    bad = "".join(f"{row}\n" for row, _, _ in BAD)
    feed = RecordedMarket(written(tmp_path, HEADER + ROWS + bad))
    assert sum(feed.refused.values()) == len(BAD)
    assert set(feed.refused) == {reason for _, reason, _ in BAD}
    assert len(feed.complaints) == FEED_COMPLAINTS_MAX
    assert feed.complaints[1].endswith("feed.csv:6: bid_size: 'inf' is not a finite number")


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("☃,ETH,USD,99,1,100,1", "bad_time"),
        ("4,☃,USD,99,1,100,1", "bad_name"),
        ("4,ETH,USD,99,1,100,1é", "not_a_number"),
        ("4,ETH,USD,99,1,100,\uff11", "not_a_number"),
        ("☃", "field_count"),
    ],
)
def test_a_row_with_a_byte_that_is_not_ascii_is_left_out_and_counted(
    tmp_path: Path, row: str, reason: str
) -> None:
    good = RecordedMarket(written(tmp_path, HEADER + ROWS))
    feed = RecordedMarket(written(tmp_path, HEADER + ROWS + row + "\n"))
    assert feed.refused == {**good.refused, reason: good.refused.get(reason, 0) + 1}
    assert list(feed.changes(-1)) == list(good.changes(-1))


def test_a_refused_row_moves_no_time_on(tmp_path: Path) -> None:
    late = "9,ETH,USD,101,1,100,1\n3,ETH,USD,99,1,100,1\n"
    feed = RecordedMarket(written(tmp_path, HEADER + ROWS + late))
    assert feed.refused == {"crossed": 1}
    assert feed.last_ns == 3 * 10**9


def test_a_number_that_was_good_once_is_not_good_as_something_else(tmp_path: Path) -> None:
    rows = "0,ETH,USD,1,1,1,1\n0,1,0,1,1,1,1\n1,ETH,USD,0,1,1,1\n1,ETH,USD,1,0,1,1\n"
    feed = RecordedMarket(written(tmp_path, HEADER + rows))
    assert feed.refused == {"not_positive": 2}
    assert set(feed.markets) == {"ETH/USD", "1/0"}


def test_more_numbers_than_are_remembered_are_read_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = "".join(f"{n},ETH,USD,{n + 1},1.{n},{n + 2}.5,2.{n}\n" for n in range(50))
    path = written(tmp_path, HEADER + rows)
    plain = RecordedMarket(path)
    assert FEED_NUMBERS_MAX > 1000
    monkeypatch.setattr("arb.feeds.rows.FEED_NUMBERS_MAX", 3)
    assert list(RecordedMarket(path).changes(-1)) == list(plain.changes(-1))


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", ":1: the file has no rows"),
        (HEADER, ":1: the file has no rows"),
        (LEGACY_HEADER, ":1: the file has no rows"),
        ("recv_ts,base,quote,bid,ask,frozen,kind\n", ":1: expected the columns recv_ts,base"),
        ("timestamp,symbol,bid,ask\n", "or timestamp,symbol,bid,ask,last[,volume] in any order"),
        ("timestamp,symbol,bid,ask,last,last\n", ":1: expected the columns"),
        (ROWS, ":1: expected the columns"),
        ("\x00\x01\x02", ":1: expected the columns"),
        (HEADER + "2,ETH,USD,NaN,1,100,1\n", "none of its 1 rows is good; "),
        (HEADER + ROWS + "2,ETH,USD," + "9" * 1000 + ",1,100,1\n", ":5: a line above 1000 bytes"),
        (HEADER + ROWS + "2,ETH,USD," + "9" * 200_000, ":5: a line above 1000 bytes"),
        ("[" + "9," * 600, ":1: a line above 1000 bytes, where a recorded feed names its columns"),
        ("☃" + HEADER, ":1: expected the columns"),
    ],
)
def test_a_file_that_is_no_feed_is_refused(tmp_path: Path, text: str, what: str) -> None:
    with pytest.raises(FeedInvalid) as caught:
        RecordedMarket(written(tmp_path, text))
    assert what in str(caught.value)


def test_a_file_above_the_limit_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("arb.feeds.lines.FEED_FILE_BYTES_MAX", 100)
    with pytest.raises(FeedInvalid, match="above 100 bytes"):
        RecordedMarket(written(tmp_path, HEADER + ROWS))


def test_a_gz_that_is_cut_is_read_up_to_there(tmp_path: Path) -> None:
    rows = "".join(f"{n},ETH,USD,100.{n % 97},{n % 13 + 1},101.{n % 89},2\n" for n in range(5_000))
    path = written(tmp_path, HEADER + rows, "feed.csv.gz")
    path.write_bytes(path.read_bytes()[:-2_000])
    feed = RecordedMarket(path)
    assert feed.damage is not None
    where = re.search(r"feed\.csv\.gz:(\d{4}): the compressed data ends in the middle", feed.damage)
    assert where is not None, feed.damage
    last = (
        int(where[1]) - 2
    )  # the line is that of the first row that is not there; one is the header
    whole = RecordedMarket(written(tmp_path, HEADER + rows))
    assert list(feed.changes(-1)) == list(whole.changes(-1))[:last]
    assert whole.damage is None


def test_a_gz_that_is_cut_before_its_first_row_is_no_feed(tmp_path: Path) -> None:
    path = written(tmp_path, HEADER + ROWS, "feed.csv.gz")
    path.write_bytes(path.read_bytes()[:30])
    with pytest.raises(FeedInvalid, match=r"feed\.csv\.gz:1: the compressed data ends"):
        RecordedMarket(path)


def test_damaged_gz_and_missing_files_are_refused(tmp_path: Path) -> None:
    damaged = tmp_path / "feed.csv.gz"
    damaged.write_bytes(b"not gzip at all")
    with pytest.raises(FeedInvalid, match="not readable as gzip"):
        RecordedMarket(damaged)
    with pytest.raises(FeedInvalid, match="No such file"):
        RecordedMarket(tmp_path / "missing.csv")


def test_a_damaged_check_sum_is_found(tmp_path: Path) -> None:
    path = written(tmp_path, HEADER + ROWS, "feed.csv.gz")
    path.write_bytes(path.read_bytes()[:-8] + bytes(8))
    with pytest.raises(FeedInvalid, match="not readable as gzip: CRC check failed"):
        RecordedMarket(path)


@settings(deadline=None)
@given(
    lines=st.lists(st.text("ab,1.", max_size=30), min_size=1, max_size=30),
    end=st.sampled_from(["\n", "\r\n"]),
    chunk=st.integers(1, 40),
    ends_whole=st.booleans(),
)
def test_lines_are_whole_however_the_file_comes_in(
    tmp_path_factory: pytest.TempPathFactory,
    lines: list[str],
    end: str,
    chunk: int,
    ends_whole: bool,  # noqa: FBT001 -- drawn
) -> None:
    lines = lines if ends_whole or lines[-1] else [*lines[:-1], "x"]
    path = tmp_path_factory.mktemp("lines") / "file.csv"
    path.write_bytes((end.join(lines) + (end if ends_whole else "")).encode())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("arb.feeds.lines._CHUNK_BYTES", chunk)
        cuts: list[str] = []
        assert [line for block in read_lines(path, cuts.append) for line in block] == lines
