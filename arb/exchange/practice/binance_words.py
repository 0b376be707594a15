"""What Binance says when it refuses, and when something is wrong with it: its own codes and texts."""

from typing import Final

import msgspec

from arb.clock import NS_PER_MS
from arb.exchange.practice.doors import Reply, Said, html, seconds_up

BAD_REQUEST: Final = 400
UNAUTHORIZED: Final = 401

OUTSIDE_WINDOW: Final = "Timestamp for this request is outside of the recvWindow."
AHEAD: Final = "Timestamp for this request was 1000ms ahead of the server's time."
CLOSED_MARKET: Final = "Market is closed."
DUPLICATE: Final = "Duplicate order sent."
INSUFFICIENT: Final = "Account has insufficient balance for requested action."
INVALID_KEY: Final = "Invalid API-key, IP, or permissions for action."
UNKNOWN_ORDER: Final = "Unknown order sent."
NO_ORDER: Final = "Order does not exist."

_TOO_MUCH: Final = (
    "Too much request weight used; current limit is 6000 request weight per 1 MINUTE. "
    "Please use WebSocket Streams for live updates to avoid polling the API."
)
_EXCUSES: Final = {
    "http_503_overloaded": (
        503,
        -1008,
        "Server is currently overloaded with other requests. Please try again in a few minutes.",
    ),
    "maintenance": (503, 1, "System is under maintenance."),
    "clock_skew": (400, -1021, OUTSIDE_WINDOW),
    "reply_503_unknown": (
        503,
        -1000,
        "Unknown error, please check your request or try again later.",
    ),
    "reply_500_unknown": (
        500,
        -1006,
        "An unexpected response was received from the message bus. Execution status unknown.",
    ),
    "reply_504_timeout": (
        504,
        -1007,
        (
            "Timeout waiting for response from backend server. "
            "Send status unknown; execution status unknown."
        ),
    ),
}


def error(status: int, code: int, text: str, headers: dict[str, str] | None = None) -> Reply:
    """Word an error as every endpoint does."""
    return Reply(status, msgspec.json.encode({"code": code, "msg": text}), headers=headers or {})


def refused(code: int, text: str, status: int = BAD_REQUEST) -> Said:
    """Make the refusal of a request, to be raised."""
    return Said(error(status, code, text))


def filtered(name: str) -> Said:
    """Refuse an order that breaks a market's filter."""
    return refused(-1013, f"Filter failure: {name}")


def lacking(name: str) -> Said:
    """Refuse a request that lacks a parameter."""
    text = f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed."
    return refused(-1102, text)


def excuse(fault: str, wait_ns: int, now_ns: int) -> Reply:
    """Word a fault."""
    if fault == "waf_403":
        return html(403)
    if fault == "http_429":
        return error(429, -1003, _TOO_MUCH, {"Retry-After": seconds_up(wait_ns)})
    if fault == "http_418":
        until_ms = (now_ns + wait_ns) // NS_PER_MS
        text = (
            f"Way too much request weight used; IP banned until {until_ms}. "
            "Please use WebSocket Streams for live updates to avoid bans."
        )
        return error(418, -1003, text, {"Retry-After": seconds_up(wait_ns)})
    status, code, text = _EXCUSES[fault]
    return error(status, code, text)
