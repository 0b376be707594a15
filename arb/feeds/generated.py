"""A market that never was: a pure function of a seed and the time, with prices as a real one has them."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Final

from msgspec import Struct

from arb.clock import NS_PER_MS
from arb.feeds.noise import Wander, hashed, hashed_shorts
from arb.feeds.source import Change
from arb.market.book import Book, Level, MarketRules

STEP_MS_DEFAULT: Final = 100
DISLOCATED_PPM_DEFAULT: Final = 7_500  # share of steps in which some market is dislocated
DISLOCATION_STEPS: Final = 5
DISLOCATION_BPS: Final = (30, 80)
LEVELS: Final = 6

_PPB: Final = 1_000_000_000
_PPB_PER_BPS: Final = 100_000
_MILLION: Final = 1_000_000
_SHORT: Final = 1 << 16
_OWN_OCTAVES: Final = 2  # what a market does on its own: below 4 bps


class _Currency(Struct, frozen=True, gc=False):
    price: int  # in millionths of a USDT, around which it wanders
    tameness: int  # its wandering is divided by this


class _Market(Struct, frozen=True, gc=False):
    rules: MarketRules
    tick_up: int  # the tick as a fraction
    tick_down: int
    half_spread_ppb: int
    gap_ppb: int  # between two levels, on average
    size_steps: int  # of an average first level


_CURRENCIES: Final = {
    "BTC": _Currency(60_000_000_000, 1),
    "ETH": _Currency(2_500_000_000, 1),
    "BNB": _Currency(550_000_000, 1),
    "SOL": _Currency(150_000_000, 1),
    "USDC": _Currency(1_000_000, 400),
    "USDT": _Currency(1_000_000, 0),
}


def _market(
    name: str, filters: tuple[str, str, str], half_spread_ppb: int, first_level: str
) -> _Market:
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
    return _Market(rules, up, down, half_spread_ppb, 2 * half_spread_ppb, size_steps)


_MARKETS: Final = {
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


class GeneratedMarket:
    """Ten markets of six currencies; the same seed and time give the same book for ever.

    The world begins at time 0 and never ends. Every `step_ms` each market has a new book, whose
    sequence is the step's number. Prices of markets fit each other within their spreads, but for
    `dislocated_ppm` of the steps, in which one market stands 30 to 80 bps off for five steps: some
    cycles through it then pay after fees.
    """

    def __init__(
        self,
        seed: int,
        *,
        step_ms: int = STEP_MS_DEFAULT,
        dislocated_ppm: int = DISLOCATED_PPM_DEFAULT,
    ) -> None:
        assert step_ms > 0, step_ms
        self.seed = seed
        self.step_ns = step_ms * NS_PER_MS
        self._window_chance = dislocated_ppm * (1 << 32) // (len(_MARKETS) * _MILLION)
        self._markets = MappingProxyType({name: made.rules for name, made in _MARKETS.items()})
        self._prices = {name: Wander(seed, name) for name in _CURRENCIES}
        self._own = {name: Wander(seed, f"own {name}", _OWN_OCTAVES) for name in _MARKETS}
        self._last: dict[str, Book] = {}

    @property
    def markets(self) -> Mapping[str, MarketRules]:
        """The markets and their rules."""
        return self._markets

    def book_at(self, market: str, at_ns: int) -> Book | None:
        """The book that stands at a time; None before time 0 and for a market that is not there."""
        if at_ns < 0 or market not in _MARKETS:
            return None
        return self._book(market, at_ns // self.step_ns)

    def changes(self, after_ns: int) -> Iterator[Change]:
        """Every book strictly after a time: one per market and step, without end."""
        step = max(after_ns // self.step_ns + 1, 0)
        while True:
            at_ns = step * self.step_ns
            for market in _MARKETS:
                yield Change(at_ns, market, self._book(market, step))
            step += 1

    def dislocation_bps(self, market: str, at_ns: int) -> int:
        """How far a market stands from where the others put it, by design; mostly 0."""
        return self._dislocation(market, at_ns // self.step_ns)

    def _book(self, market: str, step: int) -> Book:
        last = self._last.get(market)
        if last is not None and last.sequence == step:
            return last
        book = self._make(market, step)
        self._last[market] = book
        return book

    def _make(self, market: str, step: int) -> Book:
        made = _MARKETS[market]
        rules = made.rules
        # Millionths cancel out; the rest keeps nine digits below a tick.
        base, quote = self._price(rules.base, step), self._price(rules.quote, step)
        offset = self._own[market].at(step) + self._dislocation(market, step) * _PPB_PER_BPS
        mid = base * (_PPB + offset) * made.tick_down // (quote * made.tick_up)  # ticks, in ppb
        half = max(mid * made.half_spread_ppb // _PPB, _PPB // 2)
        gap = max(mid // _PPB * made.gap_ppb, _PPB) // _PPB  # ticks
        bid, ask = (mid - half) // _PPB, -((-mid - half) // _PPB)
        drawn = hashed_shorts(self.seed, market, step)
        return Book(
            market=market,
            bids=_side(bid, -gap, made, drawn[: 2 * LEVELS]),
            asks=_side(ask, gap, made, drawn[2 * LEVELS :]),
            sequence=step,
        )

    def _price(self, currency: str, step: int) -> int:
        """Price a currency in millionths of a USDT, in ppb."""
        described = _CURRENCIES[currency]
        if described.tameness == 0:
            return described.price * _PPB
        return described.price * (_PPB + self._prices[currency].at(step) // described.tameness)

    def _dislocation(self, market: str, step: int) -> int:
        chance, how_far = hashed(self.seed, f"off {market}", step // DISLOCATION_STEPS)
        if chance >= self._window_chance:
            return 0
        low, high = DISLOCATION_BPS
        size = low + (how_far >> 1) % (high - low + 1)
        return size if how_far & 1 else -size


def _side(first: int, gap: int, made: _Market, drawn: tuple[int, ...]) -> tuple[Level, ...]:
    """Lay out one side: prices step away from the touch, sizes grow with depth."""
    tick, step = made.rules.tick_size, made.rules.step_size
    price = first
    levels = []
    for depth in range(LEVELS):
        size = made.size_steps * (1 + depth) * (_SHORT // 5 + 2 * drawn[2 * depth]) // _SHORT
        levels.append((price * tick, max(size, 1) * step))
        price += gap * (1 + drawn[2 * depth + 1] % 3) // 2 or (1 if gap > 0 else -1)
    return tuple(levels)
