"""Rows 10 and 11: a whole backtest with execution on, and how soon one with 2,000 markets is ready."""

from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Final, NamedTuple

import structlog

from arb.bench.lines import Line, Setting, middle, now_ns
from arb.clock import NS_PER_S
from arb.execution.runs.assembling import Options
from arb.execution.runs.running import run_engine
from arb.feeds.columns import RECORDED
from arb.feeds.recorded import RecordedMarket
from arb.market.cycles import count_cycles
from arb.strategy.loader import load

ROWS_PER_S_MIN: Final = 20_000.0
READY_S_MAX: Final = 1.0
SEED: Final = 10
MARKETS, TRIANGLES = 243, 115
ROWS_MIN: Final = 2_000  # every market is in them
_US_MAX: Final = 34_000  # from one row to the next
_OFF_CHANCE: Final = 0.0004  # of a row that stands off and makes some cycle pay
_OFF: Final = 0.006
_SPREAD: Final = 0.0004
_STRATEGY: Final = """\
name: bench
exchange: binance
min_profit_bps: 2
max_slippage_bps: 50
capital_allocation: {mode: fixed_fraction, fraction: 0.05}
fees: {taker_bps: 10, maker_bps: 10}
risk_controls: {stop_after_consecutive_losses: 1000000, slippage_cooldown_seconds: 0}
execution:
  mode: backtest
  backtest:
    data_file: feed.csv
    initial_balances: {USDT: 100000, BTC: 2, ETH: 30}
"""


class _Listed(NamedTuple):
    base: str
    quote: str


def measure(setting: Setting) -> list[Line]:
    """Run a backtest over 243 markets with 115 triangles, every one of which is traded when it pays."""
    rows = max(setting.size(200_000, 20_000), ROWS_MIN)
    path = _written(setting.folder / "backtest", _venue(19, 57, 69), rows)
    market = RecordedMarket(path.with_name("feed.csv"))
    assert len(market.markets) == MARKETS, len(market.markets)
    assert count_cycles(market.markets, 3) == TRIANGLES, count_cycles(market.markets, 3)
    rates = []
    for _ in range(setting.size(3, 2)):
        seconds, taken = _run(path)
        assert taken > 0 or rows == ROWS_MIN, "nothing was executed"
        rates.append(rows / seconds)
    line = Line(
        row="10 backtest",
        value=max(rates),
        unit="rows/s",
        budget=ROWS_PER_S_MIN,
        bound="at least",
    )
    return [line]


def measure_start(setting: Setting) -> list[Line]:
    """Load a strategy, find its cycles on 2,000 markets, open the log, and see one book of each."""
    listed = _venue(400, 350, 97)
    path = _written(setting.folder / "start", listed, len(listed))
    took = [_run(path)[0] for _ in range(setting.size(5, 3))]
    return [
        Line(row="11 ready", value=middle(took), unit="s", budget=READY_S_MAX),
        Line(row="11 markets", value=float(len(listed)), unit="markets"),
    ]


def _run(path: Path) -> tuple[float, int]:
    """Seconds of one run, and how many cycles it opened."""
    before = structlog.get_config()
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    db = path.with_suffix(".db")
    for left in path.parent.glob(db.name + "*"):
        left.unlink()
    try:
        began = now_ns()
        ended = run_engine([load(path)], Options(db=db), lambda _run: None)
        return (now_ns() - began) / NS_PER_S, ended.summary.opportunities.taken
    finally:
        structlog.configure(**before)


def _venue(three: int, two: int, one: int) -> list[_Listed]:
    """Hubs, and coins that are quoted in three of them, in two, or in one."""
    quotes = {3: ("USDT", "BTC", "ETH"), 2: ("USDT", "BTC"), 1: ("USDT",)}
    listed = [_Listed("BTC", "USDT"), _Listed("ETH", "USDT"), _Listed("ETH", "BTC")]
    kinds = [3] * three + [2] * two + [1] * one
    for number, kind in enumerate(kinds):
        listed += [_Listed(f"C{number}", quote) for quote in quotes[kind]]
    return listed


def _written(folder: Path, listed: list[_Listed], rows: int) -> Path:
    """Write the feed and its strategy; gives the strategy."""
    folder.mkdir()
    with (folder / "feed.csv").open("w") as file:
        file.write(",".join(RECORDED) + "\n")
        file.writelines(_feed(listed, rows))
    path = folder / "bench.yaml"
    path.write_text(_STRATEGY)
    return path


def _feed(listed: list[_Listed], rows: int) -> Iterator[str]:
    """Every market once, then some much more often than others; now and then one stands off."""
    rng = Random(SEED)  # noqa: S311 -- an example, not a secret
    worth = {"USDT": 1.0, "BTC": 60_000.0, "ETH": 2_500.0}
    us = 1_617_649_105_000_000
    for row in range(rows):
        us += rng.randrange(_US_MAX)
        at = row if row < len(listed) else min(int(rng.paretovariate(0.5)), len(listed)) - 1
        base, quote = listed[at]
        worth.setdefault(base, 1.0 + at)
        worth[base] *= 1 + rng.uniform(-0.00002, 0.00002)
        mid = worth[base] / worth[quote]
        if row > len(listed) and rng.random() < _OFF_CHANCE:
            mid *= 1 + _OFF
        bid, ask = mid * (1 - _SPREAD), mid * (1 + _SPREAD)
        size = 20_000 / worth[base]
        when = f"{us // 1_000_000}.{us % 1_000_000:06}"
        yield f"{when},{base},{quote},{bid:.8f},{size:.4f},{ask:.8f},{size * 1.5:.4f}\n"
