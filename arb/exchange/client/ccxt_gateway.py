"""A real venue through ccxt: the one place that loads it, and only when a run needs it.

ccxt's own retries, limiter and rounding are off. Each answer is kept as it came, call by call, because
ccxt's exceptions do not tell what became of an order: `arb.exchange.client.fate` reads the answer instead.
"""

import asyncio
import importlib
from collections.abc import Awaitable, Callable
from typing import Any, Final

import structlog

from arb.clock import NS_PER_MS, Clock
from arb.errors import ConfigInvalid
from arb.exchange.client import fate, progress
from arb.exchange.client.ccxt_calls import (
    Call,
    Surroundings,
    calling,
    harden,
    reply_of,
    round_apart,
)
from arb.exchange.client.connection import Connection
from arb.exchange.client.exact_json import at
from arb.exchange.client.pacing import ORDER_PATIENCE_NS, Lane, lane, pacing_of
from arb.exchange.client.replies import moment_ns
from arb.exchange.client.sockets import open_session
from arb.exchange.dialects.shape import Dialect
from arb.exchange.port import Banned, OrderNotFound, Unreachable, VenueError

log = structlog.get_logger()

TIMEOUT_MS: Final = 4_500  # of one request: below the engine's own limit for a read


def speech(venue: str) -> Any:  # noqa: ANN401 -- ccxt is untyped
    """Find the venue's own class, of ccxt.pro; raises ConfigInvalid for none."""
    package = importlib.import_module("ccxt.pro")
    base: Any = getattr(package, venue, None)
    if venue not in package.exchanges or base is None:
        raise ConfigInvalid(f"exchange {venue}: ccxt has no streaming class of that name")
    return base


def speaker(connection: Connection, around: Surroundings, session: Any) -> Any:  # noqa: ANN401 -- untyped
    """Make the venue's own class quiet and exact; it never closes the session."""
    key, secret, password = ("", "", None)
    if connection.credentials is not None:
        key, secret, password = connection.credentials.reveal()
    made = harden(speech(connection.venue), around)(
        {
            "apiKey": key,
            "secret": secret,
            "password": password or "",
            "enableRateLimit": True,  # by our `throttle`
            "timeout": TIMEOUT_MS,
            "session": session,
        }
    )
    if connection.sandbox:
        made.set_sandbox_mode(True)
    made.number = str  # before the markets are loaded
    made.timeout_on_exit = 0
    made.decimal_to_precision = round_apart(made.decimal_to_precision)
    dialect = around.dialect
    made.options = made.deep_extend(
        made.options,
        {
            **connection.options,
            **dict(dialect.options),
            "defaultType": "spot",
            "adjustForTimeDifference": False,
            "timeDifference": 0,
            "recvWindow": dialect.recv_window_ns // NS_PER_MS,
            "maxRetriesOnFailure": 0,  # it would send an order again
        },
    )
    return made


