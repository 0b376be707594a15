"""A market that never was: a pure function of a seed and the time, with prices as a real one has them."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from arb.clock import NS_PER_MS
from arb.feeds.noise import OCTAVES_BPS, Wander, hashed, hashed_shorts
from arb.feeds.source import Change, Shown
from arb.feeds.universe import CURRENCIES_MIN, Market, universe
from arb.market.book import Book, Level, MarketRules

STEP_MS_DEFAULT: Final = 100
DISLOCATED_PPM_DEFAULT: Final = 7_500  # share of steps in which some market is dislocated
DISLOCATION_BPS: Final = (30, 80)
LEVELS: Final = 6

_PPB: Final = 1_000_000_000
_PPB_PER_BPS: Final = 100_000
_MILLION: Final = 1_000_000
_SHORT: Final = 1 << 16
_OWN_OCTAVES: Final = 2  # what a market does on its own: below 4 bps


class GeneratedMarket:
    """Markets of some currencies; the same seed and time give the same book for ever.

    The world begins at time 0 and never ends. Prices of markets fit each other within their
    spreads, but for `dislocated_ppm` of the steps, in which one market stands 30 to 80 bps off: some
    cycles through it then pay after fees.

    Six `currencies` have ten markets, each with a new book every `step_ms`. More of them, up to 500,
    are hubs (USDT, BTC, ETH, USDC, BNB, EUR) and alts that are quoted in some hubs: a few markets
    have a new book every step, most have one every 2 to 256 steps, with wider spreads and less
    depth the rarer they are. A book's sequence is the number of the step that it was made in.
    """

    def __init__(
        self,
        seed: int,
        *,
        step_ms: int = STEP_MS_DEFAULT,
        dislocated_ppm: int = DISLOCATED_PPM_DEFAULT,
        currencies: int = CURRENCIES_MIN,
    ) -> None:
        assert step_ms > 0, step_ms
        self.seed = seed
        self.step_ns = step_ms * NS_PER_MS
        self._world = universe(currencies)
        made = self._world.markets
        self._window_chance = dislocated_ppm * (1 << 32) // (len(made) * _MILLION)
        self._markets = MappingProxyType({name: one.rules for name, one in made.items()})
        self._wanders: dict[str, Wander] = {}
        self._last: dict[str, Book] = {}

    @property
    def markets(self) -> Mapping[str, MarketRules]:
        """The markets and their rules."""
        return self._markets

    def book_at(self, market: str, at_ns: int) -> Book | None:
        """The book that stands at a time; None before time 0 and for a market that is not there."""
        if at_ns < 0 or market not in self._markets:
            return None
        return self._book(market, self._world.step_of(market, at_ns // self.step_ns))

    def shown(self, market: str, after_ns: int, until_ns: int) -> Iterator[Shown]:
        """Every book of a market after a time and until another one."""
        if market not in self._markets:
            return
        step = 0 if after_ns < 0 else self._world.step_after(market, after_ns // self.step_ns)
        while step * self.step_ns <= until_ns:
            yield step * self.step_ns, self._book(market, step)
            step = self._world.step_after(market, step)

    def changes(self, after_ns: int) -> Iterator[Change]:
        """Every book strictly after a time, at each step those of the markets that have one."""
        step = max(after_ns // self.step_ns + 1, 0)
        while True:
            at_ns = step * self.step_ns
            for market in self._world.due(step):
                yield Change(at_ns, market, self._book(market, step))
            step += 1

    def dislocation_bps(self, market: str, at_ns: int) -> int:
        """How far a market stands from where the others put it, by design; mostly 0."""
        return self._dislocation(market, self._world.step_of(market, at_ns // self.step_ns))

    def _book(self, market: str, step: int) -> Book:
        last = self._last.get(market)
        if last is not None and last.sequence == step:
            return last
        book = self._make(market, step)
        self._last[market] = book
        return book

    def _make(self, market: str, step: int) -> Book:
        made = self._world.markets[market]
        rules = made.rules
        # Millionths cancel out; the rest keeps nine digits below a tick.
        base, quote = self._price(rules.base, step), self._price(rules.quote, step)
        own = self._wander(f"own {market}", _OWN_OCTAVES).at(step) // made.own_calm
        offset = own + self._dislocation(market, step) * _PPB_PER_BPS
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
        described = self._world.currencies[currency]
        if described.tameness == 0:
            return described.price * _PPB
        wander = self._wander(currency, len(OCTAVES_BPS), self._world.octave)
        return described.price * (_PPB + wander.at(step) // described.tameness)

    def _wander(self, name: str, octaves: int, first: int = 0) -> Wander:
        wander = self._wanders.get(name)
        if wander is None:
            wander = self._wanders[name] = Wander(self.seed, name, octaves, first)
        return wander

    def _dislocation(self, market: str, step: int) -> int:
        made = self._world.markets[market]
        chance, how_far = hashed(self.seed, f"off {market}", step // made.window)
        if chance >= self._window_chance:
            return 0
        low, high = DISLOCATION_BPS
        size = made.beyond_bps + low + (how_far >> 1) % (high - low + 1)
        return size if how_far & 1 else -size


def _side(first: int, gap: int, made: Market, drawn: tuple[int, ...]) -> tuple[Level, ...]:
    """Lay out one side: prices step away from the touch, sizes grow with depth."""
    tick, step = made.rules.tick_size, made.rules.step_size
    price = first
    levels = []
    for depth in range(LEVELS):
        size = made.size_steps * (1 + depth) * (_SHORT // 5 + 2 * drawn[2 * depth]) // _SHORT
        levels.append((price * tick, max(size, 1) * step))
        price += gap * (1 + drawn[2 * depth + 1] % 3) // 2 or (1 if gap > 0 else -1)
    return tuple(levels)
