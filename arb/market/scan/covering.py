"""All cycles of a set of markets that pay their fees and a threshold beside."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from decimal import Decimal
from itertools import combinations, islice
from typing import Final, NamedTuple

from msgspec import Struct

from arb.events.facts import LegRoute
from arb.market.book import MarketRules
from arb.market.scan.bounds import FIVE, Bounds, Found, LetGo
from arb.market.scan.crowd import count_above
from arb.market.scan.hubs import Edges, joining, slots_of
from arb.market.scan.listed import Listed
from arb.market.scan.prices import SIDES, Prices
from arb.money import BPS, ONE

_TRIANGLE: Final = 3
KeepOf = Callable[[str, str], Decimal]  # market, side -> what is kept after the fee


class Watched(NamedTuple):
    """A directed cycle, what its legs together keep after fees, and the net edge that it has to exceed."""

    legs: tuple[LegRoute, ...]
    kept: Decimal
    min_profit_bps: Decimal

    @property
    def bar(self) -> Decimal:
        """What the product of the rates before fees has to exceed."""
        return (ONE + self.min_profit_bps / BPS) / self.kept


Register = Callable[[Watched, Edges], int]  # gives the cycle's number
# Takes a market's number, what a unit sold and a unit spent there bring before fees.
UpdateRates = Callable[[int, float, float], Found | None]


class Cover(Struct, frozen=True, kw_only=True):
    """All directed cycles of active markets with two to `hops_max` legs, of which five are the most."""

    markets: Mapping[str, MarketRules]
    hops_max: int
    keep_of: KeepOf
    min_profit_bps: Decimal
    through: Collection[str] | None = None  # only those that pass one of these


class Covered:
    """A cover at work: bounds for cycles of three legs and more; those of two are few and listed."""

    def __init__(
        self, cover: Cover, prices: Prices, register: Register, let_go: LetGo, held_max: int
    ) -> None:
        assert cover.hops_max <= FIVE, cover.hops_max
        self._cover, self._prices, self._register = cover, prices, register
        active = joining(cover.markets[name] for name in sorted(cover.markets))
        rules_of = {prices.market(rules.market): rules for rules in active}
        self.markets = tuple(rules_of)
        self._keeps = [ONE] * len(prices.rates)
        self._legs: dict[int, LegRoute] = {}  # by edge
        for number, rules in rules_of.items():
            ways = ((rules.base, rules.quote), (rules.quote, rules.base))
            for edge, side, way in zip((2 * number, 2 * number + 1), SIDES, ways, strict=True):
                self._keeps[edge] = cover.keep_of(rules.market, side)
                self._legs[edge] = LegRoute(rules.market, side, *way)
        self.bounds = Bounds(
            slots_of(
                rules_of if cover.hops_max >= _TRIANGLE else {},
                len(prices.rates),
                cover.hops_max,
            ),
            [float(keep) for keep in self._keeps],
            float(ONE + cover.min_profit_bps / BPS),
            cover.hops_max,
            judge=self._is_above,
            name=self._name,
            let_go=let_go,
            through=cover.through,
            held_max=held_max,
        )
        self._update = self.bounds.update  # the same for all markets, so that it is near
        self._pairs: dict[int, Edges] = {}
        self._paired = Listed(prices.rates, lambda number: self._is_above(self._pairs[number]))
        for edges in self._two_legs():
            if self._wants(edges):
                watched = self._watched(edges)
                named = register(watched, edges)
                self._pairs[named] = edges
                self._paired.watch(named, edges, float(watched.bar))
        self._two_legged = {edge // 2 for edges in self._pairs.values() for edge in edges}
        for market in self.markets:
            self.update_of(market)(market, *prices.rates_of(market))

    def update_of(self, market: int) -> UpdateRates:
        """Say who takes a market's rates and gives the cycles through it that are above."""
        return self._update_paired if market in self._two_legged else self._update

    def _update_paired(self, market: int, sell: float, buy: float) -> Found:
        found = self.bounds.update(market, sell, buy) or []
        return found + self._paired.update(market, quiet=False)

    def best(self, top: int) -> Iterator[Edges]:
        """Name cycles among which the best ones are."""
        for _, edges in islice(self.bounds.best_first(0.0), top):
            yield edges
        yield from self._pairs.values()

    def holds(self, edges: Edges) -> bool:
        """Whether a cycle is above and told."""
        return self._has(edges) and tuple(sorted(edges)) in self.bounds.held(edges[0] // 2)

    def left_out(self, markets: Collection[int], told: Iterable[Edges]) -> int:
        """Count the cycles through any of these markets that are above, but for those that are told."""
        if not self.bounds.is_crowded:
            return 0
        known = sum(self._has(edges) and self._is_above(edges) for edges in told)
        mine = [market for market in markets if 2 * market in self._legs]
        return max(count_above(self.bounds, mine) - known, 0)

    def _has(self, edges: Edges) -> bool:
        """Whether a cycle is one of those that are not listed."""
        return (
            _TRIANGLE <= len(edges) <= self._cover.hops_max
            and all(edge in self._legs for edge in edges)
            and self._wants(edges)
        )

    def _wants(self, edges: Edges) -> bool:
        """Whether a cycle passes one of the currencies that it should."""
        through = self._cover.through
        return through is None or any(self._spent(edge) in through for edge in edges)

    def legs(self, edges: Edges) -> tuple[LegRoute, ...]:
        """Write a cycle out, from the first of its assets by name on."""
        leaving = {leg.spend_asset: leg for leg in map(self._legs.__getitem__, edges)}
        leg = leaving[min(leaving)]
        ordered = [leg]
        while len(ordered) < len(edges):
            leg = leaving[leg.receive_asset]
            ordered.append(leg)
        return tuple(ordered)

    def edge_bps(self, edges: Edges) -> Decimal | None:
        """The net edge of a cycle now; None while a price is missing."""
        return self._prices.edge_bps(edges, self._kept(edges))

    def _kept(self, edges: Edges) -> Decimal:
        kept = ONE
        for edge in edges:
            kept *= self._keeps[edge]
        return kept

    def _spent(self, edge: int) -> str:
        return self._legs[edge].spend_asset

    def _watched(self, edges: Edges) -> Watched:
        return Watched(self.legs(edges), self._kept(edges), self._cover.min_profit_bps)

    def _name(self, edges: Edges) -> int | None:
        return self._register(self._watched(edges), edges) if self._wants(edges) else None

    def _is_above(self, edges: Edges) -> bool:
        return self._prices.pays(edges, self._kept(edges), self._cover.min_profit_bps)

    def _two_legs(self) -> Iterator[Edges]:
        """Find the cycles on two markets that join the same two assets."""
        alike: dict[frozenset[str], list[int]] = {}
        for number in self.markets:
            ends = frozenset((self._spent(2 * number), self._spent(2 * number + 1)))
            alike.setdefault(ends, []).append(number)
        for markets in alike.values():
            for one, other in combinations(markets, 2):
                for there in (2 * one, 2 * one + 1):
                    back = 2 * other
                    yield there, back if self._spent(back) == self._spent(there ^ 1) else back + 1
