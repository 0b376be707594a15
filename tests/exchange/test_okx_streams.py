"""The real client listens to the practice exchange that speaks OKX."""

import asyncio
import time
from collections.abc import Awaitable
from decimal import Decimal
from pathlib import Path
from typing import Any

import ccxt
import pytest

from arb.exchange.practice.fault_table import MARKET_STREAM
from arb.feeds.generated import GeneratedMarket
from tests.exchange.practising import WAIT_S, lived, until
from tests.exchange.practising_okx import Practising, practising

D = Decimal
MARKET = "BTC/USDT"
LIVELY = {"source": GeneratedMarket(7)}


async def soon(awaited: Awaitable[Any]) -> Any:
    return await asyncio.wait_for(awaited, WAIT_S)


async def book(there: Practising) -> Any:
    return await soon(there.client.watch_order_book(MARKET, 100))


async def mended(there: Practising) -> int:
    """Watch on until there is a book: the client repeats an old error until its subscription is answered."""
    async with asyncio.timeout(WAIT_S):
        while True:
            try:
                return int((await book(there))["nonce"])
            except ccxt.InvalidNonce:
                await asyncio.sleep(0.01)


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
            for _ in range(5):
                _, told = await there.asked(
                    "GET", "market/books", {"instId": "BTC-USDT", "sz": 400}
                )
                (rest,) = told["data"]
                while watched["nonce"] < rest["seqId"]:
                    watched = await book(there)
                if watched["nonce"] == rest["seqId"]:
                    for side in ("bids", "asks"):
                        sizes = [[float(row[0]), float(row[1])] for row in rest[side]]
                        assert [list(row) for row in watched[side]] == sizes
                    return
            raise AssertionError("the two were never at the same update")

    lived(story())


def test_a_gap_is_seen_and_a_new_subscription_mends_it(tmp_path: Path) -> None:
    async def story() -> None:
        async with practising(tmp_path, **LIVELY) as there:
            last = (await book(there))["nonce"]
            for fault in ("stream_lost", "stream_swapped", "stream_twice"):
                there.faults.arm(fault, MARKET_STREAM)
                await until_it_fails(there, ccxt.InvalidNonce)
                now = await mended(there)
                assert now > last
                last = now
            there.faults.arm("stream_closed", MARKET_STREAM)
            await until_it_fails(there, ccxt.NetworkError)
            assert await mended(there) > last

    lived(story())


def test_our_own_trades_are_missing_from_every_book_that_is_streamed(tmp_path: Path) -> None:
    async def story() -> None:
        async with practising(tmp_path) as there:
            client = there.client
            first = await soon(client.watch_order_book("ETH/USDT"))
            assert list(first["asks"][0]) == [2000.0, 0.5]
            await there.bought("xtaken", amount="0.2")
            while list(first["asks"][0]) != [2000.0, 0.3]:
                first = await soon(client.watch_order_book("ETH/USDT"))
            five = await soon(client.watch_order_book("ETH/BTC", 5))
            assert list(five["asks"][0])[:2] == [0.04, 10.0]
            best = await soon(client.watch_bids_asks(["BTC/USDT"]))
            assert D(str(best["BTC/USDT"]["ask"])) == 50_010
            ticker = await soon(client.watch_ticker("BNB/USDT"))
            assert D(ticker["bid"]) == 500

    lived(story())


def test_orders_trades_and_balances_are_told_as_they_happen(tmp_path: Path) -> None:
    async def story() -> None:
        async with practising(tmp_path) as there:
            client = there.client
            held = await soon(client.watch_balance())  # what there is, to begin with
            assert D(held["USDT"]["free"]) == 10_000
            waits = [
                asyncio.ensure_future(one())
                for one in (client.watch_orders, client.watch_my_trades, client.watch_balance)
            ]
            await until(lambda: len(there.hall._listeners) == 2)
            await there.bought("xtold", amount="0.8")
            orders, trades, balance = [await soon(one) for one in waits]
            assert [(one["id"], one["clientOrderId"]) for one in orders] == [("1", "xtold")]
            assert [(one["id"], one["order"], D(one["amount"])) for one in trades] == [
                ("1", "1", D("0.5"))
            ]
            # ccxt does not turn the sign of a fee that the stream tells.
            assert (D(trades[0]["fee"]["cost"]), trades[0]["fee"]["currency"]) == (
                D("-0.0005"),
                "ETH",
            )
            assert D(balance["USDT"]["free"]) == 9_000
            await until(lambda: client.orders[0]["status"] == "canceled")
            assert D(client.orders[0]["filled"]) == D("0.5")
            there.hall.change("BTC", D("0.25"))
            await until(lambda: D(client.balance["BTC"]["free"]) == D("1.25"))

    lived(story())


