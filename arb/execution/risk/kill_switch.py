"""The kill switch as a file beside the log: while it is there nothing new begins.

Whoever can make a file can stop the engine, whatever became of its terminal and its socket. The
halt that follows is an event, so that taking the file away does not lift it.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Final

import structlog

from arb.clock import Clock
from arb.events import facts as f
from arb.events.sqlite.storage import beside
from arb.execution.account.journal import Journal
from arb.limits import KILL_SWITCH_POLL_S
from arb.machine.account import EVERYTHING, KILLED

log = structlog.get_logger()

KILL_SUFFIX: Final = ".kill"

KillSwitch = Callable[[], str | None]


def kill_file(db: Path) -> Path:
    """Where the kill switch of a log is."""
    return beside(db, KILL_SUFFIX)


def kill_switch(db: Path) -> KillSwitch:
    """Give what tells whether the file is there, and in which words it halts."""
    path = kill_file(db)
    return lambda: f"{KILLED} {path.name} is there" if path.exists() else None


class KillWatch:
    """Halts a journal durably once its switch is thrown; cycles that are open come to their end."""

    def __init__(self, switch: KillSwitch, journal: Journal, clock: Clock) -> None:
        self._switch = switch
        self._journal = journal
        self._clock = clock

    async def look(self) -> None:
        """Halt where the switch is thrown and nothing is halted yet."""
        reason = self._switch()
        if reason is None or EVERYTHING in self._journal.account.halts:
            return
        log.error("engine.halted", reason=reason)
        halt = f.EngineHalted(reason=reason, scope=EVERYTHING)
        await self._journal.note(halt, cause="kill switch")

    async def look_for_ever(self) -> None:
        """Look again and again."""
        while True:
            await self.look()
            await self._clock.sleep(KILL_SWITCH_POLL_S)
