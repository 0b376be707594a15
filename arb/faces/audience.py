"""Whoever reads what a run prints: they may go away at any time, and open cycles are finished all the same."""

from collections.abc import Callable
from contextlib import suppress
from typing import TextIO

import click

from arb.execution.runs.assembling import Run


class Audience:
    """Prints until nobody reads any more; then no new cycle is opened, and running ones may end."""

    def __init__(self, run: Run) -> None:
        self._engine = run.engine
        self._gone = False

    def tell(self, say: Callable[[], object]) -> None:
        """Print something, as long as somebody reads it."""
        if self._gone:
            return
        try:
            say()
        except OSError as error:  # a pipe without a reader, a terminal that hung up, a full disk
            self._gone = True
            if not self._engine.interrupts:
                with suppress(OSError):
                    click.echo(
                        f"the output of this run cannot be written any more ({error.strerror}): no new cycle "
                        "is opened, and the open ones are brought to their end",
                        err=True,
                    )
                self._engine.interrupt()


class Unheard:
    """A stream for what may be lost: what cannot be written is dropped."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write, if that can be done."""
        with suppress(OSError, ValueError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Flush, if that can be done."""
        with suppress(OSError, ValueError):
            self._stream.flush()
