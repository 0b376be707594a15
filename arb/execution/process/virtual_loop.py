"""An event loop on virtual time: nothing waits, the clock jumps to the next timer.

Backtests run the engine's own code on it. There are no threads and no sockets, so a run is a
function of its inputs.
"""

import asyncio
import heapq
import math
import selectors
from asyncio.base_events import MAXIMUM_SELECT_TIMEOUT  # type: ignore[attr-defined]
from collections import deque
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Final, TypeVar

from arb.clock import NS_PER_S

Result = TypeVar("Result")

_TIMERS_MAX: Final = 100  # with more of them the loop may sort out the cancelled ones


class _NoWaiting(selectors.BaseSelector):
    """A selector that moves the loop's time on where a real one would block."""

    def __init__(self, stuck: Callable[[], bool]) -> None:
        self._inner = selectors.DefaultSelector()
        self._stuck = stuck
        self.now_ns = 0

    def register(
        self,
        fileobj: Any,  # noqa: ANN401 -- the same
        events: int,
        data: Any = None,  # noqa: ANN401 -- the base class's types
    ) -> selectors.SelectorKey:
        return self._inner.register(fileobj, events, data)

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:  # noqa: ANN401 -- the same
        return self._inner.unregister(fileobj)

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = self._inner.select(0)
        if ready:
            return ready
        if timeout is None:
            raise RuntimeError("every task waits for something that will never happen")
        if timeout > 0 or self._stuck():
            self.now_ns = _moved_on(self.now_ns, timeout)
        return []

    def close(self) -> None:
        self._inner.close()

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._inner.get_map()


def _moved_on(now_ns: int, seconds: float) -> int:
    """Move on to where a selector that waits this long ends, or to the next time that a float can tell.

    After 194 days that is more than the loop's resolution away: a timer can be no wait off, and not due.
    """
    if seconds <= 0:
        seconds = math.ulp(now_ns / NS_PER_S)
    return now_ns + max(1, round(seconds * NS_PER_S))


class _Sleeper(asyncio.TimerHandle):
    """Stands in the heap of timers for whoever sleeps alone: the same one every time, never run."""

    _when: float

    def until(self, when: float) -> "_Sleeper":
        """Be due at a time of the loop."""
        self._when = when
        return self


def _nothing() -> None:
    """What a sleeper would do."""


class VirtualLoop(asyncio.SelectorEventLoop):
    """`time()` is virtual; everything else is asyncio's own."""

    # asyncio's own, which `pass_alone` looks at.
    _ready: deque[asyncio.Handle]
    _scheduled: list[asyncio.TimerHandle]
    _stopping: bool
    _clock_resolution: float

    def __init__(self) -> None:
        self._virtual = _NoWaiting(self._stuck)
        super().__init__(self._virtual)
        self._sleeper = _Sleeper(0.0, _nothing, (), self)

    def time(self) -> float:
        """Virtual seconds since the loop was made."""
        return self._virtual.now_ns / NS_PER_S

    def now_ns(self) -> int:
        """The same in nanoseconds, exactly."""
        return self._virtual.now_ns

    def _stuck(self) -> bool:
        """Whether nothing is ready and the first timer is not due, whatever the wait for it."""
        if self._ready or self._stopping or not self._scheduled:
            return False
        return self._scheduled[0].when() >= self.time() + self._clock_resolution

    def pass_alone(self, seconds: float) -> bool:
        """Let this time pass at once, if nobody else could do anything before the sleeper goes on.

        That is so while nothing is ready and no timer is due by then; the selector is not asked,
        for a virtual loop has no sockets. Time moves exactly as it would through the selector.
        False: nothing has happened, and the caller has to wait as others do.
        """
        if self._ready or self._stopping:
            return False
        now_ns = self._virtual.now_ns
        due = seconds <= 0
        when = now_ns / NS_PER_S + seconds
        while not due:
            wait = min(when - now_ns / NS_PER_S, MAXIMUM_SELECT_TIMEOUT)
            now_ns = _moved_on(now_ns, wait)
            due = when < now_ns / NS_PER_S + self._clock_resolution
        if self._scheduled:
            first = self._scheduled[0]
            # Timers that were cancelled are for the loop to clear away.
            if (
                first.cancelled()
                or first.when() < now_ns / NS_PER_S + self._clock_resolution
                or len(self._scheduled) > _TIMERS_MAX
            ):
                return False
            if seconds > 0 and len(self._scheduled) > 1:
                # Which of two timers of one moment is first, a heap decides by what went through it.
                heapq.heappush(self._scheduled, self._sleeper.until(when))
                left = heapq.heappop(self._scheduled)
                assert left is self._sleeper, "nobody else is due by then"
        self._virtual.now_ns = now_ns
        return True


class LoopClock:
    """A `Clock` over a virtual loop that begins at a moment of one's choice."""

    def __init__(self, loop: VirtualLoop, start_ns: int) -> None:
        self._loop = loop
        self._start_ns = start_ns

    def now_ns(self) -> int:
        """Nanoseconds since the epoch."""
        return self._start_ns + self._loop.now_ns()

    def monotonic_ns(self) -> int:
        """Nanoseconds since the loop began."""
        return self._loop.now_ns()

    async def sleep(self, seconds: float) -> None:
        """Wait in virtual time; others run meanwhile, and where there are none it is over at once."""
        task = asyncio.current_task()
        # A task that was cancelled has to be told so at its next wait, so this must be one.
        if task is None or task.cancelling() or not self._loop.pass_alone(seconds):
            await asyncio.sleep(max(seconds, 0))


def run_virtual(loop: VirtualLoop, main: Coroutine[Any, Any, Result]) -> Result:
    """Run to the end on a virtual loop and close it."""
    try:
        asyncio.set_event_loop(loop)
        return loop.run_until_complete(main)
    finally:
        left = asyncio.all_tasks(loop)  # some, where an interrupt ended it
        for task in left:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        loop.run_until_complete(loop.shutdown_asyncgens())
        asyncio.set_event_loop(None)
        loop.close()
