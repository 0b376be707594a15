"""Read what the venue says of its markets and fees again, at a moment when nothing is in a hurry."""

from contextlib import suppress
from typing import Final

from arb.exchange.port import Banned, Unreachable
from arb.execution.account.desk import Desk
from arb.limits import REREAD_PATIENCE_S, SWEEPS_PER_MARKETS_READ
from arb.machine.table import RUNNING

_LOOK_S: Final = 0.05


class Rereading:
    """Counts sweeps, and reads again after every so many of them."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._sweeps = 0

    async def after_sweep(self) -> None:
        """Read again where it is time to; what cannot be read now is read the next time, which is soon."""
        self._sweeps += 1
        if self._sweeps % SWEEPS_PER_MARKETS_READ:
            return
        await self._quiet()
        with suppress(Unreachable, Banned):
            await self._desk.reload_markets()
            await self._desk.reload_fees()

    async def _quiet(self) -> None:
        """Wait a while for a moment between cycles: a large venue's list holds all else up while it is read."""
        for _ in range(round(REREAD_PATIENCE_S / _LOOK_S)):
            if all(one.state not in RUNNING for one in self._desk.journal.cycles.values()):
                return
            await self._desk.clock.sleep(_LOOK_S)
