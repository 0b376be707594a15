"""A live book is the newest that can be believed, or there is none; a slow reader misses no newest one."""

import asyncio
from collections.abc import Callable, Coroutine
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arb.clock import VirtualClock
from arb.feeds.live import LiveBooks
from arb.feeds.live_market import LiveMarket
from arb.feeds.source import Change
from tests.market.examples import rules
from tests.spec.properties import examples

A, B, C = "ETH/USDT", "BTC/USDT", "ETH/BTC"
BIDS = [[99.5, 1.0], [99.4, 2.0]]
ASKS = [[100.1, 0.5], [100.2, 3.0]]
START_NS = 1_700_000_000 * 10**9


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(START_NS)


@pytest.fixture
def books(clock: VirtualClock) -> LiveBooks:
    return LiveBooks(clock)


def put(books: LiveBooks, market: str, bid: float, sequence: int | None = None) -> bool:
    return books.put(market, [[bid, 1.0]], [[bid + 1, 1.0]], sequence=sequence)


def bid_of(books: LiveBooks, market: str = A) -> Decimal | None:
    book = books.book(market)
    return None if book is None or not book.bids else book.bids[0][0]


def run(story: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    return asyncio.run(asyncio.wait_for(story(), 5))


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def reading(books: LiveBooks, after_ns: int = 0) -> tuple[list[Change], asyncio.Task[None]]:
    told: list[Change] = []

    async def read() -> None:
        async for change in books.changes(after_ns):
            told.append(change)  # noqa: PERF401 -- it is looked at while it grows

    return told, asyncio.create_task(read())


def test_numbers_are_what_the_venue_wrote(books: LiveBooks) -> None:
    assert books.put(A, [[0.1, 1e-8], [0.07, 123456.789]], [[0.3, 2.0]], sequence=7)
    book = books.book(A)
    assert book.bids == (
        (Decimal("0.1"), Decimal("1e-8")),
        (Decimal("0.07"), Decimal("123456.789")),
    )
    assert books.put(B, [["0.10", Decimal(1)]], [["0.30", "2.50"]])
    assert [str(number) for number in books.book(B).asks[0]] == ["0.30", "2.50"]
    assert (book.market, book.sequence) == (A, 7)


def test_only_the_best_levels_are_kept_and_empty_ones_are_none(clock: VirtualClock) -> None:
    books = LiveBooks(clock, levels_max=3)
    bids = [[float(100 - n), 0.0 if n == 1 else 1.0] for n in range(50)]
    assert books.put(A, bids, [[101.0, 1.0]])
    assert [int(price) for price, _ in books.book(A).bids] == [100, 98]
    assert books.book(A) is books.book(A), "made exact once"


def test_a_list_that_changes_behind_our_back_changes_no_book(books: LiveBooks) -> None:
    bids = [level[:] for level in BIDS]
    books.put(A, bids, ASKS)
    bids[0][1] = 77.0
    bids.insert(0, [99.9, 5.0])
    assert books.book(A).bids[0] == (Decimal("99.5"), Decimal("1.0"))


@pytest.mark.parametrize(
    ("bids", "asks", "reason"),
    [
        ([[float("nan"), 1.0]], ASKS, "not a price"),
        ([[99.0, float("nan")]], ASKS, "not a size"),
        ([[float("inf"), 1.0]], ASKS, "not a price"),
        ([[99.0, float("inf")]], ASKS, "not a size"),
        ([[-99.0, 1.0]], ASKS, "not a price"),
        ([[99.0, -1.0]], ASKS, "not a size"),
        ([[0.0, 1.0]], ASKS, "not a price"),
        ([["NaN", "1"]], ASKS, "not a number"),
        ([["Infinity", "1"]], ASKS, "not a price"),
        ([["99", "sNaN"]], ASKS, "not a number"),
        ([["ninety", "1"]], ASKS, "not a number"),
        ([[None, 1.0]], ASKS, "not a number"),
        ([[99.0, None]], ASKS, "not a number"),
        ([[99.0, "1"]], ASKS, "not a number"),
        ([[99.0]], ASKS, "not a number"),
        ([99.0], ASKS, "not a number"),
        (None, ASKS, "not a number"),
        ({}, ASKS, "not a number"),
        ([[99.0, 1.0], [99.5, 1.0]], ASKS, "unsorted"),
        ([[99.0, 1.0], [99.0, 2.0]], ASKS, "unsorted"),
        (BIDS, [[101.0, 1.0], [100.5, 1.0]], "unsorted"),
        ([[100.2, 1.0]], ASKS, "crossed"),
        ([[100.1, 1.0]], ASKS, "crossed"),
        ([["100.1", "1"]], [["100.1", "1"]], "crossed"),
        ([], [], "empty"),
        ([[99.0, 0.0]], [[100.0, 0.0]], "empty"),
    ],
)
def test_what_cannot_be_is_counted_and_then_there_is_no_book(
    books: LiveBooks, bids: Any, asks: Any, reason: str
) -> None:
    assert books.put(A, BIDS, ASKS)
    assert not books.put(A, bids, asks)
    assert books.refused == {reason: 1}
    assert books.book(A) is None
    assert books.heard_ns(A) is None
    assert books.put(A, BIDS, ASKS), "the next one that can be believed stands again"


def test_a_side_may_be_empty(books: LiveBooks) -> None:
    assert books.put(A, [], ASKS)
    assert books.book(A).mid() is None


def test_a_number_that_goes_back_is_refused_once(books: LiveBooks) -> None:
    assert put(books, A, 99, sequence=10)
    assert put(books, A, 98, sequence=10), "the same number again is not back"
    assert put(books, B, 97, sequence=3), "each market counts by itself"
    assert not put(books, A, 96, sequence=9)
    assert books.refused == {"sequence went back": 1}
    assert books.book(A) is None
    assert put(books, A, 95, sequence=1), "a venue that numbers anew is believed after that"
    assert bid_of(books) == 95


def test_a_dropped_book_is_none_until_a_fresh_one(books: LiveBooks) -> None:
    put(books, A, 99, sequence=10)
    put(books, B, 99)
    books.drop(A)
    books.drop(A)
    assert (books.book(A), books.heard_ns(A), books.dropped) == (None, None, 1)
    assert books.book(B) is not None
    assert put(books, A, 98, sequence=4), "a new subscription has numbers of its own"


def test_books_without_numbers_never_repeat_one_not_even_in_another_run(
    clock: VirtualClock,
) -> None:
    first, seen = LiveBooks(clock), []
    for _ in range(50):
        put(first, A, 99)
        seen.append(first.book(A).sequence)
    clock.advance_to(clock.now_ns() + 1_000)
    second = LiveBooks(clock)
    put(second, A, 99)
    seen.append(second.book(A).sequence)
    assert sorted(set(seen)) == seen


def test_a_quiet_book_is_as_fresh_as_its_connection(books: LiveBooks, clock: VirtualClock) -> None:
    assert books.heard_ns(A) is None
    put(books, A, 99)
    clock.advance_to(START_NS + 60 * 10**9)
    assert books.heard_ns(A) == START_NS, "nobody says more"
    books.heard = {A: START_NS + 58 * 10**9}.get
    assert books.heard_ns(A) == START_NS + 58 * 10**9
    books.heard = {A: START_NS - 1}.get
    assert books.heard_ns(A) == START_NS, "the book itself was heard"


def test_a_reader_gets_the_newest_of_each_market_in_order_of_arrival(
    books: LiveBooks, clock: VirtualClock
) -> None:
    async def story() -> list[Change]:
        told, task = reading(books)
        await settle()
        for n, market in enumerate([A, B, A, C, A]):
            clock.advance_to(START_NS + n)
            put(books, market, 90 + n)
        await settle()
        put(books, B, 80)
        await settle()
        books.drop(C)
        await settle()
        books.close()
        await task
        return told

    told = run(story)
    assert [(one.market, [int(p) for p, _ in one.book.bids]) for one in told] == [
        (A, [94]),
        (B, [91]),
        (C, [93]),
        (B, [80]),
        (C, []),
    ]
    times = [one.at_ns for one in told]
    assert times == sorted(times)


def test_a_busy_market_does_not_keep_the_others_from_being_told(books: LiveBooks) -> None:
    async def story() -> list[str]:
        told = []
        put(books, A, 1)
        put(books, B, 1)
        async for change in books.changes(0):
            told.append(change.market)
            put(books, A, 1)  # again before the next one is asked for
            if len(told) == 4:
                return told
        return told

    assert run(story)[:2] == [A, B]


def test_a_reader_that_comes_later_gets_what_changed_after_its_time(
    books: LiveBooks, clock: VirtualClock
) -> None:
    async def story() -> tuple[list[Change], list[Change]]:
        put(books, A, 99)
        clock.advance_to(START_NS + 1)
        put(books, B, 99)
        late, one = reading(books, START_NS)
        every, two = reading(books, 0)
        await settle()
        books.close()
        await asyncio.gather(one, two)
        return late, every

    late, every = run(story)
    assert [one.market for one in late] == [B]
    assert [one.market for one in every] == [A, B], "readers do not take from each other"


def test_changes_end_on_close_and_nothing_is_taken_after_it(books: LiveBooks) -> None:
    async def story() -> None:
        _, waiting = reading(books)
        put(books, A, 99)
        await settle()
        books.close()
        await waiting
        assert not put(books, A, 99)
        assert books.book(A) is None
        assert [change async for change in books.changes(0)] == []
        assert books._readers == []

    run(story)


def test_a_reader_that_is_given_up_leaves_nothing(books: LiveBooks) -> None:
    async def story() -> None:
        _, task = reading(books)
        await settle()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert books._readers == []

    run(story)


def test_a_live_market_is_the_books_that_stand_now(books: LiveBooks) -> None:
    market = LiveMarket(books, {A: rules(A)})
    assert market.book_at(A, START_NS) is None
    put(books, A, 99)
    assert market.book_at(A, 0) == books.book(A)
    assert list(market.changes(0)) == []
    assert list(market.markets) == [A]


steps = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.sampled_from([A, B, C]), st.integers(1, 1_000)),
        st.tuples(st.just("drop"), st.sampled_from([A, B, C]), st.just(0)),
        st.tuples(st.just("bad"), st.sampled_from([A, B, C]), st.just(0)),
        st.tuples(st.just("yield"), st.just(A), st.integers(1, 3)),
    ),
    max_size=40,
)


