"""A practice exchange in the test's own loop, and the real client that is led to it."""

import asyncio
import hmac
import ssl
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp
import ccxt.pro

from arb.clock import NS_PER_MS, VirtualClock
from arb.exchange.client.connection import Address
from arb.exchange.client.sockets import Redirected
from arb.exchange.practice.server import Practice, Settings, practice
from arb.execution.process.real_clock import RealClock
from arb.feeds.source import Change
from tests.exchange.scripted import BOOKS, OPENING, ScriptedMarket, at

API = "https://api.binance.com"
WAIT_S = 10.0


class Practising:
    """The exchange, the client, and requests that no client would send."""

    def __init__(
        self, running: Practice, session: aiohttp.ClientSession, client: Any, folder: Path
    ) -> None:
        self.running = running
        self.hall = running.hall
        self.faults = running.faults
        self.session = session
        self.client = client
        self.folder = folder

    async def asked(
        self,
        method: str,
        path: str,
        *,
        key: str | None = None,
        secret: str | None = None,
        late_ms: int = 0,
        signed: bool = True,
        **params: str,
    ) -> tuple[int, Any, dict[str, str]]:
        """Send a request of one's own; the status, the body and the headers that came back."""
        keys = self.running.keys
        if signed:
            stamp = self.hall.now_ns() // NS_PER_MS - late_ms
            params = {**params, "timestamp": str(stamp)}
        query = urlencode(params)
        if signed:
            true = (keys.binance_secret if secret is None else secret).encode()
            query += "&signature=" + hmac.new(true, query.encode(), sha256).hexdigest()
        headers = {"X-MBX-APIKEY": keys.binance_key if key is None else key}
        url = f"{API}{path}?{query}"
        async with self.session.request(method, url, headers=headers if signed else {}) as got:
            return got.status, await got.json(content_type=None), dict(got.headers)

    async def refused(self, method: str, path: str, **more: Any) -> tuple[int, int, str]:
        """The same for a request that is refused: status, code and message."""
        status, told, _ = await self.asked(method, path, **more)
        return status, told["code"], told["msg"]

    async def bought(
        self,
        name: str,
        amount: str = "0.1",
        price: str = "2000",
        *,
        time_in_force: str = "IOC",
        market: str = "ETH/USDT",
        side: str = "buy",
    ) -> Any:
        """Send a limit order with the real client."""
        params = {"newClientOrderId": name, "timeInForce": time_in_force}
        return await self.client.create_order(market, "limit", side, amount, price, params)

    async def seen(self, name: str, market: str = "ETH/USDT") -> Any:
        """Read an order by its client id with the real client."""
        return await self.client.fetch_order(None, market, {"clientOrderId": name})

    async def controlled(self, path: str, told: Any = None) -> Any:
        """Use the control door: read, or with something to tell, post."""
        url = f"http://127.0.0.1:{self.running.control_port}/control/{path}"
        async with aiohttp.ClientSession() as session:
            if told is None:
                async with session.get(url) as got:
                    return await got.json()
            async with session.post(url, json=told) as got:
                return await got.json()

    @property
    def orders(self) -> int:
        return len(self.hall.account.all_orders())


@asynccontextmanager
async def practising(
    folder: Path, rows: Sequence[Change] = (), clock: VirtualClock | None = None, **settings: Any
) -> AsyncIterator[Practising]:
    """Run the exchange on the example books, and the client on it; a clock is the client's too."""
    async with running_at(folder, rows, clock, **settings) as running, led_to(running) as session:
        client = _client(running, session)
        if clock is not None:
            client.milliseconds = lambda: running.hall.now_ns() // NS_PER_MS
        try:
            yield Practising(running, session, client, folder)
        finally:
            await client.close()


@asynccontextmanager
async def running_at(
    folder: Path, rows: Sequence[Change] = (), clock: VirtualClock | None = None, **settings: Any
) -> AsyncIterator[Practice]:
    """Run the exchange on the example books."""
    market = ScriptedMarket([*(at(-1, shown) for shown in BOOKS), *rows])
    given = {"source": market, "balances": OPENING, "maker": Decimal("0.0005"), **settings}
    async with practice(Settings(folder=folder, **given), clock or RealClock()) as running:
        yield running


@asynccontextmanager
async def led_to(running: Practice) -> AsyncIterator[aiohttp.ClientSession]:
    """Open a session whose every connection ends at the exchange."""
    trust = ssl.create_default_context(cafile=str(running.ca))
    led = Redirected(Address("127.0.0.1", running.port))
    connector = aiohttp.TCPConnector(ssl=trust, resolver=led, use_dns_cache=False)
    async with aiohttp.ClientSession(connector=connector) as session:
        yield session


def _client(running: Practice, session: aiohttp.ClientSession) -> Any:
    client = ccxt.pro.binance(
        {
            "apiKey": running.keys.binance_key,
            "secret": running.keys.binance_secret,
            "session": session,
            "enableRateLimit": False,
            "timeout": 2_000,
            "options": {
                "defaultType": "spot",
                "fetchMarkets": {"types": ["spot"]},
                "fetchCurrencies": False,
                "fetchMargins": False,
                "warnOnFetchOpenOrdersWithoutSymbol": False,
            },
        }
    )
    client.number = str
    client.timeout_on_exit = 0
    return client


async def until(true: Callable[[], bool]) -> None:
    """Let others go on until something is true."""
    async with asyncio.timeout(WAIT_S):
        while not true():  # noqa: ASYNC110 -- what is waited for is inside a client or a server
            await asyncio.sleep(0.005)


def lived(story: Coroutine[Any, Any, None]) -> None:
    """Live a story to its end, within a time."""

    async def within() -> None:
        async with asyncio.timeout(3 * WAIT_S):
            await story

    asyncio.run(within())
