"""Binance's own streams, on virtual time and a wire that the test speaks on."""

import asyncio
import json
import random
from decimal import Decimal

import pytest

from arb.clock import NS_PER_S
from arb.exchange.port import Unreachable
from arb.limits import FEED_SILENT_S_MAX
from arb.market.book import Book
from tests.exchange.binance_wire import SYMBOLS, A, B, C, Venue, played


def row(symbol: str, bid: float, ask: float) -> dict[str, str]:
    """The best prices of a market, as REST tells them."""
    return {
        "symbol": symbol,
        "bidPrice": f"{bid}",
        "bidQty": "3",
        "askPrice": f"{ask}",
        "askQty": "3",
    }


def test_two_streams_of_each_market_are_asked_for_and_make_its_book() -> None:
    async def story(venue: Venue) -> None:
        watching = await venue.watching(A, B)
        assert sorted(venue.wire.streams) == [
            *("btcusdt@bookTicker", "btcusdt@depth20@100ms"),
            *("ethbtc@bookTicker", "ethbtc@depth20@100ms"),
        ]
        venue.wire.levels(A, 100, [99.0, 98.0], [101.0, 102.0])
        venue.wire.best(B, 7, 0.05, 0.06, size=3)
        await watching
        assert (venue.bids(A), venue.asks(A)) == ([99.0, 98.0], [101.0, 102.0])
        book = venue.books.book(B)
        assert book is not None
        assert book.bids == ((Decimal("0.05"), Decimal(3)),)
        assert (book.asks[0][0], book.sequence) == (Decimal("0.06"), 7)

    assert played(story).alarms == []


def test_newer_best_prices_stand_before_the_levels_and_hide_what_they_overtook() -> None:
    async def story(venue: Venue) -> None:
        await venue.watching(A)
        wire = venue.wire
        wire.levels(A, 100, [99.0, 98.0, 97.0], [101.0, 102.0, 103.0])
        wire.best(A, 105, 98.0, 100.0)  # the bid of 99 was taken, an ask of 100 has come
        assert (venue.bids(A), venue.asks(A)) == ([98.0, 97.0], [100.0, 101.0, 102.0, 103.0])
        book = venue.books.book(A)
        assert book is not None
        assert (book.bids[0], book.bids[1][1], book.sequence) == (
            (Decimal(98), Decimal(1)),
            Decimal(2),
            105,
        )
        wire.levels(A, 103, [98.5, 97.0], [102.5, 104.0])  # older than the best prices
        assert (venue.bids(A), venue.asks(A)) == ([98.0, 97.0], [100.0, 102.5, 104.0])
        wire.levels(A, 105, [98.0, 96.0], [100.0, 105.0])  # as new: it is the whole truth
        assert (venue.bids(A), venue.asks(A)) == ([98.0, 96.0], [100.0, 105.0])
        wire.best(A, 104, 1.0, 2.0)
        assert venue.bids(A) == [98.0, 96.0]

    played(story)


@pytest.mark.parametrize("seed", range(5))
def test_whatever_comes_late_or_twice_the_newest_is_what_stands(seed: int) -> None:
    async def story(venue: Venue) -> None:
        await venue.watching(A)
        draw = random.Random(seed)
        truth = {n: (100.0 - n % 7, 110.0 + n % 5) for n in range(1, 200)}
        told = [(n, draw.choice(("best", "levels"))) for n in sorted(truth)]
        shuffled = sorted(told * 2, key=lambda one: one[0] + draw.uniform(0, 6))
        newest = 0
        seen: dict[int, Book] = {}
        for n, kind in shuffled:
            bid, ask = truth[n]
            if kind == "best":
                venue.wire.best(A, n, bid, ask)
            else:
                venue.wire.levels(A, n, [bid, bid - 1], [ask, ask + 1])
            newest = max(newest, n)
            book = venue.books.book(A)
            assert book is not None
            assert seen.setdefault(book.sequence, book) == book, "one number, two books"
            assert (venue.bids(A)[0], venue.asks(A)[0]) == truth[newest]
        assert venue.feed.late >= len(told)
        assert venue.books.refused == {}

    played(story)


