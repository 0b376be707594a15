"""Row 9: a recorded feed, read from its file and played on the virtual clock of a backtest."""

import csv
from decimal import Decimal
from pathlib import Path
from random import Random

from arb.bench.lines import Line, Setting, middle, now_ns
from arb.clock import NS_PER_S
from arb.execution.feeding import play
from arb.execution.virtual_loop import LoopClock, VirtualLoop, run_virtual
from arb.feeds.columns import RECORDED
from arb.feeds.recorded import RecordedMarket

MARKETS = 243
SEED = 9
ROWS_PER_S_MIN = 80_000.0  # 12.5 us of a row's 50
_US_MAX = 34_000  # from one row to the next


def measure(setting: Setting) -> list[Line]:
    """Write a feed, then read and play it in turns."""
    path = setting.folder / "feed.csv"
    rows = setting.size(200_000, 20_000)
    write_feed(path, rows)
    floors, baselines, reads, plays, both = [], [], [], [], []
    for _ in range(setting.size(5, 3)):
        began = now_ns()
        _split(path)
        floors.append(_rate(rows, began))
        began = now_ns()
        _read_plainly(path)
        baselines.append(_rate(rows, began))
        began = now_ns()
        market = RecordedMarket(path)
        reads.append(_rate(rows, began))
        middle_ns = now_ns()
        assert _play(market) == rows, "rows were lost"
        plays.append(_rate(rows, middle_ns))
        both.append(_rate(rows, began))
    floor, baseline = middle(floors), middle(baselines)
    unit = "rows/s"
    return [
        Line(row="9 read", value=middle(reads), unit=unit, floor=floor, baseline=baseline),
        Line(row="9 play", value=middle(plays), unit=unit),
        Line(
            row="9 read and play",
            value=middle(both),
            unit=unit,
            budget=ROWS_PER_S_MIN,
            bound="at least",
        ),
    ]


def write_feed(path: Path, rows: int) -> None:
    """Write best bids and asks of 243 markets, some much busier than others."""
    rng = Random(SEED)  # noqa: S311 -- an example, not a secret
    ticks = [rng.randrange(10_000, 50_000_000) for _ in range(MARKETS)]
    us = 1_617_649_105_000_000
    with path.open("w") as file:
        file.write(",".join(RECORDED) + "\n")
        for _ in range(rows):
            us += rng.randrange(_US_MAX)
            at = min(int(rng.paretovariate(0.5)), MARKETS) - 1
            ticks[at] += rng.randrange(-3, 4)
            bid, ask = _price(ticks[at]), _price(ticks[at] + 5)
            sizes = [f"{rng.randrange(1, 100)}.{rng.randrange(100):02}" for _ in range(2)]
            when = f"{us // 1_000_000}.{us % 1_000_000:06}"
            file.write(f"{when},C{at},USDT,{bid},{sizes[0]},{ask},{sizes[1]}\n")


def _price(ticks: int) -> str:
    return f"{ticks // 10_000}.{ticks % 10_000:04}"


def _split(path: Path) -> int:
    with path.open() as file:
        return sum(len(line.split(",")) for line in file)


def _read_plainly(path: Path) -> list[tuple[str, str, list[Decimal]]]:
    """Read as one would without us: a dictionary a row, and no check."""
    with path.open(newline="") as file:
        return [
            (row["base"], row["quote"], [Decimal(row[name]) for name in ("recv_ts", *RECORDED[3:])])
            for row in csv.DictReader(file)
        ]


def _play(market: RecordedMarket) -> int:
    loop = VirtualLoop()
    clock = LoopClock(loop, market.first_ns - 1)

    async def count() -> int:
        rows = 0
        async for _ in play(market, clock, after_ns=market.first_ns - 1, every_row=True):
            rows += 1
        return rows

    return run_virtual(loop, count())


def _rate(rows: int, began_ns: int) -> float:
    return rows / ((now_ns() - began_ns) / NS_PER_S)
