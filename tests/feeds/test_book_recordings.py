"""A recording of books gives back what was told; cut or spoilt, it gives back the beginning, and says where it ends."""

import random
import zlib
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from arb.clock import VirtualClock
from arb.errors import ConfigInvalid, FeedInvalid
from arb.feeds.blocks import pack
from arb.feeds.book_rows import BookRow, EndRow, Heading, encode
from arb.feeds.recorded import RecordedMarket
from arb.feeds.recorder import Recorder
from arb.feeds.run_rows import MarketsRow
from arb.feeds.source import Change
from arb.market.book import Book, MarketRules

A, B = "AAA/USDT", "BBB/USDT"


def rules(market: str) -> MarketRules:
    base, quote = market.split("/")
    step = Decimal("0.01")
    return MarketRules(market, base, quote, step, step, step, Decimal(1_000), Decimal(5))


HEADING = Heading(venue="binance", feed="live", began_ns=0, markets=(rules(A), rules(B)))


def change(n: int, market: str = A, *, more: bool = False) -> Change:
    price = Decimal(100 + n % 7) / 8
    bids = tuple((price - Decimal(k) / 100, Decimal(n % 5 + 1)) for k in range(1, 4))
    asks = tuple((price + Decimal(k) / 100, Decimal("0.1")) for k in range(1, 4))
    return Change(1_000 + n, market, Book(market, bids, asks, 70 + n), more)


def drawn(count: int, seed: int = 5) -> list[Change]:
    draw = random.Random(seed)
    return [
        change(n, draw.choice((A, B)), more=draw.random() < 0.3 and n < count - 1)
        for n in range(count)
    ]


def recorded(folder: Path, changes: Iterable[Change], name: str = "books.rec.gz") -> Path:
    path = folder / name
    with Recorder(path, HEADING, VirtualClock()) as recorder:
        for one in changes:
            recorder.take(one)
    return path


def by_hand(folder: Path, *lines: bytes) -> Path:
    """A recording of one whole block, whatever it says."""
    path = folder / "hand.rec.gz"
    path.write_bytes(pack(b"\n".join([encode(HEADING), *lines, b""])))
    return path


def row(number: int, at_ns: int = 5, bid: str = "10", ask: str = "11", market: str = A) -> bytes:
    one = Decimal(1)
    bids, asks = ((Decimal(bid), one),), ((Decimal(ask), one),)
    return encode(BookRow(number, at_ns, market, number, bids, asks))


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("arb.feeds.recorder.RECORDING_BLOCK_BYTES", 700)


def test_what_was_taken_is_played_levels_numbers_and_drains_included(
    tmp_path: Path, small_blocks: None
) -> None:
    told = drawn(300)
    market = RecordedMarket(recorded(tmp_path, told))
    assert list(market.changes(-1)) == told
    assert any(one.more for one in told)
    assert market.damage is None
    assert market.refused == {}
    assert market.markets == {A: rules(A), B: rules(B)}
    assert market.rules_name == "recorded"
    assert (market.first_ns, market.last_ns) == (1_000, 1_299)


def test_the_book_of_any_moment_is_found_in_any_order(tmp_path: Path, small_blocks: None) -> None:
    told = drawn(200)
    market = RecordedMarket(recorded(tmp_path, told))
    moments = list(range(990, 1_210))
    random.Random(1).shuffle(moments)
    for at_ns in moments:
        for name in (A, B):
            seen = [one.book for one in told if one.market == name and one.at_ns <= at_ns]
            assert market.book_at(name, at_ns) == (seen[-1] if seen else None)


def test_a_book_that_is_gone_is_told_and_is_no_book(tmp_path: Path) -> None:
    gone = Change(2_000, A, Book(A, (), (), 99))
    told = [change(1), gone, change(1_500)]
    market = RecordedMarket(recorded(tmp_path, told))
    assert list(market.changes(-1)) == told
    assert market.book_at(A, 1_999) == told[0].book
    assert market.book_at(A, 2_000) is None
    assert market.book_at(A, 2_500) == told[2].book


def test_what_was_gone_is_shown_as_gone(tmp_path: Path) -> None:
    gone = Change(2_000, A, Book(A, (), (), 99))
    market = RecordedMarket(recorded(tmp_path, [change(1), gone, change(1_500)]))
    assert [book and book.sequence for _, book in market.shown(A, -1, 9_000)] == [71, None, 1_570]


def test_the_same_changes_make_the_same_bytes_and_so_does_a_recording_of_the_recording(
    tmp_path: Path,
) -> None:
    first = recorded(tmp_path, drawn(50), "first.rec.gz")
    again = recorded(tmp_path, drawn(50), "again.rec.gz")
    copied = recorded(tmp_path, RecordedMarket(first).changes(-1), "copied.rec.gz")
    assert first.read_bytes() == again.read_bytes() == copied.read_bytes()