def test_a_connection_that_ends_takes_its_books_and_is_made_anew() -> None:
    async def story(venue: Venue) -> None:
        await venue.watching(A)
        first = venue.wire
        first.best(A, 9, 99.0, 101.0)
        first.ended = True
        first.hearing.closed()
        assert venue.books.book(A) is None
        assert venue.feed.heard_ns(A) is None
        await asyncio.sleep(1)
        assert len(venue.wires) == 2
        # What the old connection still says, its end included, is nothing to the new one.
        first.hearing.text(memoryview(b'{"stream":"btcusdt@bookTicker","data":{"u":8}}'))
        first.hearing.closed()
        venue.wire.best(A, 5, 98.0, 102.0)  # numbers may begin anew
        await asyncio.sleep(1)
        assert venue.bids(A) == [98.0]
        assert len(venue.wires) == 2

    assert played(story).alarms == [("broken", "books 0")]


def test_a_venue_that_is_away_is_asked_again_ever_more_slowly_and_it_is_an_alarm() -> None:
    async def story(venue: Venue) -> None:
        venue.refuses = 7
        began_ns = venue.clock.now_ns()
        watching = await venue.watching(A)
        while not venue.wires:  # noqa: ASYNC110 -- virtual time
            await asyncio.sleep(0.1)
        waited_s = (venue.clock.now_ns() - began_ns) / NS_PER_S
        assert 20 < waited_s < 30
        await watching

    told = played(story).alarms
    assert told.count(("broken", "books 0")) == 7
    assert told.count(("still broken", "books 0")) == 1


def test_a_silent_connection_is_ended_and_a_quiet_market_on_a_lively_one_is_heard() -> None:
    async def story(venue: Venue) -> None:
        await venue.watching(A)
        venue.wire.best(A, 1, 99.0, 101.0)
        await asyncio.sleep(60)
        assert venue.bids(A) == [99.0]
        assert venue.age_s(A) < 2
        assert len(venue.wires) == 1
        venue.pong_after_s = None
        await asyncio.sleep(FEED_SILENT_S_MAX + 3)
        assert venue.books.book(A) is None
        assert len(venue.wires) > 1

    assert ("broken", "books 0") in played(story).alarms


def test_pongs_that_come_late_are_an_alarm_and_what_we_hear_then_is_old() -> None:
    async def story(venue: Venue) -> None:
        await venue.watching(A)
        venue.wire.best(A, 1, 99.0, 101.0)
        await asyncio.sleep(5)
        group = venue.feed._groups[0]
        assert group.lag.times == 0
        venue.pong_after_s = 3.0  # three seconds of messages are before us
        for number in range(2, 80):
            await asyncio.sleep(0.1)
            venue.wire.best(A, number, 99.0, 101.0)
        assert group.lag.times > 2
        assert 2.9 < group.lag.worst_ns / NS_PER_S < 4.6
        assert venue.age_s(A) > 2.9, "a message that is heard now was said long ago"
        venue.pong_after_s = 0.01
        await asyncio.sleep(6)
        before = group.lag.times
        assert venue.age_s(A) < 2
        await asyncio.sleep(6)
        assert group.lag.times == before

    played(story)


def test_what_a_stream_does_not_say_is_asked_for_once_after_each_connection() -> None:
    async def story(venue: Venue) -> None:
        prices = {"bidPrice": "99.0", "bidQty": "1.5", "askPrice": "101.0", "askQty": "2.5"}
        venue.rows = [
            {"symbol": "BTCUSDT", **prices},
            {"symbol": "ETHBTC", **prices},
            {"symbol": "X", **prices},
        ]
        watching = await venue.watching(A, B, C)
        venue.wire.best(B, 3, 0.05, 0.06)
        await watching_for(venue, A)
        assert venue.bids(A) == [99.0]
        assert venue.bids(B) == [0.05], "a stream is newer"
        assert venue.reads == 1
        assert not watching.done()
        venue.wire.best(C, 1, 2_000.0, 2_001.0)
        await asyncio.wait_for(watching, 1)
        venue.wire.best(A, 1, 98.0, 102.0)
        assert venue.bids(A) == [98.0]
        venue.wire.hearing.closed()
        await asyncio.sleep(2)
        assert venue.reads == 2

    played(story)


