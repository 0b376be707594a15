"""Row 15: a message of a venue's stream, from its bytes to the cycles that it moves, and through a socket.

Everything is what a live run does: the same connection, the same books, the same detector, told in
drains. What one message takes is time on a core. The sender is a process of its own; what the socket
brings is counted by the wall clock, and by the time that this process had a core.
"""

import asyncio
import base64
import hashlib
import json
import multiprocessing
import resource
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, closing
from decimal import Decimal
from multiprocessing.connection import Connection as Pipe
from types import SimpleNamespace
from typing import Final

import aiohttp
import structlog
from msgspec import Struct

from arb.bench.lines import Line, Setting, now_ns
from arb.bench.markets import Tick, listed, ticks
from arb.bench.scanning import OTHERS
from arb.clock import NS_PER_S
from arb.exchange.client.binance_carrier import Carried, Carrier, Group
from arb.exchange.client.binance_messages import decode
from arb.exchange.client.ccxt_gateway import speech
from arb.exchange.client.connection import Connection
from arb.exchange.client.fast_sockets import Hearing, Way
from arb.execution.opportunities.detector import Detector
from arb.execution.process.real_clock import RealClock
from arb.feeds.live import LiveBooks
from arb.market.book import MarketRules
from arb.market.scan import Cover

UPDATE_US_MAX: Final = 2.0
THROUGH_PER_S_MIN: Final = 300_000.0
_KEEP: Final = Decimal("0.99925")
_MIN_PROFIT_BPS: Final = Decimal(2)
_DRAIN: Final = 200  # messages that are there at once, where there is no socket
_CHUNK: Final = 200  # frames of one write
_FRAME_SHORT: Final = 126
_US_PER_S: Final = 1_000_000
_ACCEPT: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_END: Final = bytes([0x88, 2, 3, 232])  # a closing frame, for the reason 1000


class _Said(Struct, frozen=True):
    """What a venue says: its markets, their first prices, and messages of what changes."""

    markets: dict[str, MarketRules]
    first: list[Tick]
    ticks: list[Tick]
    messages: list[bytes]


def measure(setting: Setting) -> list[Line]:
    """Measure a message's way, then as many of them as come through a socket."""
    before = structlog.get_config()
    # What a slow machine makes a feed say belongs to no table.
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    try:
        return _measure(setting)
    finally:
        structlog.configure(**before)


def _measure(setting: Setting) -> list[Line]:
    said = _said(setting)
    views = [memoryview(message) for message in said.messages]
    repeats = setting.size(5, 3)

    def timed(once: Callable[[], object]) -> float:
        return min(_per_us(once, len(views)) for _ in range(repeats))

    plain = timed(lambda: [_plainly(view) for view in said.messages])
    through_ccxt = min(_per_us(_ccxt(said), len(views)) for _ in range(3))
    scan = _detector(said).scan
    for tick in said.first:
        scan.update(tick.market, tick.bid, tick.ask)

    def decode_and_update() -> None:
        for tick, view in zip(said.ticks, views, strict=True):
            data = decode(view).data
            assert data is not None
            scan.update(tick.market, data.b, data.a, data.B, data.A)

    lines = [
        Line(
            row="15 decode",
            value=timed(lambda: [decode(v) for v in views]),
            unit="us",
            baseline=plain,
        ),
        Line(
            row="15 update",
            value=timed(decode_and_update),
            unit="us",
            baseline=through_ccxt,
            budget=UPDATE_US_MAX,
        ),
        Line(
            row="15 to detector",
            value=min(asyncio.run(_told(said, views)) for _ in range(repeats)),
            unit="us",
        ),
    ]
    bare, ours, others = [], [], []
    for _ in range(repeats):
        bare.append(asyncio.run(_through(said, _Bare())))
        ours.append(asyncio.run(_through(said, None)))
        others.append(asyncio.run(_through_aiohttp(said)))
    floor, baseline = (max(one.per_s for one in runs) for runs in (bare, others))
    return [
        *lines,
        Line(
            row="15 socket",
            value=max(one.per_s for one in ours),
            unit="msg/s",
            floor=floor,
            baseline=baseline,
            budget=THROUGH_PER_S_MIN,
            bound="at least",
        ),
        Line(
            row="15 socket, core",
            value=max(one.per_core_s for one in ours),
            unit="msg/s",
            floor=max(one.per_core_s for one in bare),
            baseline=max(one.per_core_s for one in others),
            budget=THROUGH_PER_S_MIN,
            bound="at least",
        ),
    ]


