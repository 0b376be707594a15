"""Whose requests Binance lets in: its limits, its keys, the time and the signature of each request."""

import hmac
from collections.abc import Callable
from hashlib import sha256
from typing import Final

from msgspec import Struct

from arb.clock import NS_PER_MS
from arb.exchange.practice.binance_limits import Usage
from arb.exchange.practice.binance_params import Params
from arb.exchange.practice.binance_words import (
    AHEAD,
    INVALID_KEY,
    OUTSIDE_WINDOW,
    UNAUTHORIZED,
    error,
    excuse,
    lacking,
    refused,
)
from arb.exchange.practice.doors import Grounds, Said, seconds_up
from arb.exchange.practice.windows import FUTURE_NS, RECV_WINDOW_NS

RECV_WINDOW_MS_MAX: Final = 60_000
RECV_WINDOW_MS_USUAL: Final = 5_000
KEY_CHARS: Final = 64


class Endpoint(Struct, frozen=True):
    """One thing that can be asked for."""

    call: str  # as the faults name it
    act: Callable[[Params], object]
    known: frozenset[str] = frozenset()
    weight: int | Callable[[Params], int] = 1
    signed: bool = True
    of_order: bool = False  # counts as an order sent


class Admission:
    """Checks every request before anything is done for it."""

    def __init__(self, grounds: Grounds) -> None:
        self.usage: Final = Usage()
        self._grounds = grounds
        self._hall = grounds.hall

    def admit(self, endpoint: Endpoint, params: Params, key: str | None, signing: str) -> None:
        """Let a request in; raises Said. `signing` is the text that its signature is of."""
        now_ns = self._hall.now_ns()
        cost = endpoint.weight if isinstance(endpoint.weight, int) else endpoint.weight(params)
        if not self.usage.weight.use(cost, now_ns):
            left_ns = self.usage.weight.left_ns(now_ns)
            self._grounds.faults.close("http_429", now_ns, left_ns)
            raise self._said("http_429", left_ns)
        if endpoint.signed:
            self._check_signed(params, key, signing)
        if endpoint.of_order:
            name = params.text("newClientOrderId")
            if name is not None:
                self._grounds.posts.note(name, now_ns)
            self._count_order(now_ns)

    def _check_signed(self, params: Params, key: str | None, signing: str) -> None:
        """Check key, time and signature; raises Said."""
        if key is None or len(key) != KEY_CHARS or not key.isalnum():
            raise refused(-2014, "API-key format invalid.", UNAUTHORIZED)
        if self._grounds.key_revoked or not hmac.compare_digest(
            key, self._grounds.keys.binance_key
        ):
            raise refused(-2015, INVALID_KEY, UNAUTHORIZED)
        signature = params.need("signature")
        secret = self._grounds.keys.binance_secret.encode()
        true = hmac.new(secret, signing.encode(), sha256).hexdigest()
        if not hmac.compare_digest(true, signature.lower()):
            raise refused(-1022, "Signature for this request is not valid.")
        self._check_time(params)

    def _check_time(self, params: Params) -> None:
        stamped = params.whole("timestamp")
        if stamped is None:
            raise lacking("timestamp")
        window_ms = params.whole("recvWindow")
        if window_ms is not None and window_ms > RECV_WINDOW_MS_MAX:
            raise refused(-1131, "recvWindow must be less than 60000")
        asked_ns = (RECV_WINDOW_MS_USUAL if window_ms is None else window_ms) * NS_PER_MS
        late_ns = self._hall.now_ns() - stamped * NS_PER_MS
        if late_ns < -FUTURE_NS:
            raise refused(-1021, AHEAD)
        if late_ns > min(asked_ns, RECV_WINDOW_NS):
            raise refused(-1021, OUTSIDE_WINDOW)

    def _count_order(self, now_ns: int) -> None:
        for span, text in (
            (self.usage.orders_10s, "100 orders per 10 SECOND"),
            (self.usage.orders_day, "200000 orders per 1 DAY"),
        ):
            if not span.use(1, now_ns):
                wait = {"Retry-After": seconds_up(span.left_ns(now_ns))}
                told = f"Too many new orders; current limit is {text}."
                raise Said(error(429, -1015, told, wait))

    def _said(self, fault: str, wait_ns: int) -> Said:
        return Said(excuse(fault, wait_ns, self._hall.now_ns()))
