"""What a generated market is made of: its currencies and markets, from a handful to hundreds.

Which markets there are depends on their number alone, not on a seed. The first six currencies are a
small world by themselves; with more of them all markets are laid out by one rule.
"""

from collections.abc import Iterator
from decimal import Decimal
from functools import lru_cache
from typing import Final

from msgspec import Struct

from arb.feeds.noise import OCTAVES_BPS, PERIODS, hashed
from arb.market.book import MarketRules

CURRENCIES_MIN: Final = 6
CURRENCIES_MAX: Final = 500

_PPB: Final = 1_000_000_000
_PPB_PER_BPS: Final = 100_000
_MILLION: Final = 1_000_000
_LAYOUT: Final = 20_211_012  # the seed of the layout
_DISLOCATION_STEPS: Final = 5


class Currency(Struct, frozen=True, gc=False):
    """A currency's price in millionths of a USDT, around which it wanders."""

    price: int
    tameness: int  # its wandering is divided by this; 0: it does not wander


class Market(Struct, frozen=True, gc=False):
    """A market and how its books are made."""

    rules: MarketRules
    tick_up: int  # the tick as a fraction
    tick_down: int
    half_spread_ppb: int
    gap_ppb: int  # between two levels, on average
    size_steps: int  # of an average first level
    own_calm: int = 1  # what it does on its own is divided by this
    period: int = 1  # steps from one book to the next
    phase: int = 0  # of the period, in steps
    window: int = _DISLOCATION_STEPS  # steps that a dislocation lasts
    beyond_bps: int = 0  # how much further than a narrow market it is dislocated


class Universe(Struct, frozen=True):
    """Currencies, their markets, and when which market has a new book."""

    currencies: dict[str, Currency]
    markets: dict[str, Market]
    octave: int  # the fastest one in which currencies wander
    turns: tuple[tuple[int, dict[int, list[str]]], ...]  # (period, phase -> its markets)

    def due(self, step: int) -> Iterator[str]:
        """Name the markets that have a new book at a step; at step 0 all of them do."""
        if step == 0:
            yield from self.markets
            return
        for period, by_phase in self.turns:
            yield from by_phase.get(-step % period, ())

    def step_of(self, market: str, step: int) -> int:
        """Say at which step the book was made that stands at a step."""
        made = self.markets[market]
        return max(step - (step + made.phase) % made.period, 0)

    def step_after(self, market: str, step: int) -> int:
        """Say at which step a market gets its next book."""
        made = self.markets[market]
        return step + made.period - (step + made.phase) % made.period


@lru_cache(maxsize=4)
def universe(currencies: int) -> Universe:
    """Lay out a world of so many currencies, from 6 to 500."""
    assert CURRENCIES_MIN <= currencies <= CURRENCIES_MAX, currencies
    if currencies == CURRENCIES_MIN:
        return Universe(_SIX, _TEN, 0, _turns(_TEN))
    return _large(currencies)


def _turns(markets: dict[str, Market]) -> tuple[tuple[int, dict[int, list[str]]], ...]:
    turns: dict[int, dict[int, list[str]]] = {}
    for name, made in markets.items():
        turns.setdefault(made.period, {}).setdefault(made.phase, []).append(name)
    return tuple(turns.items())


_SIX: Final = {
    "BTC": Currency(60_000_000_000, 1),
    "ETH": Currency(2_500_000_000, 1),
    "BNB": Currency(550_000_000, 1),
    "SOL": Currency(150_000_000, 1),
    "USDC": Currency(1_000_000, 400),
    "USDT": Currency(1_000_000, 0),
}


def _market(
    name: str, filters: tuple[str, str, str], half_spread_ppb: int, first_level: str
) -> Market:
    """Describe a market: tick, step and min notional as text, and a first level's size in base."""
    base, quote = name.split("/")
    tick, step, notional_min = (Decimal(text) for text in filters)
    rules = MarketRules(
        market=name,
        base=base,
        quote=quote,
        tick_size=tick,
        step_size=step,
        amount_min=step,
        amount_max=Decimal(9_000) if base != "USDC" else Decimal(9_000_000),
        notional_min=notional_min,
    )
    up, down = tick.as_integer_ratio()
    size_steps = int(Decimal(first_level) / step)
    return Market(rules, up, down, half_spread_ppb, 2 * half_spread_ppb, size_steps)


