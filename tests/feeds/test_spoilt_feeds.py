"""Whatever a feed, a list of cycles or a venue's stream holds: it is what it says, or it is left out or refused by name."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from arb.clock import VirtualClock
from arb.errors import ConfigInvalid, FeedInvalid
from arb.feeds.blocks import pack
from arb.feeds.book_rows import BookRow, EndRow, Heading
from arb.feeds.listings import read_listing
from arb.feeds.live import LiveBooks
from arb.feeds.recorded import RecordedMarket
from arb.market.book import MarketRules
from arb.strategy.cycle_file import read_cycle_file
from tests.feeds.books import check_book
from tests.feeds.listing_examples import VENUES, body
from tests.spec.feed_files import HEADER, LEGACY_HEADER, LEGACY_ROWS, ROWS
from tests.spec.properties import examples
from tests.spec.spoiling import SPOILT, WORSE, scratched, spoilt_anywhere

ODD = st.text(max_size=6) | st.sampled_from(
    [
        *("NaN", "-NaN", "sNaN", "inf", "-Infinity", "1e999", "1E-999", "-1", "0", "-0", "1_0"),
        *("\n", "\r\n", "\r", ",", ",,", '"', "'", ";", "\t", "\x00", "\x1a", "\ufeff", "\u2028"),
        *("\u0661", "\uff11", "é", "9" * 30, "9" * 2_000, "A/B/C", "/", ">", "=1+1"),
    ]
)
CYCLES = (
    "base,inter,quote,pair1,pair2,pair3,fee_bps,min_profit_bps\n"
    "BTC,ETH,USDT,BTC/ETH,ETH/USDT,USDT/BTC,10,7.5\nSOL,ETH,USDC,,,,,\n"
)
PATHS = "path,fee_bps\nBTC>ETH>USDT,10\nBTC>USDT>SOL>ETH,\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("spoilt")


def put(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_bytes(text.encode(errors="surrogatepass"))
    return path


def check_rules(market: str, rules: MarketRules) -> None:
    assert market == rules.market == f"{rules.base}/{rules.quote}"
    assert rules.base != rules.quote
    for number in (rules.tick_size, rules.step_size, rules.amount_max):
        assert number.is_finite()
        assert number > 0
        assert abs(number.adjusted()) <= 18
    for number in (rules.amount_min, rules.notional_min):
        assert number.is_finite()
        assert number >= 0
    assert rules.amount_min <= rules.amount_max


def plays(path: Path) -> None:
    """A feed plays good rows alone and says how many it left out; or it is refused by its name."""
    try:
        feed = RecordedMarket(path)
    except FeedInvalid as error:
        assert str(error).startswith(str(path))  # noqa: PT017 -- both ends are right
        assert str(error).encode()  # noqa: PT017
        return
    played = list(feed.changes(-1))
    assert played
    for row in played:
        check_book(row.book)
        assert row.book.bids[0][0] > 0
    times = [row.at_ns for row in played]
    assert times == sorted(times)
    for market, rules in feed.markets.items():
        check_rules(market, rules)
    assert bool(feed.complaints) == bool(feed.refused)


@examples(300)
@given(text=st.sampled_from([HEADER + ROWS, LEGACY_HEADER + LEGACY_ROWS]).flatmap(
    lambda whole: scratched(whole, odd=ODD)
))  # fmt: skip
def test_a_scratched_feed_plays_what_is_good_in_it(folder: Path, text: str) -> None:
    plays(put(folder, "feed.csv", text))


@examples(200)
@given(
    rows=st.lists(
        st.lists(ODD | st.sampled_from(["1", "2.5", "ETH", "USD", "ETH/USD"]), max_size=8).map(
            ",".join
        ),
        max_size=12,
    ),
    header=st.sampled_from([HEADER, LEGACY_HEADER, ""]),
)
def test_rows_of_anything_are_left_out_or_good(folder: Path, rows: list[str], header: str) -> None:
    plays(put(folder, "rows.csv", header + "\n".join(rows)))


COLUMNS = [
    (whole, column)
    for whole in (HEADER + ROWS, LEGACY_HEADER + LEGACY_ROWS)
    for column in range(whole.split("\n", 1)[0].count(",") + 1)
]


@pytest.mark.parametrize(("whole", "column"), COLUMNS)
def test_a_row_with_one_spoilt_field_is_left_out_or_good(
    folder: Path, whole: str, column: int
) -> None:
    @examples(25)
    @given(SPOILT.map(str) | ODD)
    def check(value: str) -> None:
        first, *rows = whole.splitlines()
        fields = rows[1].split(",")
        fields[column] = value
        plays(put(folder, "field.csv", "\n".join([first, rows[0], ",".join(fields), *rows[2:]])))

    check()


@examples(300)
@given(text=st.sampled_from([CYCLES, PATHS, CYCLES.split("\n", 1)[1]]).flatmap(
    lambda whole: scratched(whole, odd=ODD)
))  # fmt: skip
def test_a_scratched_file_of_cycles_is_read_or_refused_with_its_place(
    folder: Path, text: str
) -> None:
    path = put(folder, "cycles.csv", text)
    try:
        rows = read_cycle_file(path).rows
    except ConfigInvalid as error:
        assert str(error).startswith(str(path))  # noqa: PT017 -- both ends are right
        assert str(error).encode()  # noqa: PT017
        return
    assert rows
    for row in rows:
        assert 2 <= len(set(row.currencies)) == len(row.currencies)
        for number in (row.fee_bps, row.min_profit_bps):
            assert number is None or (number.is_finite() and abs(number) < 100_000)


@pytest.mark.parametrize("venue", [*VENUES, "own"])
def test_a_spoilt_listing_is_read_or_refused_by_its_file(folder: Path, venue: str) -> None:
    @examples(60)
    @given(spoilt_anywhere(body(venue)))
    def check(listing: Any) -> None:
        path = put(folder, "listing.json", json.dumps(listing))
        try:
            found = read_listing(path)
        except FeedInvalid as error:
            assert str(error).startswith(str(path))  # noqa: PT017 -- both ends are right
            assert str(error).encode()  # noqa: PT017
            return
        for market, rules in found.items():
            check_rules(market, rules)

    check()


NUMBERS = st.sampled_from(["1", "2.5", "99", 1.5, 99.0, 100.0, 101, Decimal(100)]) | SPOILT | WORSE
SIDES = st.lists(st.lists(NUMBERS, max_size=3) | SPOILT, max_size=3) | SPOILT


@examples(600)
@given(bids=SIDES, asks=SIDES, sequence=st.none() | st.integers())
@example(bids=[["1", [1, 2]]], asks=[], sequence=None)
@example(bids=[["1e999999999", "1"]], asks=[], sequence=None)
@example(bids=[[1e300, 1.0]], asks=[], sequence=None)
@example(bids=[["1", "1e-999999999"]], asks=[], sequence=None)
@example(bids=[[1.0, None]], asks=[], sequence=None)
def test_a_spoilt_book_of_a_stream_is_what_it_says_or_none(
    bids: Any, asks: Any, sequence: int | None
) -> None:
    books = LiveBooks(VirtualClock(0))
    stands = books.put("A/B", bids, asks, sequence=sequence)
    book = books.book("A/B")
    assert stands == (book is not None) != bool(books.refused)
    if book is not None:
        check_book(book)
        assert all(size > 0 for _, size in (*book.bids, *book.asks))


PRICE = Decimal("0.01")
RECORDED = [
    Heading(
        venue="binance",
        feed="live",
        began_ns=0,
        markets=(MarketRules("A/B", "A", "B", PRICE, PRICE, PRICE, Decimal(1_000), Decimal(5)),),
    ),
    *(
        BookRow(n, n, "A/B", n, ((Decimal(n), Decimal(1)),), ((Decimal(n + 1), Decimal(2)),))
        for n in (1, 2, 3)
    ),
    EndRow(3, 9),
]
# A market whose largest amount is below its smallest, with a tick that no sum can hold.
FEW = (
    '{"market":"A/B","base":"A","quote":"B","tick_size":"1e-999999","step_size":"1",'
    '"amount_min":"2","amount_max":"1","notional_min":"5"}'
)
LINES: list[Any] = [json.loads(msgspec.json.encode(one)) for one in RECORDED]


def plays_books(path: Path) -> None:
    """What is good is played up to where the damage is; or the file is refused by its name."""
    try:
        feed = RecordedMarket(path)
        played = list(feed.changes(-1))
    except FeedInvalid as error:
        assert str(error).startswith(str(path))  # noqa: PT017 -- both ends are right
        assert str(error).encode()  # noqa: PT017
        return
    for row in played:
        check_book(row.book)
    times = [row.at_ns for row in played]
    assert times == sorted(times)
    for market, rules in feed.markets.items():
        check_rules(market, rules)


@pytest.mark.parametrize("line", range(len(LINES)))
def test_a_recording_with_one_spoilt_line_plays_what_is_good(folder: Path, line: int) -> None:
    @examples(80)
    @example('{"arb_recording":1,"venue":"v","feed":"live","began_ns":0,"markets":[' + FEW + "]}")
    @given(spoilt_anywhere(LINES[line]).map(json.dumps) | scratched(json.dumps(LINES[line])))
    def check(text: str) -> None:
        lines = [json.dumps(one) for one in LINES]
        lines[line] = text
        path = folder / "books.rec.gz"
        path.write_bytes(pack("\n".join([*lines, ""]).encode(errors="surrogatepass")))
        plays_books(path)

    check()


@examples(200)
@given(at=st.integers(0, 300), gone=st.integers(0, 20), put=st.binary(max_size=6))
def test_a_recording_with_spoilt_bytes_plays_what_is_good(
    folder: Path, at: int, gone: int, put: bytes
) -> None:
    whole = pack("\n".join([*map(json.dumps, LINES), ""]).encode())
    path = folder / "bytes.rec.gz"
    path.write_bytes(whole[:at] + put + whole[at + gone :])
    plays_books(path)


def test_a_whole_recording_plays_every_row(folder: Path) -> None:
    """Else the spoilt ones would prove nothing."""
    path = folder / "whole.rec.gz"
    path.write_bytes(pack("\n".join([*map(json.dumps, LINES), ""]).encode()))
    feed = RecordedMarket(path)
    assert [row.book.sequence for row in feed.changes(-1)] == [1, 2, 3]
