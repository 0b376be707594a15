"""What an answer proves about an order. Refused by a list, accepted by proof, anything else is unknown.

ccxt's exception classes tell almost nothing here: an order that was executed can end in an
ExchangeError, and one that was not in a NetworkError. So the venue's own words are read: the HTTP
status, and the code in the body. Codes are listed per venue; what is on no list proves nothing.
"""

import json
from typing import Final

from msgspec import Struct

from arb.clock import NS_PER_S
from arb.exchange.port import (
    DUPLICATE_ORDER_ID,
    KEY_REVOKED,
    Banned,
    KeyRevoked,
    Maintenance,
    NotSent,
    OrderNotFound,
    Refused,
    Unreachable,
    VenueError,
)

BAN_NS_DEFAULT: Final = 60 * NS_PER_S  # where the venue does not say for how long
BAN_S_MAX: Final = 3 * 86_400  # the longest that a venue is known to impose
DETAIL_CHARS_MAX: Final = 200
_HTTP_OK: Final = range(200, 300)
_TOO_MANY: Final = frozenset({418, 429})


class Reply(Struct, frozen=True):
    """An answer as it came over the wire."""

    status: int
    headers: dict[str, str]
    body: str


class ClockOff(Unreachable):
    """The venue refused a read because it was signed for another time: read its clock, and ask again."""

    code = "ARB-608"


class Said(Struct, frozen=True):
    """The venue's own code and words, where an answer has them."""

    code: str
    text: str


class Codes(Struct, frozen=True, kw_only=True):
    """A venue's codes that prove something."""

    refused: frozenset[str] = frozenset()
    duplicate: frozenset[str] = frozenset()
    duplicate_text: str = ""  # needed beside a code that means other things as well
    not_found: frozenset[str] = frozenset()
    key: frozenset[str] = frozenset()  # the key is not accepted
    clock: frozenset[str] = frozenset()  # the request was signed for another time
    banned: frozenset[str] = frozenset()
    maintenance: frozenset[str] = frozenset()
    maintenance_text: tuple[str, ...] = ()


def _numbers(first: int, last: int) -> frozenset[str]:
    low, high = sorted((first, last))
    return frozenset(str(code) for code in range(low, high + 1))