def test_a_part_is_played_and_at_another_time(tmp_path: Path) -> None:
    told = drawn(100)
    path = recorded(tmp_path, told)
    part = RecordedMarket(path, start_ns=1_010, end_ns=1_020, offset_ns=7)
    assert [one.at_ns for one in part.changes(-1)] == list(range(1_017, 1_027))
    assert [one.book for one in part.changes(-1)] == [one.book for one in told[10:20]]


def test_given_rules_replace_the_recorded_ones(tmp_path: Path) -> None:
    market = RecordedMarket(recorded(tmp_path, drawn(60)), rules={A: rules(A)})
    assert set(market.markets) == {A}
    assert market.rules_name == "listed"
    assert set(market.refused) == {"not_listed"}
    assert {one.market for one in market.changes(-1)} == {A}


def test_a_time_that_went_back_is_written_as_the_newest(tmp_path: Path) -> None:
    told = [change(9), change(3)]
    market = RecordedMarket(recorded(tmp_path, told))
    assert [one.at_ns for one in market.changes(-1)] == [1_009, 1_009]


def test_a_recording_is_never_written_over(tmp_path: Path) -> None:
    path = recorded(tmp_path, drawn(3))
    before = path.read_bytes()
    with pytest.raises(ConfigInvalid, match="exists"):
        Recorder(path, HEADING, VirtualClock())
    assert path.read_bytes() == before


def test_what_was_not_closed_is_played_and_said(tmp_path: Path) -> None:
    path = tmp_path / "open.rec.gz"
    recorder = Recorder(path, HEADING, VirtualClock())
    for one in drawn(10):
        recorder.take(one)
    recorder.flush()
    market = RecordedMarket(path)
    assert list(market.changes(-1)) == drawn(10)
    assert market.damage == f"{path}: it was not closed; read up to row 10"
    recorder.close()
    assert RecordedMarket(path).damage is None


def test_a_second_is_all_that_is_at_risk(tmp_path: Path) -> None:
    path, clock = tmp_path / "a.rec.gz", VirtualClock()
    recorder = Recorder(path, HEADING, clock)
    for n in range(30):
        clock.advance_to(n * 300_000_000)
        recorder.take(change(n))
        recorder.flush_if_due()
        if n >= 4:
            assert len(list(RecordedMarket(path).changes(-1))) >= n - 3
    recorder.close()


def test_a_file_that_is_cut_anywhere_is_read_up_to_there(
    tmp_path: Path, small_blocks: None
) -> None:
    told = drawn(40)
    whole = recorded(tmp_path, told).read_bytes()
    path = tmp_path / "cut.rec.gz"
    lengths = set()
    for size in range(len(whole)):
        path.write_bytes(whole[:size])
        try:
            market = RecordedMarket(path)
        except FeedInvalid as error:
            assert str(path) in str(error)  # noqa: PT017 -- it may as well be read
            lengths.add(0)
            continue
        seen = list(market.changes(-1))
        assert seen == told[: len(seen)]
        assert market.damage is not None
        assert f"row {len(seen)}" in market.damage
        lengths.add(len(seen))
    assert lengths >= set(range(2, len(told) + 1)), "rows of a block that is cut are there"


def test_a_file_that_is_spoilt_is_read_up_to_there_and_never_tells_another_row(
    tmp_path: Path, small_blocks: None
) -> None:
    told = drawn(40)
    whole = recorded(tmp_path, told).read_bytes()
    path = tmp_path / "spoilt.rec.gz"
    draw = random.Random(3)
    found = 0
    for at in range(len(whole)):
        spoilt = bytearray(whole)
        spoilt[at] ^= 1 << draw.randrange(8)
        path.write_bytes(bytes(spoilt))
        try:
            market = RecordedMarket(path)
        except FeedInvalid:
            found += 1
            continue
        seen = list(market.changes(-1))
        assert seen == told[: len(seen)]
        if market.damage is None:
            assert seen == told  # a byte of gzip's own heading, that says nothing of the data
        else:
            found += 1
            assert "damaged at byte " in market.damage
    assert found > len(whole) * 0.9


@settings(deadline=None, max_examples=60)
@given(junk=st.binary(min_size=1, max_size=200))
def test_what_is_no_block_at_the_end_is_damage(
    tmp_path_factory: pytest.TempPathFactory, junk: bytes
) -> None:
    path = recorded(tmp_path_factory.mktemp("junk"), drawn(5))
    size = path.stat().st_size
    path.write_bytes(path.read_bytes() + junk)
    market = RecordedMarket(path)
    assert len(list(market.changes(-1))) == 5
    assert market.damage is not None
    assert f"byte {size}" in market.damage or "in the middle" in market.damage


