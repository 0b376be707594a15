"""Two ways to run the core: a thread for real life, the loop itself for simulation and backtest, which have no threads."""

import asyncio
import sys
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Protocol

from arb.events.envelope import Head
from arb.events.log import Appended
from arb.events.sequence import Draft
from arb.events.sqlite.commit import Committer, Waiting
from arb.limits import APPEND_QUEUE_MAX, BATCH_EVENTS_MAX, WRITER_TURN_S

_CLOSED = "the log is closed"


class Writer(Protocol):
    """Write appends in the order they came; what comes together shares a transaction and an fsync."""

    head: Head  # the last acknowledged event

    async def write(self, draft: Draft) -> Appended:
        """Write one append durably; raises VersionConflict or Indeterminate."""
        ...

    async def close(self) -> None:
        """Write what is queued, then close the committer."""
        ...


class LoopWriter:
    """Write on the event loop, without threads and without a future for each append.

    An append queues itself and lets the loop turn once. The first one to come back writes the whole queue for all of them,
    and the others find their outcome when their turn comes.
    """

    def __init__(self, committer: Committer) -> None:
        self.head = committer.head
        self._committer = committer
        self._queue: deque[Waiting] = deque()
        self._closed = False

    async def write(self, draft: Draft) -> Appended:
        """Write one append durably, together with everything queued in this turn of the loop."""
        if self._closed:
            raise RuntimeError(_CLOSED)
        one = Waiting(draft)
        self._queue.append(one)
        if len(self._queue) >= APPEND_QUEUE_MAX:
            self._flush()
        try:
            await asyncio.sleep(0)
        except asyncio.CancelledError:
            self._flush()  # an append that was handed over is written, and others may wait for it
            raise
        if one.outcome is None:
            self._flush()
        return one.result()

    async def close(self) -> None:
        """Write what is queued, then close the committer."""
        self._closed = True
        self._flush()
        self._committer.close()

    def _flush(self) -> None:
        while self._queue:
            batch = []
            events = 0
            while self._queue and events < BATCH_EVENTS_MAX:
                one = self._queue.popleft()
                events += one.draft.events
                batch.append(one)
            self._committer.commit(batch)
            self.head = self._committer.head
        if self._committer.checkpoint_due():
            # After this turn of the loop, in which everybody is told.
            asyncio.get_running_loop().call_soon(self._checkpoint)

    def _checkpoint(self) -> None:
        if self._committer.checkpoint_due() and not self._closed:
            self._committer.checkpoint()


class ThreadWriter:
    """Write in a thread of its own: everything queued during one fsync shares the next one. There is no timer."""

    def __init__(self, committer: Committer) -> None:
        self.head = committer.head
        self._committer = committer
        self._queue: SimpleQueue[Waiting | None] = SimpleQueue()
        self._room = asyncio.Semaphore(APPEND_QUEUE_MAX)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closed = False
        # After each statement the thread needs the interpreter back, and a busy loop keeps it for so
        # long each time: with the default of 5 ms an intent of a busy moment took twice as long.
        sys.setswitchinterval(min(sys.getswitchinterval(), WRITER_TURN_S))
        self._thread = Thread(target=self._run, name="log-writer", daemon=True)
        self._thread.start()

    async def write(self, draft: Draft) -> Appended:
        """Write one append durably; waits first when APPEND_QUEUE_MAX appends are waiting."""
        await self._room.acquire()
        if self._closed:
            self._room.release()
            raise RuntimeError(_CLOSED)
        self._loop = asyncio.get_running_loop()
        one = Waiting(draft)
        one.told = self._loop.create_future()
        self._queue.put(one)
        await one.told
        return one.result()

    async def close(self) -> None:
        """Write what is queued, then end the thread and close the committer."""
        self._closed = True
        self._queue.put(None)
        try:
            await asyncio.get_running_loop().run_in_executor(None, self._thread.join)
        finally:
            self._thread.join()  # also when cancelled: nobody else may have the log before the thread is done
            self._committer.close()

    def _run(self) -> None:
        going = True
        while going:
            batch, going = self._next_batch()
            if batch:
                self._committer.commit(batch)
                # The loop is gone when the process is ending: then nobody waits for this any more.
                with suppress(RuntimeError):
                    assert self._loop is not None, "an append came before its loop"
                    self._loop.call_soon_threadsafe(self._settle, batch, self._committer.head)
            if self._committer.checkpoint_due():
                self._committer.checkpoint()

    def _next_batch(self) -> tuple[list[Waiting], bool]:
        """Wait for an append and take what queued up behind it; False when closing was asked for."""
        one = self._queue.get()
        batch: list[Waiting] = []
        events = 0
        while one is not None:
            batch.append(one)
            events += one.draft.events
            if events >= BATCH_EVENTS_MAX:
                return batch, True
            try:
                one = self._queue.get_nowait()
            except Empty:
                return batch, True
        return batch, False

    def _settle(self, batch: Sequence[Waiting], head: Head) -> None:
        self.head = head
        for one in batch:
            self._room.release()
            # One that was cancelled is not told, and its facts stay.
            if one.told is not None and not one.told.done():
                one.told.set_result(None)
