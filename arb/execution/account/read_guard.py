"""The time limit of a reading: of each of its requests, and of the whole."""

import asyncio
from collections.abc import Callable

from arb import limits


class ReadGuard:
    """Gives every request after the first a time of its own, up to the end of the whole.

    What a venue tells day by day or page by page cannot be read within the time of one request, and a
    reading that began anew each time would never end. Time in which a later request waits for its turn
    is the whole's alone.
    """

    def __init__(
        self, timeout: asyncio.Timeout, timeout_s: float, end_s: float, forbid: Callable[[], None]
    ) -> None:
        self._timeout = timeout
        self._timeout_s = timeout_s
        self._end_s = end_s  # of the loop's time
        self._forbid = forbid  # raises where nothing may be asked any more
        self._requests = 0
        self.over = False

    @staticmethod
    def whole_end_s() -> float:
        """When a reading that begins now is given up, whatever it brought."""
        return asyncio.get_running_loop().time() + limits.READ_WHOLE_S_MAX

    def waits(self) -> None:
        """Leave the time until the next request to the whole, once there was one."""
        if self._requests:
            self._until(self._end_s)

    def goes(self) -> None:
        """Give a request its time; the first one has what the reading began with."""
        self._forbid()
        if self._requests:
            self._until(asyncio.get_running_loop().time() + self._timeout_s)
        self._requests += 1

    def _until(self, when_s: float) -> None:
        # A task that the reading left behind must not move what is over.
        if not self.over and not self._timeout.expired():
            self._timeout.reschedule(min(when_s, self._end_s))
