"""One WebSocket connection of a client: what it says, what it is told, and what goes wrong between."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final

import msgspec
import structlog
from aiohttp import WSMsgType, web

from arb.exchange.practice.doors import Grounds

log = structlog.get_logger()

WAITING_MAX: Final = 20_000  # messages that a slow client may be behind
MESSAGE_BYTES_MAX: Final = 1 << 20
PING_S: Final = 20.0
CLOSE_S: Final = 0.2

HearText = Callable[[str], Awaitable[None]]


class Wire:
    """A connection. `tell` may be struck by the faults of streams, `answer` may not."""

    def __init__(self, grounds: Grounds, call: str) -> None:
        self._faults = grounds.faults
        self._closing = grounds.closing
        self._call = call
        self._socket = web.WebSocketResponse(
            heartbeat=PING_S, max_msg_size=MESSAGE_BYTES_MAX, timeout=CLOSE_S
        )
        self._waiting: deque[bytes] = deque()
        self._held: bytes | None = None  # by the fault that swaps two messages
        self._some = asyncio.Event()
        self._over = asyncio.Event()

    def tell(self, message: object) -> None:
        """Send an event of a stream, if nothing is wrong with it."""
        text = msgspec.json.encode(message)
        fault = self._faults.strike(self._call)
        if fault == "stream_closed":
            self.end()
        if fault in {"stream_lost", "stream_closed"}:
            return
        if fault == "stream_swapped" and self._held is None:
            self._held = text
            return
        self._put(text)
        if fault == "stream_twice":
            self._put(text)
        if self._held is not None:
            text, self._held = self._held, None
            self._put(text)

    def answer(self, message: object) -> None:
        """Send an answer."""
        self._put(msgspec.json.encode(message))

    def end(self) -> None:
        """End the connection."""
        self._over.set()
        self._some.set()

    async def run(self, request: web.Request, hear: HearText) -> web.WebSocketResponse:
        """Serve the connection until one of both sides ends it."""
        await self._socket.prepare(request)
        jobs = [
            asyncio.create_task(job) for job in (self._listen(hear), self._write(), self._watch())
        ]
        try:
            await asyncio.wait(jobs, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for job in jobs:
                job.cancel()
            for ended in await asyncio.gather(*jobs, return_exceptions=True):
                if isinstance(ended, Exception) and not isinstance(ended, ConnectionError):
                    log.error("practice.wire", error=repr(ended))
            await self._socket.close()
        return self._socket

    def _put(self, text: bytes) -> None:
        if len(self._waiting) >= WAITING_MAX:
            self.end()
            return
        self._waiting.append(text)
        self._some.set()

    async def _listen(self, hear: HearText) -> None:
        async for message in self._socket:
            if message.type is WSMsgType.TEXT:
                await hear(message.data)

    async def _write(self) -> None:
        while not self._over.is_set():
            await self._some.wait()
            self._some.clear()
            while self._waiting:
                await self._socket.send_str(self._waiting.popleft().decode())

    async def _watch(self) -> None:
        await self._closing.wait()
