"""Binance's market streams: depth as numbered differences, the best prices, shallow books."""

import asyncio
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Final, Protocol

import msgspec
from aiohttp import web

from arb.exchange.practice import fault_table as calls
from arb.exchange.practice.binance_api import BinanceApi
from arb.exchange.practice.binance_shapes import Shape, eight, levels, ms, symbol_of
from arb.exchange.practice.doors import Gate, Grounds, Said
from arb.exchange.practice.hall import Hall, LeaveOut
from arb.exchange.practice.tape import Delta
from arb.exchange.practice.turns import FLUSH_MS, in_turns
from arb.exchange.practice.wires import Wire
from arb.money import ZERO

SLOW_MS: Final = 1_000
STREAMS_MAX: Final = 1_024  # of one connection
_NAME: Final = re.compile(
    r"(?P<symbol>[a-z0-9._-]+)@(?P<kind>depth(?P<most>5|10|20)?|bookTicker)(?P<fast>@100ms)?"
)
_SILENT: Final = re.compile(r"[a-z0-9._-]+@(trade|aggTrade|ticker|miniTicker|kline_\w+)")


class Stream(Protocol):
    """What one subscription has to say."""

    def due(self, now_ms: int) -> Shape | None:
        """The message that is due now, if any."""
        ...

    def leave(self) -> None:
        """End the subscription."""
        ...


class _Watching:
    """A stream that watches one book; what changed is said every so often."""

    def __init__(self, hall: Hall, market: str, every_ms: int) -> None:
        self._hall = hall
        self._market = market
        self._every_ms = every_ms
        self._said_ms = ms(hall.now_ns())
        self._leave: LeaveOut = hall.watch(market, self.hear)

    def hear(self, delta: Delta) -> None:
        raise NotImplementedError

    def leave(self) -> None:
        self._leave()

    def _time_is_up(self, now_ms: int) -> bool:
        # A clock that jumped back must not silence a stream.
        if 0 <= now_ms - self._said_ms < self._every_ms - FLUSH_MS // 2:
            return False
        self._said_ms = now_ms
        return True


class DepthStream(_Watching):
    """`@depth`: every change since the last message, numbered from U to u without a gap."""

    def __init__(self, hall: Hall, market: str, every_ms: int) -> None:
        self._first_id = 0
        self._last_id = 0
        self._sides: tuple[dict[Decimal, Decimal], dict[Decimal, Decimal]] = ({}, {})
        super().__init__(hall, market, every_ms)

    def hear(self, delta: Delta) -> None:
        """Add a change to those that are to be said."""
        if not self._first_id:
            self._first_id = delta.first_id
        self._last_id = delta.last_id
        for side, changed in zip(self._sides, (delta.bids, delta.asks), strict=True):
            side.update(changed)

    def due(self, now_ms: int) -> Shape | None:
        """Say what changed, if anything did."""
        if not self._first_id or not self._time_is_up(now_ms):
            return None
        bids, asks = self._sides
        message: Shape = {
            "e": "depthUpdate",
            "E": now_ms,
            "s": symbol_of(self._market),
            "U": self._first_id,
            "u": self._last_id,
            "b": [[eight(price), eight(size)] for price, size in bids.items()],
            "a": [[eight(price), eight(size)] for price, size in asks.items()],
        }
        self._first_id = 0
        self._sides = ({}, {})
        return message


class PartialStream(_Watching):
    """`@depth5` and its like: the first levels as they are."""

    def __init__(self, hall: Hall, market: str, every_ms: int, most: int) -> None:
        self._most = most
        self._changed = True
        super().__init__(hall, market, every_ms)

    def hear(self, _: Delta) -> None:
        """Note that there is something to say."""
        self._changed = True

    def due(self, now_ms: int) -> Shape | None:
        """Say the first levels, if they changed."""
        if not self._changed or not self._time_is_up(now_ms):
            return None
        self._changed = False
        book, update_id = self._hall.depth(self._market)
        return {
            "lastUpdateId": update_id,
            "bids": levels(book.bids, self._most),
            "asks": levels(book.asks, self._most),
        }


class TickerStream(_Watching):
    """`@bookTicker`: the best prices, whenever they change."""

    def __init__(self, hall: Hall, market: str) -> None:
        self._said: Shape = {}
        super().__init__(hall, market, FLUSH_MS)

    def hear(self, _: Delta) -> None:
        """Nothing is kept: what counts is what stands when it is said."""

    def due(self, _: int) -> Shape | None:
        """Say the best prices, if they changed."""
        book, update_id = self._hall.depth(self._market)
        bid, bid_size = book.bids[0] if book.bids else (ZERO, ZERO)
        ask, ask_size = book.asks[0] if book.asks else (ZERO, ZERO)
        best: Shape = {"b": eight(bid), "B": eight(bid_size), "a": eight(ask), "A": eight(ask_size)}
        if best == self._said:
            return None
        self._said = best
        return {"u": update_id, "s": symbol_of(self._market), **best}