_TEN: Final = {
    described.rules.market: described
    for described in (
        _market("BTC/USDT", ("0.01", "0.00001", "5"), 40_000, "0.15"),
        _market("ETH/USDT", ("0.01", "0.0001", "5"), 50_000, "3"),
        _market("ETH/BTC", ("0.00001", "0.0001", "0.0001"), 100_000, "4"),
        _market("BNB/USDT", ("0.01", "0.001", "5"), 80_000, "15"),
        _market("BNB/BTC", ("0.000001", "0.001", "0.0001"), 120_000, "10"),
        _market("SOL/USDT", ("0.01", "0.001", "5"), 80_000, "60"),
        _market("SOL/BTC", ("0.0000001", "0.001", "0.0001"), 120_000, "50"),
        _market("BTC/USDC", ("0.01", "0.00001", "5"), 60_000, "0.1"),
        _market("ETH/USDC", ("0.01", "0.0001", "5"), 70_000, "2"),
        _market("USDC/USDT", ("0.0001", "1", "5"), 50_000, "50000"),
    )
}

# --- large worlds -----------------------------------------------------------------------------

_OCTAVE: Final = 2  # the two fastest ones would outrun the spreads of quiet markets
_HUBS: Final = ("USDT", "BTC", "USDC", "ETH", "BNB", "EUR")
_EUR: Final = Currency(1_080_000, 20)
_HUB_MARKETS: Final = (
    "BTC/USDT",
    "ETH/USDT",
    "ETH/BTC",
    "USDC/USDT",
    "BTC/USDC",
    "BNB/USDT",
    "ETH/USDC",
    "BTC/EUR",
    "EUR/USDT",
    "BNB/BTC",
    "ETH/EUR",
    "BNB/ETH",
    "BNB/USDC",
    "BNB/EUR",
    "EUR/USDC",
)
# hub -> how many of a hundred alts are quoted in it, and how many times rarer it is used than USDT
_QUOTES: Final = {
    "USDT": (100, 2),
    "BTC": (75, 5),
    "USDC": (55, 6),
    "ETH": (45, 9),
    "BNB": (40, 12),
    "EUR": (30, 11),
}
_ALTS_QUOTED_EVERYWHERE: Final = 20
_KNOWN_ALTS: Final = (
    *("SOL", "XRP", "DOGE", "ADA", "TRX", "AVAX", "LINK", "TON", "DOT", "LTC", "BCH", "NEAR"),
    *("UNI", "APT", "ICP", "ETC", "XLM", "FIL", "ATOM", "ARB", "HBAR", "OP", "VET", "INJ"),
    *("GRT", "AAVE", "ALGO", "STX", "MKR", "FTM", "THETA", "RUNE", "SAND", "MANA", "AXS"),
)
_BUSIEST: Final = 10  # markets with a new book every step; the n-th has one every n / 10 steps
_PERIOD_MAX: Final = 256
_WINDOW_MIN: Final = 8  # a power of two, as periods are: no book is in two windows
_TOUCH_PPB: Final = 10_000  # with the next one, half of 0.3 bps
_OWN_PPB: Final = 5_000  # what a market does on its own at most
_OWN_REACH_PPB: Final = sum(OCTAVES_BPS[:2]) * _PPB_PER_BPS
_DEPTH_USDT: Final = 30_000  # of a first level in the busiest markets
_PRICE_DIGITS: Final = 6  # a tick is between 0.01 and 0.1 bps of the price


def _large(count: int) -> Universe:
    currencies = {**_SIX, "EUR": _EUR}
    alts = [name for name in _alt_names(count) if name not in currencies]
    for name in alts[: count - len(currencies)]:
        currencies[name] = _alt(name)
    ranked = list(_HUB_MARKETS)
    listed = [name for name in currencies if name not in _HUBS]
    ranked += [market for _, market in sorted(_listings(listed))]
    markets = {name: _laid_out(name, rank, currencies) for rank, name in enumerate(ranked)}
    return Universe(currencies, markets, _OCTAVE, _turns(markets))


