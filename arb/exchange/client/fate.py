"""What a venue's reply proves. Refused by allow-list on the venue's own code, accepted by proof, all else is unknown. Pure.

The classes of a client's exceptions are not asked what became of an order: the same class stands for an order that was
executed and for one that never arrived. They count in one case alone, where no connection was made at all.
"""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Final

from msgspec import Struct, field

from arb.clock import NS_PER_S
from arb.exchange.client.exact_json import BadJson, at, exact_json
from arb.exchange.dialects.refusals import BAD_SIGNATURE
from arb.exchange.dialects.shape import Dialect
from arb.exchange.port import (
    DUPLICATE_ORDER_ID,
    KEY_REVOKED,
    Banned,
    KeyRevoked,
    Maintenance,
    NotSent,
    OrderNotFound,
    OrderReport,
    OrderRequest,
    Refused,
    Unreachable,
    VenueError,
)

HTTP_OK: Final = 200
HTTP_OK_END: Final = 300
HTTP_TEAPOT: Final = 418  # banned, where a venue bans
HTTP_TOO_MANY: Final = 429
HTTP_SERVER_ERROR: Final = 500
RETRY_AFTER_S_MAX: Final = 3 * 86_400  # the longest ban that a venue documents
DETAIL_CHARS_MAX: Final = 200
# Errors of a connection that was never made: no byte of the request has left.
_NEVER_CONNECTED: Final = frozenset({"ClientConnectorError", "gaierror"})
_KNOWN_STATUSES: Final = frozenset({"open", "closed", "canceled", "expired", "rejected"})


class Reply(Struct):
    """The raw record of a request: what came back, or why nothing did."""

    touched: bool = False  # whether a socket was reached for
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""
    errors: tuple[str, ...] = ()  # class names of the error and its causes
    why: str = ""  # in our own words, which hold no secret


class Said(Struct, frozen=True):
    """The venue's own code, with its text."""

    code: str
    text: str


def judge(
    dialect: Dialect, reply: Reply, *, created: str | None = None, hidden: tuple[str, ...] = ()
) -> VenueError:
    """Say what a failed call means: for a create what became of the order, for a read why there is no answer.

    `created`: our id of the order, in a create. `hidden`: secrets, which never stand in a message.
    """
    creating = created is not None
    detail = _detail(dialect, reply, hidden)
    if not reply.touched:
        return NotSent(detail)
    if reply.status is None:
        never = not _NEVER_CONNECTED.isdisjoint(reply.errors)
        return NotSent(detail) if never else Unreachable(detail)
    codes, body = dialect.codes, _body(reply)
    # Before the status: a ban, too, is the venue's word that it took nothing.
    if creating and _tells_of_an_order(dialect, body):
        return Unreachable(f"a refusal that tells of an order: {detail}")
    if created is not None and not _may_be_about(dialect, body, created):
        return Unreachable(f"a refusal of another order: {detail}")
    if reply.status in {HTTP_TEAPOT, HTTP_TOO_MANY}:
        banned = reply.status == HTTP_TEAPOT
        return Banned(retry_after_ns(reply, codes.banned_ns if banned else codes.limited_ns))
    said = _said(dialect, body)
    if said is None:
        return Unreachable(detail)
    return _by_code(dialect, reply, said, creating=creating, detail=detail)


def _by_code(
    dialect: Dialect, reply: Reply, said: Said, *, creating: bool, detail: str
) -> VenueError:
    """Say what the venue's own code means."""
    codes = dialect.codes
    assert reply.status is not None
    if reply.status >= HTTP_SERVER_ERROR:
        # A server that failed proves nothing of what it did before; that it is closed may be believed.
        return Maintenance(detail) if _closed(dialect, said) else Unreachable(detail)
    if said.code in codes.key_revoked:
        return Refused(KEY_REVOKED, detail) if creating else KeyRevoked(detail)
    if said.code in codes.banned:
        return Banned(retry_after_ns(reply, codes.limited_ns))
    if _closed(dialect, said):
        return Maintenance(detail)
    if creating:
        reason = _refusal(dialect, said)
        return Unreachable(detail) if reason is None else Refused(reason, detail)
    if said.code in codes.not_found:
        return OrderNotFound(detail)
    if codes.refused.get(said.code) == BAD_SIGNATURE:  # of another secret: it will not fit later
        return KeyRevoked(detail)
    return Unreachable(detail)


