"""A loopback HTTPS server that answers as it is told, and the real gateway pointed at it by way of its sockets."""

import asyncio
import contextlib
import datetime as dt
import json
import socket
import ssl
from collections import deque
from collections.abc import AsyncIterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from arb.clock import VirtualClock
from arb.exchange.client.connection import Address, Connection, Credentials
from arb.exchange.client.gateway import Gateway
from arb.exchange.dialects import table as dialects
from arb.exchange.port import OrderRequest
from arb.feeds.live import LiveBooks

NOW_NS: Final = 1_700_000_000_123_456_789
NOW_MS: Final = NOW_NS // 10**6
HOSTS: Final = ("api.binance.com", "www.okx.com")
KEY: Final = "the-key-of-this-account"
SECRET: Final = "c2VjcmV0LW9mLXRoaXMtYWNjb3VudHMh"
ORDER_ID: Final = "xabcdaaaaaaaab2aab"


KEYS: Final = Credentials(KEY, SECRET, "the-password", source="a test")


def request(**changes: Any) -> OrderRequest:
    fields: dict[str, Any] = {
        "client_order_id": ORDER_ID,
        "market": "ETH/USDT",
        "side": "buy",
        "kind": "limit",
        "time_in_force": "ioc",
        "amount": Decimal("0.0100"),
        "limit": Decimal("2000.10"),
        "venue_time_ns": NOW_NS,
        "window_ns": 5 * 10**9,
    }
    return OrderRequest(**{**fields, **changes})


class Answer:
    """What the server does with one request."""

    def __init__(
        self,
        body: object = "",
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        *,
        manner: str = "whole",  # "whole" | "dropped" | "never" | "cut"
    ) -> None:
        self.text = body if isinstance(body, str) else json.dumps(body)
        self.status = status
        self.headers = dict(headers or {})
        self.manner = manner


class Loopback:
    """The server: a fixed answer a path, and a queue of answers that come before it."""

    def __init__(self, ca_file: Path) -> None:
        self.ca_file = ca_file
        self.fixed: dict[tuple[str, str], Answer] = {}
        self.next: dict[tuple[str, str], deque[Answer]] = {}
        self.asked: list[tuple[str, str, str, str, Mapping[str, str]]] = []
        self.port = 0
        self.over = asyncio.Event()

    def says(self, method: str, path: str, answer: Answer) -> None:
        self.fixed[method, path] = answer

    def then(self, method: str, path: str, *answers: Answer) -> None:
        self.next.setdefault((method, path), deque()).extend(answers)

    def count(self, method: str, path: str) -> int:
        return sum(asked[:2] == (method, path) for asked in self.asked)

    async def handle(self, asked: web.Request) -> web.StreamResponse:
        body = await asked.text()
        self.asked.append((asked.method, asked.path, asked.query_string, body, asked.headers))
        waiting = self.next.get((asked.method, asked.path))
        answer = waiting.popleft() if waiting else self.fixed.get((asked.method, asked.path))
        if answer is None:
            return web.Response(status=404, text="<html>not here</html>", content_type="text/html")
        if answer.manner == "dropped":
            assert asked.transport is not None
            asked.transport.abort()
            return web.Response()
        if answer.manner == "never":
            await self.over.wait()
        if answer.manner == "cut":
            reply = web.StreamResponse(headers={"Content-Length": str(len(answer.text))})
            await reply.prepare(asked)
            await reply.write(answer.text[: len(answer.text) // 2].encode())
            assert asked.transport is not None
            asked.transport.abort()
            return reply
        kind = "application/json" if answer.text[:1] in {"{", "["} else "text/html"
        return web.Response(
            status=answer.status, text=answer.text, content_type=kind, headers=answer.headers
        )


class Nowhere(AbstractResolver):
    """No name is known."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        del host, port, family
        raise socket.gaierror(socket.EAI_NONAME, "no such name")

    async def close(self) -> None:
        pass


def certified(file: Path) -> ssl.SSLContext:
    """A server's context with a certificate of its own making, which is left in a file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "loopback")])
    start = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(start)
        .not_valid_after(start + dt.timedelta(days=36_500))
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName(name) for name in HOSTS]),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


