"""Binance's door: requests over HTTP, signed over the text as it was sent, and the sockets beside."""

import re
from collections.abc import Awaitable, Callable
from typing import Final
from urllib.parse import parse_qsl

import msgspec
from aiohttp import web

from arb.exchange.practice.binance_admission import Endpoint
from arb.exchange.practice.binance_api import BinanceApi
from arb.exchange.practice.binance_params import Params
from arb.exchange.practice.binance_streams import MarketStreams
from arb.exchange.practice.binance_words import error, excuse
from arb.exchange.practice.binance_ws_api import WsApi
from arb.exchange.practice.doors import Execute, Gate, Grounds, Reply, Said

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_SIGNATURE: Final = re.compile(r"(?:^|&)signature=[^&]*")


class BinanceDoor:
    """Binance Spot: REST, market streams, the WebSocket API."""

    def __init__(self, grounds: Grounds) -> None:
        self.api: Final = BinanceApi(grounds)
        self._hall = grounds.hall
        self._sockets = (MarketStreams(grounds, self.api), WsApi(grounds, self.api))

    def register(self, app: web.Application, gate: Gate) -> None:
        """Add the routes."""
        for (method, path), endpoint in self.api.endpoints().items():
            app.router.add_route(method, path, self._handler(endpoint, gate))
        for door in self._sockets:
            door.register(app, gate)

    def excuse(self, fault: str, wait_ns: int) -> Reply:
        """Word a fault."""
        return excuse(fault, wait_ns, self._hall.now_ns())

    def _handler(self, endpoint: Endpoint, gate: Gate) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            body = (await request.read()).decode("utf-8", "replace")
            query = request.rel_url.raw_query_string
            key = request.headers.get("X-MBX-APIKEY")

            def admit() -> Execute:
                return self._admit(endpoint, query, body, key)

            return await gate.serve(request, endpoint.call, admit)

        return handle

    def _admit(self, endpoint: Endpoint, query: str, body: str, key: str | None) -> Execute:
        """Check a request; what comes back executes it."""
        try:
            params = Params(_once(query, body))
            signing = _SIGNATURE.sub("", query) + _SIGNATURE.sub("", body)
            self.api.admission.admit(endpoint, params, key, signing)
            params.allow(endpoint.known)
        except Said as said:
            raise Said(self._headed(said.reply, endpoint)) from None

        def execute() -> Reply:
            try:
                told = endpoint.act(params)
            except Said as said:
                return self._headed(said.reply, endpoint)
            return self._headed(Reply(200, msgspec.json.encode(told)), endpoint)

        return execute

    def _headed(self, reply: Reply, endpoint: Endpoint) -> Reply:
        usage = self.api.admission.usage.headers(self._hall.now_ns(), of_order=endpoint.of_order)
        return msgspec.structs.replace(reply, headers={**usage, **reply.headers})


def _once(*texts: str) -> dict[str, str]:
    """Read parameters; raises Said for one that comes twice."""
    pairs = [pair for text in texts for pair in parse_qsl(text, keep_blank_values=True)]
    if len(dict(pairs)) != len(pairs):
        raise Said(error(400, -1101, "Duplicate values for a parameter detected."))
    return dict(pairs)
