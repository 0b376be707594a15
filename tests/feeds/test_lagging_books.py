"""A feed that is faster than its reader is conflated and counted, and told when what is applied is old."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from structlog.testing import capture_logs

from arb.clock import NS_PER_S, VirtualClock
from arb.execution.runs.feeding import play
from arb.feeds.generated import GeneratedMarket
from arb.feeds.lag import LAG_NS_MAX, Lag
from arb.feeds.live import LiveBooks
from arb.limits import FEED_LAG_S_MAX, FEED_LAG_TOLD_S

A, B = "ETH/USDT", "BTC/USDT"
START_NS = 1_700_000_000 * NS_PER_S


def run(story: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    return asyncio.run(asyncio.wait_for(story(), 5))


def best(books: LiveBooks, market: str, number: int) -> None:
    at_ns = books._clock.now_ns()
    assert books.put_best(market, (100.0 + number, 1.0, 200.0 + number, 1.0), number, at_ns)


@pytest.mark.parametrize("burst", [1, 2, 500])
def test_a_burst_is_one_book_a_market_and_what_was_overtaken_is_counted(burst: int) -> None:
    async def story() -> None:
        books = LiveBooks(VirtualClock(START_NS))
        told = books.changes(0)
        best(books, A, 1)
        first = await anext(told)
        assert (first.market, first.more) == (A, False)
        for number in range(2, 2 + burst):
            best(books, A, number)
            best(books, B, number)
        drain = [await anext(told), await anext(told)]
        assert [(one.market, one.book.sequence, one.more) for one in drain] == [
            (A, burst + 1, True),
            (B, burst + 1, False),
        ]
        assert books.conflated == 2 * (burst - 1)
        assert books.lag.times == 0

    run(story)


def test_a_book_that_waited_too_long_for_its_reader_is_an_alarm() -> None:
    async def story() -> None:
        clock = VirtualClock(START_NS)
        books = LiveBooks(clock)
        told = books.changes(0)
        best(books, A, 1)
        await anext(told)
        best(books, A, 2)
        await clock.sleep(FEED_LAG_S_MAX)
        with capture_logs() as logs:
            await anext(told)
        assert (books.lag.times, logs) == (0, [])
        best(books, A, 3)
        await clock.sleep(FEED_LAG_S_MAX / 2)
        best(books, B, 1)  # a young one beside it does not hide it
        await clock.sleep(FEED_LAG_S_MAX * 0.6)
        with capture_logs() as logs:
            await anext(told)
        assert books.lag.times == 1
        assert books.lag.worst_ns == round(FEED_LAG_S_MAX * 1.1 * NS_PER_S)
        (line,) = logs
        assert (line["event"], line["subject"], line["age_ms"]) == ("feed.lagging", "books", 1_100)

    run(story)


def test_every_alarm_is_counted_and_told_now_and_then() -> None:
    clock = VirtualClock(START_NS)
    lag = Lag(clock, "books 0")
    with capture_logs() as logs:
        for _ in range(100):
            assert lag.note(LAG_NS_MAX + 1)
            assert not lag.note(LAG_NS_MAX)
            clock.advance_to(clock.now_ns() + NS_PER_S // 2)
    assert lag.times == 100
    assert len(logs) == 50 / FEED_LAG_TOLD_S
    assert [line["times"] for line in logs] == [1, 21, 41, 61, 81]


def test_a_played_feed_that_falls_behind_tells_what_stands_and_says_so() -> None:
    async def story() -> list[str]:
        clock, made = VirtualClock(START_NS), GeneratedMarket(3)
        told = play(made, clock, START_NS, every_row=False)
        with capture_logs() as logs:
            first = await anext(told)
            clock.advance_to(first.at_ns + 5 * NS_PER_S)  # whoever reads was busy
            drain = [await anext(told)]
            while drain[-1].more:
                drain.append(await anext(told))
        assert clock.now_ns() - drain[-1].at_ns <= LAG_NS_MAX
        assert {one.market for one in drain} == set(made.markets)
        for one in drain:
            assert one.book == made.book_at(one.market, one.at_ns)
            assert drain[-1].at_ns - one.at_ns <= made.step_ns, "the newest of its market"
        return [line["event"] for line in logs]

    assert run(story) == ["feed.lagging"]
