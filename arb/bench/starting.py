"""Row 4: a start with many open cycles in a long log, up to the first word to the venue."""

import asyncio
import gc
import os
from collections.abc import Iterator
from contextlib import suppress
from decimal import Decimal
from pathlib import Path

import structlog

from arb.bench import logs
from arb.bench.cycles import START_NS, STRATEGY, Script, renamed, script, scripts
from arb.bench.lines import Line, Setting, middle, now_ns
from arb.clock import NS_PER_S
from arb.events import facts as f
from arb.events.sqlite import LogReader
from arb.exchange.paper.account import PaperAccount
from arb.execution.process.real_clock import RealClock
from arb.execution.runs.assembling import Options
from arb.execution.runs.sources import open_market
from arb.execution.runs.wiring import PAPER_SUFFIX, assemble
from arb.ids import account_stream, strategy_stream
from arb.strategy.loader import Loaded, load

SECONDS_MAX = 0.5
LEGACY_LOAD_S = 0.684  # the legacy engine reading 10,000 active cycles, before it does anything
EVENTS_PER_CYCLE = 22
SPREAD_NS = 30 * 24 * 3_600 * NS_PER_S  # the log's events lie in a month
TAIL_CYCLES = 20  # written after the last checkpoint, when the process is killed
VENUE = "binance"
_YAML = f"""name: {STRATEGY}
exchange: {VENUE}
cycle: [USDT, BTC, ETH]
min_profit_bps: 5
max_slippage_bps: 20
capital_allocation: {{mode: fixed_amount, amount: 1000}}
fees: {{taker_bps: 10, maker_bps: 10}}
execution:
  mode: paper
  paper: {{feed: generated, random_seed: 42, initial_balances: {{USDT: 10000, BTC: 1, ETH: 10}}}}
"""


class _VenueAsked(BaseException):
    """The engine spoke to the venue. Not an Exception: a start lives through those of its venue."""


class _Stopwatch:
    """A clock that ends the start when the venue is first asked: a paper venue waits before it listens."""

    def __init__(self) -> None:
        self.asked_ns: int | None = None
        self._real = RealClock()

    def now_ns(self) -> int:
        """Nanoseconds since the epoch."""
        return self._real.now_ns()

    def monotonic_ns(self) -> int:
        """Nanoseconds of the machine's own time."""
        return self._real.monotonic_ns()

    async def sleep(self, seconds: float) -> None:  # noqa: ARG002 -- nobody waits here
        """Note the first time, and end the start."""
        self.asked_ns = self.asked_ns or now_ns()
        raise _VenueAsked


def measure(setting: Setting) -> list[Line]:
    """Write the log in bulk, kill a writer on it, and start an engine, some times over."""
    before = structlog.get_config()
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    try:
        return _measure(setting)
    finally:
        structlog.configure(**before)


def _measure(setting: Setting) -> list[Line]:
    db = setting.folder / "start.db"
    strategy = setting.folder / "start.yaml"
    strategy.write_text(_YAML)
    loaded = load(strategy)
    asyncio.run(_write(setting, db, loaded))
    took: list[float] = []
    loading: list[float] = []
    for at in range(setting.size(5, 3)):
        _killed_writer(db, loaded, at)
        gc.collect()
        seconds, cycles = asyncio.run(_start(loaded, db))
        assert cycles == _open_cycles(setting), "open cycles were not loaded"
        took.append(seconds)
        loading.append(_read_rows_s(db))
    return [
        Line(
            row="4 start",
            value=middle(took),
            unit="s",
            floor=middle(loading),
            baseline=LEGACY_LOAD_S,
            budget=SECONDS_MAX,
        )
    ]


async def _start(loaded: Loaded, db: Path) -> tuple[float, int]:
    """Put a run together and let it go: seconds to its first word to the venue, and its cycles then."""
    clock = _Stopwatch()
    began = now_ns()
    async with assemble([loaded], Options(db=db), clock, open_market(loaded)) as run:
        with suppress(_VenueAsked):
            await run.engine.run()
        cycles = len(run.parts.desk.journal.cycles)
    assert clock.asked_ns is not None, "the venue was never asked"
    return (clock.asked_ns - began) / NS_PER_S, cycles


async def _write(setting: Setting, db: Path, loaded: Loaded) -> None:
    config = loaded.config_hash
    closed = (setting.size(1_000_000, 100_000)) // EVENTS_PER_CYCLE + 1
    opening = {"USDT": Decimal(10_000), "BTC": Decimal(1), "ETH": Decimal(10)}
    PaperAccount.open(
        db.with_name(db.name + PAPER_SUFFIX), uid=logs.ACCOUNT, opening=opening
    ).close()
    async with logs.opened(db, on_loop=True, venue=VENUE) as log:
        fact = f.StrategyLoaded(name=STRATEGY, config=config, text=loaded.canonical)
        await logs.put(log, strategy_stream(STRATEGY), fact)
        began = f.AccountOpened(opening=opening, venue_ns=START_NS)
        account = account_stream(VENUE, logs.ACCOUNT)
        await logs.put(log, account, began)
        step_ns = SPREAD_NS // closed
        open_at = closed // 2  # in the middle of the log, as old ones are
        made = scripts(closed, config, step_ns=step_ns)
        before = (one for _, one in zip(range(open_at), made, strict=False))
        await logs.pour(log, before)
        await logs.pour(log, _open(_open_cycles(setting), config, closed))
        await logs.pour(log, made)
        through = f.BalancesReconciled(
            assets=("BTC", "USDT"), trades_through_ns=START_NS + SPREAD_NS
        )
        await logs.put(log, account, through)


def _open_cycles(setting: Setting) -> int:
    return setting.size(10_000, 1_000)


def _open(count: int, config: str, after: int) -> Iterator[Script]:
    """Cycles with an order in flight, in each of their legs."""
    template = script(1, 0, config)
    for at in range(count):
        yield renamed(template, after + at + 1, START_NS + at, through=1 + at % 3)


def _killed_writer(db: Path, loaded: Loaded, at: int) -> None:
    """Append some cycles in a process that ends without a checkpoint, as a killed one does."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            asyncio.run(_tail(db, loaded, at))
            code = 0
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    assert status == 0, "the writer that was to be killed failed by itself"


async def _tail(db: Path, loaded: Loaded, at: int) -> None:
    first = 10_000_000 + at * TAIL_CYCLES
    async with logs.opened(db, on_loop=True, venue=VENUE) as log:
        for one in scripts(TAIL_CYCLES, loaded.config_hash, first):
            await logs.pour(log, [one])
        os._exit(0)


def _read_rows_s(db: Path) -> float:
    """The floor: reading the rows that a start needs, without making anything of them."""
    with LogReader(db) as reader:
        began = now_ns()
        reader.connection.execute("SELECT snapshot FROM open_cycles").fetchall()
        return (now_ns() - began) / NS_PER_S