def test_orders_can_be_placed_and_cancelled_over_the_websocket(tmp_path: Path) -> None:
    async def story() -> None:
        async with practising(tmp_path) as there:
            client = there.client
            params = {"clOrdId": "xws", "timeInForce": "GTC"}
            order = ("ETH/USDT", "limit", "buy", "0.1", "1990.00", params)
            told = await soon(client.create_order_ws(*order))
            assert (told["id"], told["clientOrderId"], told["status"]) == ("1", "xws", None)
            with pytest.raises(ccxt.ExchangeError, match="51016"):
                await soon(client.create_order_ws(*order))
            await soon(client.cancel_order_ws(None, "ETH/USDT", {"clOrdId": "xws"}))
            assert (await there.seen("xws"))["status"] == "canceled"
            there.faults.arm("reply_dropped", "order.create")
            again = (*order[:-1], {**params, "clOrdId": "xdrop"})
            with pytest.raises(ccxt.NetworkError):
                await soon(client.create_order_ws(*again))
            assert there.orders == 2

    lived(story())


def test_reports_that_are_lost_or_come_twice_change_nothing_of_the_account(tmp_path: Path) -> None:
    async def story() -> None:
        async with practising(tmp_path) as there:
            client = there.client
            await there.client.load_markets()
            waiting = asyncio.ensure_future(client.watch_my_trades())
            await until(lambda: len(there.hall._listeners) == 1)
            there.faults.rates = {"stream_twice": 1.0}
            await there.bought("xtwice")
            assert len(await soon(waiting)) == 1
            there.faults.rates = {"stream_lost": 1.0}
            await there.bought("xlost")
            assert (await there.seen("xlost"))["status"] == "closed"
            there.faults.rates = {"stream_closed": 1.0}
            waiting = asyncio.ensure_future(client.watch_my_trades())
            await asyncio.sleep(0)
            await there.bought("xcut")
            with pytest.raises(ccxt.NetworkError):
                await soon(waiting)
            assert {"stream_twice", "stream_lost", "stream_closed"} <= set(there.faults.struck)

    lived(story())


def test_a_revoked_key_ends_the_accounts_stream(tmp_path: Path) -> None:
    async def story() -> None:
        async with practising(tmp_path) as there:
            await soon(there.client.watch_balance())
            waiting = asyncio.ensure_future(there.client.watch_balance())
            await asyncio.sleep(0)
            there.running.grounds.key_revoked = True
            there.hall.change("BTC", D(1))
            with pytest.raises(ccxt.NetworkError):
                await soon(waiting)
            with pytest.raises(ccxt.ExchangeError, match="60005"):
                await soon(there.client.watch_balance())

    lived(story())


def test_a_connection_that_asks_nonsense_is_answered(tmp_path: Path) -> None:
    async def story() -> None:
        async with practising(tmp_path) as there:
            async with there.session.ws_connect("wss://ws.okx.com:8443/ws/v5/public") as socket:

                async def answer(op: str, **arg: Any) -> Any:
                    await socket.send_json({"op": op, "args": [arg]})
                    return await socket.receive_json()

                await socket.send_str("ping")
                assert (await socket.receive()).data == "pong"
                await socket.send_str("{")
                assert (await socket.receive_json())["code"] == "60012"
                assert (await answer("dance"))["code"] == "60012"
                assert (await answer("subscribe", channel="orders", instType="ANY"))[
                    "code"
                ] == "60018"
                assert (await answer("subscribe", channel="books", instId="A-B"))["code"] == "60018"
                deep = await answer("subscribe", channel="books-l2-tbt", instId="ETH-USDT")
                assert deep["code"] == "64003"
                named = {"channel": "books", "instId": "ETH-USDT"}
                assert (await answer("subscribe", **named))["arg"] == named
                shown = await socket.receive_json()
                assert (shown["action"], shown["data"][0]["prevSeqId"]) == ("snapshot", -1)
                assert shown["data"][0]["bids"][0] == ["1999", "0.5", "0", "1"]
                assert (await answer("unsubscribe", **named))["event"] == "unsubscribe"
            async with there.session.ws_connect("wss://ws.okx.com:8443/ws/v5/private") as socket:
                assert (await answer("subscribe", channel="account"))["code"] == "60011"
                keys = there.running.keys
                login = {"apiKey": keys.okx_key, "passphrase": keys.okx_password, "sign": "no"}
                now = str(int(time.time()))
                assert (await answer("login", **login, timestamp=now))["code"] == "60007"
                assert (await answer("login", **login, timestamp="1"))["code"] == "60006"
                wrong = {**login, "passphrase": "other"}
                assert (await answer("login", **wrong, timestamp=now))["code"] == "60024"
                assert (await answer("login", **{**login, "apiKey": "other"}))["code"] == "60005"
                await socket.send_json({"id": "1", "op": "order", "args": [{"instId": "ETH-USDT"}]})
                told = await socket.receive_json()
                assert (told["id"], told["op"], told["code"]) == ("1", "order", "60011")

    lived(story())
