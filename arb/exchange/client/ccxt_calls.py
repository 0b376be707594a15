"""One call through a venue's client: what is asked, and the raw reply beside what the client makes of it.

A client's exceptions say almost nothing about an order's fate, and its "last response" belongs to whichever call came last.
Here each call carries its own record in a context variable, so that concurrent calls never read each other's replies.
"""

import decimal
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from decimal import Decimal
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from msgspec import Struct, field

from arb.clock import NS_PER_MS, Clock
from arb.exchange.client.exact_json import BadJson, exact_json
from arb.exchange.client.fate import Reply
from arb.exchange.client.pacing import at_endpoint
from arb.exchange.client.replies import number
from arb.exchange.dialects.shape import Dialect
from arb.money import plain

DIGITS_MAX: Final = 30  # of a market's steps; no venue has more
Throttle = Callable[[float], Awaitable[None]]  # the endpoint's cost
Hear = Callable[[Mapping[str, str]], None]  # the reply's headers: some venues tell the used weight


class WrongRequest(Exception):
    """The client was about to send something else than was asked; nothing was sent."""


class Sent(Struct, frozen=True):
    """What an order request must carry, to the letter."""

    client_order_id: str
    market: str  # as the venue names it
    side: str
    time_in_force: str
    amount: Decimal
    price: Decimal


class Call(Struct, kw_only=True):
    """One call of the gateway."""

    order: Sent | None = None  # of a create
    time_ms: int | None = None  # what the request is signed with, instead of now
    headers: dict[str, str] = field(default_factory=dict)
    requests: int = 0
    reply: Reply = field(default_factory=Reply)  # the last one


CALL: Final[ContextVar[Call | None]] = ContextVar("arb_venue_call", default=None)
_RECORD: Final[ContextVar[Reply | None]] = ContextVar("arb_venue_record", default=None)


@contextmanager
def calling(call: Call) -> Iterator[Call]:
    """Make a call the one that requests of this task belong to."""
    token = CALL.set(call)
    try:
        yield call
    finally:
        CALL.reset(token)


class Surroundings(Struct, frozen=True, kw_only=True):
    """What a client of ours stands on."""

    dialect: Dialect
    clock: Clock
    throttle: Throttle
    hear: Hear
    venue_ns: Callable[[], int]  # the venue's clock, estimated
    there: str = ""  # where every connection goes, if not to the venue


def reply_of(error: BaseException, call: Call) -> Reply:
    """The raw reply that an exception of a client is about."""
    own = getattr(error, "arb_reply", None)
    if isinstance(own, Reply):
        return own
    if not call.reply.touched:
        call.reply.errors = class_names(error)
        call.reply.why = str(error) if isinstance(error, WrongRequest) else ""
    return call.reply


def class_names(error: BaseException) -> tuple[str, ...]:
    """The classes of an error and of its causes, with what they derive from."""
    return tuple(kind.__name__ for one in _chain(error) for kind in type(one).__mro__)


def _no_connection(error: BaseException, there: str) -> str:
    """Say what could not be connected to, and why; empty for every other error.

    Of all its words these alone hold nothing of the request.
    """
    for one in _chain(error):
        host, port = getattr(one, "host", None), getattr(one, "port", None)
        if isinstance(host, str) and isinstance(port, int):
            cause = getattr(one, "certificate_error", None) or getattr(one, "os_error", None)
            place = f"{host}:{port}"
            if there:
                place = f"{there}, where `connect_to` leads instead of {place}"
            return f"no connection to {place} ({_cause_words(cause)})"
    return ""


def _cause_words(cause: object) -> str:
    """What the system says; where in the sources of its libraries it says it helps nobody."""
    untrusted = getattr(cause, "verify_message", None)
    if untrusted:
        return f"its certificate is not trusted, see `ca_file`: {untrusted}"
    words = getattr(cause, "strerror", None) or type(cause).__name__
    return str(words).partition(" (_ssl.c")[0]


def _chain(error: BaseException) -> list[BaseException]:
    """An error and its causes."""
    found: list[BaseException] = []
    seen: BaseException | None = error
    while seen is not None and len(found) < 16:  # noqa: PLR2004 -- a chain cannot be longer than this to be read
        found.append(seen)
        seen = seen.__cause__
    return found


