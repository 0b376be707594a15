"""An event loop on virtual time: nothing waits, the clock jumps to the next timer.

Backtests run the engine's own code on it. There are no threads and no sockets, so a run is a
function of its inputs.
"""

import asyncio
import selectors
from collections.abc import Coroutine, Mapping
from typing import Any, TypeVar

from arb.clock import NS_PER_S

Result = TypeVar("Result")


class _NoWaiting(selectors.BaseSelector):
    """A selector that moves the loop's time on where a real one would block."""

    def __init__(self) -> None:
        self._inner = selectors.DefaultSelector()
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
        if timeout > 0:
            self.now_ns += max(1, round(timeout * NS_PER_S))
        return []

    def close(self) -> None:
        self._inner.close()

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._inner.get_map()


class VirtualLoop(asyncio.SelectorEventLoop):
    """`time()` is virtual; everything else is asyncio's own."""

    def __init__(self) -> None:
        self._virtual = _NoWaiting()
        super().__init__(self._virtual)

    def time(self) -> float:
        """Virtual seconds since the loop was made."""
        return self._virtual.now_ns / NS_PER_S

    def now_ns(self) -> int:
        """The same in nanoseconds, exactly."""
        return self._virtual.now_ns


class LoopClock:
    """A `Clock` over a virtual loop that begins at a moment of one's choice."""

    def __init__(self, loop: VirtualLoop, start_ns: int) -> None:
        self._loop = loop
        self._start_ns = start_ns

    def now_ns(self) -> int:
        """Nanoseconds since the epoch."""
        return self._start_ns + self._loop.now_ns()

    async def sleep(self, seconds: float) -> None:
        """Wait in virtual time; others run meanwhile."""
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
