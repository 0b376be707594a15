"""The real client listens to the practice exchange: books without gaps, and what happens on the account."""

import asyncio
from collections.abc import Awaitable
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

import ccxt
import pytest

from arb.exchange.practice.fault_table import MARKET_STREAM
from arb.feeds.generated import GeneratedMarket
from tests.exchange.practising import WAIT_S, Practising, lived, practising, until

D = Decimal
MARKET = "BTC/USDT"
LIVELY = {"source": GeneratedMarket(7)}


async def soon(awaited: Awaitable[Any]) -> Any:
    return await asyncio.wait_for(awaited, WAIT_S)


async def book(there: Practising) -> Any:
    return await soon(there.client.watch_order_book(MARKET))


async def until_it_fails(there: Practising, kind: type[Exception]) -> None:
    async def on() -> None:
        while True:
            await book(there)

    with pytest.raises(kind):
        await on()


def test_a_watched_book_is_the_book_of_rest_at_the_same_update(tmp_path: Path) -> None:
    async def story() -> None:
        async with practising(tmp_path, **LIVELY) as there:
            watched = await book(there)
            for _ in range(3):
                rest = await there.client.fetch_order_book(MARKET)
                while watched["nonce"] < rest["nonce"]:
                    watched = await book(there)
                if watched["nonce"] == rest["nonce"]:
                    assert (watched["bids"], watched["asks"]) == (rest["bids"], rest["asks"])
                    return
            raise AssertionError("the two were never at the same update")

    lived(story())


def test_a_gap_is_seen_and_a_new_subscription_mends_it(tmp_path: Path) -> None:
    async def story() -> None:
        async with practising(tmp_path, **LIVELY) as there:
            last = (await book(there))["nonce"]
            for fault in ("stream_lost", "stream_swapped"):
                # The first message may hold only what the client's snapshot held already.
                there.faults.arm(fault, MARKET_STREAM, times=3)
                await until_it_fails(there, ccxt.ChecksumError)
                await until(lambda one=fault: there.faults.struck[one] == 3)
                mended = last
                while mended <= last:
                    with suppress(ccxt.ChecksumError):
                        mended = (await book(there))["nonce"]
                last = mended

    lived(story())


def test_a_connection_that_ends_is_followed_by_a_new_one(tmp_path: Path) -> None:
    async def story() -> None:
        async with practising(tmp_path, **LIVELY) as there:
            last = (await book(there))["nonce"]
            there.faults.arm("stream_closed", MARKET_STREAM)
            await until(lambda: there.faults.struck["stream_closed"] == 1)
            for _ in range(5):
                # The client tells whoever waits at that moment, and nobody who comes later.
                with suppress(ccxt.NetworkError):
                    last = max(last, (await book(there))["nonce"])
            assert (await book(there))["nonce"] > last

    lived(story())


def test_a_message_that_comes_twice_changes_nothing(tmp_path: Path) -> None:
    async def story() -> None:
        async with practising(tmp_path, **LIVELY) as there:
            await book(there)
            there.faults.arm("stream_twice", MARKET_STREAM, times=5)
            for _ in range(8):
                await book(there)
            assert there.faults.struck["stream_twice"] == 5

    lived(story())


def test_many_books_and_best_prices_come_over_the_streams(tmp_path: Path) -> None:
    async def story() -> None:
        async with practising(tmp_path, **LIVELY) as there:
            seen = set()
            while seen != {"BTC/USDT", "ETH/USDT"}:
                watched = await soon(
                    there.client.watch_order_book_for_symbols(["BTC/USDT", "ETH/USDT"])
                )
                seen.add(watched["symbol"])
            best = await soon(there.client.watch_bids_asks([MARKET]))
            assert D(best[MARKET]["bid"]) < D(best[MARKET]["ask"])

    lived(story())


def test_our_own_trades_are_missing_from_the_book_that_is_streamed(tmp_path: Path) -> None:
    async def story() -> None:
        async with practising(tmp_path) as there:
            client = there.client
            first = await soon(client.watch_order_book("ETH/USDT"))
            assert first["asks"][0] == [2000.0, 0.5]
            await there.bought("xtaken", amount="0.2")
            while first["asks"][0] != [2000.0, 0.3]:
                first = await soon(client.watch_order_book("ETH/USDT"))
            await there.bought("xrest", amount="0.3")
            while first["asks"][0] != [2001.0, 1.0]:
                first = await soon(client.watch_order_book("ETH/USDT"))

    lived(story())


async def listening(there: Practising) -> None:
    """Subscribe to the account's stream; the client does so when it is first asked."""
    await there.client.load_markets()
    await soon(there.client.authenticate({"type": "spot", "subType": None}))


def test_orders_trades_and_balances_are_told_as_they_happen(tmp_path: Path) -> None:
    async def story() -> None:
        async with practising(tmp_path) as there:
            client = there.client
            await listening(there)
            waits = [
                asyncio.ensure_future(one())
                for one in (client.watch_orders, client.watch_my_trades, client.watch_balance)
            ]
            await asyncio.sleep(0)
            await there.bought("xtold", amount="0.8")
            orders, trades, balance = [await soon(one) for one in waits]
            assert [(one["id"], one["clientOrderId"]) for one in orders] == [("1", "xtold")]
            assert [(one["id"], one["order"], D(one["amount"])) for one in trades] == [
                ("1", "1", D("0.5"))
            ]
            assert D(balance["USDT"]["free"]) == 9_000
            await until(lambda: client.orders[0]["status"] == "expired")
            assert D(client.orders[0]["filled"]) == D("0.5")

    lived(story())


