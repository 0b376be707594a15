"""A reply that comes twice is never the answer of another request: no order's fate is read from it."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, parse_qsl

import aiohttp
import pytest
from aiohttp.client_proto import ResponseHandler

from arb.exchange.client import attentive
from arb.exchange.client.gateway import Gateway
from arb.exchange.port import OrderNotFound, Refused, Unreachable, VenueError
from tests.exchange.loopback import (
    ACCOUNT,
    EXCHANGE_INFO,
    NOW_MS,
    NOW_NS,
    certified,
    gateway_to,
    request,
)

FIRST: Final = "first0000000000000"
SECOND: Final = "second000000000000"
THIRD: Final = "third0000000000000"
WITHIN_S: Final = 20
REFUSED: Final = {
    "code": -2010,
    "msg": "Account has insufficient balance for requested action.",
}
MISSING: Final = {"code": -2013, "msg": "Order does not exist."}


def made(client_order_id: str) -> dict[str, Any]:
    return {
        "symbol": "ETHUSDT",
        "orderId": 29,
        "clientOrderId": client_order_id,
        "transactTime": NOW_MS,
        "time": NOW_MS,
        "price": "2000.10",
        "origQty": "0.01",
        "executedQty": "0.01",
        "cummulativeQuoteQty": "20",
        "status": "FILLED",
        "side": "BUY",
        "fills": [
            {
                "price": "2000",
                "qty": "0.01",
                "commission": "0",
                "commissionAsset": "ETH",
                "tradeId": 5,
            }
        ],
    }


class Doubling:
    """A Binance that answers as it is told, and says some of it twice on the same connection."""

    def __init__(self, ca_file: Path) -> None:
        self.ca_file = ca_file
        self.port = 0
        self.replies: dict[str, tuple[int, object]] = {}  # by the client order id
        self.at_once: set[str] = set()  # whose reply is told twice at once
        self.late: set[str] = set()  # ... once the next request has come, before it is answered
        self.held: set[str] = set()  # whose own reply comes only then
        self.executed: list[str] = []
        self.connections = 0
        self.told: dict[str, tuple[asyncio.StreamWriter, bytes]] = {}
        self.cut = False  # the copy that comes later ends in the middle of its head

    def again(self, name: str) -> None:
        """Tell a reply once more, unasked."""
        writer, whole = self.told[name]
        writer.write(whole[: len(whole) // 4] if self.cut else whole)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        copy = b""
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                size = next(
                    (
                        int(line[15:])
                        for line in head.splitlines()
                        if "content-length:" in line.lower()
                    ),
                    0,
                )
                sent = (await reader.readexactly(size)).decode()
                writer.write(copy)
                method, target, _ = head.split(maxsplit=2)
                name, status, body = self.answer(method, target, sent)
                text = json.dumps(body).encode()
                whole = (
                    f"HTTP/1.1 {status} Said\r\nContent-Type: application/json\r\n"
                    f"Content-Length: {len(text)}\r\n\r\n"
                ).encode() + text
                if name in self.held:
                    copy = whole
                else:
                    writer.write(whole * (2 if name in self.at_once else 1))
                    copy = whole if name in self.late else b""
                self.told[name] = (writer, whole)

    def answer(self, method: str, target: str, sent: str) -> tuple[str, int, object]:
        path, _, query = target.partition("?")
        fixed: dict[str, object] = {
            "/api/v3/time": {"serverTime": NOW_MS},
            "/api/v3/exchangeInfo": EXCHANGE_INFO,
            "/api/v3/account": ACCOUNT,
        }
        if path in fixed:
            return path, 200, fixed[path]
        if method == "POST":
            name = dict(parse_qsl(sent))["newClientOrderId"]
            status, body = self.replies.get(name, (200, made(name)))
            if status == 200:
                self.executed.append(name)
            return name, status, body
        asked = parse_qs(query).get("origClientOrderId", [""])[0]
        if asked:
            status, body = self.replies.get(asked, (200, made(asked)))
            return asked, status, body
        return path, 200, []


Story = Callable[[Doubling, Gateway], Coroutine[Any, Any, None]]


def lived(folder: Path, story: Story) -> Doubling:
    async def main() -> Doubling:
        server = Doubling(folder / "ca.pem")
        listening = await asyncio.start_server(
            server.serve, "127.0.0.1", 0, ssl=certified(server.ca_file), limit=1 << 20
        )
        server.port = listening.sockets[0].getsockname()[1]
        gateway = gateway_to(server)  # type: ignore[arg-type]  # of a server: its port and its file
        try:
            await gateway.start()
            await story(server, gateway)
        finally:
            await gateway.close()
            listening.close()
        return server

    return asyncio.run(asyncio.wait_for(main(), WITHIN_S))


async def heard(work: Awaitable[object]) -> object:
    try:
        return await work
    except VenueError as error:
        return error


async def create(gateway: Gateway, name: str) -> object:
    return await heard(gateway.create(request(client_order_id=name)))


@pytest.mark.parametrize("when", ["at once", "before the next order", "while it is in flight"])
def test_a_refusal_that_is_told_twice_refuses_one_order(tmp_path: Path, when: str) -> None:
    async def story(server: Doubling, gateway: Gateway) -> None:
        server.replies[FIRST] = (400, REFUSED)
        (server.at_once if when == "at once" else server.late).add(FIRST)
        assert isinstance(await create(gateway, FIRST), Refused)
        if when == "before the next order":
            server.again(FIRST)
        told = await create(gateway, SECOND)
        assert server.executed == [SECOND]
        assert getattr(told, "client_order_id", None) == SECOND

    lived(tmp_path, story)


@pytest.mark.parametrize("cut", [False, True])
@pytest.mark.parametrize("first", [(200, made(FIRST)), (400, MISSING)])
def test_what_is_read_of_one_order_is_never_the_answer_of_the_next_request(
    tmp_path: Path, first: tuple[int, object], *, cut: bool
) -> None:
    async def story(server: Doubling, gateway: Gateway) -> None:
        server.cut = cut
        server.replies[FIRST] = first
        await heard(gateway.order("ETH/USDT", FIRST))
        server.again(FIRST)
        told = await create(gateway, SECOND)
        assert getattr(told, "client_order_id", None) == SECOND
        server.again(SECOND)
        assert await gateway.trades("ETH/USDT", NOW_NS - 5 * 10**9) == []
        server.replies[THIRD] = (400, MISSING)
        assert isinstance(await heard(gateway.order("ETH/USDT", THIRD)), OrderNotFound)

    lived(tmp_path, story)


def test_after_a_reply_that_proves_nothing_no_order_goes_over_the_connection(
    tmp_path: Path,
) -> None:
    async def story(server: Doubling, gateway: Gateway) -> None:
        server.late.add(FIRST)
        server.held.add(SECOND)
        server.replies[SECOND] = (400, REFUSED)
        await create(gateway, FIRST)
        # It gets the copy, and its own reply is still to come: that one would refuse the third.
        assert isinstance(await create(gateway, SECOND), Unreachable)
        told = await create(gateway, THIRD)
        assert getattr(told, "client_order_id", None) == THIRD

    lived(tmp_path, story)


def test_a_copy_that_nobody_has_read_yet_ends_the_connection_too(tmp_path: Path) -> None:
    async def story(server: Doubling, gateway: Gateway) -> None:
        await create(gateway, FIRST)
        (resting,) = [
            one for pool in gateway.ccxt.session.connector._conns.values() for one, _ in pool
        ]
        assert resting.is_connected()
        server.again(FIRST)  # at once, into the socket: the client had no turn to read it
        assert not resting.is_connected()

    lived(tmp_path, story)


def test_orders_that_go_well_share_one_connection(tmp_path: Path) -> None:
    async def story(server: Doubling, gateway: Gateway) -> None:
        for name in (FIRST, SECOND, THIRD):
            await create(gateway, name)
            await gateway.order("ETH/USDT", name)
        assert server.executed == [FIRST, SECOND, THIRD]

    assert lived(tmp_path, story).connections == 1


@pytest.mark.parametrize("lacking", ["factory", "handler"])
def test_without_what_it_relies_on_each_connection_serves_one_request(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lacking: str
) -> None:
    if lacking == "factory":
        real = aiohttp.TCPConnector

        class Other(real):  # type: ignore[misc, valid-type]
            def __init__(self, **options: Any) -> None:
                super().__init__(**options)
                self._factory = partial(ResponseHandler, asyncio.get_running_loop())
                self._makes = self.__dict__.pop("_factory")

            def __getattr__(self, name: str) -> Any:
                if name == "_factory" and "_makes" in self.__dict__ and self._force_close:
                    return self._makes
                raise AttributeError(name)

        monkeypatch.setattr(attentive.aiohttp, "TCPConnector", Other)
    else:
        monkeypatch.setattr(attentive, "ResponseHandler", type("Another", (ResponseHandler,), {}))

    async def story(server: Doubling, gateway: Gateway) -> None:
        before = server.connections
        for name in (FIRST, SECOND):
            await create(gateway, name)
        assert server.executed == [FIRST, SECOND]
        assert server.connections == before + 2

    lived(tmp_path, story)