class Silent:
    """A stream that exists and never says anything here."""

    def due(self, _: int) -> Shape | None:
        """Nothing."""
        return None

    def leave(self) -> None:
        """Nothing was held."""


class MarketStreams:
    """The streams' door: `/ws`, `/ws/NAME`, `/stream?streams=NAME/NAME`, SUBSCRIBE and UNSUBSCRIBE."""

    def __init__(self, grounds: Grounds, api: BinanceApi) -> None:
        self._grounds = grounds
        self._api = api

    def register(self, app: web.Application, gate: Gate) -> None:
        """Add the routes."""

        async def handle(request: web.Request) -> web.StreamResponse:
            return gate.refusal() or await self._serve(request)

        for path in ("/ws", "/ws/{name:.*}", "/stream"):
            app.router.add_get(path, handle)

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        named = request.query.get("streams") or request.match_info.get("name", "")
        connection = _Connection(self._grounds, self._api, combined=request.path == "/stream")
        # Clients that open several connections number them in the path.
        connection.subscribe([name for name in named.split("/") if "@" in name])
        flushing = asyncio.create_task(connection.flush())
        try:
            return await connection.wire.run(request, connection.hear)
        finally:
            flushing.cancel()
            connection.leave()


class _Connection:
    """One client's subscriptions."""

    def __init__(self, grounds: Grounds, api: BinanceApi, *, combined: bool) -> None:
        self.wire: Final = Wire(grounds, calls.MARKET_STREAM)
        self._hall = grounds.hall
        self._api = api
        self._combined = combined
        self._streams: dict[str, Stream] = {}

    async def flush(self) -> None:
        """Say what is due, ten times a second."""
        await in_turns(self._streams, self._say)

    async def hear(self, text: str) -> None:
        """Answer a request."""
        try:
            asked = msgspec.json.decode(text)
            number, method = asked.get("id"), asked["method"]
            named = asked.get("params") or []
            if not isinstance(named, list):
                raise TypeError  # noqa: TRY301 -- the same answer
        except (msgspec.DecodeError, AttributeError, KeyError, TypeError):
            self.wire.answer(_error(None, "Invalid request"))
            return
        acts: dict[str, Callable[[list[str]], object]] = {
            "SUBSCRIBE": self.subscribe,
            "UNSUBSCRIBE": self.unsubscribe,
            "LIST_SUBSCRIPTIONS": lambda _: list(self._streams),
            "SET_PROPERTY": self._set,
            "GET_PROPERTY": lambda _: self._combined,
        }
        act = acts.get(method)
        if act is None:
            self.wire.answer(_error(number, f"Invalid request: unknown method {method}"))
            return
        try:
            self.wire.answer({"result": act(named), "id": number})
        except Said:
            self.wire.answer(_error(number, "Invalid request: invalid stream"))

    def subscribe(self, names: list[str]) -> None:
        """Begin streams; raises Said for a name that is none."""
        made = {name: self._make(name) for name in names if name not in self._streams}
        self._streams |= made
        if len(self._streams) > STREAMS_MAX:
            self.wire.end()

    def unsubscribe(self, names: list[str]) -> None:
        """End streams; those that are not there are passed over."""
        for name in names:
            stream = self._streams.pop(name, None)
            if stream is not None:
                stream.leave()

    def leave(self) -> None:
        """End all of them."""
        self.unsubscribe(list(self._streams))

    def _set(self, values: list[str]) -> None:
        if values[:1] == ["combined"]:
            self._combined = bool(values[1:] and values[1])

    def _say(self, name: str, stream: Stream) -> None:
        message = stream.due(ms(self._hall.now_ns()))
        if message is not None:
            self.wire.tell({"stream": name, "data": message} if self._combined else message)

    def _make(self, name: str) -> Stream:
        if _SILENT.fullmatch(name):
            self._api.orders.market_of(name.partition("@")[0].upper())
            return Silent()
        found = _NAME.fullmatch(name)
        market = self._api.orders.market_of("" if found is None else found["symbol"].upper())
        assert found is not None, name
        if found["kind"] == "bookTicker":
            return TickerStream(self._hall, market)
        every_ms = FLUSH_MS if found["fast"] else SLOW_MS
        if found["most"] is not None:
            return PartialStream(self._hall, market, every_ms, int(found["most"]))
        return DepthStream(self._hall, market, every_ms)


def _error(number: object, text: str) -> Shape:
    return {"error": {"code": 2, "msg": text}, "id": number}
