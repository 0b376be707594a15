"""The seam between the practice exchange and the protocols it speaks.

A door is built on a hall, and registers its routes on the server's application: each of its request
handlers hands `Gate.serve` the call's name and what to do, so that bans and faults strike there.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from typing import Final, Protocol

import msgspec
from aiohttp import web
from msgspec import Struct, structs

from arb.clock import NS_PER_MS, NS_PER_S
from arb.exchange.practice.fault_table import AFTER, BEFORE, MAINTENANCE
from arb.exchange.practice.faults import Faults
from arb.exchange.practice.hall import Hall
from arb.exchange.practice.keys import Keys
from arb.exchange.practice.posts import Posts
from arb.exchange.practice.windows import BACKEND_LIMIT_NS

JSON: Final = "application/json;charset=UTF-8"
HTML: Final = "text/html"
TEXT: Final = "text/plain"
NEVER_S: Final = 60.0
LATE_MS_MAX: Final = 2_500
_PAGE: Final = (
    b"<html><head><title>%d</title></head><body><center><h1>%d</h1></center></body></html>"
)


class Reply(Struct, frozen=True):
    """An answer before it is sent, and possibly spoilt on the way."""

    status: int
    body: bytes
    content_type: str = JSON
    headers: dict[str, str] = {}

    def spoilt(self, status: int, body: bytes, content_type: str) -> "Reply":
        """The same answer's headers, with other contents."""
        return structs.replace(self, status=status, body=body, content_type=content_type)


Execute = Callable[[], Reply]
Admit = Callable[[], Execute]  # checks a request and says what to do; raises Said


class Said(Exception):
    """The venue's refusal of a request."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.body)
        self.reply = reply


class Grounds(Struct):
    """What a door is built on."""

    hall: Hall
    faults: Faults
    keys: Keys
    posts: Posts  # creates seen
    closing: asyncio.Event  # set when the server ends: whoever waits gives up
    key_revoked: bool = False
    may_withdraw: bool = False


class Door(Protocol):
    """A protocol over a hall."""

    def register(self, app: web.Application, gate: "Gate") -> None:
        """Add the protocol's routes; the gate answers their requests."""
        ...

    def excuse(self, fault: str, wait_ns: int) -> Reply:
        """Word a fault as the venue does: those before execution, and the venue's own words after it.

        `wait_ns` is for how much longer everything is refused, for `Retry-After`.
        """
        ...


MakeDoor = Callable[[Grounds], Door]


