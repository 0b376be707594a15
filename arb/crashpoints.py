"""Named places where a real kill can strike: `ARB_CRASH_AT=name[:n]` ends the process by SIGKILL at the n-th arrival.

They exist in the code from the start, so that a test can strike between any two steps of the order protocol.
"""

import os
import signal
from collections.abc import Callable
from typing import Final

INTENT_DURABLE: Final = "intent_durable"  # the intent is in the log, nothing was sent
EXECUTED_NOT_TOLD: Final = "executed_not_told"  # the venue executed, its reply did not come
TOLD_NOT_APPENDED: Final = "told_not_appended"  # the reply came, it is not in the log
UNWINDING: Final = "unwinding"  # a hop of a panic sell is about to be planned
RECOVERING: Final = "recovering"  # recovery resolved its orders and is about to choose
ALL: Final = (INTENT_DURABLE, EXECUTED_NOT_TOLD, TOLD_NOT_APPENDED, UNWINDING, RECOVERING)

_name, _, _count = os.environ.get("ARB_CRASH_AT", "").partition(":")
_left = int(_count) if _count else 1
_armed: Final = _name
watchers: Final[list[Callable[[str], None]]] = []  # of a simulation, whose lives die otherwise


def reach(name: str) -> None:
    """Pass a named place; a process armed for it dies here."""
    global _left  # noqa: PLW0603 -- one counter of one process, by design
    for watch in watchers:
        watch(name)
    if name != _armed:
        return
    _left -= 1
    if _left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
