"""Row 14: a market's new best prices to every cycle through it that is above its bar now.

The baseline multiplies every cycle out, as the updates have it; that the scan names exactly the cycles
which that finds is asserted while it is measured. Cycles are covered: those that bounds rule out are
not multiplied out one by one.

The same updates are told to a new scan in every pass, and of each piece of work the fastest time
counts: what else a machine does only ever adds to it. A figure is the mean of a chunk of updates, in
the middle over chunks; `all` is the mean of every update, with those that meet hundreds of cycles at
once and number them. How the work grows with the market is told free of any clock: `read` is how many
rates an update reads. Where that stays and the time grows, memory is what is waited for.
"""

import tracemalloc
from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import count
from statistics import fmean
from typing import Final, SupportsIndex, overload

from msgspec import Struct

from arb.bench.lines import NS_PER_US, Line, Setting, middle, now_ns
from arb.bench.markets import QUOTED_FEW, Tick, listed, ticks
from arb.market.book import MarketRules
from arb.market.cycles import directed_cycles
from arb.market.scan import Cover, Scan
from arb.market.scan.bounds import Bounds
from arb.market.scan.counts import count_directed
from arb.market.scan.hubs import slots_of
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
_PASSES: Final = 5
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
    all_us: float
    p99_us: float


class _Pass(Struct, frozen=True):
    """What one pass took."""

    chunks_us: list[float]  # of an update, by chunk
    singles_us: list[float]  # by update


def measure(setting: Setting) -> list[Line]:
    """Measure what budgets are for, then how it grows with the market."""
    others = setting.size(OTHERS, 60)
    markets, twice = listed(others), listed(setting.size(_OTHERS_TWICE, 120))
    few = listed(setting.size(_OTHERS_FEW, 60), QUOTED_FEW, together=0)
    three, four = _timed(setting, markets, 3), _timed(setting, markets, 4)
    brute_three, equal_three = _held(setting, markets, 3)
    brute_four, equal_four = _held(setting, markets, 4)
    return [
        _line("14 three", three, brute_three, THREE_US_MAX),
        Line(row="14 three, all", value=three.all_us, unit="us"),
        Line(row="14 three, p99", value=three.p99_us, unit="us", budget=THREE_P99_US_MAX),
        _line("14 four", four, brute_four, FOUR_US_MAX),
        Line(row="14 four, all", value=four.all_us, unit="us"),
        Line(row="14 four, p99", value=four.p99_us, unit="us"),
        _line("14 1,920", _timed(setting, few, 3), _held(setting, few, 3)[0], FEW_US_MAX),
        _line("14 twice", _timed(setting, twice, 3), _held(setting, twice, 3)[0], TWICE_US_MAX),
        Line(row="14 equal", value=float(equal_three + equal_four), unit="updates"),
        Line(row="14 memory", value=_memory_mb(setting), unit="MB", budget=MEMORY_MB_MAX),
        *_growth(setting),
    ]


def _line(row: str, times: _Times, brute_us: float, budget: float) -> Line:
    return Line(row=row, value=times.mean_us, unit="us", baseline=brute_us, budget=budget)


