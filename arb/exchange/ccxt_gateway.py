"""A real venue through ccxt: the one place that imports it, and only when a run needs it.

ccxt's own retries and limiter are off. Each answer is kept as it came, call by call, because ccxt's
exceptions do not tell what became of an order: `arb.exchange.fate` reads the answer instead.
"""

import importlib
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final, TypeVar

import aiohttp
import structlog
from msgspec import Struct

from arb.clock import NS_PER_MS, Clock
from arb.errors import ConfigInvalid
from arb.exchange import fate, replies
from arb.exchange.connection import Connection
from arb.exchange.dialects import Dialect
from arb.exchange.pacing import Lane, lane, pacing_of
from arb.exchange.port import (
    Banned,
    Unreachable,
    VenueError,
)
from arb.exchange.sockets import open_session

log = structlog.get_logger()
Answer = TypeVar("Answer")

TIMEOUT_MS: Final = 10_000  # of one request; our own time limits are shorter
TRADES_PAGE: Final = 100
TRADES_PAGES_MAX: Final = 200
ID_ONLY_DELAYS_S: Final = (0.0, 0.05, 0.2)  # until an order is read that its create only named
_SALT: Final = b"arb account fingerprint"


class _Call(Struct):
    """One call on its way: when it is to be signed for, whether it left, and what came back."""

    at_ms: int | None = None
    sent: bool = False
    reply: fate.Reply | None = None


_CALL: Final[ContextVar[_Call | None]] = ContextVar("call", default=None)


def speaker(
    connection: Connection, dialect: Dialect, pace: Callable[[float], Awaitable[None]]
) -> Any:  # noqa: ANN401 -- ccxt is untyped
    """Make the venue's own class, of ccxt.pro, quiet and exact; raises ConfigInvalid for none."""
    package = importlib.import_module("ccxt.pro")
    base: Any = getattr(package, connection.venue, None)
    if connection.venue not in package.exchanges or base is None:
        raise ConfigInvalid(
            f"exchange {connection.venue}: ccxt has no streaming class of that name"
        )

    class Speaker(base):  # type: ignore[misc]
        """The venue's class, which keeps each answer and asks us before each request."""

        async def throttle(self, cost: float | None = None) -> None:
            await pace(1 if cost is None else cost)

        async def fetch(self, *values: object, **named: object) -> object:
            call = _CALL.get()
            if call is not None:
                call.sent, call.reply = True, None
            return await super().fetch(*values, **named)

        def on_rest_response(self, code: int, *more: Any) -> object:  # noqa: ANN401 -- ccxt's
            call = _CALL.get()
            if call is not None:
                headers, body = more[3], more[4]
                call.reply = fate.Reply(code, dict(headers), str(body))
            return super().on_rest_response(code, *more)

    key, secret, password = ("", "", None)
    if connection.credentials is not None:
        key, secret, password = connection.credentials.reveal()
    made = Speaker(
        {
            "apiKey": key,
            "secret": secret,
            "password": password or "",
            "enableRateLimit": True,  # by our `throttle`
            "timeout": TIMEOUT_MS,
            "session": open_session(connection),
        }
    )
    if connection.sandbox:
        made.set_sandbox_mode(True)
    made.number = str  # before the markets are loaded
    made.options = made.deep_extend(
        made.options,
        {
            **connection.options,
            **dialect.options,
            "defaultType": "spot",
            "fetchMarkets": {"types": ["spot"]},
            "fetchCurrencies": False,
            "fetchMargins": False,
            "warnOnFetchOpenOrdersWithoutSymbol": False,
            "adjustForTimeDifference": False,
            "timeDifference": 0,
            "recvWindow": dialect.recv_window_ns // NS_PER_MS,
            "maxRetriesOnFailure": 0,
        },
    )
    return made


class Line:
    """The way to a venue: its class, and what surrounds each request that is made of it."""

    def __init__(self, connection: Connection, dialect: Dialect, clock: Clock) -> None:
        self.offset_ns = 0  # the venue's clock - ours, as last read
        self._venue = connection.venue
        self._clock = clock
        self._pacing = pacing_of(connection.venue, clock)
        self.ccxt = speaker(connection, dialect, self._pacing.take)
        # Requests are signed for the venue's time, whatever this machine believes.
        self.ccxt.milliseconds = self._milliseconds

    async def close(self) -> None:
        """Let go of every connection."""
        session = self.ccxt.session
        self.ccxt.timeout_on_exit = 0
        await self.ccxt.close()
        if session is not None:
            await session.close()

    def now_ns(self) -> int:
        """Estimate the venue's clock."""
        return self._clock.now_ns() + self.offset_ns

    async def ask(self, name: Lane, ask: Callable[[], Awaitable[Any]]) -> object:
        """Make a read, or a cancel; raises VenueError for all that is no answer.

        One that was signed for another time than the venue's is made once more, by its clock.
        """
        try:
            return await self._ask(name, ask)
        except fate.ClockOff:
            await self.read_clock()
            return await self._ask(name, ask)

    async def read_clock(self) -> int:
        """Read the venue's clock, in ns, and sign by it from now on."""
        asked = self._clock.now_ns()
        told = replies.ns_of_ms(await self._ask("read", self.ccxt.fetch_time))
        if told is None:
            raise Unreachable("the venue's clock cannot be read")
        self.offset_ns = told - (asked + self._clock.now_ns()) // 2
        return told

    async def _ask(self, name: Lane, ask: Callable[[], Awaitable[Any]]) -> object:
        call = _Call()
        try:
            with _tracked(call), lane(name):
                return await ask()
        except VenueError:
            raise
        except Exception as error:
            found = fate.of_read(self._venue, call.reply, error)
            self._note(found)
            raise found from error

    async def private(self, name: Lane, method: str, params: dict[str, str]) -> replies.Json:
        """Ask one of the class's implicit methods; raises VenueError."""
        told = await self.ask(name, lambda: getattr(self.ccxt, method)(params))
        if not isinstance(told, dict):
            raise Unreachable(f"{method}: the answer is no object")
        return told

    async def send(self, send: Callable[[], Awaitable[Any]], *, at_ns: int) -> replies.Json:
        """Send an order, signed for a venue time; raises what the answer proves."""
        call = _Call(at_ms=at_ns // NS_PER_MS)
        try:
            with _tracked(call), lane("order"):
                order = replies.inner(await send())
        except Banned:
            raise  # our own latch: nothing was sent
        except Exception as error:
            raise self._of_create(call, error) from error
        if not fate.accepted(call.reply) or replies.text(order.get("id")) is None:
            raise self._of_create(call, Unreachable("a success without an order in it"))
        return order

    def _of_create(self, call: _Call, error: Exception) -> VenueError:
        sent = call.sent and not _never_connected(error)
        found = fate.of_create(self._venue, call.reply, error, sent=sent)
        self._note(found)
        return found

    def _note(self, found: VenueError) -> None:
        if isinstance(found, Banned):
            self._pacing.ban(found.retry_after_ns)

    def _milliseconds(self) -> int:
        call = _CALL.get()
        if call is not None and call.at_ms is not None:
            return call.at_ms
        return self.now_ns() // NS_PER_MS


@contextmanager
def _tracked(call: _Call) -> Iterator[None]:
    token = _CALL.set(call)
    try:
        yield
    finally:
        _CALL.reset(token)


def _never_connected(error: BaseException) -> bool:
    """Whether no connection was made, so that nothing can have left: by the cause, not the class."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, aiohttp.ClientConnectorError | socket.gaierror):
            return True
        cause = cause.__cause__
    return False
