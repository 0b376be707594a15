"""Whose requests OKX lets in: its limits, its keys, the time and the signature of each request."""

import base64
import datetime as dt
import hmac
import re
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Final

import msgspec
from msgspec import Struct

from arb.clock import NS_PER_MS, NS_PER_S
from arb.exchange.practice import fault_table as calls
from arb.exchange.practice.binance_limits import Span
from arb.exchange.practice.doors import Execute, Grounds, Reply
from arb.exchange.practice.okx_params import Params
from arb.exchange.practice.okx_words import EXPIRED, JSON, TOO_LATE, TOO_MANY, Rejected, Shape
from arb.exchange.practice.windows import FUTURE_NS, RECV_WINDOW_NS

LIMITED_NS: Final = 2 * NS_PER_S  # the span of every limit
LOGIN_WINDOW_NS: Final = 30 * NS_PER_S  # a login sends nothing that could be executed late
LOGIN_PATH: Final = "/users/self/verify"
_EMPTY: Final = (
    ("OK-ACCESS-KEY", "50103"),
    ("OK-ACCESS-PASSPHRASE", "50104"),
    ("OK-ACCESS-SIGN", "50106"),
    ("OK-ACCESS-TIMESTAMP", "50107"),
)
_STAMP: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


class Endpoint(Struct, frozen=True):
    """One thing that can be asked for."""

    call: str  # as the faults name it
    act: Callable[[Params], Shape]
    most: int  # in two seconds; of several orders in one request, each of them
    signed: bool = True


class Admission:
    """Checks every request before anything is done for it."""

    def __init__(self, grounds: Grounds) -> None:
        self._grounds = grounds
        self._hall = grounds.hall
        self._spans: dict[str, Span] = {}

    def count(self, name: str, endpoint: Endpoint, params: Params) -> None:
        """Count a request; raises Rejected beyond what may be asked. Each endpoint has its own limit."""
        span = self._spans.setdefault(name, Span(LIMITED_NS, endpoint.most))
        if not span.use(max(len(params.rows), 1), self._hall.now_ns()):
            raise Rejected(*TOO_MANY)
        if endpoint.call == calls.CREATE:
            self._note_creates(params)

    def check(self, headers: Mapping[str, str], signing: str) -> None:
        """Check key, time and signature; raises Rejected. `signing` is what follows the timestamp."""
        for name, code in _EMPTY:
            if not headers.get(name):
                raise Rejected(code, f'Request header "{name}" cannot be empty.')
        stamp = headers["OK-ACCESS-TIMESTAMP"]
        if _STAMP.fullmatch(stamp) is None:
            raise Rejected("50112", "Invalid OK-ACCESS-TIMESTAMP")
        try:
            stamped = dt.datetime.fromisoformat(stamp)
        except ValueError:
            raise Rejected("50112", "Invalid OK-ACCESS-TIMESTAMP") from None
        if not self.known_key(headers["OK-ACCESS-KEY"]):
            raise Rejected("50111", "Invalid OK-ACCESS-KEY")
        if not self.known_phrase(headers["OK-ACCESS-PASSPHRASE"]):
            raise Rejected("50105", 'Request header "OK-ACCESS-PASSPHRASE" incorrect.')
        if not self.signed(stamp + signing, headers["OK-ACCESS-SIGN"]):
            raise Rejected("50113", "Invalid Sign")
        epoch = dt.datetime.fromtimestamp(0, dt.UTC)
        stamped_ns = (stamped - epoch) // dt.timedelta(milliseconds=1) * NS_PER_MS
        if not -FUTURE_NS <= self._hall.now_ns() - stamped_ns <= RECV_WINDOW_NS:
            raise Rejected(*EXPIRED)

    def note_until(self, params: Params, told: str | None) -> None:
        """Keep until when a request may be executed, where it says so; raises Rejected if that is over."""
        until_ms = Params({"expTime": told or ""}).whole("expTime")
        if until_ms is None:
            return
        params.until_ns = until_ms * NS_PER_MS
        if self._hall.now_ns() > params.until_ns:
            raise Rejected(*TOO_LATE)

    def check_login(self, params: Params) -> None:
        """Check a login of a private connection; raises Rejected."""
        stamp = params.whole("timestamp")
        if not self.known_key(params.need("apiKey")):
            raise Rejected("60005", "Invalid apiKey")
        if not self.known_phrase(params.need("passphrase")):
            raise Rejected("60024", "Wrong passphrase")
        late_ns = self._hall.now_ns() - (stamp or 0) * NS_PER_S
        if not -LOGIN_WINDOW_NS <= late_ns <= LOGIN_WINDOW_NS:
            raise Rejected("60006", "Timestamp request expired")
        if not self.signed(f"{stamp}GET{LOGIN_PATH}", params.need("sign")):
            raise Rejected("60007", "Invalid sign")

    def _note_creates(self, params: Params) -> None:
        """Count the orders that a request asks for, by their ids."""
        for row in params.rows or (params,):
            name = row.text("clOrdId")
            if name is not None:
                self._grounds.posts.note(name, self._hall.now_ns())

    def known_key(self, key: str) -> bool:
        """Tell whether a key is accepted."""
        keys = self._grounds.keys
        return not self._grounds.key_revoked and _same(key, keys.okx_key)

    def known_phrase(self, phrase: str) -> bool:
        """Tell whether a passphrase is the key's."""
        return _same(phrase, self._grounds.keys.okx_password)

    def signed(self, text: str, signature: str) -> bool:
        """Tell whether a signature is of a text."""
        secret = self._grounds.keys.okx_secret.encode()
        true = base64.b64encode(hmac.new(secret, text.encode(), sha256).digest()).decode()
        return _same(signature, true)


def executing(endpoint: Endpoint, params: Params) -> Execute:
    """Make what answers a request that was let in."""

    def execute() -> Reply:
        try:
            return Reply(200, msgspec.json.encode(endpoint.act(params)), JSON)
        except Rejected as refused:
            return refused.reply()

    return execute


def _same(told: str, true: str) -> bool:
    return hmac.compare_digest(told.encode(), true.encode())