async def watching_for(venue: Venue, market: str) -> None:
    async with asyncio.timeout(5):
        while not venue.books.stands(market):  # noqa: ASYNC110 -- virtual time
            await asyncio.sleep(0.01)


def test_streams_go_on_while_the_venue_answers_no_other_question() -> None:
    async def story(venue: Venue) -> None:
        venue.rows = Unreachable("no answer")
        await venue.watching(A, B)
        venue.wire.best(A, 1, 99.0, 101.0)
        await asyncio.sleep(30)
        assert venue.bids(A) == [99.0]
        assert len(venue.wires) == 1
        assert venue.reads > 2

    assert played(story).alarms == []


def test_a_market_that_is_gone_does_not_take_the_others_along() -> None:
    async def story(venue: Venue) -> None:
        venue.delisted = {"ethbtc"}
        await venue.watching(A, B, C)
        await asyncio.sleep(10)
        asked = venue.wire.sent
        granted = {
            name
            for one in asked
            for name in one["params"]
            if not any(name.split("@")[0] in venue.delisted for name in one["params"])
        }
        assert granted == {
            *("btcusdt@bookTicker", "btcusdt@depth20@100ms"),
            *("ethusdt@bookTicker", "ethusdt@depth20@100ms"),
        }
        assert venue.feed._groups[0].unknown == {"ethbtc@bookTicker", "ethbtc@depth20@100ms"}
        venue.wire.hearing.closed()
        await asyncio.sleep(1)
        assert set(venue.wire.sent[0]["params"]) == granted, "what is there is asked for by itself"

    played(story)


def test_a_market_whose_streams_are_refused_has_no_book_until_a_connection_is_granted_them() -> (
    None
):
    """A price that nothing follows would count as fresh for as long as the connection is heard."""

    async def story(venue: Venue) -> None:
        venue.delisted = {"ethbtc"}  # as a venue that cannot say for a moment
        venue.rows = [row("ETHBTC", 0.05, 0.06), row("ETHUSDT", 1999, 2000)]
        await venue.watching(A, B, C)
        venue.wire.best(A, 1, 99.0, 101.0)
        await asyncio.sleep(20)
        assert venue.bids(C) == [1999.0]
        assert venue.books.book(B) is None
        venue.wire.hearing.closed()
        await asyncio.sleep(20)
        assert venue.bids(C) == [1999.0]
        assert venue.books.book(B) is None
        venue.delisted = set()
        venue.wire.hearing.closed()
        await asyncio.sleep(20)
        assert venue.feed._groups[0].unknown == set()
        assert venue.bids(B) == [0.05]
        venue.wire.best(B, 7, 0.01, 0.02)
        assert venue.bids(B) == [0.01]

    played(story)


@pytest.mark.parametrize("refused", ["ethbtc@bookTicker", "ethbtc@depth20@100ms"])
def test_one_refused_stream_is_enough_for_no_price_of_before(refused: str) -> None:
    async def story(venue: Venue) -> None:
        venue.delisted = {refused}
        venue.rows = [row("ETHBTC", 0.05, 0.06)]
        await venue.watching(B)
        await asyncio.sleep(20)
        assert venue.books.book(B) is None
        if "depth" in refused:
            venue.wire.best(B, 7, 0.01, 0.02)
        else:
            venue.wire.levels(B, 7, [0.01], [0.02])
        assert venue.bids(B) == [0.01]

    played(story)