def _said(setting: Setting) -> _Said:
    markets = listed(setting.size(OTHERS, 60))
    told = list(ticks(markets, setting.size(300_000, 30_000)))
    first, rest = told[: len(markets)], told[len(markets) :]
    rest = rest[: len(rest) // _CHUNK * _CHUNK] or rest
    return _Said(
        markets, first, rest, [_message(number, one) for number, one in enumerate(rest, 1)]
    )


def _symbol(market: str) -> str:
    return market.replace("/", "")


def _message(number: int, tick: Tick) -> bytes:
    symbol = _symbol(tick.market)
    prices = f'"b":"{tick.bid:.8f}","B":"31.21000000","a":"{tick.ask:.8f}","A":"40.66000000"'
    data = f'{{"u":{number},"s":"{symbol}",{prices}}}'
    return f'{{"stream":"{symbol.lower()}@bookTicker","data":{data}}}'.encode()


def _plainly(text: bytes) -> tuple[float, ...]:
    data = json.loads(text)["data"]
    return float(data["b"]), float(data["B"]), float(data["a"]), float(data["A"])


def _ccxt(said: _Said) -> Callable[[], None]:
    """What ccxt makes of the same messages, after it has decoded them."""
    made = speech("binance")()
    client = SimpleNamespace(
        url="wss://stream.binance.com:9443/ws/1", subscriptions={}, resolve=lambda *_: None
    )

    def handle() -> None:
        for message in said.messages:
            made.handle_message(client, json.loads(message)["data"])

    return handle


def _detector(said: _Said) -> Detector:
    detector = Detector()
    cover = Cover(
        markets=said.markets,
        hops_max=3,
        keep_of=lambda _market, _side: _KEEP,
        min_profit_bps=_MIN_PROFIT_BPS,
    )
    detector.cover("bench", cover)
    return detector


class _Engine:
    """Books of one connection, and a detector that is told of them in drains."""

    def __init__(self, said: _Said) -> None:
        clock = RealClock()
        self.books = LiveBooks(clock)
        self._detector = _detector(said)
        group = Group("bench", [Carried(one, _symbol(one)) for one in said.markets], clock)
        self.carrier = Carrier(group, self.books, clock)
        self.told = 0
        for tick in said.first:
            self.books.put_best(tick.market, (tick.bid, 1.0, tick.ask, 1.0), None, clock.now_ns())

    async def read(self) -> None:
        async for change in self.books.changes(0):
            self._detector.see(change)
            self.told += 1


async def _told(said: _Said, views: Sequence[memoryview]) -> float:
    """Time on a core that a message takes, of an engine that is set up."""
    engine = _Engine(said)
    async with _reading(engine):
        await asyncio.sleep(0)
        assert engine.told == len(said.first), "the first prices are not what is measured"
        watch = _Stopwatch(len(views))
        for number, view in enumerate(views):
            engine.carrier.text(view)
            if number % _DRAIN == 0:
                await asyncio.sleep(0)
        await asyncio.sleep(0)
        took = watch.rates()
    assert engine.told > len(said.first), "nothing was told"
    return _US_PER_S / took.per_core_s


# --- through a socket


class _Rates(Struct, frozen=True):
    per_s: float
    per_core_s: float


class _Bare:
    """Hears messages and makes nothing of them."""

    def text(self, payload: memoryview) -> None:
        """Nothing."""

    def pong(self) -> None:
        """Nothing."""

    def spoilt(self, what: str) -> None:
        """Nothing a sender of ours does."""
        raise AssertionError(what)

    def closed(self) -> None:
        """Nothing."""


class _Counted:
    """Counts what somebody hears, until the connection ends."""

    def __init__(self, inner: Hearing) -> None:
        self.text = inner.text
        self.pong = inner.pong
        self.spoilt = inner.spoilt
        self.over = asyncio.Event()

    def closed(self) -> None:
        self.over.set()


async def _through(said: _Said, hearing: Hearing | None) -> _Rates:
    """Hear all messages over our own connection; a whole engine does where nobody else is given."""
    with closing(_Sender(said)) as sender:
        engine = None if hearing is not None else _Engine(said)
        counted = _Counted(engine.carrier if engine is not None else hearing or _Bare())
        way = Way(Connection(venue="binance", options={}), sender.url)
        measured = _Stopwatch(len(said.messages))
        async with _reading(engine):
            await way.open(counted)
            await counted.over.wait()
        return measured.rates()


async def _through_aiohttp(said: _Said) -> _Rates:
    """The same engine over the client that ccxt has."""
    with closing(_Sender(said)) as sender:
        engine = _Engine(said)
        async with aiohttp.ClientSession() as session, _reading(engine):
            measured = _Stopwatch(len(said.messages))
            async with session.ws_connect(sender.url, compress=0) as wire:
                async for message in wire:
                    engine.carrier.text(memoryview(message.data.encode()))
        return measured.rates()


@asynccontextmanager
async def _reading(engine: _Engine | None) -> AsyncIterator[None]:
    """Let an engine read while something is said, and to the end of it."""
    if engine is None:
        yield
        return
    reading = asyncio.ensure_future(engine.read())
    yield
    await asyncio.sleep(0)
    engine.books.close()
    await reading


class _Stopwatch:
    """What so many messages take, by the wall clock and by the time on a core."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._began_ns = now_ns()
        self._core_s = _core_s()

    def rates(self) -> _Rates:
        """How many there are in a second."""
        wall_s = (now_ns() - self._began_ns) / NS_PER_S
        return _Rates(self._count / wall_s, self._count / max(_core_s() - self._core_s, 1e-9))


def _core_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _per_us(once: Callable[[], object], count: int) -> float:
    began_s = _core_s()
    once()
    return (_core_s() - began_s) * _US_PER_S / count


class _Sender:
    """A process that says all messages to the first who asks, as fast as they are taken."""

    def __init__(self, said: _Said) -> None:
        frames = [_frame(message) for message in said.messages]
        chunks = [b"".join(frames[at : at + _CHUNK]) for at in range(0, len(frames), _CHUNK)]
        ours, theirs = multiprocessing.Pipe()
        spawned = multiprocessing.get_context("spawn")
        self._process = spawned.Process(target=_send, args=(theirs, chunks), daemon=True)
        self._process.start()
        self.url = f"ws://127.0.0.1:{ours.recv()}/stream"

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.join()
        self._process.close()


def _frame(text: bytes) -> bytes:
    size = len(text)
    if size < _FRAME_SHORT:
        return bytes([0x81, size]) + text
    return bytes([0x81, _FRAME_SHORT]) + size.to_bytes(2, "big") + text


def _send(pipe: Pipe, chunks: list[bytes]) -> None:
    """Take one connection, and say everything."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        pipe.send(server.getsockname()[1])
        wire, _ = server.accept()
        with wire:
            asked = b""
            while b"\r\n\r\n" not in asked:
                asked += wire.recv(4096)
            key = next(
                line.split(b":")[1].strip()
                for line in asked.split(b"\r\n")
                if line.lower().startswith(b"sec-websocket-key")
            )
            proof = base64.b64encode(hashlib.sha1(key + _ACCEPT).digest())  # noqa: S324 -- the protocol's
            wire.sendall(
                b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                b"Connection: Upgrade\r\nSec-WebSocket-Accept: " + proof + b"\r\n\r\n"
            )
            for chunk in chunks:
                wire.sendall(chunk)
            wire.sendall(_END)
            wire.recv(4096)