@contextlib.asynccontextmanager
async def listening(folder: Path) -> AsyncIterator[Loopback]:
    file = folder / "ca.pem"
    server = Loopback(file)
    app = web.Application()
    app.router.add_route("*", "/{anything:.*}", server.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    listener = socket.create_server(("127.0.0.1", 0))
    server.port = listener.getsockname()[1]
    await web.SockSite(runner, listener, ssl_context=certified(file)).start()
    try:
        yield server
    finally:
        server.over.set()
        await runner.cleanup()


def gateway_to(server: Loopback, venue: str = "binance", **more: Any) -> Gateway:
    """The real gateway, led to the server by its sockets."""
    connection = Connection(
        venue=venue,
        connect_to=Address("127.0.0.1", server.port),
        ca_file=server.ca_file,
        options={},
        credentials=KEYS,
    )
    clock = VirtualClock(NOW_NS)
    row = dialects.DIALECTS[venue]
    return Gateway(connection, row, clock, LiveBooks(clock), **more)


# --- Binance, as far as a start needs it

ACCOUNT: Final = {
    "makerCommission": 10,
    "commissionRates": {
        "maker": "0.00100000",
        "taker": "0.00100000",
        "buyer": "0.00000000",
        "seller": "0.00000000",
    },
    "canTrade": True,
    "accountType": "SPOT",
    "balances": [
        {"asset": "USDT", "free": "1000.00000000", "locked": "12.50000000"},
        {"asset": "ETH", "free": "0.12345678", "locked": "0.00000000"},
    ],
    "uid": 354937868,
}


def rested(gateway: Gateway) -> None:
    """Let the venue have seen nothing of us for long: no ban and no used ration is left."""
    pacing = gateway._line._pacing
    vars(pacing).update(vars(type(pacing)(pacing._clock, pacing._ration)))


def symbol(base: str, quote: str, tick: str, step: str, **changes: Any) -> dict[str, Any]:
    return {
        "symbol": f"{base}{quote}",
        "status": "TRADING",
        "baseAsset": base,
        "baseAssetPrecision": 8,
        "quoteAsset": quote,
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "orderTypes": ["LIMIT", "LIMIT_MAKER", "MARKET"],
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "filters": [
            {
                "filterType": "PRICE_FILTER",
                "minPrice": tick,
                "maxPrice": "1000000.00000000",
                "tickSize": tick,
            },
            {"filterType": "LOT_SIZE", "minQty": step, "maxQty": "9000.00000000", "stepSize": step},
            {
                "filterType": "NOTIONAL",
                "minNotional": "5.00000000",
                "applyMinToMarket": True,
                "maxNotional": "9000000.00000000",
                "avgPriceMins": 5,
            },
        ],
        "permissions": ["SPOT"],
        **changes,
    }


SYMBOLS: Final = [
    symbol("ETH", "USDT", "0.01000000", "0.00010000"),
    symbol("BTC", "USDT", "0.01000000", "0.00001000"),
    symbol("ETH", "BTC", "0.00001000", "0.00010000"),
    symbol("LTC", "BTC", "0.00000100", "0.00100000", status="BREAK"),
]
EXCHANGE_INFO: Final = {
    "timezone": "UTC",
    "serverTime": NOW_MS,
    "rateLimits": [],
    "exchangeFilters": [],
    "symbols": SYMBOLS,
}


def binance_open(server: Loopback) -> None:
    """Let a Binance gateway start."""
    server.says("GET", "/api/v3/time", Answer({"serverTime": NOW_MS}))
    server.says("GET", "/api/v3/exchangeInfo", Answer(EXCHANGE_INFO))
    server.says("GET", "/api/v3/account", Answer(ACCOUNT))


@contextlib.asynccontextmanager
async def binance_gateway(folder: Path) -> AsyncIterator[tuple[Loopback, Gateway]]:
    async with listening(folder) as server:
        binance_open(server)
        gateway = gateway_to(server)
        try:
            await gateway.start()
            yield server, gateway
        finally:
            await gateway.close()
