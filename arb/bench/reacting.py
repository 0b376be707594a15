"""Row 16: from a message on the socket to the first order's request on the socket.

A market of a practice exchange, which is a process of its own, is pushed off its price time and
again; each push makes some cycle pay, and the intent of its first order is durable before it leaves.
"""

import asyncio
from contextlib import suppress
from typing import Final

import aiohttp

from arb.bench.lines import Line, Setting, middle
from arb.bench.practising import Practice, live, practice, quiet
from arb.bench.way_out import WayOut, between, high
from arb.execution.runs.assembling import Run

REACTION_MS_MAX: Final = 1.5
_PUSH: Final = {"act": "dislocate", "market": "ETH/BTC", "amount": "80", "ms": 150}
_BETWEEN_PUSHES_S: Final = 0.4  # Binance takes 100 orders in 10 s, and a cycle has three
_PUSHES_MAX: Final = 5  # for each cycle that is wanted
_STRATEGY: Final = """\
name: bench
exchange: {{id: binance, connect_to: "127.0.0.1:{port}", ca_file: practice/ca.pem, dialect: practice}}
lightning: {{enabled: true, max_hops: 3, start_currencies: [USDT]}}
min_profit_bps: 5
max_slippage_bps: 50
capital_allocation: {{mode: fixed_amount, amount: 60}}
risk_controls:
  max_open_cycles: 1
  stop_after_consecutive_losses: 1000000
  slippage_cooldown_seconds: 0
  breaker: {{max_unknowns: 100000, max_refusals: 100000}}
execution: {{mode: live}}
"""


def measure(setting: Setting) -> list[Line]:
    """Time what the first orders of cycles take."""
    with quiet():
        way = asyncio.run(_reacted(setting))
    whole = between(way.seen, way.sent)
    if not whole:
        return [Line(row="16 reaction", value=None, unit="ms", budget=REACTION_MS_MAX)]
    spans = {"p99": high(whole)}
    before = way.seen  # of first orders alone
    for name, then in (
        ("decided", way.decided),
        ("durable", way.durable),
        ("called", way.called),
        ("ccxt", way.asked),
        ("socket", way.sent),
    ):
        spans[name] = middle(between(before, then))
        before = {one: then[one] for one in before if one in then}
    return [
        Line(row="16 reaction", value=middle(whole), unit="ms", budget=REACTION_MS_MAX),
        *(Line(row=f"16 {name}", value=value, unit="ms") for name, value in spans.items()),
        Line(row="16 cycles", value=float(len(whole)), unit="cycles"),
    ]


async def _reacted(setting: Setting) -> WayOut:
    cycles = setting.size(60, 20)
    async with practice(setting.folder, "--currencies", "30") as there:
        text = _STRATEGY.format(port=there.port)
        async with live(setting.folder, text, cycles) as run:
            way = WayOut(run)
            with way.sockets():
                running = asyncio.create_task(run.engine.run())
                await _push(there, run, running, cycles * _PUSHES_MAX)
                run.engine.interrupt()
                await running
            return way


async def _push(there: Practice, run: Run, running: asyncio.Task[int], pushes: int) -> None:
    url = f"http://127.0.0.1:{there.control_port}/control/act"
    async with aiohttp.ClientSession() as session:
        while pushes and not running.done():
            if run.parts.runner.ready:
                pushes -= 1
                async with session.post(url, json=_PUSH) as told:
                    told.raise_for_status()
            with suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(running), _BETWEEN_PUSHES_S)
