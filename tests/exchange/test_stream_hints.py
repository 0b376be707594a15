"""Private streams only hint: at an order where they can, at all where something may have been missed."""

import asyncio
from typing import Any

import pytest

from arb.exchange.client import streams as rules
from arb.feeds.live import LiveBooks
from tests.exchange.stream_scenes import A, Scene, played, settle

ACCOUNT = {
    "watchOrderBook": True,
    "watchOrders": True,
    "watchMyTrades": True,
    "watchBalance": True,
}


def test_orders_and_their_trades_hint_at_the_order_and_others_at_all() -> None:
    async def story(scene: Scene) -> None:
        scene.streams.watch_account()
        scene.streams.watch_account()
        await settle()
        scene.pro.tell("orders", [{"id": "7", "clientOrderId": "xone"}, {"id": "8"}])
        await settle()
        assert scene.hints == ["xone", None]
        scene.pro.tell("trades", [{"order": "7"}])
        await settle()
        assert scene.hints[2:] == ["xone"]
        scene.pro.tell("trades", [{"order": "99"}, {}, {"order": None}])
        scene.pro.tell("balance", {})
        await settle()
        assert scene.hints[3:] == [None], "one for all of them"
        await settle(1)
        scene.pro.tell("balance", {})
        await settle()
        assert scene.hints[4:] == [None]
        assert len(scene.streams._tasks) == 3

    played(story, has=ACCOUNT)


def test_a_break_hints_at_once_and_again_when_the_new_subscription_stands() -> None:
    async def story(scene: Scene) -> None:
        scene.streams.watch_account()
        await settle()
        scene.pro.clients["private"].end(ConnectionError("cut"))
        await settle()
        assert scene.hints == [None]
        await settle(rules.RETRY_FIRST_S + rules.HINT_AFTER_S + 0.1)
        assert scene.hints == [None, None]
        scene.pro.tell("orders", [{"id": "7", "clientOrderId": "xone"}])
        await settle()
        assert scene.hints == [None, None, "xone"]

    played(story, has={"watchOrders": True})


@pytest.mark.parametrize(
    ("has", "keys", "expected"),
    [
        (ACCOUNT, False, set()),
        ({"watchOrderBook": True}, True, set()),
        ({"watchOrders": True}, True, {"watchOrders"}),
        (ACCOUNT, True, {"watchOrders", "watchMyTrades", "watchBalance"}),
    ],
)
def test_the_account_is_followed_where_there_are_keys_and_streams(
    has: dict[str, bool],
    keys: bool,  # noqa: FBT001 -- a case
    expected: set[str],
) -> None:
    async def story(scene: Scene) -> None:
        scene.streams.watch_account()
        assert set(scene.streams._tasks) == expected

    played(story, has=has, keys=keys)


@pytest.mark.parametrize("told", [None, [None], [{"clientOrderId": 5}], 7])
def test_nonsense_of_a_private_stream_breaks_nothing(told: Any) -> None:
    async def story(scene: Scene) -> None:
        scene.streams.watch_account()
        await settle()
        scene.pro.tell("orders", told)
        await settle(rules.RETRY_FIRST_S + 0.1)
        scene.pro.tell("orders", [{"id": "7", "clientOrderId": "xone"}])
        await settle()
        assert scene.hints[-1] == "xone"

    played(story, has={"watchOrders": True})


def test_closing_ends_everything_and_the_changes_too() -> None:
    async def story(scene: Scene) -> None:
        await scene.watching(A)
        scene.streams.watch_account()
        told = asyncio.create_task(_all(scene.books))
        await settle()
        await scene.streams.close()
        await told
        assert scene.books.book(A) is None

    played(story, has=ACCOUNT)


async def _all(books: LiveBooks) -> int:
    return len([change async for change in books.changes(0)])