@pytest.mark.parametrize(
    ("lines", "what"),
    [
        ([row(1), row(3)], "row 3 follows row 1"),
        ([row(1), row(1)], "row 1 follows row 1"),
        ([row(1), b"[]"], "not a row"),
        ([row(1), b'["book",2,5,"AAA/USDT",2,[["1","one"]],[]]'], "not a row"),
        ([row(1), b'["fill",2,5]'], "not a row"),
        ([row(1), encode(EndRow(2, 5))], "the end tells of 2 rows"),
        ([row(1), encode(EndRow(1, 5)), row(2)], "rows after the end"),
    ],
)
def test_lines_that_do_not_fit_are_damage(tmp_path: Path, lines: list[bytes], what: str) -> None:
    market = RecordedMarket(by_hand(tmp_path, *lines))
    assert market.damage is not None
    assert what in market.damage
    assert len(list(market.changes(-1))) == 1


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (row(2, bid="12"), "crossed"),
        (row(2, bid="NaN"), "not_positive"),
        (row(2, bid="Infinity"), "not_positive"),
        (row(2, bid="0"), "not_positive"),
        (row(2, bid="-1"), "not_positive"),
        (row(2, ask="1E+30"), "not_positive"),
        (row(2, at_ns=4), "out_of_order"),
        (row(2, market="CCC/USDT"), "not_listed"),
        (
            encode(BookRow(2, 5, A, 2, ((Decimal(1), Decimal(1)), (Decimal(2), Decimal(1))), ())),
            "unsorted",
        ),
        (encode(BookRow(2, 5, A, -1, (), ())), "beyond"),
    ],
)
def test_a_row_that_cannot_be_right_is_left_out_and_counted(
    tmp_path: Path, bad: bytes, reason: str
) -> None:
    market = RecordedMarket(by_hand(tmp_path, row(1), bad, row(3), encode(EndRow(3, 5))))
    assert market.refused == {reason: 1}
    assert ":3: " in market.complaints[0]
    assert market.damage is None
    assert [one.book.sequence for one in market.changes(-1)] == [1, 3]


@pytest.mark.parametrize(
    ("heading", "what"),
    [
        (b'{"arb_recording":3,"venue":"x","feed":"live","began_ns":0,"markets":[]}', "version 3"),
        (b'{"arb_recording":1}', "not the heading of a recording"),
        (encode(HEADING).replace(b'"base":"AAA"', b'"base":"ABA"'), "is not ABA/USDT"),
        (encode(HEADING).replace(b'"tick_size":"0.01"', b'"tick_size":"0"'), "tick_size 0"),
        (encode(HEADING), "none of its 0 rows is good"),
    ],
)
def test_a_heading_that_cannot_be_read_is_refused(
    tmp_path: Path, heading: bytes, what: str
) -> None:
    path = tmp_path / "bad.rec.gz"
    path.write_bytes(pack(heading + b"\n"))
    with pytest.raises(FeedInvalid, match=what):
        RecordedMarket(path)


def test_a_block_that_would_fill_the_memory_is_damage(tmp_path: Path) -> None:
    path = recorded(tmp_path, drawn(5))
    path.write_bytes(path.read_bytes() + zlib.compress(bytes(9_000_000), wbits=31))
    market = RecordedMarket(path)
    assert market.damage is not None
    assert "a block above 8000000 bytes" in market.damage


def test_a_file_that_changes_while_it_is_played_is_found_out(tmp_path: Path) -> None:
    path = recorded(tmp_path, drawn(50))
    market = RecordedMarket(path)
    path.write_bytes(path.read_bytes()[:-400])
    with pytest.raises(FeedInvalid, match="changed while it was played"):
        list(market.changes(-1))


C = "CCC/USDT"


def test_a_market_that_was_listed_while_it_was_recorded_has_rows_and_rules(tmp_path: Path) -> None:
    """Its rules are those that were told last before its first book; those of others stay."""
    coming = structs.replace(rules(C), active=False)
    later = structs.replace(rules(A), notional_min=Decimal(9))
    path = by_hand(
        tmp_path,
        row(1),
        encode(MarketsRow((later, coming))),
        encode(MarketsRow((later, rules(C)))),
        row(2, market=C),
        encode(MarketsRow((later, coming))),
        encode(EndRow(2, 5)),
    )
    market = RecordedMarket(path)
    assert (market.damage, market.refused) == (None, {})
    assert [one.market for one in market.changes(0)] == [A, C]
    assert market.markets == {A: rules(A), C: rules(C)}


def test_given_rules_know_no_market_that_was_listed(tmp_path: Path) -> None:
    path = by_hand(
        tmp_path, row(1), encode(MarketsRow((rules(C),))), row(2, market=C), encode(EndRow(2, 5))
    )
    market = RecordedMarket(path, rules={A: rules(A)})
    assert market.refused == {"not_listed": 1}


def test_rules_that_nobody_could_trade_by_are_damage(tmp_path: Path) -> None:
    bad = structs.replace(rules(C), tick_size=Decimal(0))
    path = by_hand(tmp_path, row(1), encode(MarketsRow((bad,))), row(2), encode(EndRow(2, 5)))
    market = RecordedMarket(path)
    assert market.damage is not None
    assert "not the markets of a venue: CCC/USDT: tick_size 0" in market.damage
    assert [one.market for one in market.changes(0)] == [A]
