"""The clock of live and paper runs: the machine's own, or one that a proof sets wrong: `ARB_CLOCK_OFF_MS=-3600000`."""

import asyncio
import os
import time
from typing import Final

from arb.clock import NS_PER_MS

OFF_MS: Final = "ARB_CLOCK_OFF_MS"
_off_ns: Final = int(os.environ.get(OFF_MS, "0")) * NS_PER_MS


class RealClock:
    """Wall-clock time; order is never taken from it."""

    def now_ns(self) -> int:
        """Nanoseconds since the Unix epoch, UTC."""
        return time.time_ns() + _off_ns

    def monotonic_ns(self) -> int:
        """Nanoseconds since this machine's start; it goes on when the wall clock is set."""
        return time.monotonic_ns()

    async def sleep(self, seconds: float) -> None:
        """Wait; others run meanwhile."""
        await asyncio.sleep(max(seconds, 0))
