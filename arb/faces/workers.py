"""Processes that work for a command, one a core: whoever interrupts the command ends them too."""

import multiprocessing
import signal
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from arb import door

Given = TypeVar("Given")
Made = TypeVar("Made")


def spread(
    work: Callable[[Given], Made], items: Sequence[Given], jobs: int, *, at_once: int
) -> Generator[Made, None, None]:
    """Work on every item in processes, some at once in each, and yield what they made in order.

    Ctrl-C reaches the whole process group: workers ignore it, and end when this generator is closed.
    """
    if jobs == 1 or len(items) == 1:
        yield from map(work, items)
        return
    with ProcessPoolExecutor(jobs, initializer=door.stay_out) as pool:
        try:
            with _kept_waiting():  # until every process is there to be ended
                waiting = [
                    pool.submit(_several, work, items[begin : begin + at_once])
                    for begin in range(0, len(items), at_once)
                ]
            for one in waiting:
                yield from one.result()
        except BaseException:
            # What they were given may take minutes yet, and nobody waits for it. Nothing is cancelled:
            # the pool stumbles over that when its processes end.
            for process in multiprocessing.active_children():
                process.terminate()
            raise


def _several(work: Callable[[Given], Made], items: Sequence[Given]) -> list[Made]:
    return [work(item) for item in items]


@contextmanager
def _kept_waiting() -> Iterator[None]:
    """Let an interrupt wait; what is forked meanwhile lets it wait until it knows whose it is."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, door.SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
