"""A progress bar over a number of steps, on stderr where that is a terminal."""

import sys
from types import TracebackType
from typing import Self


class Bar:
    """Shows how many of so many steps are done; it is gone at the end."""

    def __init__(self, what: str, total: int) -> None:
        self._bar = None
        if sys.stderr.isatty():
            from rich.console import Console  # noqa: PLC0415 -- only where there is a terminal
            from rich.progress import (  # noqa: PLC0415  # noqa: PLC0415
                BarColumn,
                MofNCompleteColumn,
                Progress,
                TextColumn,
                TimeRemainingColumn,
            )

            self._bar = Progress(
                TextColumn(what),
                BarColumn(),
                MofNCompleteColumn(),
                TimeRemainingColumn(),
                console=Console(stderr=True),
                transient=True,
            )
            self._task = self._bar.add_task(what, total=total)

    def __enter__(self) -> Self:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def step(self) -> None:
        """Count a step."""
        if self._bar is not None:
            self._bar.advance(self._task)
