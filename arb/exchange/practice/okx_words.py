"""What OKX says: its envelope around every answer, its codes and texts when it refuses, and its excuses."""

from collections.abc import Sequence
from typing import Final

import msgspec

from arb.exchange.practice.doors import HTML, Reply, html, seconds_up

JSON: Final = "application/json"
OK: Final = "0"
FAILED: Final = "1"
SOME_FAILED: Final = "2"

BLANK: Final = "50014"
CLOSED: Final = "51022"
DUPLICATE: Final = ("51016", "Client order ID already exists.")
EITHER_ID: Final = ("51003", "Either client order ID or order ID is required.")
NO_INSTRUMENT: Final = (
    "51001",
    "Instrument ID, Instrument ID code, or Spread ID doesn't exist.",
)
NO_ORDER: Final = ("51603", "Order does not exist")
NOT_CANCELABLE: Final = (
    "51400",
    "Order cancellation failed as the order has been filled, canceled or does not exist.",
)
ALREADY_CANCELED: Final = (
    "51401",
    "Cancellation failed as the order is already canceled.",
)
ALREADY_FILLED: Final = (
    "51402",
    "Cancellation failed as the order is already completed.",
)
TOO_SMALL: Final = ("51020", "Your order should meet or exceed the minimum order amount.")
TOO_LARGE: Final = ("51005", "Your order amount exceeds the max order amount.")
NOT_OF_LOTS: Final = ("51121", "Order quantity must be a multiple of the lot size.")
SUSPENDED: Final = (CLOSED, "Instrument suspended.")
EXPIRED: Final = ("50102", "Timestamp request expired.")
TOO_LATE: Final = (
    "50036",
    "The expTime can't be earlier than the current system time. Please adjust the expTime and try again.",
)
ORDER_EXPIRED: Final = ("50037", "Order expired.")
TOO_MANY: Final = ("50011", "Too Many Requests")

# What is wrong with a request as such has an HTTP status of its own; what is wrong with an order has not.
_STATUS: Final = {
    **dict.fromkeys(("50000", "50002", "50006", BLANK, "51000"), 400),
    **{str(code): 401 for code in range(50_101, 50_115)},
    "50011": 429,
    "50115": 405,
}
_EXCUSES: Final = {
    "http_503_overloaded": (503, "50013", "Systems are busy. Please try again later."),
    "maintenance": (503, "50001", "Service temporarily unavailable. Try again later."),
    "clock_skew": (401, *EXPIRED),
    "http_429": (429, *TOO_MANY),
    "reply_503_unknown": (503, "50026", "System error. Try again later."),
    "reply_500_unknown": (500, "50026", "System error. Try again later."),
    "reply_504_timeout": (
        504,
        "50004",
        (
            "API endpoint request timeout (does not mean that the request was successful or "
            "failed, please check the request result)."
        ),
    ),
}

Shape = dict[str, object]


class Rejected(Exception):
    """OKX refuses a request, or one order of several."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(f"{code} {text}")
        self.code = code
        self.text = text

    def reply(self) -> Reply:
        """The refusal as an answer of its own."""
        return error(self.code, self.text)


def blank(name: str) -> Rejected:
    """Refuse a request that lacks a parameter."""
    return Rejected(BLANK, f"Parameter {name} can not be empty.")


def wrong(name: str) -> Rejected:
    """Refuse a parameter that cannot be."""
    return Rejected("51000", f"Parameter {name} error")


def enveloped(rows: Sequence[object]) -> Shape:
    """Put what was asked for into the envelope."""
    return {"code": OK, "data": rows, "msg": ""}


def outcome(rows: Sequence[Shape]) -> Shape:
    """Put what became of each order into the envelope."""
    failed = sum(1 for row in rows if row["sCode"] != OK)
    if not failed:
        return enveloped(rows)
    if failed < len(rows):
        return {"code": SOME_FAILED, "data": rows, "msg": "Bulk operation partially succeeded"}
    return {"code": FAILED, "data": rows, "msg": "All operations failed"}


def error(
    code: str, text: str, status: int | None = None, headers: dict[str, str] | None = None
) -> Reply:
    """Word an error as every endpoint does."""
    body = msgspec.json.encode({"msg": text, "code": code, "data": []})
    return Reply(_STATUS.get(code, 200) if status is None else status, body, JSON, headers or {})


def excuse(fault: str, wait_ns: int) -> Reply:
    """Word a fault. A ban comes from the wall before the venue, which says for how long."""
    if fault == "waf_403":
        return html(403)
    if fault == "http_418":
        return Reply(429, b"error code: 1015", HTML, {"Retry-After": seconds_up(wait_ns)})
    status, code, text = _EXCUSES[fault]
    return error(code, text, status)
