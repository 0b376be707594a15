"""A status line on a terminal, also while nothing pays; without a terminal there is none."""

import asyncio
import shutil
import sys
from collections.abc import Callable
from decimal import Decimal
from types import TracebackType
from typing import Final, NamedTuple, Self

from arb.clock import NS_PER_MS, NS_PER_S
from arb.execution.runs.assembling import Run
from arb.faces.audience import Unheard
from arb.feeds.source import Change
from arb.market.scan import Seen

REFRESH_S: Final = 0.5
_RANKS: Final = 7
PAUSED: Final = "PAUSED, opens nothing new"
WIPE: Final = "\r\x1b[2K"


class Now(NamedTuple):
    """What the line tells."""

    updates_per_s: int
    cycles: int
    hits: int
    age_ms: int | None  # None: nothing was told yet
    best_bps: Decimal | None
    bar_bps: Decimal | None = None  # the lowest that an edge has to be above
    paused: bool = False


def line(now: Now, columns: int) -> str:
    """Write it, within so many columns: what matters least is left out first."""
    age = "-" if now.age_ms is None else f"{now.age_ms} ms old"
    best = "-" if now.best_bps is None else f"{now.best_bps:+.1f} bps"
    # In the order they stand, with the order in which they stay.
    parts = [
        (3, f"{now.updates_per_s:,} updates/s"),
        (6, f"{now.cycles:,} cycles"),
        (2, f"{now.hits} hits"),
        (5, age),
        (1, f"best {best}"),
    ]
    if now.best_bps is not None and now.bar_bps is not None and now.best_bps <= now.bar_bps:
        parts.append((4, f"{now.bar_bps - now.best_bps:.1f} below the threshold"))
    if now.paused:
        parts.insert(0, (0, PAUSED))
    for kept in range(_RANKS, 0, -1):
        text = " | ".join(part for rank, part in parts if rank < kept)
        if len(text) < columns:
            return text
    return ""


class LiveLine:
    """Refreshes the line while an engine runs; whatever else is printed finds the line wiped."""

    def __init__(
        self, write: Callable[[str], object] | None = None, *, quiet: bool = False
    ) -> None:
        self._write = write or Unheard(sys.stderr).write
        self._quiet = quiet or (write is None and not sys.stderr.isatty())
        self._shown = False
        self._hits = 0
        self._newest_ns: int | None = None
        self._before = (0, 0)  # when, and the updates until then
        self._timer: asyncio.TimerHandle | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self.wipe()

    def follow(self, run: Run) -> None:
        """Begin to show a run, unless it is a backtest or there is no terminal."""
        if self._quiet or run.span_ns is not None:
            return
        self._run = run
        run.parts.detector.listen(self._hear)
        run.parts.desk.journal.listen(lambda *_: self.wipe())
        run.parts.desk.journal.listen_closed(lambda _cycle: self.wipe())
        self._before = (run.parts.desk.clock.now_ns(), 0)
        self._timer = asyncio.get_running_loop().call_later(REFRESH_S, self._refresh)

    def wipe(self) -> None:
        """Make room for another line."""
        if self._shown:
            self._write(WIPE)
            self._shown = False

    def now(self) -> Now:
        """Look at the run."""
        parts = self._run.parts
        at_ns, updates = parts.desk.clock.now_ns(), parts.detector.scan.stats().updates
        since_ns, before = self._before
        self._before = (at_ns, updates)
        best = parts.detector.scan.full_scan(1)
        age = None if self._newest_ns is None else max(at_ns - self._newest_ns, 0) // NS_PER_MS
        return Now(
            updates_per_s=(updates - before) * NS_PER_S // max(at_ns - since_ns, 1),
            cycles=parts.watchlist.count,
            hits=self._hits,
            age_ms=age,
            best_bps=best[0].edge_bps if best else None,
            bar_bps=min(
                (one.min_profit_bps for one in parts.watchlist.strategies.values()), default=None
            ),
            paused=parts.desk.journal.account.paused is not None,
        )

    def _hear(self, change: Change, seen: Seen) -> None:
        self._hits += seen.risen
        self._newest_ns = change.at_ns

    def _refresh(self) -> None:
        # The cursor goes back, so that what somebody else prints goes over it.
        self._write(WIPE + line(self.now(), shutil.get_terminal_size().columns) + "\r")
        Unheard(sys.stderr).flush()
        self._shown = True
        self._timer = asyncio.get_running_loop().call_later(REFRESH_S, self._refresh)
