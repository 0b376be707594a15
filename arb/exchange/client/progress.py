"""How whoever waits for a reading learns that it goes on: a long history is many requests, each with a time of its own."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final, Protocol


class Watch(Protocol):
    """Who waits for a reading; may raise a VenueError to end it."""

    def waits(self) -> None:
        """Learn that the next request waits for its turn."""
        ...

    def goes(self) -> None:
        """Learn that a request is on its way."""
        ...


_WATCH: Final[ContextVar[Watch | None]] = ContextVar("arb_watch", default=None)


@contextmanager
def watched(watch: Watch) -> Iterator[None]:
    """Let the requests of a block be watched."""
    token = _WATCH.set(watch)
    try:
        yield
    finally:
        _WATCH.reset(token)


def waits() -> None:
    """Tell that the next request waits: for the venue's ration, or after one that failed."""
    watch = _WATCH.get()
    if watch is not None:
        watch.waits()


def goes() -> None:
    """Tell that a request is on its way."""
    watch = _WATCH.get()
    if watch is not None:
        watch.goes()