def answer(dialect: Dialect, reply: Reply) -> object | None:
    """The body of a reply that is one: well-formed, without an error of the venue's, with its mark where it has one.

    None for everything else: a page of HTML with status 200 is no empty list.
    """
    body = _body(reply)
    if reply.status is None or not HTTP_OK <= reply.status < HTTP_OK_END:
        return None
    path, value = dialect.replies.well
    if path and _text(at(body, path)) != value:
        return None
    return body if isinstance(body, dict | list) and _said(dialect, body) is None else None


def accepted(report: OrderReport, request: OrderRequest) -> bool:
    """Whether a reply proves that the venue took the order: its id, ours (or the same order), and a known status."""
    same = (report.market, report.side, report.amount) == (
        request.market,
        request.side,
        request.amount,
    )
    ours = report.client_order_id == request.client_order_id
    nameless = report.client_order_id is None and same
    return (
        report.exchange_order_id is not None
        and (ours or nameless)
        and report.status in _KNOWN_STATUSES
    )


def clock_is_wrong(dialect: Dialect, reply: Reply) -> bool:
    """Whether the venue says that our time is not its own."""
    said = _said(dialect, _body(reply))
    return said is not None and said.code in dialect.codes.clock_wrong


def retry_after_ns(reply: Reply, default_ns: int) -> int:
    """How long the venue wants silence; what it says is believed up to the longest ban there is."""
    told = next((value for key, value in reply.headers.items() if key.lower() == "retry-after"), "")
    try:
        seconds = Decimal(told.strip())
    except (InvalidOperation, AttributeError):
        return default_ns
    if not seconds.is_finite() or seconds < 0:
        return default_ns
    return int(min(seconds, Decimal(RETRY_AFTER_S_MAX)) * NS_PER_S)


def _body(reply: Reply) -> object:
    try:
        told: object = exact_json(reply.body)
    except BadJson:
        return None
    return told


def _text(told: object) -> str:
    """A code as text; what is neither text nor a whole number is none."""
    if isinstance(told, bool) or not isinstance(told, str | int):
        return ""
    return str(told)


def _said(dialect: Dialect, body: object) -> Said | None:
    """The venue's own error code; None where the body holds none."""
    if not isinstance(body, dict):
        return None
    for code_path, text_path in dialect.codes.where:
        code = _text(at(body, code_path))
        if code and code not in dialect.codes.well:
            return Said(code, _text(at(body, text_path)))
    return None


def _tells_of_an_order(dialect: Dialect, body: object) -> bool:
    return any(_text(at(body, path)) not in {"", "0"} for path in dialect.codes.order_ids)


def _may_be_about(dialect: Dialect, body: object, client_order_id: str) -> bool:
    """Whether what the venue says can be about this order: where it names one, it must be this one."""
    wanted = dialect.client_prefix + client_order_id
    rows = [(at(body, path), key) for path, key in dialect.codes.named]
    return all(_text(row.get(key)) == wanted for row, key in rows if isinstance(row, dict))


def _closed(dialect: Dialect, said: Said) -> bool:
    codes = dialect.codes
    text = said.text.lower()
    return said.code in codes.maintenance or text.startswith(codes.maintenance_texts or ("\0",))


def _refusal(dialect: Dialect, said: Said) -> str | None:
    """The reason, where the code is on the venue's list; an order that exists is no refusal at all."""
    codes = dialect.codes
    text = said.text.lower()
    for code, beginning in codes.duplicate:
        if said.code == code and text.startswith(beginning):
            return DUPLICATE_ORDER_ID
    for code, beginning, reason in codes.refused_texts:
        if said.code == code and text.startswith(beginning):
            return reason
    return codes.refused.get(said.code)


def _detail(dialect: Dialect, reply: Reply, hidden: tuple[str, ...]) -> str:
    """A line for people: the status and the beginning of the body, never the request."""
    if reply.status is None:
        why = reply.why or (reply.errors[0] if reply.errors else "no answer")
        text = f"{dialect.venue}: {why}"
    else:
        text = f"{dialect.venue} answered {reply.status}: {reply.body}"
    for secret in hidden:
        if secret:
            text = text.replace(secret, "***")
    return " ".join(text[:DETAIL_CHARS_MAX].split())
