"""A session that opens no socket: it keeps what the real client would send, and answers from a script."""

import asyncio
import json
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import parse_qsl, urlsplit

from arb.clock import VirtualClock
from arb.exchange.client.connection import Connection
from arb.exchange.client.gateway import Gateway
from arb.exchange.client.listed_markets import market_rules
from arb.exchange.dialects import table as dialects
from arb.exchange.port import OrderRequest, VenueError
from arb.feeds.live import LiveBooks
from tests.exchange.loopback import KEYS, NOW_NS, ORDER_ID

# What the venues call BTC/USDT.
MARKET_IDS: Final = {
    "binance": "BTCUSDT",
    "okx": "BTC-USDT",
    "bybit": "BTCUSDT",
    "kraken": "XBTUSDT",
    "coinbase": "BTC-USDT",
    "kucoin": "BTC-USDT",
    "gate": "BTC_USDT",
    "bitget": "BTCUSDT",
    "mexc": "BTCUSDT",
}


class Asked:
    """One request: its method, its place, and every parameter, wherever it stood."""

    def __init__(self, method: str, url: str, body: str, headers: Mapping[str, str]) -> None:
        parts = urlsplit(url)
        self.method = method.upper()
        self.place = f"{parts.netloc}{parts.path}"
        self.headers = dict(headers)
        self.params: dict[str, Any] = dict(parse_qsl(parts.query))
        if body[:1] in {"{", "["}:
            told = json.loads(body)
            self.params |= told[0] if isinstance(told, list) else told
        else:
            self.params |= dict(parse_qsl(body))

    def without(self, *names: str) -> tuple[str, str, dict[str, Any]]:
        left = {name: value for name, value in self.params.items() if name not in names}
        return self.method, self.place, left


class Response:
    def __init__(self, body: str, status: int, headers: Mapping[str, str]) -> None:
        self._body = body
        self.status = status
        self.reason = "as scripted"
        self.headers = {"Content-Type": "application/json", **headers}
        self.content = None

    async def text(self, errors: str = "strict") -> str:
        del errors
        return self._body

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        pass


class Captured:
    """A session. `answer` makes the body of each reply; text goes out as it is, all else as JSON."""

    headers: Mapping[str, str] = {}

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.script: deque[object] = deque()
        self.answer: Callable[[Asked], object] = lambda _: self.script.popleft()
        self.status = 200
        self.told: dict[str, str] = {}

    def __getattr__(self, name: str) -> Any:
        if name not in {"get", "post", "put", "delete"}:
            raise AttributeError(name)

        def ask(url: Any, *, data: bytes | None, headers: Mapping[str, str], **more: Any) -> Any:
            asked = Asked(name, str(url), (data or b"").decode(), headers)
            self.asked.append(asked)
            body = self.answer(asked)
            text = body if isinstance(body, str) else json.dumps(body)
            return Response(text, self.status, self.told)

        return ask

    async def close(self) -> None:
        pass


def listed(venue: str) -> dict[str, Any]:
    """A market as the client keeps it."""
    return {
        "id": MARKET_IDS[venue],
        "symbol": "BTC/USDT",
        "base": "BTC",
        "quote": "USDT",
        "baseId": "BTC",
        "quoteId": "USDT",
        "type": "spot",
        "spot": True,
        "margin": False,
        "contract": False,
        "active": True,
        "precision": {"amount": "0.00001", "price": "0.01"},
        "limits": {
            "amount": {"min": "0.00001", "max": "9000"},
            "price": {},
            "cost": {"min": "5"},
        },
        "info": {"orderTypes": ["LIMIT"]},
    }


class Wire:
    """A gateway of a venue that knows one market, over a captured session, with a loop to run it."""

    def __init__(self, venue: str, *, practice: bool = False) -> None:
        row = (dialects.PRACTICE if practice else dialects.DIALECTS)[venue]
        self.session = Captured()
        self.runner = asyncio.Runner()
        self.clock = VirtualClock(NOW_NS)
        self.gateway = self.runner.run(self._make(row))

    async def _make(self, row: dialects.Dialect) -> Gateway:
        connection = Connection(venue=row.venue, options={}, credentials=KEYS)
        gateway = Gateway(connection, row, self.clock, LiveBooks(self.clock), self.session)
        gateway.ccxt.set_markets([listed(row.venue)])
        gateway._markets, _ = market_rules(gateway.ccxt.markets)
        gateway._fingerprint = "known"
        gateway._line._doubted = False
        return gateway

    def run(self, work: Any, *answers: object) -> Any:
        self.session.asked.clear()
        self.session.script = deque(answers)
        # Examples follow each other faster than a venue takes orders.
        self.clock.advance_to(self.clock.now_ns() + self.gateway.order_wait_ns(1, 0))
        return self.runner.run(work)

    def close(self) -> None:
        self.runner.run(self.gateway.close())
        self.runner.close()


def one(asked: Iterable[Asked]) -> Asked:
    (only,) = asked
    return only


def heard(wire: Wire, work: Any, *answers: object) -> Any:
    """What the gateway makes of answers; an error of the port is an answer too."""
    wire.session.answer = lambda _: wire.session.script.popleft()
    try:
        return wire.run(work, *answers)
    except VenueError as error:
        return error


def order(**changes: Any) -> OrderRequest:
    """An order on the one market."""
    fields: dict[str, Any] = {
        "client_order_id": ORDER_ID,
        "market": "BTC/USDT",
        "side": "buy",
        "kind": "limit",
        "time_in_force": "ioc",
        "amount": Decimal("0.0123"),
        "limit": Decimal("50000.10"),
        "venue_time_ns": NOW_NS,
        "window_ns": 5 * 10**9,
    }
    return OrderRequest(**{**fields, **changes})