_CODES: Final = {
    "binance": Codes(
        refused=frozenset({"-1013", "-1021", "-1022", "-2010", "-1015", "-1003"})
        | _numbers(-1151, -1100),
        duplicate=frozenset({"-2010"}),
        duplicate_text="Duplicate order sent",
        not_found=frozenset({"-2013", "-2011"}),
        clock=frozenset({"-1021"}),
        key=frozenset({"-2014", "-2015"}),
        banned=frozenset({"-1003", "-1015"}),
        maintenance_text=("System is under maintenance", "System maintenance"),
    ),
    "okx": Codes(
        refused=frozenset(
            {"50011", "50102", "50112", "51000", "51001", "51004", "51006", "51008"}
            | {"51020", "51023", "51024", "51025", "51120", "51121", "51127", "51131", "51155"}
        ),
        duplicate=frozenset({"51016"}),
        not_found=frozenset({"51603", "51400", "51401", "51402"}),
        clock=frozenset({"50102"}),
        key=frozenset({"50100", "50101", "50105", "50110", "50111", "50113", "50119"}),
        banned=frozenset({"50011", "50061"}),
        maintenance=frozenset({"50001", "50013"}),
    ),
    "bybit": Codes(
        refused=frozenset(
            {"10001", "10002", "10004", "10006", "170121", "170124", "170130", "170131", "170132"}
            | {"170133", "170134", "170135", "170136", "170137", "170140", "170148", "170193"}
            | {"170194"}
        ),
        duplicate=frozenset({"170141", "110072"}),
        not_found=frozenset({"170213", "110001"}),
        clock=frozenset({"10002"}),
        key=frozenset({"10003", "10005", "10010", "33004"}),
        banned=frozenset({"10006", "10018"}),
    ),
    "kraken": Codes(
        refused=frozenset(
            {
                "EOrder:Insufficient funds",
                "EOrder:Order minimum not met",
                "EOrder:Cost minimum not met",
            }
            | {"EOrder:Invalid price", "EGeneral:Invalid arguments", "EQuery:Unknown asset pair"}
            | {"EAPI:Invalid nonce", "EAPI:Invalid signature", "EOrder:Rate limit exceeded"}
            | {"EAPI:Rate limit exceeded"}
        ),
        not_found=frozenset({"EOrder:Unknown order"}),
        clock=frozenset({"EAPI:Invalid nonce"}),
        key=frozenset({"EAPI:Invalid key", "EGeneral:Permission denied"}),
        banned=frozenset({"EAPI:Rate limit exceeded", "EGeneral:Temporary lockout"}),
    ),
    "kucoin": Codes(
        refused=frozenset({"200004", "300000", "400100", "400600", "400760", "400002", "900001"}),
        duplicate=frozenset({"126044", "102431"}),
        not_found=frozenset({"400350", "102421"}),
        clock=frozenset({"400002"}),
        key=frozenset({"400003", "400004", "400005", "400006", "411100"}),
        banned=frozenset({"429000", "200003"}),
    ),
    "gate": Codes(
        refused=frozenset(
            {
                "INVALID_PARAM_VALUE",
                "INVALID_CURRENCY_PAIR",
                "BALANCE_NOT_ENOUGH",
                "QUANTITY_NOT_ENOUGH",
            }
            | {"AMOUNT_TOO_LITTLE", "AMOUNT_TOO_MUCH", "INVALID_PRECISION", "REQUEST_EXPIRED"}
            | {"INVALID_CLIENT_ORDER_ID"}
        ),
        not_found=frozenset({"ORDER_NOT_FOUND"}),
        clock=frozenset({"REQUEST_EXPIRED"}),
        key=frozenset(
            {"INVALID_KEY", "INVALID_SIGNATURE", "IP_FORBIDDEN", "READ_ONLY", "FORBIDDEN"}
        ),
        banned=frozenset({"TOO_MANY_REQUESTS", "TOO_FAST"}),
        maintenance=frozenset({"TRADE_RESTRICTED", "SERVER_ERROR_MAINTENANCE"}),
    ),
    "bitget": Codes(
        refused=frozenset({"30008", "40017", "40019", "43011", "43012", "45110", "45111", "45112"}),
        duplicate=frozenset({"40500", "43118"}),
        not_found=frozenset({"43001", "40109", "31007"}),
        clock=frozenset({"40008"}),
        key=frozenset({"40001", "40006", "40009", "40012", "40014", "40018", "40037"}),
        banned=frozenset({"429", "40429"}),
    ),
    "mexc": Codes(
        refused=frozenset(
            {
                "30000",
                "30001",
                "30002",
                "30003",
                "30004",
                "30005",
                "30010",
                "30014",
                "30016",
                "30018",
            }
            | {"700003", "700004", "700005", "700006", "10101"}
        ),
        not_found=frozenset({"-2013", "-2011"}),
        clock=frozenset({"700003"}),
        key=frozenset({"10072", "700001", "700002", "700007", "402"}),
        banned=frozenset({"429", "510"}),
    ),
}
_NOTHING: Final = Codes()


def codes_of(venue: str) -> Codes:
    """The codes of a venue; one without a row proves nothing by any."""
    return _CODES.get(venue, _NOTHING)


