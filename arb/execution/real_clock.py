"""The clock of live and paper runs: the machine's own."""

import asyncio
import time


class RealClock:
    """Wall-clock time; order is never taken from it."""

    def now_ns(self) -> int:
        """Nanoseconds since the Unix epoch, UTC."""
        return time.time_ns()

    async def sleep(self, seconds: float) -> None:
        """Wait; others run meanwhile."""
        await asyncio.sleep(max(seconds, 0))
