"""Binance's own streams: when a book that stands is believed no longer, though its connection answers."""

import asyncio

import pytest

from arb.clock import NS_PER_S
from arb.limits import FEED_SILENT_S_MAX
from tests.exchange.binance_wire import A, B, Venue, played


def test_levels_that_change_beneath_newer_best_prices_make_another_book() -> None:
    """An order that was planned on the old levels is planned anew: it knows a book by its number."""

    async def story(venue: Venue) -> None:
        await venue.watching(A)
        venue.wire.levels(A, 100, [99.0, 98.0], [101.0, 102.0])
        venue.wire.best(A, 105, 99.0, 101.0)
        planned = venue.books.book(A)
        venue.wire.levels(A, 104, [99.0, 90.0], [101.0, 110.0])  # what was beneath is gone
        now = venue.books.book(A)
        assert planned is not None
        assert now is not None
        assert (planned.bids, planned.asks) != (now.bids, now.asks)
        assert planned.sequence != now.sequence

    played(story)


def test_levels_of_a_stream_that_stands_still_do_not_stand_beneath_prices_that_move() -> None:
    async def story(venue: Venue) -> None:
        await venue.watching(A)
        venue.wire.levels(A, 1, [99.0, 98.0, 97.0], [101.0, 102.0, 103.0])
        for number in range(2, 40):
            await asyncio.sleep(0.1)
            venue.wire.best(A, number, 99.0, 101.0, size=float(number))
        assert (venue.bids(A), venue.asks(A)) == ([99.0], [101.0])
        venue.wire.levels(A, 41, [99.0, 98.5], [101.0, 101.5])
        assert (venue.bids(A), venue.asks(A)) == ([99.0, 98.5], [101.0, 101.5])

    played(story)


def test_levels_of_a_quiet_market_stand_however_old_they_are() -> None:
    async def story(venue: Venue) -> None:
        await venue.watching(A)
        venue.wire.levels(A, 1, [99.0, 98.0], [101.0, 102.0])
        await asyncio.sleep(600)
        venue.wire.best(A, 2, 99.5, 101.0)
        assert venue.bids(A) == [99.5, 99.0, 98.0]

    played(story)


def test_a_stream_that_says_the_same_again_and_again_is_believed() -> None:
    """Levels may be told every tenth of a second though nothing has changed."""

    async def story(venue: Venue) -> None:
        await venue.watching(A)
        for _ in range(100):
            await asyncio.sleep(0.1)
            venue.wire.best(A, 7, 99.0, 101.0)
            venue.wire.levels(A, 7, [99.0, 98.0], [101.0, 102.0])
        assert venue.bids(A) == [99.0, 98.0]
        assert len(venue.wires) == 1

    assert played(story).alarms == []


@pytest.mark.parametrize("kind", ["best", "levels"])
def test_a_stream_whose_numbers_begin_anew_is_begun_anew(kind: str) -> None:
    """Its connection answers, so that nothing else would show that its book stands still."""

    async def story(venue: Venue) -> None:
        await venue.watching(A)
        venue.wire.best(A, 5_000, 99.0, 101.0)
        venue.wire.levels(A, 5_001, [99.0, 98.0], [101.0, 102.0])
        for number in range(1, 60):
            await asyncio.sleep(0.1)
            if kind == "best":
                venue.wire.best(A, number, 49.0, 51.0)
            else:
                venue.wire.levels(A, number, [49.0, 48.0], [51.0, 52.0])
        assert venue.bids(A)[0] == 49.0

    assert played(story).alarms == [("broken", "books 0")]


@pytest.mark.parametrize("set_by_s", [-3_600, 3_600])
def test_a_clock_that_is_set_makes_no_dead_connection_fresh(set_by_s: int) -> None:
    async def story(venue: Venue) -> None:
        await venue.watching(A)
        venue.wire.best(A, 1, 99.0, 101.0)
        await asyncio.sleep(3)
        venue.pong_after_s = None
        venue.clock._start_ns += set_by_s * NS_PER_S
        heard = venue.books.heard_ns(A)
        assert heard is None or venue.age_s(A) > 3_000
        await asyncio.sleep(FEED_SILENT_S_MAX + 3)
        assert venue.books.book(A) is None
        assert len(venue.wires) > 1

    played(story)


def test_a_clock_that_is_set_back_leaves_a_quiet_market_of_a_lively_connection_fresh() -> None:
    async def story(venue: Venue) -> None:
        await venue.watching(A, B)
        venue.wire.best(A, 1, 99.0, 101.0)
        venue.wire.best(B, 1, 0.05, 0.06)
        await asyncio.sleep(3)
        venue.clock._start_ns -= 3_600 * NS_PER_S
        await asyncio.sleep(3)
        venue.wire.best(A, 2, 99.0, 101.0)
        venue.wire.best(B, 2, 0.05, 0.06)
        await asyncio.sleep(60)
        assert venue.age_s(A) < 2
        assert venue.age_s(B) < 2

    played(story)