def harden(base: type[Any], around: Surroundings) -> type[Any]:
    """Derive a client class that reads exactly, rounds nothing, sends an order once and records its replies.

    What it makes of orders and trades is a guess where a field is missing: in calls of the gateway it
    makes nothing of them, and the raw bodies are read instead. Its streams go on as they are.
    """

    class Client(base):  # type: ignore[misc]  # known when it runs
        """The venue's client, with its habits that cost money taken away."""

        # --- numbers: text as the venue wrote it

        on_json_response = staticmethod(exact_json)

        def parse_json(self, http_response: str) -> Any:  # noqa: ANN401
            try:
                return exact_json(http_response)
            except BadJson:
                return None

        def amount_to_precision(self, symbol: str, amount: Any) -> Any:  # noqa: ANN401, ARG002
            return amount

        def price_to_precision(self, symbol: str, price: Any) -> Any:  # noqa: ANN401, ARG002
            return price

        def parse_precision(self, precision: Any) -> Any:  # noqa: ANN401
            digits = number(precision)
            if digits is None or abs(digits) > DIGITS_MAX:
                return None  # the client would write them out one by one
            return super().parse_precision(precision)

        # --- markets

        async def load_markets(self, reload: bool = False, params: Any = None) -> Any:  # noqa: ANN401, FBT001, FBT002 -- ccxt's
            if self.markets and self.markets_by_id and not reload:
                # While a reload is on its way the client may let others wait for it, orders too,
                # and whoever gives it up would cancel them.
                return self.markets
            return await super().load_markets(reload, params or {})

        # --- orders and trades

        def parse_trades(self, *args: Any, **more: Any) -> Any:  # noqa: ANN401
            return [] if CALL.get() is not None else super().parse_trades(*args, **more)

        def parse_orders(self, *args: Any, **more: Any) -> Any:  # noqa: ANN401
            return [] if CALL.get() is not None else super().parse_orders(*args, **more)

        def parse_order(self, *args: Any, **more: Any) -> Any:  # noqa: ANN401
            return {} if CALL.get() is not None else super().parse_order(*args, **more)

        # --- time

        def milliseconds(self) -> int:
            call = CALL.get()
            if call is not None and call.time_ms is not None:
                return call.time_ms
            return around.venue_ns() // NS_PER_MS

        def nonce(self) -> int:
            if around.dialect.growing_nonce:
                # Each request needs a higher one than the last, orders too.
                last: int = getattr(self, "arb_nonce", 0)
                now = around.clock.now_ns() // 1_000
                self.arb_nonce = max(last + 1, now)
                return self.arb_nonce
            return self.milliseconds()

        # --- sending

        def calculate_rate_limiter_cost(self, *told: Any) -> Any:  # noqa: ANN401 -- ccxt's
            _, method, path = told[:3]
            at_endpoint(f"{method} {path}")
            return super().calculate_rate_limiter_cost(*told)

        async def throttle(self, cost: float | None = None) -> None:
            await around.throttle(1 if cost is None else cost)

        async def fetch(
            self,
            url: str,
            method: str = "GET",
            headers: dict[str, str] | None = None,
            body: Any = None,  # noqa: ANN401
        ) -> Any:  # noqa: ANN401
            call = CALL.get() or Call()
            if call.order is not None:
                if call.requests:
                    raise WrongRequest("a second request for one order")
                _look_at(call.order, around.dialect, url, body)
            call.requests += 1
            call.reply = record = Reply(touched=True)
            token = _RECORD.set(record)
            try:
                return await super().fetch(url, method, {**(headers or {}), **call.headers}, body)
            except Exception as error:
                record.errors = class_names(error)
                record.why = _no_connection(error, around.there)
                error.arb_reply = record  # type: ignore[attr-defined]
                raise
            finally:
                _RECORD.reset(token)

        def on_rest_response(  # noqa: PLR0917 -- the client's signature
            self,
            code: int,
            reason: str,
            url: str,
            method: str,
            response_headers: dict[str, str],
            response_body: str,
            request_headers: Any,  # noqa: ANN401
            request_body: Any,  # noqa: ANN401
        ) -> str:
            record = _RECORD.get()
            if record is not None:
                record.status = code
                record.headers = dict(response_headers)
                record.body = response_body
            around.hear(response_headers)
            text: str = super().on_rest_response(
                code,
                reason,
                url,
                method,
                response_headers,
                response_body,
                request_headers,
                request_body,
            )
            return text

        # --- streams

        def handle_message(self, client: Any, message: Any) -> None:  # noqa: ANN401
            try:
                super().handle_message(client, message)
            except Exception as error:  # noqa: BLE001 -- the client would stop reading, without a word
                client.on_error(error)  # whoever waits is told, and begins anew

    Client.__name__ = base.__name__
    return Client


def round_apart(rounds: Callable[..., str]) -> Callable[..., str]:
    """Keep the client's rounding from changing the decimal context of the whole process, as it does."""

    def apart(*args: object, **kwargs: object) -> str:
        with decimal.localcontext():
            return rounds(*args, **kwargs)

    return apart


def _look_at(order: Sent, dialect: Dialect, url: str, body: object) -> None:
    """See that a request carries the order as it was asked for, to the letter; raises WrongRequest."""
    sent = list(_leaves(parse_qsl(urlsplit(url).query)))
    if isinstance(body, str):
        try:
            sent += _leaves(exact_json(body))
        except BadJson:
            sent += _leaves(parse_qsl(body))
    wanted_id = dialect.client_prefix + order.client_order_id
    amounts = [value for key, value in sent if key == dialect.sent_amount]
    prices = [value for key, value in sent if key == dialect.sent_price]
    if [value for _, value in sent if value == wanted_id] != [wanted_id]:
        raise WrongRequest("the request does not carry our id")
    if amounts != [plain(order.amount)] or prices != [plain(order.price)]:
        raise WrongRequest(f"the request carries {amounts} at {prices}")
    force = dict(dialect.sent_forces).get(order.time_in_force, order.time_in_force)
    for key, wanted in (
        (dialect.sent_market, order.market),
        (dialect.sent_side, order.side),
        (dialect.sent_force, force),
    ):
        found = [value for name, value in sent if name == key]
        if key and [value.lower() for value in found] != [wanted.lower()]:
            raise WrongRequest(f"the request carries {found} as {key}")


def _leaves(told: object, key: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(told, dict):
        for name, value in told.items():
            yield from _leaves(value, name)
    elif isinstance(told, list):
        for value in told:
            yield from _leaves(value, key)
    elif isinstance(told, tuple):
        yield str(told[0]), str(told[1])
    else:
        yield key, str(told)