def said_by(venue: str, body: str) -> Said | None:
    """Read the venue's code and words out of a body; None where it is not of that shape."""
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(answer, dict):
        return None
    if venue == "kraken":
        errors = answer.get("error")
        first = errors[0] if isinstance(errors, list) and errors else None
        return Said(first, first) if isinstance(first, str) else None
    # OKX and others put an order's own code within; what is outside speaks of the request.
    within = answer.get("data")
    if venue == "okx" and isinstance(within, list) and within and isinstance(within[0], dict):
        own = within[0].get("sCode")
        if isinstance(own, str) and own not in {"", "0"}:
            return Said(own, _text(within[0].get("sMsg")))
    for code, text in (("code", "msg"), ("retCode", "retMsg"), ("label", "message")):
        found = answer.get(code)
        if isinstance(found, str | int) and not isinstance(found, bool):
            return Said(str(found), _text(answer.get(text)))
    return None


def of_create(venue: str, reply: Reply | None, error: BaseException, *, sent: bool) -> VenueError:
    """Say what a create that gave no order proves.

    `reply` is the answer if one came; without one, `sent` says whether the request can have left.
    Gives Refused, Banned, or NotSent as proof that nothing was taken; Unreachable proves nothing.
    """
    if reply is None:
        if not sent:
            return NotSent(_short(error))
        return Unreachable(_short(error))
    banned = _ban(venue, reply)
    if banned is not None:
        return banned
    said, codes = said_by(venue, reply.body), codes_of(venue)
    if said is None:
        return Unreachable(f"HTTP {reply.status}: {_cut(reply.body)}")
    detail = _cut(f"{said.code} {said.text}")
    if said.code in codes.duplicate and codes.duplicate_text in said.text:
        return Refused(DUPLICATE_ORDER_ID, detail)
    if said.code in codes.key:
        return Refused(KEY_REVOKED, detail)
    if said.code in codes.refused and not _server_trouble(reply):
        return Refused(said.code, said.text[:DETAIL_CHARS_MAX])
    return Unreachable(f"HTTP {reply.status}: {detail}")


def of_read(venue: str, reply: Reply | None, error: BaseException) -> VenueError:
    """Say what a read, or a cancel, that gave nothing means."""
    if reply is None:
        return Unreachable(_short(error))
    banned = _ban(venue, reply)
    if banned is not None:
        return banned
    said, codes = said_by(venue, reply.body), codes_of(venue)
    told = reply.body if said is None else said.text
    if any(text in told for text in codes.maintenance_text):
        return Maintenance(_cut(told))
    if said is None:
        return Unreachable(f"HTTP {reply.status}: {_cut(reply.body)}")
    detail = _cut(f"{said.code} {said.text}")
    if said.code in codes.maintenance:
        return Maintenance(detail)
    if said.code in codes.clock:
        return ClockOff(detail)
    if said.code in codes.not_found:
        return OrderNotFound(detail)
    if said.code in codes.key:
        return KeyRevoked(detail)
    return Unreachable(f"HTTP {reply.status}: {detail}")


def _ban(venue: str, reply: Reply) -> Banned | None:
    if reply.status in _TOO_MANY:
        return Banned(_retry_after_ns(reply.headers))
    said = said_by(venue, reply.body)
    if said is not None and said.code in codes_of(venue).banned and not _server_trouble(reply):
        return Banned(_retry_after_ns(reply.headers))
    return None


def _server_trouble(reply: Reply) -> bool:
    """Whether the front of the venue speaks: it does not know what became of what it passed on."""
    return reply.status >= 500  # noqa: PLR2004 -- HTTP


def _retry_after_ns(headers: dict[str, str]) -> int:
    told = next((value for name, value in headers.items() if name.lower() == "retry-after"), "")
    if told.strip().isascii() and told.strip().isdecimal():
        return min(int(told), BAN_S_MAX) * NS_PER_S
    return BAN_NS_DEFAULT


def accepted(reply: Reply | None) -> bool:
    """Whether an answer came with a status that can carry an order."""
    return reply is not None and reply.status in _HTTP_OK


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _short(error: BaseException) -> str:
    return _cut(f"{type(error).__name__}: {error}")


def _cut(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= DETAIL_CHARS_MAX else flat[:DETAIL_CHARS_MAX] + "..."
