"""Ask a venue through its client: one call at a time is one raw reply, and what that reply proves."""

from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import structlog

from arb.clock import NS_PER_MS, Clock
from arb.exchange import fate
from arb.exchange.ccxt_calls import READ_LANE, RESOLVE_LANE, Call, calling, reply_of
from arb.exchange.dialect_shape import Dialect
from arb.exchange.exact_json import at
from arb.exchange.port import Unreachable, VenueError
from arb.exchange.replies import moment_ns

log = structlog.get_logger()


class Secrets(Protocol):
    """Credentials that do not print."""

    def reveal(self) -> tuple[str, str, str | None]:
        """The key, the secret, and the password where the venue has one."""
        ...


class VenueClock:
    """The venue's clock, as far as it is known: requests are signed by it."""

    def __init__(self, clock: Clock) -> None:
        self.own = clock
        self.offset_ns = 0  # venue's clock - ours
        self.doubted = True  # not read yet, or a request was told to be out of time

    def now_ns(self) -> int:
        """Estimate it."""
        return self.own.now_ns() + self.offset_ns

    def offset_ms(self) -> int:
        """How far it is ahead of ours."""
        return self.offset_ns // NS_PER_MS


class Asking:
    """A client of a venue, as the gateway may use it."""

    def __init__(
        self,
        client: Any,  # noqa: ANN401 -- the client's class is known when it runs
        dialect: Dialect,
        secrets: Secrets,
        clock: VenueClock,
    ) -> None:
        self.client = client
        self._dialect = dialect
        self._secrets = secrets
        self._clock = clock

    async def time_ns(self) -> int:
        """Read the venue's clock, which later requests are signed by."""
        asked = self._clock.own.now_ns()
        _, told = await self.ask(self.client.fetch_time, call=Call(lane=RESOLVE_LANE), timed=False)
        answered = self._clock.own.now_ns()
        now = moment_ns(told)
        if now is None:
            raise Unreachable(f"the venue's clock says {told!r:.40}")
        self._clock.offset_ns = now - (asked + answered) // 2
        self._clock.doubted = False
        return now

    async def ask(
        self,
        method: Callable[..., Awaitable[object]],
        *args: object,
        call: Call,
        timed: bool = True,
    ) -> tuple[object, object]:
        """Make one call: the body of its last reply, and what the client made of it. Raises a VenueError.

        A cancelled call stays cancelled: what became of its request is unknown.
        """
        creating = call.order is not None
        if timed and self._clock.doubted and not creating:
            await self.time_ns()
        failure: VenueError | None = None
        made: object = None
        with calling(call):
            try:
                made = await method(*args)
            except VenueError:
                raise
            except Exception as error:  # noqa: BLE001 -- what it means is read from the raw reply
                reply = reply_of(error, call)
                failure = self._judge(reply, creating=creating)
                log.debug("venue.error", error=type(error).__name__, means=type(failure).__name__)
        body = fate.answer(self._dialect, call.reply)
        if failure is None and body is None:
            failure = self._judge(call.reply, creating=creating)
        if failure is not None:
            raise failure  # without the client's error: its words hold the request
        return body, made

    async def read(self, name: str, *args: object) -> object:
        """Read what an endpoint tells, or what a method of the client makes of it."""
        body, made = await self.ask(getattr(self.client, name), *args, call=Call(lane=READ_LANE))
        return made if name.startswith("fetch_") else body

    def has(self, kind: str) -> bool:
        """Whether the venue has this kind of endpoint here: a test network lacks some."""
        return at(self.client.urls, f"api.{kind}") is not None

    def _judge(self, reply: fate.Reply, *, creating: bool) -> VenueError:
        if fate.clock_is_wrong(self._dialect, reply):
            self._clock.doubted = True
        hidden = tuple(one for one in self._secrets.reveal() if one)
        return fate.judge(self._dialect, reply, creating=creating, hidden=hidden)


def rows(body: object, path: str) -> list[object]:
    """The list at a path; raises Unreachable where there is none: a list that is not there is no empty list.

    Some venues list by id: those rows are given theirs.
    """
    told = at(body, path)
    if isinstance(told, dict):
        return [{"id": key, **row} if isinstance(row, dict) else row for key, row in told.items()]
    if not isinstance(told, list):
        raise Unreachable(f"the venue told no list: {body!r:.120}")
    return told
