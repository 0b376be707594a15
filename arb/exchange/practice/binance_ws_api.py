"""Binance's WebSocket API: the endpoints of REST, and the stream of what happens on the account."""

from functools import partial
from hashlib import blake2b
from typing import Final

import msgspec
from aiohttp import web

from arb.exchange.practice import fault_table as calls
from arb.exchange.practice.binance_admission import Endpoint
from arb.exchange.practice.binance_api import BinanceApi
from arb.exchange.practice.binance_params import Params
from arb.exchange.practice.binance_shapes import (
    NO_STP,
    Shape,
    eight,
    held,
    ms,
    status_of,
    symbol_of,
)
from arb.exchange.practice.doors import JSON, Execute, Gate, Grounds, Reply, Said
from arb.exchange.practice.hall import LeaveOut
from arb.exchange.practice.happenings import (
    BalancesHappening,
    ChangeHappening,
    Happening,
    OrderHappening,
)
from arb.exchange.practice.wires import Wire
from arb.money import ZERO

PATH: Final = "/ws-api/v3"
_SUBSCRIBE: Final = "userDataStream.subscribe.signature"
_UNSUBSCRIBE: Final = "userDataStream.unsubscribe"
_METHODS: Final = {
    "ping": ("GET", "/api/v3/ping"),
    "time": ("GET", "/api/v3/time"),
    "exchangeInfo": ("GET", "/api/v3/exchangeInfo"),
    "depth": ("GET", "/api/v3/depth"),
    "ticker.book": ("GET", "/api/v3/ticker/bookTicker"),
    "account.status": ("GET", "/api/v3/account"),
    "account.commission": ("GET", "/api/v3/account/commission"),
    "order.place": ("POST", "/api/v3/order"),
    "order.test": ("POST", "/api/v3/order/test"),
    "order.status": ("GET", "/api/v3/order"),
    "order.cancel": ("DELETE", "/api/v3/order"),
    "openOrders.status": ("GET", "/api/v3/openOrders"),
    "allOrders": ("GET", "/api/v3/allOrders"),
    "myTrades": ("GET", "/api/v3/myTrades"),
}
_EXECUTION: Final = {"new": "NEW", "trade": "TRADE"}


class WsApi:
    """The WebSocket API's door."""

    def __init__(self, grounds: Grounds, api: BinanceApi) -> None:
        self._grounds = grounds
        self._api = api
        self._endpoints = api.endpoints()

    def register(self, app: web.Application, gate: Gate) -> None:
        """Add the route."""

        async def handle(request: web.Request) -> web.StreamResponse:
            refusal = gate.refusal()
            if refusal is not None:
                return refusal
            connection = _Connection(self._grounds, self._api, self._endpoints, gate)
            try:
                return await connection.wire.run(request, connection.hear)
            finally:
                connection.leave()

        app.router.add_get(PATH, handle)


