"""The faults by name, and what each of them can strike. Pure."""

from typing import Final

from msgspec import Struct

ALL: Final = "all"

# What can be struck: calls by what they ask for, whatever the protocol calls them ...
CREATE: Final = "order.create"
CANCEL: Final = "order.cancel"
ORDER: Final = "order.read"
OPEN_ORDERS: Final = "orders.open"
ORDERS: Final = "orders.all"
TRADES: Final = "trades"
ACCOUNT: Final = "account"
FEES: Final = "fees"
CHANGES: Final = "changes"  # deposits, withdrawals, transfers
KEY: Final = "key"  # what a key may do
TIME: Final = "time"
MARKETS: Final = "markets"
DEPTH: Final = "depth"
TICKER: Final = "ticker"
# ... messages of streams, how an order is shown, and a second of the account's life.
MARKET_STREAM: Final = "stream.market"
USER_STREAM: Final = "stream.user"
VIEW: Final = "view"
SECOND: Final = "second"

REQUESTS: Final = frozenset(
    {
        *(CREATE, CANCEL, ORDER, OPEN_ORDERS, ORDERS, TRADES, ACCOUNT, FEES, CHANGES, KEY),
        *(TIME, MARKETS, DEPTH, TICKER),
    }
)
STREAMS: Final = frozenset({MARKET_STREAM, USER_STREAM})

MAINTENANCE: Final = "maintenance"


class Fault(Struct, frozen=True):
    """A fault and what it can strike."""

    name: str
    does: str
    calls: frozenset[str]
    lived_through: bool = True  # by a client that does everything right


def _group(
    calls: frozenset[str], *rows: tuple[str, str], lived_through: bool = True
) -> tuple[Fault, ...]:
    return tuple(Fault(name, does, calls, lived_through) for name, does in rows)


# The request does not get through: nothing is executed.
_BEFORE: Final = _group(
    REQUESTS,
    ("request_dropped", "the connection ends before the request is read"),
    ("http_429", "too many requests; all are refused for a second"),
    ("http_418", "banned; every request is refused for two seconds, Retry-After says so"),
    ("http_503_overloaded", "503, the venue's own word for overloaded"),
    ("waf_403", "403 with a page of HTML from somewhere before the venue"),
    (MAINTENANCE, "the venue is closed for two seconds"),
    ("clock_skew", "refused as if its timestamp were outside of the window"),
)
# The request is executed, and the reply is not what it should be.
_AFTER: Final = _group(
    REQUESTS,
    ("reply_dropped", "executed, then the connection ends without an answer"),
    ("reply_never", "executed, and no answer for a minute"),
    ("reply_late", "executed, and the answer comes up to 2.5 s later"),
    ("reply_truncated", "executed, and the answer breaks off in the middle"),
    ("reply_503_html", "executed, 503 with a page of HTML"),
    ("reply_502_text", "executed, 502 with a line of text"),
    ("reply_503_unknown", "executed, 503 with the venue's own word for unknown error"),
    ("reply_500_unknown", "executed, 500 with the venue's own word for status unknown"),
    ("reply_504_timeout", "executed, 504 with the venue's own word for timeout"),
    ("reply_200_html", "executed, 200 with a page of HTML"),
    ("reply_200_empty", "executed, 200 with nothing"),
    ("reply_200_object", "executed, 200 with {}"),
    ("reply_200_nulls", "executed, 200 with fields that are null"),
)
_CREATES: Final = _group(
    frozenset({CREATE}),
    ("execution_late", "accepted in its window, executed up to the backend's limit later"),
)
_LISTS: Final = _group(
    frozenset({TRADES}),
    ("trades_twice", "a trade is listed twice"),
    ("trades_shuffled", "trades are listed in any order"),
)
_VIEWS: Final = _group(
    frozenset({VIEW}),
    ("order_hidden", "reads do not show an order for up to the visibility window"),
    ("late_fill", "an order is shown as ended; its last trade appears up to 3 s later"),
)
_STREAMED: Final = _group(
    STREAMS,
    ("stream_twice", "a message comes twice"),
    ("stream_swapped", "a message comes after the next one"),
    ("stream_lost", "a message does not come: a gap"),
    ("stream_closed", "the connection ends"),
)
_SECONDS: Final = _group(
    frozenset({SECOND}),
    ("user_withdrawal", "the user withdraws some of an asset"),
    ("user_deposit", "the user deposits some of an asset"),
    ("user_order", "the user trades by hand"),
    ("market_halt", "a market is halted for five seconds"),
    ("clock_jump", "the venue's clock jumps to up to 2.4 s from the true time"),
)
_FATAL: Final = _group(
    frozenset({SECOND}),
    ("market_delisted", "a market is halted, then gone"),
    ("key_revoked", "the key is not accepted any more"),
    lived_through=False,
)

BEFORE: Final = frozenset(fault.name for fault in _BEFORE)
AFTER: Final = frozenset(fault.name for fault in (*_AFTER, *_LISTS))
GROUPS: Final = ((*_BEFORE, *_AFTER, *_CREATES, *_LISTS), _VIEWS, _STREAMED, _SECONDS)
FAULTS: Final = {fault.name: fault for group in (*GROUPS, _FATAL) for fault in group}
