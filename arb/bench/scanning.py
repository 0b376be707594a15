"""Row 14: a market's new best prices to every cycle through it that is above its bar now.

The baseline multiplies every cycle out, as the updates have it; that the scan names exactly the cycles
which that finds is asserted while it is measured. Cycles are covered: those that bounds rule out are
not multiplied out one by one.
"""

import tracemalloc
from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import islice
from typing import Final

from msgspec import Struct

from arb.bench.lines import NS_PER_US, Line, Setting, middle, now_ns
from arb.bench.markets import QUOTED_FEW, Tick, listed, ticks
from arb.market.book import MarketRules
from arb.market.cycles import directed_cycles
from arb.market.scan import Cover, Scan
from arb.market.scan.counts import count_directed
from arb.money import BPS, ONE

THREE_US_MAX: Final = 1.5
THREE_P99_US_MAX: Final = 5.0
FOUR_US_MAX: Final = 5.0
TWICE_US_MAX: Final = 2.0  # twice as many triangles
FEW_US_MAX: Final = 0.8
MEMORY_MB_MAX: Final = 20.0
OTHERS: Final = 480  # currencies beside the quote currencies: 1,807 markets, 5,510 triangles
_OTHERS_TWICE: Final = 950
_OTHERS_FEW: Final = 330  # 642 triangles: 1,926 with every start
_OTHERS_OF_MEMORY: Final = 545  # 2,000 markets
_GROWTH: Final = (130, 250, 480, 950, 1_900)
_KEEP: Final = Decimal("0.99925")
_MIN_PROFIT_BPS: Final = Decimal(2)
_BAR: Final = float(ONE + _MIN_PROFIT_BPS / BPS)
_CHUNK: Final = 250
_MB: Final = 1_000_000


class BruteForce:
    """Every cycle, multiplied out."""

    def __init__(self, markets: dict[str, MarketRules], hops: int) -> None:
        number = {name: 2 * at for at, name in enumerate(markets)}
        self._edge = number
        self._cycles = [
            tuple(number[leg.market] + (leg.side == "buy") for leg in legs)
            for legs in directed_cycles(markets, hops)
        ]
        self._rates = [0.0] * (2 * len(markets))

    def take(self, tick: Tick) -> None:
        """Take a market's prices."""
        edge = self._edge[tick.market]
        self._rates[edge] = tick.bid * float(_KEEP)
        self._rates[edge + 1] = float(_KEEP) / tick.ask

    def above(self) -> list[tuple[int, ...]]:
        """Multiply all of them out, and give those above the bar."""
        rates, found = self._rates, []
        for cycle in self._cycles:
            product = 1.0
            for edge in cycle:
                product *= rates[edge]
            if product > _BAR:
                found.append(cycle)
        return found

    def told(self, scan: Scan, numbers: Sequence[int], market: str) -> None:
        """Hold what a scan says of a market against all of it."""
        edge = self._edge[market]
        expected = {frozenset(one) for one in self.above() if edge in one or edge + 1 in one}
        said = {
            frozenset(self._edge[leg.market] + (leg.side == "buy") for leg in scan.cycles[one].legs)
            for one in numbers
        }
        assert said == expected, (market, said ^ expected)


class _Times(Struct, frozen=True):
    mean_us: float  # the median over chunks
    p99_us: float
    brute_us: float | None
    equal: int  # updates that were held against brute force


def measure(setting: Setting) -> list[Line]:
    """Measure what budgets are for, then how it grows with the market."""
    others = setting.size(OTHERS, 60)
    three = _timed(setting, listed(others), 3)
    four = _timed(setting, listed(others), 4)
    twice = _timed(setting, listed(setting.size(_OTHERS_TWICE, 120)), 3)
    few = listed(setting.size(_OTHERS_FEW, 60), QUOTED_FEW, together=0)
    fewer = _timed(setting, few, 3)
    return [
        *_lines("14 three", three, THREE_US_MAX),
        Line(row="14 three, p99", value=three.p99_us, unit="us", budget=THREE_P99_US_MAX),
        *_lines("14 four", four, FOUR_US_MAX),
        Line(row="14 four, p99", value=four.p99_us, unit="us"),
        *_lines("14 1,920", fewer, FEW_US_MAX),
        *_lines("14 twice", twice, TWICE_US_MAX),
        Line(row="14 equal", value=float(three.equal + four.equal), unit="updates"),
        Line(row="14 memory", value=_memory_mb(setting), unit="MB", budget=MEMORY_MB_MAX),
        *_growth(setting),
    ]


