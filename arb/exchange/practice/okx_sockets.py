"""OKX's WebSockets: one for everybody, one that asks for a login, and takes orders too."""

import asyncio
import itertools
from collections.abc import Callable
from functools import partial
from typing import Final

import msgspec
from aiohttp import web

from arb.exchange.practice import fault_table as calls
from arb.exchange.practice.doors import HTML, TEXT, Execute, Gate, Grounds, Reply, Said
from arb.exchange.practice.okx_admission import Endpoint, executing
from arb.exchange.practice.okx_api import OkxApi
from arb.exchange.practice.okx_channels import (
    BookChannel,
    Channel,
    shallow,
    ticking,
)
from arb.exchange.practice.okx_happenings import PRIVATE, PrivateChannel
from arb.exchange.practice.okx_params import params_of
from arb.exchange.practice.okx_shapes import ms
from arb.exchange.practice.okx_words import JSON, Rejected, Shape
from arb.exchange.practice.turns import in_turns
from arb.exchange.practice.wires import Wire

CHANNELS_MAX: Final = 1_024  # of one connection
PUBLIC_PATH: Final = "/ws/v5/public"
PRIVATE_PATH: Final = "/ws/v5/private"
_SHALLOW: Final = {"books5": 5, "bbo-tbt": 1}
_FOR_SOME: Final = frozenset({"books-l2-tbt", "books50-l2-tbt"})
_ORDER_OPS: Final = {
    "order": "trade/order",
    "batch-orders": "trade/batch-orders",
    "cancel-order": "trade/cancel-order",
    "batch-cancel-orders": "trade/cancel-batch-orders",
}
_NO_ANSWER: Final = frozenset(
    {"request_dropped", "reply_dropped", "reply_truncated", "reply_200_empty"}
)


class Sockets:
    """The WebSockets' door."""

    def __init__(self, grounds: Grounds, api: OkxApi) -> None:
        self._grounds = grounds
        self._api = api
        self._numbers = itertools.count(1)

    def register(self, app: web.Application, gate: Gate) -> None:
        """Add the routes."""

        async def handle(request: web.Request) -> web.StreamResponse:
            return gate.refusal() or await self._serve(request, gate)

        for path in (PUBLIC_PATH, PRIVATE_PATH):
            app.router.add_get(path, handle)

    async def _serve(self, request: web.Request, gate: Gate) -> web.StreamResponse:
        private = request.path == PRIVATE_PATH
        connection = _Connection(
            self._grounds, self._api, gate, f"{next(self._numbers):08x}", private=private
        )
        flushing = asyncio.create_task(connection.flush())
        try:
            return await connection.wire.run(request, connection.hear)
        finally:
            flushing.cancel()
            connection.leave()