class Gate:
    """What every request goes through: the ban, the faults, the reply."""

    def __init__(self, grounds: Grounds, door: Door) -> None:
        self._hall = grounds.hall
        self._faults = grounds.faults
        self._closing = grounds.closing
        self._door = door
        self.while_closed: Final[Counter[str]] = Counter()  # calls made although told to be silent

    async def serve(self, request: web.Request, call: str, admit: Admit) -> web.StreamResponse:
        """Answer a request, or fail to."""
        reply, fault = await self.answer(call, admit)
        if fault in {"request_dropped", "reply_dropped"}:
            return _cut(request)
        if fault == "reply_never":
            await self.wait(NEVER_S)
            return _cut(request)
        if fault == "reply_truncated":
            return await _truncated(request, reply)
        return _response(reply)

    async def answer(self, call: str, admit: Admit) -> tuple[Reply, str | None]:
        """Work out a reply and the fault that strikes it: those of the connection are left to do."""
        now_ns = self._hall.now_ns()
        closed_ns = self._faults.closed_for_ns(now_ns)
        if closed_ns:
            self.while_closed[call] += 1
            return self._door.excuse(self._faults.closed_by, closed_ns), None
        fault = self._faults.strike(call)
        if fault == "request_dropped":
            return html(500), fault
        if fault is not None and fault in BEFORE:
            if fault in {"http_418", "http_429", MAINTENANCE}:
                self._faults.close(fault, now_ns)
            wait_ns = self._faults.closed_for_ns(now_ns)
            return self._door.excuse(fault, wait_ns), fault
        try:
            execute = admit()
            if fault == "execution_late":
                # It is inside: that its sender gives up does not call it back.
                await self.wait(self._faults.some(BACKEND_LIMIT_NS // NS_PER_MS) / 1_000)
            reply = execute()
        except Said as said:
            reply = said.reply
        if fault == "reply_late":
            await self.wait(self._faults.some(LATE_MS_MAX) / 1_000)
        if fault is not None and fault in AFTER:
            reply = self._spoilt(reply, fault)
        return reply, fault

    def refusal(self) -> web.Response | None:
        """The answer to a new connection while every request is refused; None lets it in."""
        closed_ns = self._faults.closed_for_ns(self._hall.now_ns())
        return (
            _response(self._door.excuse(self._faults.closed_by, closed_ns)) if closed_ns else None
        )

    async def wait(self, seconds: float) -> None:
        """Wait, but not beyond the server's end."""
        try:
            async with asyncio.timeout(seconds):
                await self._closing.wait()
        except TimeoutError:
            return

    def _spoilt(self, reply: Reply, fault: str) -> Reply:
        match fault:
            case "reply_503_html":
                return reply.spoilt(503, _PAGE % (503, 503), HTML)
            case "reply_502_text":
                return reply.spoilt(502, b"Bad Gateway", TEXT)
            case "reply_503_unknown" | "reply_500_unknown" | "reply_504_timeout":
                return self._door.excuse(fault, 0)
            case "reply_200_html":
                return reply.spoilt(200, _PAGE % (200, 200), HTML)
            case "reply_200_empty":
                return reply.spoilt(200, b"", reply.content_type)
            case "reply_200_object":
                return reply.spoilt(200, b"{}", reply.content_type)
            case "reply_200_nulls":
                return reply.spoilt(200, self._with_nulls(reply.body), reply.content_type)
            case "trades_twice" | "trades_shuffled":
                return self._listed_badly(reply, fault)
        return reply

    def _with_nulls(self, body: bytes) -> bytes:
        """Make fields null: of an object, or of one of a list's objects, in an envelope or not."""
        told = msgspec.json.decode(body)
        within = told.get("data") if isinstance(told, dict) else None
        rows = within if within and self._faults.some(2) else told
        target = rows[self._faults.some(len(rows))] if isinstance(rows, list) and rows else told
        if isinstance(target, dict) and target:
            names = list(target)
            for _ in range(1 + self._faults.some(len(names))):
                target[names[self._faults.some(len(names))]] = None
        return msgspec.json.encode(told)

    def _listed_badly(self, reply: Reply, fault: str) -> Reply:
        told = msgspec.json.decode(reply.body)
        rows = told.get("data") if isinstance(told, dict) else told
        if isinstance(rows, list) and rows:
            if fault == "trades_twice":
                rows.append(rows[self._faults.some(len(rows))])
            else:
                random.Random(self._faults.some(1 << 30)).shuffle(rows)  # noqa: S311 -- repeatable
        return reply.spoilt(reply.status, msgspec.json.encode(told), reply.content_type)


def seconds_up(wait_ns: int) -> str:
    """Whole seconds for `Retry-After`, never too few."""
    return str(max(-(-wait_ns // NS_PER_S), 1))


def html(status: int) -> Reply:
    """A page from something before the venue."""
    return Reply(status, _PAGE % (status, status), HTML)


def _response(reply: Reply) -> web.Response:
    headers = {**reply.headers, "Content-Type": reply.content_type}
    return web.Response(status=reply.status, body=reply.body, headers=headers)


def _cut(request: web.Request) -> web.Response:
    """End the connection at once; the response goes nowhere."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)


async def _truncated(request: web.Request, reply: Reply) -> web.StreamResponse:
    response = web.StreamResponse(status=reply.status, headers={"Content-Type": reply.content_type})
    response.content_length = max(len(reply.body), 2)
    await response.prepare(request)
    await response.write(reply.body[: max(len(reply.body) // 2, 1)])
    if request.transport is not None:
        request.transport.close()
    return response
