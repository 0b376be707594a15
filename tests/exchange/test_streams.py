"""Streams fill the books while they are whole; what breaks is dropped, told, and subscribed to anew."""

import asyncio
from decimal import Decimal

import pytest

from arb.clock import NS_PER_S
from arb.exchange.client import streams as rules
from tests.exchange.stream_scenes import A, B, C, Scene, played, settle

apart = pytest.mark.parametrize("apart", [False, True], ids=["one connection", "grouped"])


@apart
def test_books_come_as_they_change(apart: bool) -> None:  # noqa: FBT001 -- a case
    async def story(scene: Scene) -> None:
        await scene.watching(A, B, C)
        assert scene.bids == [100, 100, 100]
        scene.pro.say(B, 101, 2)
        await settle()
        assert scene.bids == [100, 101, 100]
        assert scene.books.book(B).sequence == 2

    played(story, apart=apart)


@apart
def test_watching_again_adds_what_is_new_alone(apart: bool) -> None:  # noqa: FBT001 -- a case
    async def story(scene: Scene) -> None:
        await scene.watching(A, B)
        calls = len(scene.pro.subscribed)
        await scene.streams.watch([B, A, A])
        assert len(scene.pro.subscribed) == calls
        await scene.watching(A, C)
        assert scene.bids == [100, 100, 100]
        assert [one for _, one in scene.pro.subscribed[calls:]] == [(C,)]

    played(story, apart=apart)


def test_a_venue_with_a_connection_per_call_is_asked_for_many_markets_at_once() -> None:
    async def story(scene: Scene) -> None:
        await scene.watching(*[f"C{n:02}/USDT" for n in range(60)])
        assert [len(markets) for _, markets in scene.pro.subscribed] == [25, 25, 10]
        assert len(scene.pro.clients) == 3

    played(story, apart=True)


def test_markets_of_one_connection_are_watched_one_by_one_over_it() -> None:
    async def story(scene: Scene) -> None:
        await scene.watching(A, B, C)
        assert list(scene.pro.clients) == ["public"]
        assert sorted(scene.pro.subscribed) == [("public", (one,)) for one in (A, B, C)]

    played(story, venue="bybit")


def test_a_venue_that_takes_few_requests_is_asked_for_many_markets_in_one() -> None:
    """OKX takes 480 of them an hour on a connection: with more markets the last ones had no books."""
    markets = [f"C{n:03}/USDT" for n in range(120)]

    async def story(scene: Scene) -> None:
        await scene.watching(*markets)
        asked = [sorted(some) for _, some in scene.pro.subscribed]
        assert [len(some) for some in asked] == [50, 50, 20]
        assert sorted(one for some in asked for one in some) == markets
        assert all(scene.bid(one) == 100 for one in markets)
        # A connection that is made anew asks as few times, and each book is taken again.
        scene.pro.delisted = {markets[60]}
        scene.pro.clients["public"].end(ConnectionError("cut"))
        await settle(rules.RETRY_FIRST_S + 0.1)
        asked = [some for _, some in scene.pro.subscribed[3:] if some != (markets[60],)]
        assert [len(some) for some in asked] == [50, 50, 19]
        assert scene.bid(markets[7]) is None
        for market in markets:
            scene.pro.say(market, 90, 5)
        await settle()
        assert all(scene.bid(one) == 90 for one in markets)
        # One that brings nothing is asked for by itself, once: it may have been spoilt by another.
        scene.pro.clients["public"].end(ConnectionError("cut"))
        await settle(rules.RETRY_FIRST_S + 0.1)
        for market in markets[1:]:
            scene.pro.say(market, 90, 5)
        asked = len(scene.pro.subscribed)
        await settle(10 * rules.FIRST_BOOK_S)
        assert scene.pro.subscribed[asked:] == [("public", (markets[0],))]
        scene.pro.say(markets[0], 90, 5)
        await settle()
        assert all(scene.bid(one) == 90 for one in markets)
        # One that lost a part alone is asked for alone.
        asked = len(scene.pro.subscribed)
        scene.pro.lose(markets[7])
        await settle(rules.RETRY_FIRST_S + 0.1)
        assert [some for _, some in scene.pro.subscribed[asked:]] == [(markets[7],)]

    played(story)


