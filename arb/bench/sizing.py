"""Row 8: the exact size of a three-leg cycle through books of 20 levels, which pays 1 to 15 bps.

Told one after the other, of books that nobody has read before: reading them into ladders and slopes,
as far up as the search goes; the walk up to the best unrounded size; that and the scores of lots near it;
planning the best of those exactly and quoting it, in `Decimal`. The optimum is reading, walk and lots
together, which floats find. The whole is what an engine waits for; it is held against a grid of
quotes, whose best is no optimum.

`kept` is the same after one of the three books has changed and the others stand, as in an engine to
which a cycle comes up again. `levels` is how many of the 60 the search reads.
"""

from collections.abc import Callable, Collection, Mapping
from decimal import Decimal
from random import Random
from statistics import fmean
from typing import Final, NamedTuple

from msgspec import Struct

from arb.bench.cycles import LEGS
from arb.bench.lines import NS_PER_US, Line, Setting, middle, now_ns
from arb.market.book import Book, FeeRates, Level, MarketRules
from arb.market.chain import Quote, quote_path
from arb.market.reading import Reader, Terms
from arb.market.size import Search, best_size
from arb.money import BPS, ONE, ZERO

WALK_US_MAX: Final = 6.0
LOTS_US_MAX: Final = 15.0
DECIMAL_US_MAX: Final = 60.0
OPTIMUM_US_MAX: Final = 50.0
LEVELS: Final = 20
GRID: Final = 50  # sizes that the baseline quotes
_REPEATS: Final = 25  # of one case
_CAP: Final = Decimal(100_000)
_FEES: Final = FeeRates(taker=Decimal("0.001"), maker=Decimal("0.001"))
_SLIPPAGE_BPS: Final = Decimal(50)
_TERMS: Final = Terms(_FEES.taker, _SLIPPAGE_BPS, at_bound=False, depth_share=ONE)
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


class _Times(NamedTuple):
    """Of one set of books, in us."""

    read: float
    walk: float
    lots: float
    optimum: float
    whole: float
    optimum_kept: float
    whole_kept: float
    levels: float
    grid: float


def measure(setting: Setting) -> list[Line]:
    """Size cycles that pay; each line is a median over them."""
    cases = [_books(Random(seed)) for seed in range(setting.size(200, 40))]  # noqa: S311 -- examples
    timed = [_timed(books) for books in cases]
    told = _Times(*(middle(column) for column in zip(*timed, strict=True)))
    return [
        Line(row="8 read", value=told.read, unit="us"),
        Line(row="8 walk", value=told.walk, unit="us", budget=WALK_US_MAX),
        Line(row="8 walk, lots", value=told.walk + told.lots, unit="us", budget=LOTS_US_MAX),
        Line(row="8 optimum", value=told.optimum, unit="us", budget=OPTIMUM_US_MAX),
        Line(
            row="8 decimal",
            value=middle([one.whole - one.optimum for one in timed]),
            unit="us",
            budget=DECIMAL_US_MAX,
        ),
        Line(row="8 whole", value=told.whole, unit="us", baseline=told.grid),
        Line(row="8 optimum, kept", value=told.optimum_kept, unit="us"),
        Line(row="8 whole, kept", value=told.whole_kept, unit="us", baseline=told.grid),
        Line(row="8 levels", value=told.levels, unit="levels"),
    ]


def _timed(books: Mapping[str, Book]) -> _Times:
    """Time every part on one set of books; the fastest counts, because every time is the same work."""
    found = _sized(books, Reader())
    assert isinstance(found, Quote), found
    assert found.edge_bps > 0, found
    search = _search(books, Reader())
    peak = search.climb()
    search.attempt(peak)
    walk = _fastest_us(search.climb)
    lots = _fastest_us(lambda: search.scores(peak))
    climbed, whole = _on_changed(books, list(_MARKETS))
    kept = [_on_changed(books, [changed]) for changed in _MARKETS]
    return _Times(
        read=climbed - walk,
        walk=walk,
        lots=lots,
        optimum=climbed + lots,
        whole=whole,
        optimum_kept=fmean(one[0] for one in kept) + lots,
        whole_kept=fmean(one[1] for one in kept),
        levels=float(search.levels_read),
        grid=_fastest_us(lambda: _grid(books), repeats=3),
    )


def _on_changed(books: Mapping[str, Book], changed: Collection[str]) -> tuple[float, float]:
    """Time reading and walk, and all of it, where these books are others every time."""
    reader = Reader()
    _sized(books, reader)
    climbs, wholes = [], []
    for _ in range(_REPEATS):
        now = _changed(books, changed)
        climbs.append(_us(lambda: _search(now, reader).climb()))  # noqa: B023 -- called at once
        now = _changed(books, changed)
        wholes.append(_us(lambda: _sized(now, reader)))  # noqa: B023 -- the same
    return min(climbs), min(wholes)


def _changed(books: Mapping[str, Book], changed: Collection[str]) -> dict[str, Book]:
    """Put other books, which say the same, in the place of some."""
    return {
        name: Book(name, (*book.bids[:1], *book.bids[1:]), (*book.asks[:1], *book.asks[1:]), 1)
        if name in changed
        else book
        for name, book in books.items()
    }


def _search(books: Mapping[str, Book], reader: Reader) -> Search:
    ladders = reader.ladders(LEGS, books.get, _RULES, _TERMS)
    assert ladders is not None, "the books have levels"
    return Search(ladders, _CAP, ONE)


def _sized(books: Mapping[str, Book], reader: Reader) -> object:
    return best_size(
        LEGS, _CAP, books.get, _RULES, _FEES, _SLIPPAGE_BPS, min_profit_bps=ZERO, reader=reader
    )


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
    return min(_us(work) for _ in range(repeats))


def _us(work: Callable[[], object]) -> float:
    began = now_ns()
    work()
    return (now_ns() - began) / NS_PER_US


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
