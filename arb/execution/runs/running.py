"""Run an assembled engine: signals, the control socket, and the end of the loop."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, Self

from msgspec import Struct

from arb.clock import Clock
from arb.errors import ArbError, ConfigInvalid
from arb.execution.operating.control import ControlServer
from arb.execution.opportunities.tally import Results, Summary
from arb.execution.process.real_clock import RealClock
from arb.execution.process.virtual_loop import LoopClock, VirtualLoop, run_virtual
from arb.execution.runs.assembling import Options, Run, shared
from arb.execution.runs.engine import Engine
from arb.execution.runs.sources import Market, open_market
from arb.execution.runs.wiring import assemble
from arb.market.scan import Best
from arb.strategy.loader import Loaded

SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
STOP_PATIENCE_S: Final = 1.0  # after the second interrupt, then whatever still waits is cut off
EXIT_INTERRUPTED: Final = 130


class Interrupted(ArbError):
    """The run was interrupted before it began to trade."""

    code = "ARB-502"
    exit_code = EXIT_INTERRUPTED


class Ended(Struct, frozen=True):
    """How a run ended."""

    exit_code: int
    summary: Summary
    results: Results
    best: Best | None  # at the end, where no cycle was opened
    error: str | None
    parked: tuple[str, ...]  # cycles that hold what could not be sold
    open: tuple[str, ...]  # cycles that are not at their end


Watch = Callable[[Run], None]


def run_engine(
    loaded: Sequence[Loaded],
    options: Options,
    watch: Watch,
    interrupted: Watch = lambda _run: None,
) -> Ended:
    """Run strategies to the end of their work; `watch` is shown the run before it starts.

    `interrupted` is shown it at each interrupt, but for that of a backtest, which ends in no time.
    Raises ArbError where the run could not be put together.
    """
    mode = loaded[0].strategy.execution.mode
    if mode == "backtest":
        with _BacktestSignals() as signals:
            market = open_market(loaded[0])
            assert market.span_ns is not None, market
            loop = VirtualLoop()
            clock = LoopClock(loop, market.span_ns[0] - 1)

            def seen(run: Run) -> None:
                watch(run)
                signals.engine = run.engine

            return run_virtual(loop, _backtest(loaded, options, clock, market, seen))
    return asyncio.run(_on_the_clock(loaded, options, watch, interrupted))


async def _backtest(
    loaded: Sequence[Loaded],
    options: Options,
    clock: LoopClock,
    market: Market,
    watch: Watch,
) -> Ended:
    try:
        async with assemble(loaded, options, clock, market) as run:
            watch(run)
            return _ended(run, await run.engine.run())
    except ConfigInvalid as error:
        # What cannot be traded may be in the rows that were not believed, and nobody was told yet.
        raise ConfigInvalid("\n".join((str(error), *market.left_out))) from None


class _BacktestSignals:
    """SIGINT and SIGTERM where no loop listens for them: the first is the engine's.

    A virtual loop never blocks, so it sees the engine's stop at once; cycles end in no time.
    Before there is an engine, and the second time, the interrupt strikes where it finds us.
    """

    def __init__(self) -> None:
        self.engine: Engine | None = None
        self._before = [(number, signal.getsignal(number)) for number in SIGNALS]

    def __enter__(self) -> Self:
        for number in SIGNALS:
            signal.signal(number, self._hear)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before:
            signal.signal(number, handler)

    def _hear(self, _number: int, _frame: object) -> None:
        if self.engine is None or self.engine.interrupts:
            raise KeyboardInterrupt
        self.engine.interrupt()


async def _on_the_clock(
    loaded: Sequence[Loaded], options: Options, watch: Watch, interrupted: Watch
) -> Ended:
    with _Signals(interrupted) as signals:
        try:
            async with _assembled(loaded, options, RealClock()) as run:
                control = ControlServer(Path(options.db), run.operator.handle)
                await control.start()
                try:
                    watch(run)
                    return await signals.run(run)
                finally:
                    await control.stop()
        except asyncio.CancelledError:
            raise Interrupted("interrupted before it began") from None


@asynccontextmanager
async def _assembled(
    loaded: Sequence[Loaded], options: Options, clock: RealClock
) -> AsyncIterator[Run]:
    """Put a live or a paper run together."""
    execution = shared(loaded).execution
    if execution.mode == "live":
        from arb.execution.runs.live import assemble_live  # noqa: PLC0415 -- it brings aiohttp along

        async with assemble_live(loaded, options, clock) as run:
            yield run
        return
    async with (
        opened_market(loaded[0], clock) as market,
        assemble(loaded, options, clock, market) as run,
    ):
        yield run


@asynccontextmanager
async def opened_market(loaded: Loaded, clock: Clock) -> AsyncIterator[Market]:
    """Open the market of a strategy, a live one too; raises ArbError."""
    execution = loaded.strategy.execution
    if execution.mode == "backtest" or (
        execution.mode == "paper" and execution.paper.feed != "live"
    ):
        yield open_market(loaded)
        return
    from arb.execution.runs.live import live_market  # noqa: PLC0415 -- it brings aiohttp along

    async with live_market(loaded.strategy, loaded.ca_file, clock) as market:
        yield market


class _Signals:
    """SIGINT, SIGTERM, and SIGHUP: before the engine runs they end the process, then they are the engine's.

    A terminal that hangs up is no reason to leave a cycle where it stands; under `nohup` it is none at all.
    """

    def __init__(self, interrupted: Watch) -> None:
        self._interrupted = interrupted
        hangs_up = signal.getsignal(signal.SIGHUP) != signal.SIG_IGN
        self._numbers = (*SIGNALS, signal.SIGHUP) if hangs_up else SIGNALS
        self._before = [(number, signal.getsignal(number)) for number in self._numbers]
        self._loop = asyncio.get_running_loop()
        self._run: Run | None = None
        self._task = asyncio.current_task()

    def __enter__(self) -> Self:
        for number in self._numbers:
            self._loop.add_signal_handler(number, self._hear)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before:
            self._loop.remove_signal_handler(number)
            signal.signal(number, handler)  # the loop would leave it to the system, which kills

    def _hear(self) -> None:
        if self._run is not None:
            self._run.engine.interrupt()
        if self._task is None:
            return
        if self._run is None:
            self._task.cancel()
            return
        if self._run.engine.interrupts == 2:  # noqa: PLR2004
            self._loop.call_later(STOP_PATIENCE_S, self._task.cancel)
        self._interrupted(self._run)

    async def run(self, run: Run) -> Ended:
        """Run the engine; a second interrupt cuts off what does not end by itself."""
        self._run = run
        self._task = asyncio.ensure_future(run.engine.run())
        try:
            return _ended(run, await self._task)
        except asyncio.CancelledError:
            return _ended(run, EXIT_INTERRUPTED)
        finally:
            self._task = None


def _ended(run: Run, exit_code: int) -> Ended:
    parts = run.parts
    head = run.log.head()
    summary = parts.tally.summary(
        parts.detector,
        taken=parts.trader.taken,
        declined=parts.trader.declined.total,
        events=head.position - run.began,
        head_hash=head.hash,
    )
    fatal = run.engine.fatal
    error = None if fatal is None else f"{fatal} [{fatal.code}]"
    results = parts.tally.results()
    idle = not parts.trader.taken
    best = next(iter(parts.detector.scan.full_scan(1)), None) if idle else None
    return Ended(
        exit_code=exit_code,
        summary=summary,
        results=results,
        best=best,
        error=error,
        parked=tuple(parts.tally.parked),
        open=tuple(sorted(parts.desk.journal.cycles)),
    )
