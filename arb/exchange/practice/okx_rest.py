"""OKX's door: requests over HTTP, signed over the text as it was sent, and the sockets beside."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final
from urllib.parse import parse_qsl

from aiohttp import web

from arb.exchange.practice.doors import Execute, Gate, Grounds, Reply, Said
from arb.exchange.practice.okx_admission import Endpoint, executing
from arb.exchange.practice.okx_api import OkxApi
from arb.exchange.practice.okx_params import Params, params_of_json
from arb.exchange.practice.okx_sockets import Sockets
from arb.exchange.practice.okx_words import JSON, Rejected, excuse

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class OkxDoor:
    """OKX's spot market: REST v5, and the public and private WebSocket."""

    def __init__(self, grounds: Grounds) -> None:
        self.api: Final = OkxApi(grounds)
        self._sockets = Sockets(grounds, self.api)

    def register(self, app: web.Application, gate: Gate) -> None:
        """Add the routes."""
        for (method, path), endpoint in self.api.endpoints().items():
            app.router.add_route(method, path, self._handler(endpoint, gate))
        self._sockets.register(app, gate)

    def excuse(self, fault: str, wait_ns: int) -> Reply:
        """Word a fault."""
        return excuse(fault, wait_ns)

    def _handler(self, endpoint: Endpoint, gate: Gate) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            body = await request.read()

            def admit() -> Execute:
                return self._admit(endpoint, request, body)

            return await gate.serve(request, endpoint.call, admit)

        return handle

    def _admit(self, endpoint: Endpoint, request: web.Request, body: bytes) -> Execute:
        """Check a request; what comes back executes it."""
        try:
            signing = request.method + request.raw_path + body.decode("utf-8", "replace")
            if endpoint.signed:
                self.api.admission.check(request.headers, signing)
            params = _params(
                request.method, request.rel_url.raw_query_string, request.headers, body
            )
            self.api.admission.count(request.path, endpoint, params)
            self.api.admission.note_until(params, request.headers.get("expTime"))
        except Rejected as refused:
            raise Said(refused.reply()) from None
        return executing(endpoint, params)


def _params(method: str, query: str, headers: Mapping[str, str], body: bytes) -> Params:
    if method == "GET":
        return Params(dict(parse_qsl(query, keep_blank_values=True)))
    if headers.get("Content-Type", "").partition(";")[0].strip() != JSON:
        raise Rejected("50006", "Invalid Content-Type. Please use application/json.")
    return params_of_json(body)
