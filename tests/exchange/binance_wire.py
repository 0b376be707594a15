"""A venue that speaks as Binance's market streams do, on virtual time, when the test says so."""

import asyncio
import json
from collections.abc import Callable, Coroutine
from typing import Any

import structlog

from arb.clock import NS_PER_S
from arb.exchange.client.binance_books import BinanceBooks
from arb.exchange.client.fast_sockets import Hearing
from arb.execution.process.virtual_loop import LoopClock, VirtualLoop, run_virtual
from arb.feeds.live import LiveBooks

A, B, C = "BTC/USDT", "ETH/BTC", "ETH/USDT"
SYMBOLS = {A: "BTCUSDT", B: "ETHBTC", C: "ETHUSDT"}
START_NS = 1_700_000_000 * NS_PER_S


class Wire:
    """One connection, as the venue sees it."""

    def __init__(self, venue: "Venue", hearing: Hearing) -> None:
        self.venue = venue
        self.hearing = hearing
        self.sent: list[dict[str, Any]] = []
        self.pings: list[int] = []
        self.ended = False

    def send(self, text: bytes) -> None:
        asked = json.loads(text)
        self.sent.append({**asked, "at_ns": self.venue.clock.now_ns()})
        gone = self.venue.delisted
        bad = [name for name in asked["params"] if {name, name.split("@")[0]} & gone]
        if self.venue.answers:
            answer = {"error": {"code": 2, "msg": "no such stream"}} if bad else {"result": None}
            asyncio.get_running_loop().call_later(0.01, self.say, {**answer, "id": asked["id"]})

    def ping(self) -> None:
        self.pings.append(self.venue.clock.now_ns())
        if self.venue.pong_after_s is not None:
            loop = asyncio.get_running_loop()
            loop.call_later(self.venue.pong_after_s, self.pong)

    def pong(self) -> None:
        if not self.ended:
            self.hearing.pong()

    def end(self) -> None:
        self.ended = True

    def say(self, message: Any) -> None:
        if not self.ended:
            self.hearing.text(memoryview(json.dumps(message).encode()))

    def best(self, market: str, number: int, bid: float, ask: float, size: float = 1.0) -> None:
        prices = {"b": f"{bid:.8f}", "B": f"{size:.8f}", "a": f"{ask:.8f}", "A": f"{size:.8f}"}
        symbol = SYMBOLS[market]
        data = {"u": number, "s": symbol, **prices}
        self.say({"stream": f"{symbol.lower()}@bookTicker", "data": data})

    def levels(self, market: str, number: int, bids: list[float], asks: list[float]) -> None:
        sides = {
            "bids": [[f"{price:.8f}", "2.00000000"] for price in bids],
            "asks": [[f"{price:.8f}", "2.00000000"] for price in asks],
        }
        stream = f"{SYMBOLS[market].lower()}@depth20@100ms"
        self.say({"stream": stream, "data": {"lastUpdateId": number, **sides}})

    @property
    def streams(self) -> list[str]:
        return [name for asked in self.sent for name in asked["params"]]


class Venue:
    """The venue, and what the engine makes of it."""

    def __init__(self, clock: LoopClock) -> None:
        self.clock = clock
        self.wires: list[Wire] = []
        self.answers = True
        self.pong_after_s: float | None = 0.01
        self.refuses = 0  # connections
        self.delisted: set[str] = set()  # symbols, or single streams
        self.rows: list[dict[str, str]] | Exception = []
        self.reads = 0
        self.books = LiveBooks(clock)
        self.alarms: list[tuple[str, str]] = []
        self.feed = BinanceBooks(
            self.open,
            SYMBOLS.__getitem__,
            self.books,
            clock,
            self.best_prices,
            on_alarm=lambda what, subject: self.alarms.append((what, subject)),
        )

    async def open(self, hearing: Hearing) -> Wire:
        await asyncio.sleep(0.01)
        if self.refuses:
            self.refuses -= 1
            raise ConnectionRefusedError("nobody is there")
        self.wires.append(Wire(self, hearing))
        return self.wires[-1]

    async def best_prices(self) -> object:
        self.reads += 1
        if isinstance(self.rows, Exception):
            raise self.rows
        return self.rows

    @property
    def wire(self) -> Wire:
        return self.wires[-1]

    def bids(self, market: str) -> list[float]:
        book = self.books.book(market)
        return [] if book is None else [float(price) for price, _ in book.bids]

    def asks(self, market: str) -> list[float]:
        book = self.books.book(market)
        return [] if book is None else [float(price) for price, _ in book.asks]

    def age_s(self, market: str) -> float:
        heard = self.books.heard_ns(market)
        assert heard is not None
        return (self.clock.now_ns() - heard) / NS_PER_S

    async def watching(self, *markets: str) -> "asyncio.Task[None]":
        task = asyncio.create_task(self.feed.watch(markets))
        await asyncio.sleep(0.1)
        return task


def played(story: Callable[[Venue], Coroutine[Any, Any, None]]) -> Venue:
    loop = VirtualLoop()
    venue = Venue(LoopClock(loop, START_NS))
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())

    async def main() -> None:
        before = asyncio.all_tasks()
        try:
            await story(venue)
        finally:
            await venue.feed.close()
        await asyncio.sleep(20)
        assert asyncio.all_tasks() == before, "a task is left"
        assert all(wire.ended for wire in venue.wires)

    try:
        run_virtual(loop, main())
    finally:
        structlog.reset_defaults()
    return venue
