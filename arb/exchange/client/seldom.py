"""Requests that a venue takes only a few times a minute, whatever else is asked of it."""

from collections import deque

from arb.clock import NS_PER_S, Clock
from arb.exchange.client import progress
from arb.exchange.client.pacing import LOOK_AGAIN_S


class Seldom:
    """Lets so many through in a window, and makes the next one wait, apart from every other request.

    In a lane of the common ration it would hold up all that stand behind it.
    """

    def __init__(self, clock: Clock, times: int, window_s: float) -> None:
        self._clock = clock
        self._times = times
        self._window_ns = round(window_s * NS_PER_S)
        self._made_ns: deque[int] = deque()  # the last ones, of monotonic time

    async def turn(self) -> None:
        """Wait until one more may be made, and count it."""
        while True:
            now_ns = self._clock.monotonic_ns()
            if len(self._made_ns) < self._times:
                break
            left_ns = self._made_ns[0] + self._window_ns - now_ns
            if left_ns <= 0:
                self._made_ns.popleft()
                break
            progress.waits()
            await self._clock.sleep(min(left_ns / NS_PER_S, LOOK_AGAIN_S))
        self._made_ns.append(now_ns)