def _alt_names(count: int) -> list[str]:
    return [*_KNOWN_ALTS, *(f"C{number:03}" for number in range(len(_KNOWN_ALTS), count))]


def _alt(name: str) -> Currency:
    """Price an alt between 0.001 and 1,000 USDT."""
    size, digits = hashed(_LAYOUT, f"price {name}", 0)
    return Currency(int(10 ** (size % 6)) * (1_000 + digits % 9_000), 1)


def _listings(alts: list[str]) -> list[tuple[int, str]]:
    """Name every market of alts with a number that grows as it is used less."""
    found = []
    for rank, alt in enumerate(alts, start=1):
        for quote, (share, rarity) in _QUOTES.items():
            drawn = hashed(_LAYOUT, f"{alt}/{quote}", 0)[0] % 100
            if rank <= _ALTS_QUOTED_EVERYWHERE or drawn < share:
                found.append((rank * rarity, f"{alt}/{quote}"))
    return found


def _laid_out(name: str, rank: int, currencies: dict[str, Currency]) -> Market:
    """Describe a market by its rank: rarer books, wider spreads and less depth further down.

    The spread is as wide as prices can move until the next book, so that what a market showed last
    still holds against what the others show: no cycle pays before its fees.
    """
    base, quote = name.split("/")
    shrink = min((rank // _BUSIEST).bit_length(), _PERIOD_MAX.bit_length() - 1)
    period = 1 << shrink
    moved = sum(_moved_ppb(currencies[one], period - 1) for one in (base, quote))
    half_spread_ppb = _TOUCH_PPB + _OWN_PPB + moved
    rules = _rules(name, currencies)
    up, down = rules.tick_size.as_integer_ratio()
    return Market(
        rules=rules,
        tick_up=up,
        tick_down=down,
        half_spread_ppb=half_spread_ppb,
        gap_ppb=2 * half_spread_ppb,
        size_steps=max(_steps((_DEPTH_USDT * _MILLION) >> shrink, rules, currencies), 1),
        own_calm=_OWN_REACH_PPB // _OWN_PPB,
        period=period,
        phase=hashed(_LAYOUT, f"phase {name}", 0)[0] % period,
        window=max(period, _WINDOW_MIN),
        beyond_bps=-(-half_spread_ppb // _PPB_PER_BPS),
    )


def _moved_ppb(currency: Currency, steps: int) -> int:
    """Bound how far a currency wanders in so many steps: an octave twice its size in its period."""
    if currency.tameness == 0 or steps == 0:
        return 0
    fine = _MILLION
    most = sum(
        2 * bps * _PPB_PER_BPS * fine * min(steps, period) // period + fine
        for bps, period in list(zip(OCTAVES_BPS, PERIODS, strict=True))[_OCTAVE:]
    )
    # Around its price, which itself may stand a tenth lower than in the middle.
    return most * 10 // (9 * fine * currency.tameness) + 2


def _rules(name: str, currencies: dict[str, Currency]) -> MarketRules:
    base, quote = name.split("/")
    price = Decimal(currencies[base].price) / currencies[quote].price
    worth = Decimal(currencies[base].price) / _MILLION  # in USDT
    step = Decimal(1).scaleb(min(-worth.adjusted() - 1, 0))
    five = Decimal(5) * _MILLION / currencies[quote].price
    return MarketRules(
        market=name,
        base=base,
        quote=quote,
        tick_size=Decimal(1).scaleb(price.adjusted() - _PRICE_DIGITS + 1),
        step_size=step,
        amount_min=step,
        amount_max=Decimal(1).scaleb(9 - worth.adjusted()),
        notional_min=Decimal(1).scaleb(five.adjusted()),
    )


def _steps(worth: int, rules: MarketRules, currencies: dict[str, Currency]) -> int:
    """How many steps of base are worth so many millionths of a USDT."""
    up, down = rules.step_size.as_integer_ratio()
    return worth * down // (currencies[rules.base].price * up)
