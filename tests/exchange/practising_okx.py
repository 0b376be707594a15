"""A practice exchange that speaks OKX in the test's own loop, and the real client that is led to it."""

import base64
import datetime as dt
import hmac
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp
import ccxt.pro

from arb.clock import NS_PER_MS, VirtualClock
from arb.exchange.practice.server import Practice
from arb.feeds.source import Change
from tests.exchange.practising import led_to, running_at

API = "https://www.okx.com"


class Practising:
    """The exchange, the client, and requests that no client would send."""

    def __init__(self, running: Practice, session: aiohttp.ClientSession, client: Any) -> None:
        self.running = running
        self.hall = running.hall
        self.faults = running.faults
        self.session = session
        self.client = client

    async def asked(
        self,
        method: str,
        path: str,
        params: Any = None,
        *,
        late_ms: int = 0,
        changed: dict[str, str] | None = None,
    ) -> tuple[int, Any]:
        """Send a signed request of one's own; the status and the body that came back."""
        keys = self.running.keys
        whole, body = f"/api/v5/{path}", ""
        if method == "GET":
            whole += "?" + urlencode(params) if params else ""
        else:
            body = params if isinstance(params, str) else json.dumps(params)
        at = dt.datetime.fromtimestamp(0, dt.UTC) + dt.timedelta(
            milliseconds=self.hall.now_ns() // NS_PER_MS - late_ms
        )
        stamp = at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        text = f"{stamp}{method}{whole}{body}".encode()
        sign = base64.b64encode(hmac.new(keys.okx_secret.encode(), text, sha256).digest())
        headers = {
            "OK-ACCESS-KEY": keys.okx_key,
            "OK-ACCESS-PASSPHRASE": keys.okx_password,
            "OK-ACCESS-TIMESTAMP": stamp,
            "OK-ACCESS-SIGN": sign.decode(),
            "Content-Type": "application/json",
            **(changed or {}),
        }
        data = body.encode() or None
        async with self.session.request(method, API + whole, headers=headers, data=data) as got:
            return got.status, await got.json(content_type=None)

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
        """Send a limit order with the real client; what comes back names it and says no more."""
        params = {"clOrdId": name, "timeInForce": time_in_force}
        return await self.client.create_order(market, "limit", side, amount, price, params)

    async def seen(self, name: str, market: str = "ETH/USDT") -> Any:
        """Read an order by its client id with the real client."""
        return await self.client.fetch_order(None, market, {"clOrdId": name})

    @property
    def orders(self) -> int:
        return len(self.hall.account.all_orders())


@asynccontextmanager
async def practising(
    folder: Path, rows: Sequence[Change] = (), clock: VirtualClock | None = None, **settings: Any
) -> AsyncIterator[Practising]:
    """Run the exchange on the example books, and the client on it; a clock is the client's too."""
    async with (
        running_at(folder, rows, clock, venue="okx", **settings) as running,
        led_to(running) as session,
    ):
        client = _client(running, session)
        if clock is not None:
            client.milliseconds = lambda: running.hall.now_ns() // NS_PER_MS
        try:
            yield Practising(running, session, client)
        finally:
            await client.close()


def _client(running: Practice, session: aiohttp.ClientSession) -> Any:
    client = ccxt.pro.okx(
        {
            "apiKey": running.keys.okx_key,
            "secret": running.keys.okx_secret,
            "password": running.keys.okx_password,
            "session": session,
            "enableRateLimit": False,
            "timeout": 2_000,
            "options": {"defaultType": "spot", "fetchMarkets": {"types": ["spot"]}},
        }
    )
    client.number = str
    client.timeout_on_exit = 0
    return client