def test_a_cancel_and_a_deposit_are_told(tmp_path: Path) -> None:
    async def story() -> None:
        async with practising(tmp_path) as there:
            client = there.client
            await listening(there)
            await there.bought("xgone", price="1990", time_in_force="GTC")
            waiting = asyncio.ensure_future(client.watch_orders())
            await asyncio.sleep(0)
            await client.cancel_order(None, "ETH/USDT", {"clientOrderId": "xgone"})
            await soon(waiting)
            await until(lambda: client.orders[0]["status"] == "canceled")
            assert client.orders[0]["clientOrderId"] == "xgone"
            waiting = asyncio.ensure_future(client.watch_balance())
            await asyncio.sleep(0)
            there.hall.change("BTC", D("0.25"))
            await soon(waiting)  # first the change is told, then what is held
            await until(lambda: D(client.balance["spot"]["BTC"]["free"]) == D("1.25"))

    lived(story())


def test_orders_can_be_placed_read_and_cancelled_over_the_websocket(tmp_path: Path) -> None:
    async def story() -> None:
        async with practising(tmp_path) as there:
            client = there.client
            params = {"newClientOrderId": "xws", "timeInForce": "GTC"}
            order = ("ETH/USDT", "limit", "buy", "0.1", "1990.00", params)
            told = await soon(client.create_order_ws(*order))
            assert (told["status"], told["clientOrderId"]) == ("open", "xws")
            with pytest.raises(ccxt.InvalidOrder, match="Duplicate order sent"):
                await soon(client.create_order_ws(*order))
            named = {"origClientOrderId": "xws"}
            seen = await soon(client.fetch_order_ws(None, "ETH/USDT", named))
            assert (seen["id"], seen["status"]) == (told["id"], "open")
            ended = await soon(client.cancel_order_ws(None, "ETH/USDT", named))
            assert ended["status"] == "canceled"
            there.faults.arm("reply_dropped", "order.create")
            with pytest.raises(ccxt.NetworkError):
                await soon(client.create_order_ws(*order))
            assert there.orders == 2

    lived(story())


def test_reports_that_are_lost_or_come_twice_change_nothing_of_the_account(tmp_path: Path) -> None:
    async def story() -> None:
        async with practising(tmp_path) as there:
            await listening(there)
            waiting = asyncio.ensure_future(there.client.watch_my_trades())
            await asyncio.sleep(0)
            there.faults.rates = {"stream_twice": 1.0}
            await there.bought("xtwice")
            assert len(await soon(waiting)) == 1
            there.faults.rates = {"stream_lost": 1.0}
            await there.bought("xlost")
            assert (await there.seen("xlost"))["status"] == "closed"
            there.faults.rates = {"stream_closed": 1.0}
            waiting = asyncio.ensure_future(there.client.watch_my_trades())
            await asyncio.sleep(0)
            await there.bought("xcut")
            with pytest.raises(ccxt.NetworkError):
                await soon(waiting)
            assert {"stream_twice", "stream_lost", "stream_closed"} <= set(there.faults.struck)

    lived(story())


def test_a_revoked_key_ends_the_accounts_stream(tmp_path: Path) -> None:
    async def story() -> None:
        async with practising(tmp_path) as there:
            await listening(there)
            there.running.grounds.key_revoked = True
            there.hall.change("BTC", D(1))
            with pytest.raises(ccxt.ExchangeError):
                await there.client.fetch_balance()
            with pytest.raises(ccxt.ExchangeError, match="-2015"):
                await there.client.create_order_ws("ETH/USDT", "limit", "buy", "0.1", "2000.00")

    lived(story())


def test_a_connection_that_asks_nonsense_is_answered(tmp_path: Path) -> None:
    async def story() -> None:
        async with practising(tmp_path) as there:
            async with there.session.ws_connect("wss://stream.binance.com:9443/stream") as socket:
                await socket.send_str("{")
                assert "error" in await socket.receive_json()
                ask = {"method": "SUBSCRIBE", "params": ["nothing@depth"], "id": 3}
                await socket.send_json(ask)
                assert await socket.receive_json() == {
                    "error": {"code": 2, "msg": "Invalid request: invalid stream"},
                    "id": 3,
                }
                named = ["ethusdt@depth5@100ms", "ethusdt@trade"]
                await socket.send_json({"method": "SUBSCRIBE", "params": named, "id": 4})
                assert await socket.receive_json() == {"result": None, "id": 4}
                await socket.send_json({"method": "LIST_SUBSCRIPTIONS", "id": 5})
                told = [await socket.receive_json() for _ in range(2)]
                assert {"result": named, "id": 5} in told
                (shown,) = [one for one in told if "stream" in one]
                assert shown["stream"] == named[0]
                assert shown["data"]["bids"][0] == ["1999.00000000", "0.50000000"]
            url = "wss://ws-api.binance.com:443/ws-api/v3"
            async with there.session.ws_connect(url) as socket:
                await socket.send_json({"id": "a", "method": "dance"})
                assert (await socket.receive_json())["error"]["code"] == -1122
                await socket.send_json({"id": "b", "method": "time"})
                told = await socket.receive_json()
                assert (told["id"], told["status"]) == ("b", 200)
                assert {one["rateLimitType"] for one in told["rateLimits"]} == {
                    "ORDERS",
                    "REQUEST_WEIGHT",
                }

    lived(story())