def leave_unheard(loop: asyncio.AbstractEventLoop) -> None:
    """Let nothing be said of what ccxt's streams leave behind: each is a future that nobody awaits.

    Whoever follows a stream hears of its end by its own waiting, and tells it. Everything else that
    nobody awaited is a mistake of ours, and goes on being told.
    """

    def hear(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        unheard = str(context.get("message")).endswith("exception was never retrieved")
        if unheard and type(error).__module__.partition(".")[0] == "ccxt":
            log.debug("stream.unheard", error=repr(error)[:200])
            return
        loop.default_exception_handler(context)

    loop.set_exception_handler(hear)


class Line:
    """The way to a venue: its class, and what each request that is made of it proves."""

    def __init__(
        self,
        connection: Connection,
        dialect: Dialect,
        clock: Clock,
        session: Any = None,  # noqa: ANN401 -- aiohttp's; a test's
    ) -> None:
        self.sleep = clock.sleep
        self.offset_ns = 0  # the venue's clock - ours, as last read
        self._clock = clock
        self._doubted = True  # the clock was not read yet, or a request was told to be out of time
        self._connection = connection
        self._dialect = dialect
        self._pacing = pacing_of(connection.venue, clock)
        address = connection.connect_to
        around = Surroundings(
            dialect=dialect,
            clock=clock,
            throttle=self._turn,
            hear=self._pacing.note,
            venue_ns=self.now_ns,
            there="" if address is None else f"{address.host}:{address.port}",
        )
        speech(connection.venue)  # or it is refused before anything is open
        leave_unheard(asyncio.get_running_loop())
        self._session = open_session(connection) if session is None else session
        self.ccxt = speaker(connection, around, self._session)

    async def close(self) -> None:
        """Let go of every connection."""
        await self.ccxt.close()
        await self._session.close()

    async def _turn(self, cost: float) -> None:
        progress.waits()
        await self._pacing.take(cost)
        progress.goes()

    def order_wait_ns(self, orders: int, ahead: int) -> int:
        """How long until the venue's ration takes so many orders after those ahead; 0: now."""
        return self._pacing.order_wait_ns(orders, ahead)

    def now_ns(self) -> int:
        """Estimate the venue's clock."""
        return self._clock.now_ns() + self.offset_ns

    async def time_ns(self) -> int:
        """Read the venue's clock, which later requests are signed by."""
        asked = self._clock.now_ns()
        _, told = await self.ask("resolve", self.ccxt.fetch_time, timed=False)
        answered = self._clock.now_ns()
        now = moment_ns(told)
        if now is None:
            raise Unreachable(f"the venue's clock says {told!r:.40}")
        self.offset_ns = now - (asked + answered) // 2
        self._doubted = False
        return now

    async def ask(
        self,
        name: Lane,
        method: Callable[..., Awaitable[object]],
        *args: object,
        call: Call | None = None,
        timed: bool = True,
        of_order: bool = False,
    ) -> tuple[object, object]:
        """Make one call: the body of its last reply, and what ccxt made of it. Raises a VenueError.

        Only one `of_order` raises OrderNotFound: elsewhere that is the answer of another request.

        A read that was signed for another time than the venue's is made once more, by its clock. A
        cancelled call stays cancelled: what became of its request is unknown.
        """
        try:
            return await self._timely(name, method, *args, call=call or Call(), timed=timed)
        except OrderNotFound as error:
            if of_order:
                raise
            raise Unreachable(f"not found: {error}") from None

    async def _timely(
        self,
        name: Lane,
        method: Callable[..., Awaitable[object]],
        *args: object,
        call: Call,
        timed: bool,
    ) -> tuple[object, object]:
        if call.order is not None or not timed:
            return await self._once(name, call, method, *args)
        if self._doubted:
            await self.time_ns()
        try:
            return await self._once(name, call, method, *args)
        except Unreachable:
            if not self._doubted:
                raise
        await self.time_ns()
        return await self._once(name, Call(), method, *args)

    async def _once(
        self, name: Lane, call: Call, method: Callable[..., Awaitable[object]], *args: object
    ) -> tuple[object, object]:
        creating = call.order is not None
        failure: VenueError | None = None
        made: object = None
        patience_ns = ORDER_PATIENCE_NS if creating else None
        with calling(call), lane(name, orders=int(creating), patience_ns=patience_ns):
            try:
                made = await method(*args)
            except VenueError as error:
                if creating and call.requests:  # whatever it says: the order is on its way
                    raise Unreachable(f"{type(error).__name__}: {error}") from error
                raise
            except Exception as error:  # noqa: BLE001 -- what it means is read from the raw reply
                failure = self._judge(reply_of(error, call), call)
                log.debug("venue.error", error=type(error).__name__, means=type(failure).__name__)
        body = fate.answer(self._dialect, call.reply)
        if failure is None and body is None:
            failure = self._judge(call.reply, call)
        if failure is not None:
            raise failure  # without ccxt's error: its words hold the request
        return body, made

    async def read(self, name: str, *args: object, lane: Lane = "read") -> object:
        """Read what an endpoint tells, or what a method of ccxt makes of it."""
        body, made = await self.ask(lane, getattr(self.ccxt, name), *args)
        return made if name.startswith("fetch_") else body

    def has(self, kind: str) -> bool:
        """Whether the venue has this kind of endpoint here: a test network lacks some."""
        return at(self.ccxt.urls, f"api.{kind}") is not None

    def _judge(self, reply: fate.Reply, call: Call) -> VenueError:
        if fate.clock_is_wrong(self._dialect, reply):
            self._doubted = True
        credentials = self._connection.credentials
        secrets = () if credentials is None else credentials.reveal()
        found = fate.judge(
            self._dialect,
            reply,
            created=None if call.order is None else call.order.client_order_id,
            hidden=tuple(one for one in secrets if one),
        )
        if isinstance(found, Banned):
            self._pacing.ban(found.retry_after_ns)
        return found
