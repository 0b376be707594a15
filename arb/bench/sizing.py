"""Row 8: the exact size of a three-leg cycle through books of 20 levels, which pays 1 to 15 bps.

Told one after the other: reading the books into ladders and slopes; the walk up to the best
unrounded size; the scores of lots near it; planning the best of those exactly and quoting it, in
`Decimal`. The optimum is walk and lots together, all in floats. The whole is what an engine waits
for; it is held against a grid of quotes, whose best is no optimum.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from random import Random
from typing import Final

from msgspec import Struct

from arb.bench.cycles import LEGS
from arb.bench.lines import NS_PER_US, Line, Setting, middle, now_ns
from arb.market.book import Book, FeeRates, Level, MarketRules
from arb.market.chain import Quote, quote_path
from arb.market.ladder import Ladder
from arb.market.size import Search, best_size, ladders_of
from arb.money import BPS, ONE, ZERO

OPTIMUM_US_MAX: Final = 50.0
LEVELS: Final = 20
GRID: Final = 50  # sizes that the baseline quotes
_REPEATS: Final = 25  # of one case; the fastest counts, because every time is the same work
_CAP: Final = Decimal(100_000)
_FEES: Final = FeeRates(taker=Decimal("0.001"), maker=Decimal("0.001"))
_SLIPPAGE_BPS: Final = Decimal(50)
_GAP_CENTIBPS: Final = (20, 200)  # between two levels
_OFF_BPS: Final = (38, 55)  # what one market stands off, of which fees take 30
_MILLI: Final = Decimal("0.001")


class _Market(Struct, frozen=True):
    rules: MarketRules
    mid: Decimal
    milli_sizes: tuple[int, int]  # of a level: the least and the most, in thousandths of base


def _market(name: str, mid: str, filters: tuple[str, str, str], sizes: tuple[int, int]) -> _Market:
    base, quote = name.split("/")
    tick, step, notional_min = map(Decimal, filters)
    rules = MarketRules(name, base, quote, tick, step, step, Decimal(9_000), notional_min)
    return _Market(rules, Decimal(mid), sizes)


_MARKETS: Final = {
    made.rules.market: made
    for made in (
        _market("BTC/USDT", "60000", ("0.01", "0.00001", "5"), (10, 500)),
        _market("ETH/BTC", "0.04", ("0.00001", "0.0001", "0.0001"), (100, 10_000)),
        _market("ETH/USDT", "2400", ("0.01", "0.0001", "5"), (100, 10_000)),
    )
}
_RULES: Final = {name: made.rules for name, made in _MARKETS.items()}


def measure(setting: Setting) -> list[Line]:
    """Size cycles that pay; each line is a median over them."""
    cases = [_books(Random(seed)) for seed in range(setting.size(200, 40))]  # noqa: S311 -- examples
    timed = [_case_us(books) for books in cases]
    read, walk, lots, whole, grid = (middle(column) for column in zip(*timed, strict=True))
    optimum = middle([one[1] + one[2] for one in timed])
    exact = middle([one[3] - one[0] - one[1] - one[2] for one in timed])
    return [
        Line(row="8 read", value=read, unit="us"),
        Line(row="8 walk", value=walk, unit="us"),
        Line(row="8 lots", value=lots, unit="us"),
        Line(row="8 optimum", value=optimum, unit="us", budget=OPTIMUM_US_MAX),
        Line(row="8 decimal", value=exact, unit="us"),
        Line(row="8 whole", value=whole, unit="us", baseline=grid),
    ]


def _case_us(books: Mapping[str, Book]) -> tuple[float, float, float, float, float]:
    """Time reading, walk, lots, all of it and the baseline on one set of books."""
    found = best_size(LEGS, _CAP, books.get, _RULES, _FEES, _SLIPPAGE_BPS, min_profit_bps=ZERO)
    assert isinstance(found, Quote), found
    assert found.edge_bps > 0, found
    search = Search(_ladders(books), _CAP, ONE)
    peak = search.climb()
    search.attempt(peak)

    def whole() -> object:
        return best_size(LEGS, _CAP, books.get, _RULES, _FEES, _SLIPPAGE_BPS, min_profit_bps=ZERO)

    walk = _fastest_us(search.climb)
    read = _fastest_us(lambda: Search(_ladders(books), _CAP, ONE).climb()) - walk
    lots = _fastest_us(lambda: search.scores(peak))
    return read, walk, lots, _fastest_us(whole), _fastest_us(lambda: _grid(books), repeats=1)


def _ladders(books: Mapping[str, Book]) -> list[Ladder]:
    ladders = ladders_of(
        LEGS, books.get, _RULES, _FEES, _SLIPPAGE_BPS, at_bound=False, depth_share=ONE
    )
    assert ladders is not None, "the books have levels"
    return ladders


def _grid(books: Mapping[str, Book]) -> Decimal:
    """Quote the cycle at sizes up to the cap; the best profit."""
    best = ZERO
    for part in range(1, GRID + 1):
        amount = _CAP * part / GRID
        quote = quote_path(LEGS, amount, books.get, _RULES, _FEES, _SLIPPAGE_BPS)
        if isinstance(quote, Quote):
            best = max(best, quote.output - quote.used)
    return best


def _fastest_us(work: Callable[[], object], repeats: int = _REPEATS) -> float:
    samples = []
    for _ in range(repeats):
        began = now_ns()
        work()
        samples.append(now_ns() - began)
    return min(samples) / NS_PER_US


def _books(rng: Random) -> dict[str, Book]:
    """Make books that fit each other, but for the last market, whose prices are too high."""
    off = 1 + rng.randint(*_OFF_BPS) / BPS
    return {
        name: _book(made, made.mid * (off if name == LEGS[-1].market else 1), rng)
        for name, made in _MARKETS.items()
    }


def _book(made: _Market, mid: Decimal, rng: Random) -> Book:
    return Book(
        market=made.rules.market,
        bids=tuple(_side(made, mid, -1, rng)),
        asks=tuple(_side(made, mid, 1, rng)),
        sequence=1,
    )


def _side(made: _Market, mid: Decimal, away: int, rng: Random) -> list[Level]:
    tick = made.rules.tick_size
    ticks = int(mid / tick)
    levels = []
    for _ in range(LEVELS):
        gap = mid * rng.randint(*_GAP_CENTIBPS) / (100 * BPS * tick)
        ticks += away * max(1, round(gap))
        levels.append((ticks * tick, rng.randint(*made.milli_sizes) * _MILLI))
    return levels