def test_many_markets_are_spread_over_connections_and_asked_for_within_the_venues_limits() -> None:
    async def story(venue: Venue) -> None:
        names = [f"C{n}/USDT" for n in range(450)]
        SYMBOLS.update({name: name.replace("/", "") for name in names})
        await venue.watching(*names)
        await asyncio.sleep(5)
        assert [len(wire.streams) for wire in venue.wires] == [400, 400, 100]
        assert len({name for wire in venue.wires for name in wire.streams}) == 900
        for wire in venue.wires:
            assert max(len(json.dumps(one["params"])) for one in wire.sent) < 4_096
            times = sorted([one["at_ns"] for one in wire.sent] + wire.pings)
            for first in times:
                within = [at for at in times if first <= at < first + NS_PER_S]
                assert len(within) <= 5, "the venue takes five messages a second"

    played(story)


@pytest.mark.parametrize(
    "text",
    [
        b"not json",
        b"[]",
        b"{}",
        b'{"id":77,"result":null}',
        b'{"e":"serverShutdown","E":1}',
        b'{"stream":"btcusdt@bookTicker","data":{"u":"x"}}',
        b'{"stream":"btcusdt@bookTicker","data":{"u":5,"b":null}}',
        b'{"stream":"other@bookTicker","data":{"u":5}}',
        b'{"stream":"btcusdt@depth20@100ms","data":{"lastUpdateId":5,"bids":[["1"]]}}',
    ],
)
def test_what_nobody_should_say_ends_the_connection_and_its_books(text: bytes) -> None:
    async def story(venue: Venue) -> None:
        await venue.watching(A)
        venue.wire.best(A, 1, 99.0, 101.0)
        venue.wire.hearing.text(memoryview(text))
        await asyncio.sleep(0.05)
        assert venue.books.book(A) is None
        assert venue.wires[0].ended
        await asyncio.sleep(1)
        assert len(venue.wires) == 2

    assert played(story).alarms == [("broken", "books 0")]


@pytest.mark.parametrize(
    ("bid", "bid_size", "ask", "ask_size", "reason"),
    [
        ("101", "1", "101", "1", "crossed"),
        ("NaN", "1", "101", "1", "not a price"),
        ("99", "1", "Infinity", "1", "not a price"),
        ("-1", "1", "101", "1", "not a price"),
        ("99", "-1", "101", "1", "not a size"),
        ("99", "NaN", "101", "1", "not a size"),
        ("0", "0", "0", "0", "empty"),
    ],
)
def test_best_prices_that_cannot_be_are_counted_and_then_there_is_no_book(
    bid: str, bid_size: str, ask: str, ask_size: str, reason: str
) -> None:
    async def story(venue: Venue) -> None:
        await venue.watching(A)
        venue.wire.best(A, 1, 99.0, 101.0)
        data = {"u": 2, "s": "BTCUSDT", "b": bid, "B": bid_size, "a": ask, "A": ask_size}
        venue.wire.say({"stream": "btcusdt@bookTicker", "data": data})
        assert venue.books.refused == {reason: 1}
        assert venue.books.book(A) is None
        venue.wire.best(A, 3, 99.0, 101.0)
        assert venue.bids(A) == [99.0]

    assert played(story).alarms == []


def test_a_side_that_is_empty_is_empty_whatever_stood_deeper() -> None:
    async def story(venue: Venue) -> None:
        await venue.watching(A)
        venue.wire.levels(A, 1, [99.0, 98.0], [101.0])
        data = {"u": 2, "s": "BTCUSDT", "b": "0.0", "B": "0.0", "a": "100.5", "A": "3"}
        venue.wire.say({"stream": "btcusdt@bookTicker", "data": data})
        assert (venue.bids(A), venue.asks(A)) == ([], [100.5, 101.0])
        data = {"u": 3, "s": "BTCUSDT", "b": "99.5", "B": "0.0", "a": "100.5", "A": "3"}
        venue.wire.say({"stream": "btcusdt@bookTicker", "data": data})
        assert venue.bids(A) == [], "a size of 0 is no level"

    played(story)


def test_a_request_that_is_not_answered_ends_the_connection() -> None:
    async def story(venue: Venue) -> None:
        venue.answers = False
        await venue.watching(A)
        await asyncio.sleep(8)
        assert len(venue.wires) == 2

    assert ("broken", "books 0") in played(story).alarms