def _growth(setting: Setting) -> Iterator[Line]:
    for others in _GROWTH:
        markets = listed(setting.size(others, others // 8))
        for hops, budget in ((3, THREE_US_MAX), (4, FOUR_US_MAX)):  # at any size: flat
            cycles = sum(count_directed(markets, hops).values())
            row = f"14 {len(markets):,}x{hops}"
            mean_us = _timed(setting, markets, hops).mean_us
            yield Line(row=row, value=mean_us, unit="us", budget=budget)
            yield Line(row=f"{row} read", value=_rates_read(setting, markets, hops), unit="rates")
            yield Line(row=f"{row} of", value=float(cycles), unit="cycles")


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


def _told(setting: Setting, markets: dict[str, MarketRules]) -> tuple[list[Tick], list[Tick]]:
    """Updates until a scan has settled, and those to measure by."""
    size = setting.size(20_000, 4_000)
    told = list(ticks(markets, 3 * size))
    return told[: len(markets) + size], told[len(markets) + size :]


def _timed(setting: Setting, markets: dict[str, MarketRules], hops: int) -> _Times:
    """Time the same updates in several passes, in chunks and one by one; the fastest time counts."""
    settling, measured = _told(setting, markets)
    passes = [
        _passed(_scan(markets, hops), settling, measured) for _ in range(setting.size(_PASSES, 2))
    ]
    chunks = [min(times) for times in zip(*(one.chunks_us for one in passes), strict=True)]
    singles = [min(times) for times in zip(*(one.singles_us for one in passes), strict=True)]
    singles.sort()
    return _Times(middle(chunks), fmean(chunks), singles[int(len(singles) * 0.99)])


def _passed(scan: Scan, settling: list[Tick], measured: list[Tick]) -> _Pass:
    """Tell a scan everything; the first half of the updates is timed in chunks, the other one by one."""
    update = scan.update

    def take(some: list[Tick]) -> None:
        for market, bid, ask, update_id in some:
            update(market, bid, ask, 1.0, 1.0, update_id, 0)

    take(settling)
    half = len(measured) // 2
    chunks, singles = [], []
    for at in range(0, half, _CHUNK):
        part = measured[at : min(at + _CHUNK, half)]
        began = now_ns()
        take(part)
        chunks.append((now_ns() - began) / len(part) / NS_PER_US)
    for market, bid, ask, update_id in measured[half:]:
        began = now_ns()
        update(market, bid, ask, 1.0, 1.0, update_id, 0)
        singles.append((now_ns() - began) / NS_PER_US)
    return _Pass(chunks, singles)


def _held(setting: Setting, markets: dict[str, MarketRules], hops: int) -> tuple[float, int]:
    """Assert after updates that brute force finds what the scan tells; the fastest brute force."""
    settling, more = _told(setting, markets)
    more = more[: setting.size(200, 40)]
    scan, every = _scan(markets, hops), BruteForce(markets, hops)
    for tick in settling:
        every.take(tick)
        scan.update(tick.market, tick.bid, tick.ask, 1.0, 1.0, tick.update_id, 0)
    took = []
    for tick in more:
        every.take(tick)
        seen = scan.update(tick.market, tick.bid, tick.ask, 1.0, 1.0, tick.update_id, 0)
        began = now_ns()
        every.above()
        took.append((now_ns() - began) / NS_PER_US)
        every.told(scan, seen.above, tick.market)
    return min(took), len(more)


class _Counted(list[float]):
    """Rates that count how often one is read."""

    reads = 0

    @overload
    def __getitem__(self, at: SupportsIndex) -> float: ...
    @overload
    def __getitem__(self, at: slice) -> list[float]: ...
    def __getitem__(self, at: SupportsIndex | slice) -> float | list[float]:
        self.reads += 1
        return super().__getitem__(at)


def _rates_read(setting: Setting, markets: dict[str, MarketRules], hops: int) -> float:
    """Count how many rates an update reads, of bounds that have settled."""
    number = {name: at for at, name in enumerate(markets)}
    numbered = dict(enumerate(markets.values()))
    sides, names = 2 * len(markets), count()
    bounds = Bounds(
        slots_of(numbered, sides, hops),
        [float(_KEEP)] * sides,
        _BAR,
        hops,
        judge=lambda _: False,
        name=lambda _: next(names),
    )
    rates = bounds.rates = _Counted(bounds.rates)
    settling, measured = _told(setting, markets)
    for at, tick in enumerate([*settling, *measured]):
        if at == len(settling):
            rates.reads = 0
        bounds.update(number[tick.market], tick.bid, 1.0 / tick.ask)
    return rates.reads / len(measured)


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