@apart
def test_updates_that_come_together_are_all_taken(apart: bool) -> None:  # noqa: FBT001 -- a case
    async def story(scene: Scene) -> None:
        await scene.watching(A, B, C)
        scene.pro.say(A, 101, 2)
        scene.pro.say(B, 102, 2)
        scene.pro.say(A, 103, 3)
        await settle()
        assert scene.bids == [103, 102, 100]

    played(story, apart=apart)


@apart
def test_an_update_that_wakes_nobody_is_found_soon(apart: bool) -> None:  # noqa: FBT001 -- a case
    async def story(scene: Scene) -> None:
        await scene.watching(A)
        scene.pro.orderbooks[A] |= {"bids": [[105.0, 1.0]], "asks": [[106.0, 1.0]], "nonce": 9}
        await settle(rules.LOOK_S + 0.01)
        assert scene.bid(A) == 105

    played(story, apart=apart)


def test_a_gap_drops_one_book_and_mends_it_over_the_same_connection() -> None:
    async def story(scene: Scene) -> None:
        await scene.watching(A, B, C)
        scene.pro.lose(B)
        await settle()
        assert scene.bids == [100, None, 100]
        assert scene.alarms == [("gap", A)], "of the group"
        await settle(rules.RETRY_FIRST_S)
        assert scene.pro.subscribed == [("0", (A, B, C)), ("0", (B,))]
        scene.pro.say(B, 90, 1)
        await settle()
        assert scene.bids == [100, 90, 100]
        assert list(scene.pro.clients) == ["0"]

    played(story, apart=True)


def test_a_gap_of_a_market_by_itself_is_subscribed_to_again() -> None:
    async def story(scene: Scene) -> None:
        await scene.watching(A, B, C)
        scene.pro.lose(B)
        await settle()
        assert scene.bids == [100, None, 100]
        await settle(rules.RETRY_FIRST_S)
        scene.pro.say(B, 90, 1)
        await settle()
        assert scene.bids == [100, 90, 100]
        assert scene.streams.alarms["gap"] == 1

    played(story)


@apart
@pytest.mark.parametrize("error", [ConnectionError("cut"), None], ids=["cut", "given up"])
def test_a_connection_that_breaks_takes_its_books_with_it(
    apart: bool,  # noqa: FBT001 -- a case
    error: BaseException | None,
) -> None:
    async def story(scene: Scene) -> None:
        await scene.watching(A, B, C)
        next(iter(scene.pro.clients.values())).end(error)
        await settle()
        assert scene.bids == [None, None, None]
        await settle(1)
        assert scene.bids == [None, None, None], "what the client kept is not a new book"
        for market in (A, B, C):
            scene.pro.say(market, 90, 7)
        await settle()
        assert scene.bids == [90, 90, 90]
        assert scene.streams.broken >= 1

    played(story, apart=apart)


def test_a_book_that_waits_for_a_snapshot_is_none() -> None:
    async def story(scene: Scene) -> None:
        await scene.watching(A, B)
        scene.pro.orderbooks[A]["nonce"] = None  # the client begins it anew
        await settle(rules.LOOK_S + 0.01)
        assert scene.bids[:2] == [None, 100]
        scene.pro.say(A, 95, 8)
        await settle()
        assert scene.bids[:2] == [95, 100]

    played(story, apart=True)


def test_a_venue_that_is_down_is_asked_ever_less_often_and_told() -> None:
    async def story(scene: Scene) -> None:
        await scene.watching(A)
        scene.pro.down = RuntimeError("maintenance")
        scene.pro.clients["public"].end(ConnectionError("cut"))
        calls = scene.pro.calls
        await settle(60)
        assert 5 < scene.pro.calls - calls < 15
        assert ("still broken", A) in scene.alarms
        scene.pro.down = None
        await settle(rules.RETRY_MAX_S + 0.1)
        scene.pro.say(A, 90, 1)
        await settle()
        assert scene.bid(A) == 90
        scene.pro.clients["public"].end(ConnectionError("cut"))
        calls = scene.pro.calls
        await settle(rules.RETRY_FIRST_S + 0.1)
        assert scene.pro.calls > calls, "a success begins the delays anew"

    played(story)