class _Connection:
    """One client's connection."""

    def __init__(
        self, grounds: Grounds, api: OkxApi, gate: Gate, name: str, *, private: bool
    ) -> None:
        self.wire: Final = Wire(grounds, calls.USER_STREAM if private else calls.MARKET_STREAM)
        self._grounds = grounds
        self._hall = grounds.hall
        self._api = api
        self._gate = gate
        self._name = name
        self._private = private
        self._logged_in = False
        self._channels: dict[bytes, Channel] = {}

    async def flush(self) -> None:
        """Say what is due, ten times a second."""
        await in_turns(self._channels, self._say)

    def _say(self, _: bytes, channel: Channel) -> None:
        for message in channel.due(int(ms(self._hall.now_ns()))):
            self.wire.tell(message)

    def leave(self) -> None:
        """End all subscriptions."""
        for channel in self._channels.values():
            channel.leave()
        self._channels.clear()

    async def hear(self, text: str) -> None:
        """Answer what was said."""
        if text == "ping":
            self.wire.answer(msgspec.Raw(b"pong"))
            return
        try:
            asked = msgspec.json.decode(text)
            op, args = asked["op"], asked["args"]
            rows = [dict(one) for one in args]
        except (msgspec.DecodeError, KeyError, TypeError, ValueError):
            self._err(Rejected("60012", f"Illegal request: {text}"))
            return
        try:
            if op == "login" and self._private and rows:
                await self._login(rows[0])
            elif op in _ORDER_OPS and self._private:
                await self._order(op, asked, rows)
            elif op in {"subscribe", "unsubscribe"}:
                act = self._subscribe if op == "subscribe" else self._unsubscribe
                for arg in rows:
                    act(arg)
            else:
                self._err(Rejected("60012", f"Illegal request: {text}"))
        except Rejected as refused:
            self._err(refused)

    # --- the account's own

    async def _login(self, arg: Shape) -> None:
        def admit() -> Execute:
            try:
                self._api.admission.check_login(params_of(arg))
            except Rejected as refused:
                raise Said(refused.reply()) from None
            return execute

        def execute() -> Reply:
            self._logged_in = True
            told = {"event": "login", "code": "0", "msg": "", "connId": self._name}
            return Reply(200, msgspec.json.encode(told), JSON)

        told = await self._answered(calls.KEY, admit)
        if told is None:
            return
        if "event" not in told and told:
            self._err(Rejected(str(told.get("code")), str(told.get("msg"))))
            return
        self.wire.answer(told)

    async def _order(self, op: str, asked: Shape, rows: list[Shape]) -> None:
        endpoint = self._api.endpoints()["POST", f"/api/v5/{_ORDER_OPS[op]}"]
        until, number = asked.get("expTime"), asked.get("id")
        admit = partial(self._admit_order, endpoint, rows, None if until is None else str(until))
        told = await self._answered(endpoint.call, admit)
        if told is not None:
            self.wire.answer({"id": number, "op": op, **told})

    def _admit_order(self, endpoint: Endpoint, rows: list[Shape], until: str | None) -> Execute:
        try:
            self._need_login()
            params = params_of(rows)
            self._api.admission.count(endpoint.call, endpoint, params)
            self._api.admission.note_until(params, until)
        except Rejected as refused:
            raise Said(refused.reply()) from None
        return executing(endpoint, params)

    def _need_login(self) -> None:
        if not self._logged_in:
            raise Rejected("60011", "Please log in")
        if self._grounds.key_revoked:
            raise Rejected("60005", "Invalid apiKey")

    async def _answered(self, call: str, admit: Callable[[], Execute]) -> Shape | None:
        """Work out an answer; None where none is given, or the connection ends instead."""
        reply, fault = await self._gate.answer(call, admit)
        if fault == "reply_never":
            return None
        if reply.content_type in {HTML, TEXT} or fault in _NO_ANSWER:
            self.wire.end()
            return None
        told = msgspec.json.decode(reply.body)
        return told if isinstance(told, dict) else None

    # --- channels

    def _subscribe(self, arg: Shape) -> None:
        key = _key(arg)
        fresh = None
        if key not in self._channels:
            fresh = self._channels[key] = self._make(arg)
        self.wire.answer({"event": "subscribe", "arg": arg, "connId": self._name})
        if fresh is not None:
            # The snapshot belongs to the answer: it never comes after a change.
            for message in fresh.first():
                self.wire.answer(message)
        if len(self._channels) > CHANNELS_MAX:
            self.wire.end()

    def _unsubscribe(self, arg: Shape) -> None:
        channel = self._channels.pop(_key(arg), None)
        if channel is not None:
            channel.leave()
        self.wire.answer({"event": "unsubscribe", "arg": arg, "connId": self._name})

    def _make(self, arg: Shape) -> Channel:
        name = arg.get("channel")
        if self._private:
            if name not in PRIVATE:
                raise _nowhere(arg)
            self._need_login()
            return PrivateChannel(self._hall, arg, self.wire.tell, self._is_over)
        if name in _FOR_SOME:
            text = "Your trading fee tier doesn't meet the requirement to access this channel."
            raise Rejected("64003", text)
        try:
            market = self._api.orders.market_of(params_of(arg))
        except Rejected:
            raise _nowhere(arg) from None
        if name == "books":
            return BookChannel(self._hall, market, arg)
        if name == "tickers":
            return ticking(self._api, market, arg)
        if name in _SHALLOW:
            return shallow(self._hall, market, arg, _SHALLOW[str(name)])
        raise _nowhere(arg)

    def _is_over(self) -> bool:
        """A key that is not accepted any more hears nothing more."""
        if self._grounds.key_revoked:
            self.wire.end()
        return self._grounds.key_revoked

    def _err(self, refused: Rejected) -> None:
        told = {"event": "error", "code": refused.code, "msg": refused.text}
        self.wire.answer({**told, "connId": self._name})


def _key(arg: Shape) -> bytes:
    return msgspec.json.encode(arg, order="sorted")


def _nowhere(arg: Shape) -> Rejected:
    named = ",".join(f"{name}:{value}" for name, value in arg.items())
    text = f"Wrong URL or {named} doesn't exist. Please use the correct URL, channel and parameters"
    return Rejected("60018", f"{text} referring to API document.")