def _lines(row: str, times: _Times, budget: float) -> Iterator[Line]:
    yield Line(row=row, value=times.mean_us, unit="us", baseline=times.brute_us, budget=budget)


def _growth(setting: Setting) -> Iterator[Line]:
    for others in _GROWTH:
        markets = listed(setting.size(others, others // 8))
        for hops in (3, 4):
            cycles = sum(count_directed(markets, hops).values())
            times = _timed(setting, markets, hops, brute=False)
            row = f"14 {len(markets):,}x{hops}"
            yield Line(row=row, value=times.mean_us, unit="us", baseline=None)
            yield Line(row=f"{row} all", value=float(cycles), unit="cycles")


def _scan(markets: dict[str, MarketRules], hops: int) -> Scan:
    scan = Scan()
    cover = Cover(
        markets=markets,
        hops_max=hops,
        keep_of=lambda _market, _side: _KEEP,
        min_profit_bps=_MIN_PROFIT_BPS,
    )
    scan.cover("all", cover)
    return scan


def _timed(
    setting: Setting, markets: dict[str, MarketRules], hops: int, *, brute: bool = True
) -> _Times:
    """Let a scan settle, time updates in chunks and one by one, then hold it against brute force."""
    count = setting.size(20_000, 4_000)
    checks = setting.size(200, 40)
    come = ticks(markets, 3 * count + checks)
    scan = _scan(markets, hops)
    update = scan.update
    every = BruteForce(markets, hops) if brute else None

    def take(some: list[Tick]) -> None:
        for market, bid, ask, update_id in some:
            update(market, bid, ask, 1.0, 1.0, update_id, 0)

    settled = list(islice(come, len(markets) + count))
    take(settled)
    means, singles = [], []
    chunks = list(islice(come, count))
    for at in range(0, len(chunks), _CHUNK):
        part = chunks[at : at + _CHUNK]
        began = now_ns()
        take(part)
        means.append((now_ns() - began) / len(part) / NS_PER_US)
    alone = list(islice(come, count))
    for market, bid, ask, update_id in alone:
        began = now_ns()
        update(market, bid, ask, 1.0, 1.0, update_id, 0)
        singles.append((now_ns() - began) / NS_PER_US)
    singles.sort()
    brute_us, equal = None, 0
    if every is not None:
        brute_us, equal = _held(scan, every, [*settled, *chunks, *alone], list(come))
    return _Times(middle(means), singles[int(len(singles) * 0.99)], brute_us, equal)


def _held(
    scan: Scan, every: BruteForce, before: Sequence[Tick], more: Sequence[Tick]
) -> tuple[float, int]:
    """Time brute force, and assert after every update that it finds what the scan tells."""
    for tick in before:
        every.take(tick)
    took = []
    for tick in more:
        every.take(tick)
        seen = scan.update(tick.market, tick.bid, tick.ask, 1.0, 1.0, tick.update_id, 0)
        began = now_ns()
        every.above()
        took.append((now_ns() - began) / NS_PER_US)
        every.told(scan, seen.above, tick.market)
    return middle(took), len(more)


def _memory_mb(setting: Setting) -> float:
    """Measure what a scan of 2,000 markets keeps, with cycles of up to four legs."""
    markets = listed(setting.size(_OTHERS_OF_MEMORY, 60))
    come = list(ticks(markets, setting.size(20_000, 4_000)))
    tracemalloc.start()
    try:
        scan = _scan(markets, 4)
        for market, bid, ask, update_id in come:
            scan.update(market, bid, ask, 1.0, 1.0, update_id, 0)
        return tracemalloc.get_traced_memory()[0] / _MB
    finally:
        tracemalloc.stop()
