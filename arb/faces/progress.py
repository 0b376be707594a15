"""How far a backtest is: a progress bar on stderr where that is a terminal."""

import sys
from collections.abc import Callable
from types import TracebackType
from typing import Self

from arb.clock import NS_PER_S
from arb.execution.runs.assembling import Run


class Progress:
    """A bar over the recorded time that a backtest plays, or over many runs; then it is gone."""

    def __init__(self) -> None:
        self._bar = None
        if sys.stderr.isatty():
            from rich.console import Console  # noqa: PLC0415 -- only where there is a terminal
            from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn  # noqa: PLC0415

            self._bar = Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                TextColumn("{task.completed:.0f} of {task.total:.0f} {task.fields[unit]}"),
                TimeRemainingColumn(),
                console=Console(stderr=True),
                transient=True,
            )

    def __enter__(self) -> Self:
        return self  # it begins with what it shows: until then the terminal is somebody else's

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def follow(self, run: Run) -> None:
        """Show how far a run is; only one with an end can be shown."""
        if self._bar is None or run.span_ns is None:
            return
        bar, (first_ns, last_ns) = self._bar, run.span_ns
        bar.start()
        task = bar.add_task("backtest", total=(last_ns - first_ns) / NS_PER_S, unit="s")

        def told(at_ns: int) -> None:
            bar.update(task, completed=(at_ns - first_ns) / NS_PER_S)

        run.parts.progress = told

    def count(self, what: str, total: int) -> Callable[[int], None]:
        """Show how many of several backtests are done, as they are told."""
        if self._bar is None:
            return lambda _done: None
        bar = self._bar
        bar.start()
        task = bar.add_task(what, total=total, unit="runs")
        return lambda done: bar.update(task, completed=done)