@examples(80)
@given(steps)
def test_whatever_happens_the_last_thing_a_reader_is_told_of_a_market_is_what_stands(
    told_steps: list[tuple[str, str, int]],
) -> None:
    async def story() -> None:
        books = LiveBooks(VirtualClock(START_NS))
        told, task = reading(books)
        await settle()
        for what, market, number in told_steps:
            if what == "put":
                put(books, market, number)
            elif what == "drop":
                books.drop(market)
            elif what == "bad":
                put(books, market, float("nan"))
            else:
                for _ in range(number):
                    await asyncio.sleep(0)
            assert sum(len(reader.new) for reader in books._readers) <= 3
        await settle()
        last = {change.market: change.book.bids for change in told}
        for market in (A, B, C):
            standing = books.book(market)
            assert last.get(market, ()) == (() if standing is None else standing.bids)
        books.close()
        await task

    run(story)


@examples(200)
@given(
    st.lists(st.lists(st.floats() | st.none() | st.text(max_size=3) | st.booleans(), max_size=3)),
    st.lists(st.lists(st.floats(0, 10), max_size=3)),
)
def test_any_nonsense_is_refused_or_a_sane_book(bids: Any, asks: Any) -> None:
    books = LiveBooks(VirtualClock(START_NS))
    stands = books.put(A, bids, asks)
    book = books.book(A)
    assert stands == (book is not None)
    assert sum(books.refused.values()) == (0 if stands else 1)
    if book is not None:
        assert all(p > 0 and s > 0 and p.is_finite() for p, s in (*book.bids, *book.asks))
        assert list(book.bids) == sorted(book.bids, reverse=True)
        assert list(book.asks) == sorted(book.asks)
