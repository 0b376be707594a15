"""Which faults strike how often, and for how long they last."""

from collections.abc import Callable
from hashlib import blake2b
from typing import Final

from msgspec import Struct, convert

from arb.clock import NS_PER_MS, NS_PER_S

VIEW: Final = "view"  # the call named for faults that concern how an order is shown
_TOP: Final = 1 << 64


class FaultPlan(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A rate for each fault, from 0 (never) to 1 (always), and the durations."""

    # of a create or a cancel
    request_lost: float = 0.0  # not executed; Unreachable
    request_delayed: float = 0.0  # arrives later, also when the caller has given up meanwhile
    refused: float = 0.0  # not executed; Refused (create)
    reply_lost: float = 0.0  # executed; Unreachable
    reply_delayed: float = 0.0  # executed; the reply comes later
    reply_never: float = 0.0  # executed; the reply does not come for `never_ns`
    # of any call
    banned: float = 0.0  # not executed; Banned, and so is all that follows for `ban_ns`
    maintenance: float = 0.0  # not executed; Maintenance, and so is all for `maintenance_ns`
    read_fails: float = 0.0  # Unreachable (reads)
    # of how an order is shown; a function of its id, so that a restart changes nothing
    order_hidden: float = 0.0  # reads do not show it, for up to the venue's visibility window
    late_fill: float = 0.0  # reported finished; its last trade appears up to `late_fill_ns` later
    untold_fill: float = 0.0  # the same for `untold_fill_ns`, but balances show the trade at once
    # of what a reply says
    duplicated_reports: float = 0.0  # one fill twice
    reordered_reports: float = 0.0  # fills in another order, or an older state of the order
    altered_reports: float = 0.0  # one fill and a copy of it at another price
    none_fields: float = 0.0  # some fields are None
    garbage: float = 0.0  # success, and nothing in it makes sense

    delay_ns_max: int = 500 * NS_PER_MS
    never_ns: int = 60 * NS_PER_S
    ban_ns: int = NS_PER_S
    maintenance_ns: int = NS_PER_S
    late_fill_ns: int = 3 * NS_PER_S
    untold_fill_ns: int = 8 * NS_PER_S


# Every fault at every chance, for a script to say when.
ALWAYS: Final = convert(
    {name: 1.0 for name in FaultPlan.__struct_fields__ if not name.endswith(("_ns", "_ns_max"))},
    FaultPlan,
)


class Strike(Struct, frozen=True, gc=False):
    """A fault about to strike, for the one who decides whether it may."""

    fault: str  # a field of FaultPlan
    call: str  # a method of Venue, or "view"
    number: int  # of this call, from 1; 0 for "view"
    client_order_id: str | None


Only = Callable[[Strike], bool]


def drawn(seed: int, fault: str, key: str) -> float:
    """Draw from [0, 1) by nothing but the arguments."""
    text = f"{seed}/{fault}/{key}".encode()
    return int.from_bytes(blake2b(text, digest_size=8).digest(), "big") / _TOP
