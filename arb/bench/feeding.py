"""Row 9: a recorded feed, read from its file and played on the virtual clock of a backtest.

Of a CSV file, and of a recording of books with six levels a side, which are read when they are played.
"""

import csv
import gzip
import json
from collections.abc import Iterator
from decimal import Decimal
from itertools import islice
from pathlib import Path
from random import Random

from arb.bench.lines import Line, Setting, now_ns
from arb.clock import NS_PER_S, VirtualClock
from arb.execution.process.virtual_loop import LoopClock, VirtualLoop, run_virtual
from arb.execution.runs.feeding import play
from arb.feeds.book_rows import Heading
from arb.feeds.columns import RECORDED
from arb.feeds.generated import GeneratedMarket
from arb.feeds.recorded import RecordedMarket
from arb.feeds.recorder import Recorder

MARKETS = 243
SEED = 9
ROWS_PER_S_MIN = 80_000.0  # 12.5 us of a row's 50
_CURRENCIES = 40
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
        read_ns = now_ns()
        assert _play(market) == rows, "rows were lost"
        plays.append(_rate(rows, read_ns))
        both.append(_rate(rows, began))
    floor, baseline = max(floors), max(baselines)
    unit = "rows/s"
    return [
        Line(row="9 read", value=max(reads), unit=unit, floor=floor, baseline=baseline),
        Line(row="9 play", value=max(plays), unit=unit),
        Line(
            row="9 read and play",
            value=max(both),
            unit=unit,
            budget=ROWS_PER_S_MIN,
            bound="at least",
        ),
        *_measure_books(setting),
    ]


def _measure_books(setting: Setting) -> Iterator[Line]:
    """Write a recording of books, then read it and play it in turns."""
    path = setting.folder / "books.rec.gz"
    rows = setting.size(100_000, 10_000)
    made = GeneratedMarket(SEED, currencies=_CURRENCIES)
    heading = Heading(
        venue="bench", feed="generated", began_ns=0, markets=(*made.markets.values(),)
    )
    with Recorder(path, heading, VirtualClock()) as recorder:
        for change in islice(made.changes(0), rows):
            recorder.take(change)
    baselines, reads, plays = [], [], []
    for _ in range(setting.size(5, 3)):
        began = now_ns()
        with gzip.open(path) as file:
            for line in file:
                json.loads(line)
        baselines.append(_rate(rows, began))
        began = now_ns()
        market = RecordedMarket(path)
        reads.append(_rate(rows, began))
        began = now_ns()
        assert _play(market) == rows, "rows were lost"
        plays.append(_rate(rows, began))
    baseline = max(baselines)
    yield Line(row="9 books, read", value=max(reads), unit="rows/s", baseline=baseline)
    yield Line(row="9 books, play", value=max(plays), unit="rows/s", baseline=baseline)


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