def test_books_that_cannot_be_end_their_connection_but_not_for_ever() -> None:
    async def story(scene: Scene) -> None:
        await scene.watching(A, B)
        for nonce in range(2, 2 + rules.REFUSED_MAX):
            scene.pro.say(A, 100, nonce, asks=[[99.0, 1.0]])  # crossed
            await settle()
            assert scene.bid(A) is None
        assert scene.pro.broken == ["public"]
        assert scene.bid(B) is None, "it came over the same connection"
        await settle(rules.RETRY_FIRST_S + 0.1)
        for nonce in range(20, 30):
            scene.pro.say(A, 100, nonce, asks=[[99.0, 1.0]])
            scene.pro.say(B, 100, nonce)
            await settle()
        assert scene.pro.broken == ["public"], "a market in an auction does not stop the others"
        assert scene.bids[:2] == [None, 100]
        assert scene.books.refused["crossed"] == 13

    played(story)


def test_a_subscription_that_brings_nothing_is_made_again() -> None:
    async def story(scene: Scene) -> None:
        watch = asyncio.create_task(scene.streams.watch([A]))
        await settle(rules.FIRST_BOOK_S + 1)
        assert scene.pro.broken == ["public"]
        assert watch.done()
        scene.pro.say(A, 100)
        await settle()
        assert scene.bid(A) == 100

    played(story)


@apart
def test_a_market_without_orders_disturbs_no_other(apart: bool) -> None:  # noqa: FBT001 -- a case
    async def story(scene: Scene) -> None:
        await scene.watching(A, B)
        watch = asyncio.create_task(scene.streams.watch([C]))
        await settle(3 * rules.FIRST_BOOK_S)
        assert watch.done()
        assert scene.bids == [100, 100, None]
        assert "public" not in scene.pro.broken

    played(story, apart=apart)


def test_watching_waits_for_the_first_books_and_not_for_ever() -> None:
    async def story(scene: Scene) -> None:
        began = scene.clock.now_ns()
        await scene.streams.watch([A])
        waited = (scene.clock.now_ns() - began) / NS_PER_S
        assert rules.FIRST_BOOKS_S <= waited < rules.FIRST_BOOKS_S + 1

    played(story)


def test_a_book_is_as_fresh_as_the_connection_that_carries_it() -> None:
    async def story(scene: Scene) -> None:
        await scene.watching(A, B)
        await scene.watching(C)  # over a connection of its own
        await settle(4)
        scene.pro.pong("0")
        await settle(1)
        assert (scene.age_s(A), scene.age_s(B)) == (1, 1), "a quiet book is fresh"
        assert scene.age_s(C) > 4.9

    played(story, apart=True)


def test_where_no_connection_names_a_market_the_most_silent_one_counts() -> None:
    async def story(scene: Scene) -> None:
        await scene.watching(A)
        scene.streams.watch_account()
        await settle(2)
        scene.pro.pong("private")
        scene.pro.clients["public"].subscriptions = {}
        scene.streams._carriers.clear()
        assert scene.age_s(A) == pytest.approx(2, abs=0.05)

    played(story, has={"watchOrderBook": True, "watchOrders": True})


def test_a_connection_is_pinged_often_enough_for_its_books_to_count() -> None:
    async def story(scene: Scene) -> None:
        assert scene.pro.streaming == {"keepAlive": rules.KEEP_ALIVE_MS, "ping": "theirs"}

    played(story)


# --- polling


def test_a_venue_without_streams_is_polled_at_its_interval() -> None:
    async def story(scene: Scene) -> None:
        scene.pro.orderbooks[A] = {"bids": [[1.0, 1.0]], "asks": [[2.0, 1.0]], "nonce": None}
        await scene.streams.watch([A])
        assert scene.bid(A) == 1
        scene.pro.orderbooks[A]["bids"] = [[1.5, 1.0]]
        await settle(5 * rules.POLL_S)
        assert scene.bid(A) == Decimal("1.5")
        assert 5 <= len(scene.pro.fetched) <= 7
        assert scene.age_s(A) <= rules.POLL_S
        scene.pro.down = RuntimeError("no answer")
        await settle(2 * rules.POLL_S)
        assert scene.bid(A) is None
        scene.pro.down = None
        await settle(3 * rules.POLL_S)
        assert scene.bid(A) == Decimal("1.5")

    played(story, has={"watchOrderBook": False})
