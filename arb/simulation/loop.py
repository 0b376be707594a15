"""A virtual loop that shuffles what is ready by a seed, counts its steps, and can strike before any of them."""

import asyncio
import heapq
from asyncio.base_events import MAXIMUM_SELECT_TIMEOUT  # type: ignore[attr-defined]
from collections.abc import Callable
from random import Random
from typing import Final

from arb.execution.process.virtual_loop import VirtualLoop

TURNS_MAX: Final = 100_000  # in which no time passes
_CANCELLED_MAX: Final = 100  # timers in the heap, before it is sorted out


class SimulatedLoop(VirtualLoop):
    """Everything that is ready in a turn runs in that turn, in an order that the seed draws.

    Without a seed the order is asyncio's own. A loop on which everybody is busy and no time passes
    ends with an error.
    """

    _timer_cancelled_count: int
    _process_events: Callable[[object], None]

    def __init__(self, rng: Random | None = None) -> None:
        super().__init__()
        self.steps = 0
        self.before_step: Callable[[asyncio.Handle], None] | None = None
        self._rng = rng
        self._turns = 0
        self._stood_ns = -1

    def skip(self, ns: int) -> None:
        """Let time pass in which nobody could do anything."""
        self._virtual.now_ns += ns

    def _run_once(self) -> None:
        if self.now_ns() != self._stood_ns:
            self._stood_ns, self._turns = self.now_ns(), 0
        self._turns += 1
        if self._turns >= TURNS_MAX:
            raise RuntimeError("a task is busy without waiting")
        self._drop_cancelled()
        self._wait()
        self._wake()
        if self._rng is not None and len(self._ready) > 1:
            shuffled = list(self._ready)
            self._rng.shuffle(shuffled)
            self._ready.clear()
            self._ready.extend(shuffled)
        for _ in range(len(self._ready)):
            handle = self._ready.popleft()
            if handle.cancelled():
                continue
            self.steps += 1
            if self.before_step is not None:
                self.before_step(handle)
            handle._run()  # noqa: SLF001 -- as asyncio's own loop does

    def _drop_cancelled(self) -> None:
        if self._timer_cancelled_count > _CANCELLED_MAX:
            self._scheduled = [timer for timer in self._scheduled if not timer.cancelled()]
            heapq.heapify(self._scheduled)
            self._timer_cancelled_count = 0
        while self._scheduled and self._scheduled[0].cancelled():
            self._timer_cancelled_count -= 1
            heapq.heappop(self._scheduled)

    def _wait(self) -> None:
        timeout = None
        if self._ready or self._stopping:
            timeout = 0.0
        elif self._scheduled:
            wait = self._scheduled[0].when() - self.time()
            timeout = min(max(0.0, wait), MAXIMUM_SELECT_TIMEOUT)
        self._process_events(self._virtual.select(timeout))  # it moves time on

    def _wake(self) -> None:
        end = self.time() + self._clock_resolution
        while self._scheduled and self._scheduled[0].when() < end:
            timer = heapq.heappop(self._scheduled)
            timer._scheduled = False  # type: ignore[attr-defined]  # noqa: SLF001 -- the same
            self._ready.append(timer)
