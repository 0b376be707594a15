"""The event log in one SQLite file. This is its face; the parts are small modules of one subject each.

What writes is imported when it is first asked for: a command that only looks starts without it.
"""

from typing import TYPE_CHECKING

from arb.events.sqlite.backup import backup
from arb.events.sqlite.ballast import ensure_ballast, free_space_low, release_ballast, space_gauge
from arb.events.sqlite.examine import examine, look
from arb.events.sqlite.locks import HeldLock, lock_account, lock_log
from arb.events.sqlite.projector import NoProjections, Projector
from arb.events.sqlite.reader import LogReader
from arb.events.sqlite.verify import Finding, verify_chain
from arb.events.sqlite.witness import Sworn, read_witness

if TYPE_CHECKING:
    from arb.events.sqlite.opening import accept_head, open_log
    from arb.events.sqlite.store import SqliteLog

__all__ = [
    "Finding",
    "HeldLock",
    "LogReader",
    "NoProjections",
    "Projector",
    "SqliteLog",
    "Sworn",
    "accept_head",
    "backup",
    "ensure_ballast",
    "examine",
    "free_space_low",
    "lock_account",
    "lock_log",
    "look",
    "open_log",
    "read_witness",
    "release_ballast",
    "space_gauge",
    "verify_chain",
]


def __getattr__(name: str) -> object:
    if name in {"accept_head", "open_log"}:
        from arb.events.sqlite import opening  # noqa: PLC0415 -- see above

        return getattr(opening, name)
    if name == "SqliteLog":
        from arb.events.sqlite.store import SqliteLog  # noqa: PLC0415 -- see above

        return SqliteLog
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
