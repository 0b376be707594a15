"""Rows 12 and 13: from a decision to the request on its way, and how soon a live run is ready.

Both trade through the real client with a practice exchange that is a process of its own.
"""

import asyncio
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Final

import structlog

import arb
from arb.bench.lines import Line, Setting, middle, now_ns
from arb.clock import NS_PER_MS, NS_PER_S
from arb.events import facts as f
from arb.execution.assembling import Options, Run
from arb.execution.live import assemble_live
from arb.execution.real_clock import RealClock
from arb.strategy.loader import load

OWN_MS_MAX: Final = 1.0
READY_S_MAX: Final = 3.0
CURRENCIES: Final = 500  # of the generated market: more than 2,000 markets
_LISTENS: Final = re.compile(r"on 127\.0\.0\.1:(\d+).*?(\d+) markets", re.DOTALL)
_TOOL: Final = Path(arb.__file__).parents[1] / "tools" / "practice.py"
_TICK_S: Final = 0.002
_P99: Final = 0.99
_STRATEGY: Final = """\
name: bench
exchange: {{id: binance, connect_to: "127.0.0.1:{port}", ca_file: practice/ca.pem, dialect: practice}}
cycle: [USDT, BTC, ETH]
min_profit_bps: -500
max_slippage_bps: 100
capital_allocation: {{mode: fixed_amount, amount: 60}}
risk_controls:
  max_open_cycles: {at_once}
  stop_after_consecutive_losses: 1000000
  slippage_cooldown_seconds: 0
  breaker: {{max_unknowns: 100000, max_refusals: 100000}}
execution: {{mode: live}}
"""


class Watch:
    """When each order was decided, durable, handed over, on its way, and answered; in ns."""

    def __init__(self, run: Run) -> None:
        self.decided: dict[str, int] = {}
        self.durable: dict[str, int] = {}
        self.called: dict[str, int] = {}
        self.asked: dict[str, int] = {}
        self.answered: dict[str, int] = {}
        self.returned: dict[str, int] = {}
        self.late_ns: list[int] = []
        journal = run.parts.desk.journal
        venue: Any = run.parts.desk.access.venue
        commit, create, fetch = journal.commit, venue.create, venue.ccxt.fetch

        async def committed(draft: Any, **more: Any) -> Any:  # noqa: ANN401 -- as it is
            began = now_ns()
            result = await commit(draft, **more)
            ended = now_ns()
            for fact in draft.facts:
                if isinstance(fact, f.OrderIntended):
                    self.decided[fact.client_order_id] = began
                    self.durable[fact.client_order_id] = ended
            return result

        async def created(request: Any) -> Any:  # noqa: ANN401 -- as it is
            name = request.client_order_id
            self.called[name] = now_ns()
            try:
                return await create(request)
            finally:
                self.returned[name] = now_ns()

        async def fetched(*told: Any) -> Any:  # noqa: ANN401 -- url, method, headers, body
            body = str(told[3]) if told[1:2] == ("POST",) else ""
            name = next((one for one in self.called if body and one in body), "")
            if name:
                self.asked[name] = now_ns()
            try:
                return await fetch(*told)
            finally:
                if name:
                    self.answered[name] = now_ns()

        journal.commit = committed  # type: ignore[method-assign]
        venue.create = created
        venue.ccxt.fetch = fetched

    async def tick(self) -> None:
        """Notice how long the loop keeps somebody waiting who is due."""
        while True:
            due = now_ns() + round(_TICK_S * NS_PER_S)
            await asyncio.sleep(_TICK_S)
            self.late_ns.append(max(0, now_ns() - due))

    def between(self, first: dict[str, int], then: dict[str, int]) -> list[float]:
        """Spans in ms, for the orders that have both."""
        return sorted((then[name] - first[name]) / NS_PER_MS for name in first if name in then)


