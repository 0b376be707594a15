"""Rows 12 and 13: an order's way out of a live run, and how soon one is ready.

Both trade through the real client with a practice exchange that is a process of its own.
"""

import asyncio
from pathlib import Path
from typing import Final

from arb.bench.disk import OneRow
from arb.bench.lines import NS_PER_US, Line, Setting, middle, now_ns
from arb.bench.practising import live, practice, quiet
from arb.bench.way_out import TICK_S, WayOut, between, high
from arb.clock import NS_PER_MS, NS_PER_S

OWN_MS_MAX: Final = 1.0
READY_S_MAX: Final = 3.0
CURRENCIES: Final = 500  # of the generated market: more than 2,000 markets
AT_ONCE: Final = 20
_PACE_S: Final = 0.05
_PACED: Final = 50
_ROW_BYTES: Final = 400
_STRATEGY: Final = """\
name: bench
exchange: {{id: binance, connect_to: "127.0.0.1:{port}", ca_file: practice/ca.pem, dialect: practice}}
{paths}
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
_ONE_PATH: Final = "cycle: [USDT, BTC, ETH]"
_EVERY_PATH: Final = "max_hops: 3\nstart_currencies: [USDT]"


def measure(setting: Setting) -> list[Line]:
    """Time the orders of cycles as they come, and of many that open at one moment."""
    with quiet():
        way = asyncio.run(_traded(setting, _ONE_PATH, setting.size(60, 20)))
        crowd = asyncio.run(_traded(setting, _EVERY_PATH, setting.size(60, 20), "30"))
    own, crowded = _own(way), _own(crowd)
    if not own or not crowded:
        return [Line(row="12 own p50", value=None, unit="ms", budget=OWN_MS_MAX)]
    waited = between(way.durable, way.resumed)
    spans = {
        "own p99": high(own),
        "durable": middle(between(way.decided, way.durable)),
        "called": middle(between(way.resumed, way.called)),
        "loop wait": middle(waited),
        "loop p99": high(waited),
        "tick p99": high(sorted(one / NS_PER_MS for one in way.late_ns)),
        "ccxt out": middle(between(way.called, way.asked)),
        "ccxt in": middle(between(way.answered, way.returned)),
        "answer": middle(between(way.asked, way.answered)),
        "crowd p50": middle(crowded),
        "crowd p99": high(crowded),
    }
    floor = asyncio.run(_commit_ms(setting.folder, setting.size(_PACED, 5)))
    return [
        Line(row="12 own p50", value=middle(own), unit="ms", floor=floor, budget=OWN_MS_MAX),
        *(Line(row=f"12 {name}", value=value, unit="ms") for name, value in spans.items()),
        Line(row="12 orders", value=float(len(own)), unit="orders"),
        Line(row="12 crowd of", value=float(len(crowded)), unit="orders"),
    ]


def measure_ready(setting: Setting) -> list[Line]:
    """Start a live run on a venue with 2,000 markets until it may trade."""
    currencies = setting.size(CURRENCIES, CURRENCIES) if setting.scale == 1 else 6
    with quiet():
        seconds, markets = asyncio.run(_ready(setting.folder, currencies))
    return [
        Line(row="13 ready", value=seconds, unit="s", budget=READY_S_MAX),
        Line(row="13 markets", value=float(markets), unit="markets"),
    ]


async def _traded(setting: Setting, paths: str, cycles: int, currencies: str = "6") -> WayOut:
    folder = setting.folder / currencies
    folder.mkdir()
    async with practice(folder, "--currencies", currencies) as there:
        text = _STRATEGY.format(port=there.port, paths=paths, at_once=AT_ONCE)
        async with live(folder, text, cycles) as run:
            way = WayOut(run)
            ticking = asyncio.create_task(way.tick())
            await run.engine.run()
            ticking.cancel()
            return way


def _own(way: WayOut) -> list[float]:
    """What is ours of each order's way: until it is durable, and until the client is called."""
    return sorted(
        (way.durable[name] - at + way.called[name] - way.resumed[name]) / NS_PER_MS
        for name, at in way.decided.items()
        if name in way.durable and name in way.called
    )


async def _commit_ms(folder: Path, commits: int) -> float:
    """One row committed now and then, as orders come: no cache is warm, and no core is awake."""
    raw = OneRow(folder / "floor.db", _ROW_BYTES)
    took = []
    for _ in range(commits):
        await asyncio.sleep(_PACE_S)
        took.append(raw.time_us() * NS_PER_US / NS_PER_MS)
    raw.close()
    return middle(took)


async def _ready(folder: Path, currencies: int) -> tuple[float, int]:
    async with practice(folder, "--currencies", str(currencies)) as there:
        began = now_ns()
        text = _STRATEGY.format(port=there.port, paths=_ONE_PATH, at_once=1)
        async with live(folder, text, 1) as run:
            running = asyncio.create_task(run.engine.run())
            while not run.parts.runner.ready and not running.done():  # noqa: ASYNC110 -- what is measured is the others
                await asyncio.sleep(TICK_S)
            seconds = (now_ns() - began) / NS_PER_S
            run.engine.interrupt()
            await running
            return seconds, len(run.parts.desk.markets)