class _Connection:
    """One client of the WebSocket API."""

    def __init__(
        self,
        grounds: Grounds,
        api: BinanceApi,
        endpoints: dict[tuple[str, str], Endpoint],
        gate: Gate,
    ) -> None:
        self.wire: Final = Wire(grounds, calls.USER_STREAM)
        self._grounds = grounds
        self._hall = grounds.hall
        self._api = api
        self._endpoints = endpoints
        self._gate = gate
        self._subscriptions: dict[int, LeaveOut] = {}
        self._next = 0

    def leave(self) -> None:
        """End all subscriptions."""
        for leave in self._subscriptions.values():
            leave()
        self._subscriptions.clear()

    async def hear(self, text: str) -> None:
        """Answer a request."""
        try:
            asked = msgspec.json.decode(text)
            number, method = asked.get("id"), asked["method"]
            given = asked.get("params") or {}
            values = {name: _text(value) for name, value in given.items()}
        except (msgspec.DecodeError, AttributeError, KeyError, TypeError):
            self.wire.answer(_failed(None, -1135, "Invalid JSON"))
            return
        endpoint = self._endpoint(method)
        if endpoint is None:
            self.wire.answer(_failed(number, -1122, f"Unknown method '{method}'"))
            return
        reply, fault = await self._gate.answer(
            endpoint.call, partial(self._admit, endpoint, values)
        )
        if fault == "reply_never":
            return
        if reply.content_type != JSON or fault in {
            *("request_dropped", "reply_dropped", "reply_truncated", "reply_200_empty"),
        }:
            self.wire.end()
            return
        self.wire.answer(self._enveloped(number, reply, values))

    def _endpoint(self, method: str) -> Endpoint | None:
        if method == _SUBSCRIBE:
            return Endpoint(calls.KEY, self._subscribe, weight=2)
        if method == _UNSUBSCRIBE:
            return Endpoint(
                calls.KEY, self._unsubscribe, frozenset({"subscriptionId"}), 2, signed=False
            )
        path = _METHODS.get(method)
        return None if path is None else self._endpoints[path]

    def _admit(self, endpoint: Endpoint, values: dict[str, str]) -> Execute:
        params = Params(values)
        signing = "&".join(
            f"{name}={value}" for name, value in sorted(values.items()) if name != "signature"
        )
        self._api.admission.admit(endpoint, params, values.get("apiKey"), signing)
        params.allow(endpoint.known)

        def execute() -> Reply:
            try:
                return Reply(200, msgspec.json.encode(endpoint.act(params)))
            except Said as said:
                return said.reply

        return execute

    def _enveloped(self, number: object, reply: Reply, values: dict[str, str]) -> Shape:
        ok = reply.status == 200  # noqa: PLR2004 -- HTTP
        told: Shape = {
            "id": number,
            "status": reply.status,
            "result" if ok else "error": msgspec.Raw(reply.body),
        }
        if values.get("returnRateLimits") != "false":
            told["rateLimits"] = self._api.admission.usage.rows(self._hall.now_ns())
        return told

    # --- the account's stream

    def _subscribe(self, _: Params) -> Shape:
        number = self._next
        self._next += 1

        def hear(happening: Happening) -> None:
            if self._grounds.key_revoked:
                self._end(number)
                return
            for event in _events(happening, ms(self._hall.now_ns())):
                self.wire.tell({"subscriptionId": number, "event": event})

        self._subscriptions[number] = self._hall.listen(hear)
        return {"subscriptionId": number}

    def _unsubscribe(self, params: Params) -> Shape:
        asked = params.whole("subscriptionId")
        for number in [asked] if asked is not None else list(self._subscriptions):
            leave = self._subscriptions.pop(number, None)
            if leave is not None:
                leave()
        return {}

    def _end(self, number: int) -> None:
        leave = self._subscriptions.pop(number, None)
        if leave is not None:
            leave()
            event = {"e": "eventStreamTerminated", "E": ms(self._hall.now_ns())}
            self.wire.tell({"subscriptionId": number, "event": event})


def _events(happening: Happening, now_ms: int) -> list[Shape]:
    match happening:
        case OrderHappening():
            return [_execution(happening, now_ms)]
        case BalancesHappening():
            rows = []
            for asset, balance in happening.balances.items():
                free, locked = held(balance)
                rows.append({"a": asset, "f": eight(free), "l": eight(locked)})
            told: Shape = {"e": "outboundAccountPosition", "E": now_ms, "u": ms(happening.at_ns)}
            return [{**told, "B": rows}]
        case ChangeHappening():
            change = happening.change
            return [
                {
                    "e": "balanceUpdate",
                    "E": now_ms,
                    "a": change.asset,
                    "d": eight(change.amount),
                    "T": ms(change.venue_ns),
                }
            ]


def _execution(happening: OrderHappening, now_ms: int) -> Shape:
    order, fill = happening.order, happening.fill
    canceled = happening.what == "end" and order.status == "canceled"
    own, name = "", order.client_order_id or ""
    if canceled:
        # The report of a cancel carries the cancel's id, and the order's as the original one.
        own, name = name, blake2b(f"cancel {order.number}".encode(), digest_size=11).hexdigest()
    status = status_of(order)
    return {
        "e": "executionReport",
        "E": now_ms,
        "s": symbol_of(order.market),
        "c": name,
        "S": order.side.upper(),
        "o": order.kind.upper(),
        "f": order.time_in_force.upper() if order.kind == "limit" else "GTC",
        "q": eight(order.amount),
        "p": eight(order.limit or ZERO),
        "P": eight(ZERO),
        "F": eight(ZERO),
        "g": -1,
        "C": own,
        "x": _EXECUTION.get(happening.what, status),
        "X": status,
        "r": "NONE",
        "i": order.number,
        "l": eight(ZERO if fill is None else fill.amount),
        "z": eight(order.filled),
        "L": eight(ZERO if fill is None else fill.price),
        "n": "0" if fill is None else eight(fill.fee),
        "N": None if fill is None else fill.fee_asset,
        "T": ms(happening.at_ns),
        "t": -1 if fill is None else fill.number,
        "I": order.number,
        "w": order.status == "open",
        "m": fill is not None and fill.maker,
        "M": fill is not None,
        "O": ms(order.created_ns),
        "Z": eight(happening.cost),
        "Y": eight(ZERO if fill is None else fill.cost),
        "Q": eight(ZERO),
        "W": ms(order.created_ns),
        "V": NO_STP,
    }


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _failed(number: object, code: int, text: str) -> Shape:
    return {"id": number, "status": 400, "error": {"code": code, "msg": text}}