def measure(setting: Setting) -> list[Line]:
    """Trade 20 cycles at once and time each order's way out."""
    cycles = setting.size(60, 20)
    with _quiet():
        watch = asyncio.run(_traded(setting.folder, cycles))
    own = watch.between(watch.decided, watch.called)
    client = watch.between(watch.called, watch.asked)
    back = watch.between(watch.answered, watch.returned)
    if not own or not client:
        return [Line(row="12 own p50", value=None, unit="ms", budget=OWN_MS_MAX)]
    late = sorted(one / NS_PER_MS for one in watch.late_ns)
    return [
        Line(row="12 own p50", value=middle(own), unit="ms", budget=OWN_MS_MAX),
        Line(row="12 own p99", value=_high(own), unit="ms"),
        Line(
            row="12 durable", value=middle(watch.between(watch.decided, watch.durable)), unit="ms"
        ),
        Line(row="12 loop p99", value=_high(late), unit="ms"),
        Line(row="12 ccxt out", value=middle(client), unit="ms"),
        Line(row="12 ccxt in", value=middle(back), unit="ms"),
        Line(row="12 answer", value=middle(watch.between(watch.asked, watch.answered)), unit="ms"),
        Line(row="12 orders", value=float(len(own)), unit="orders"),
    ]


def measure_ready(setting: Setting) -> list[Line]:
    """Start a live run on a venue with 2,000 markets until it may trade."""
    currencies = setting.size(CURRENCIES, CURRENCIES) if setting.scale == 1 else 6
    with _quiet():
        seconds, markets = asyncio.run(_ready(setting.folder, currencies))
    return [
        Line(row="13 ready", value=seconds, unit="s", budget=READY_S_MAX),
        Line(row="13 markets", value=float(markets), unit="markets"),
    ]


async def _traded(folder: Path, cycles: int) -> Watch:
    async with _exchange(folder) as (port, _), _live(folder, port, 20, cycles) as run:
        watch = Watch(run)
        ticking = asyncio.create_task(watch.tick())
        await run.engine.run()
        ticking.cancel()
        return watch


async def _ready(folder: Path, currencies: int) -> tuple[float, int]:
    async with _exchange(folder, "--currencies", str(currencies)) as (port, _):
        began = now_ns()
        async with _live(folder, port, 1, 1) as run:
            running = asyncio.create_task(run.engine.run())
            while not run.parts.runner.ready and not running.done():  # noqa: ASYNC110 -- what is measured is the others
                await asyncio.sleep(_TICK_S)
            seconds = (now_ns() - began) / NS_PER_S
            run.engine.interrupt()
            await running
            return seconds, len(run.parts.desk.markets)


@asynccontextmanager
async def _live(folder: Path, port: int, at_once: int, cycles: int) -> AsyncIterator[Run]:
    path = folder / "bench.yaml"
    path.write_text(_STRATEGY.format(port=port, at_once=at_once))
    options = Options(db=folder / "bench.db", cycles=cycles)
    async with assemble_live([load(path)], options, RealClock()) as run:
        yield run


@asynccontextmanager
async def _exchange(folder: Path, *flags: str) -> AsyncIterator[tuple[int, int]]:
    words = (*("--dir", str(folder / "practice")), "--port", "0", "--control-port", "0", *flags)
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(_TOOL), *words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    assert process.stderr is not None
    said = ""
    try:
        while (found := _LISTENS.search(said)) is None:
            line = await process.stderr.readline()
            if not line:
                raise RuntimeError(f"the practice exchange ended: {said}")
            said += line.decode()
        drained = asyncio.create_task(process.stderr.read())
        yield int(found[1]), int(found[2])
        process.kill()
        await drained
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@contextmanager
def _quiet() -> Iterator[None]:
    before = structlog.get_config()
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    try:
        yield
    finally:
        structlog.configure(**before)


def _high(samples: list[float]) -> float:
    return samples[min(len(samples) - 1, round(len(samples) * _P99))]
