"""A covered market to whom anything may happen, and what multiplying out every cycle of it says."""

from decimal import Decimal
from fractions import Fraction
from itertools import combinations
from math import inf, nan, prod
from random import Random
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from arb.events.facts import LegRoute
from arb.market.book import MarketRules
from arb.market.cycles import directed_cycles, identity
from arb.market.scan import NOTHING, Cover, Scan, Seen, Watched
from arb.market.scan.bounds import Bounds
from arb.money import BPS, ONE
from tests.market.examples import book, rules

ASSETS: Final = "ABCDEUV"
KEEPS: Final = (ONE, Decimal("0.9999"), Decimal("0.999"), Decimal("0.99"))
BARS: Final = (Decimal(0), Decimal(20), Decimal(-100), Decimal("1E-9"))
CONNECTIONS: Final = 3
EVERY: Final = 1_000_000  # are held


class Prices(Struct):
    bid: Decimal | None
    ask: Decimal | None


class World(Struct, kw_only=True):
    """The scan, and beside it what it was told, to multiply out."""

    scan: Scan
    rng: Random
    markets: dict[str, MarketRules]
    keeps: dict[tuple[str, str], Decimal]
    hops_max: int
    bar: Decimal
    through: frozenset[str] | None
    spread: int
    prices: dict[str, Prices] = {}
    ids: dict[str, int] = {}
    before: frozenset[str] = frozenset()
    cycles: dict[str, tuple[LegRoute, ...]] = {}
    named: dict[str, Watched] = {}

    def cover(self) -> Seen:
        fees = dict(self.keeps)
        self.cycles = {
            identity(legs): legs
            for legs in directed_cycles(self.markets, self.hops_max)
            if self.through is None or any(leg.spend_asset in self.through for leg in legs)
        }
        return self.scan.cover(
            "all",
            Cover(
                markets=self.markets,
                hops_max=self.hops_max,
                keep_of=lambda market, side: fees[market, side],
                min_profit_bps=self.bar,
                through=self.through,
            ),
        )

    def pays(self, legs: tuple[LegRoute, ...], kept: Decimal, bar: Decimal) -> bool:
        rate = self.rate(legs)
        return rate is not None and rate * Fraction(kept) > 1 + Fraction(bar) / 10_000

    def rate(self, legs: tuple[LegRoute, ...]) -> Fraction | None:
        """What one unit brings before fees."""
        rate = Fraction(1)
        for leg in legs:
            there = self.prices.get(leg.market)
            price = None if there is None else there.bid if leg.side == "sell" else there.ask
            if price is None:
                return None
            rate = rate * Fraction(price) if leg.side == "sell" else rate / Fraction(price)
        return rate

    def edge_bps(self, legs: tuple[LegRoute, ...]) -> Decimal | None:
        rate = self.rate(legs)
        if rate is None:
            return None
        net = rate * prod(Fraction(self.keeps[leg.market, leg.side]) for leg in legs)
        return (Decimal(net.numerator) / net.denominator - ONE) * BPS

    def name(self) -> None:
        """Watch some of the cycles by name too, each with a bar of its own and the fees of now."""
        for key in self.rng.sample(sorted(self.cycles), min(4, len(self.cycles))):
            legs = self.cycles[key]
            kept = prod((self.keeps[leg.market, leg.side] for leg in legs), start=ONE)
            self.named[key] = Watched(legs, kept, self.rng.choice(BARS))
            self.scan.watch(self.named[key])

    def above(self) -> dict[str, tuple[LegRoute, ...]]:
        found = {}
        for key, named in self.named.items():
            if self.pays(named.legs, named.kept, named.min_profit_bps):
                found[key] = named.legs
        rates: dict[tuple[str, str], float] = {}
        for name, there in self.prices.items():
            rates[name, "sell"] = float((there.bid or 0) * self.keeps[name, "sell"])
            rates[name, "buy"] = float(self.keeps[name, "buy"] / there.ask) if there.ask else 0.0
        bar = 1.0 + float(self.bar / BPS)
        for key, legs in self.cycles.items():
            rate = prod(rates.get((leg.market, leg.side), 0.0) for leg in legs)
            if rate < bar - 1e-9:
                continue  # far too little to be worth exact numbers
            kept = prod((self.keeps[leg.market, leg.side] for leg in legs), start=ONE)
            if self.pays(legs, kept, self.bar):
                found[key] = legs
        return found

    def agrees(self, seen: Seen, market: str | None) -> None:
        """Hold what was told of a market, or of all of them, against what is multiplied out."""
        above = self.above()
        through = {
            key
            for key, legs in above.items()
            if market is None or any(leg.market == market for leg in legs)
        }
        told = [identity(self.scan.cycles[number].legs) for number in seen.above]
        assert len(set(told)) == len(told)
        assert set(told) == through
        assert seen.risen == len(above.keys() - self.before)
        for number, key in zip(seen.above, told, strict=True):
            if key in self.named:
                continue  # with the fees that it was named with
            edge = self.scan.edge_bps(number)
            multiplied = self.edge_bps(self.scan.cycles[number].legs)
            assert edge is not None
            assert multiplied is not None
            assert abs(edge - multiplied) < Decimal("1E-30")
        self.before = frozenset(above)
        assert self.scan.stats().above == len(above)
        for covered in self.scan._covers.values():
            bounds_hold(covered.bounds)

    def best(self, top: int) -> list[Decimal]:
        edges = [edge for legs in self.cycles.values() if (edge := self.edge_bps(legs)) is not None]
        return sorted(edges, reverse=True)[:top]

    # --- what can happen ----------------------------------------------------------------------

    def quote(self) -> tuple[str, Decimal, Decimal]:
        market = self.rng.choice(sorted(self.markets))
        bid, ask = sorted(10_000 + self.rng.randint(-self.spread, self.spread) for _ in range(2))
        return market, Decimal(bid) / 10_000, Decimal(ask) / 10_000

    def update(self) -> None:
        market, bid, ask = self.quote()
        self.ids[market] = self.ids.get(market, 0) + self.rng.randint(1, 3)
        self.prices[market] = Prices(bid, ask)
        self.agrees(
            self.scan.update(market, float(bid), float(ask), 1.0, 1.0, self.ids[market]), market
        )

    def update_late(self) -> None:
        market, bid, ask = self.quote()
        if market in self.ids:
            late = self.scan.stats().late
            seen = self.scan.update(market, float(bid), float(ask), 1.0, 1.0, self.ids[market])
            assert seen is NOTHING
            assert self.scan.stats().late == late + 1

    def empty_a_side(self) -> None:
        market, bid, ask = self.quote()
        sizes = self.rng.choice([(0.0, 1.0), (1.0, 0.0), (0.0, 0.0)])
        self.prices[market] = Prices(bid if sizes[0] else None, ask if sizes[1] else None)
        refused = self.scan.stats().refused
        no_price = self.rng.random() < 0.5
        seen = self.scan.update(
            market,
            0.0 if no_price and not sizes[0] else float(bid),
            0.0 if no_price and not sizes[1] else float(ask),
            *sizes,
        )
        self.ids.pop(market, None)
        self.agrees(seen, market)
        assert self.scan.stats().refused == refused

    def update_badly(self) -> None:
        market = self.rng.choice(sorted(self.markets))
        bad = self.rng.choice(
            [(nan, 1.0), (1.0, nan), (-1.0, 1.0), (1.0, -1.0), (inf, inf), (1.0, inf), (2.0, 1.0)]
        )
        refused = self.scan.stats().refused
        self.prices.pop(market, None)
        self.ids.pop(market, None)
        self.agrees(self.scan.update(market, *bad), market)
        assert self.scan.stats().refused == refused + 1

    def take(self) -> None:
        market, bid, ask = self.quote()
        self.ids[market] = 1  # of the book
        self.prices[market] = Prices(bid, ask)
        self.agrees(self.scan.take(book(market, [(str(bid), "1")], [(str(ask), "1")])), market)

    def list_or_delist(self, pool: dict[str, MarketRules]) -> None:
        name = self.rng.choice(sorted(pool))
        if name in self.markets and len(self.markets) > 2:
            del self.markets[name]
            self.prices.pop(name, None)
            self.ids.pop(name, None)
        else:
            self.markets[name] = pool[name]
        self.recover()

    def change_fee(self) -> None:
        market = self.rng.choice(sorted(self.markets))
        self.keeps[market, self.rng.choice(["buy", "sell"])] = self.rng.choice(KEEPS)
        self.recover()

    def recover(self) -> None:
        self.agrees(self.cover(), None)

    def lose_a_connection(self) -> None:
        lost = self.rng.randrange(CONNECTIONS)
        for number in range(CONNECTIONS):
            self.scan.carry(str(number), sorted(self.markets)[number::CONNECTIONS])
        self.scan.invalidate(str(lost))
        for market in sorted(self.markets)[lost::CONNECTIONS]:
            self.prices.pop(market, None)
            self.ids.pop(market, None)
        self.before = frozenset(self.above())
        assert self.scan.stats().above == len(self.before)


def bounds_hold(bounds: Bounds) -> None:
    """No path brings more than the bound of its slot, and no way back more than the other one."""
    rates, slots = bounds.rates, bounds.slots
    slot_of = {pair: slot for slot, pair in enumerate(slots.ends)}
    best = [max((rates[a] * rates[b] for a, b in paths), default=0.0) for paths in slots.paths]
    edge = {
        (last, first): max((rates[one] for one in slots.closers[slot]), default=0.0)
        for (first, last), slot in slot_of.items()
    }

    def path(first: str, last: str) -> float:
        return bounds._best[slot_of[first, last]] if (first, last) in slot_of else 0.0

    for (first, last), slot in slot_of.items():
        assert bounds._best[slot] >= best[slot]
        back = [edge[last, first]]
        if bounds.hops_max >= 4:
            back.append(path(last, first))
        if bounds.hops_max >= 5:
            for middle in {*slots.hubs} - {first, last}:
                back.append(path(last, middle) * edge.get((middle, first), 0.0))
                back.append(edge.get((last, middle), 0.0) * path(middle, first))
        assert bounds._back[slot] >= max(back) * (1 - 1e-15)


def pool(rng: Random, hops_max: int) -> dict[str, MarketRules]:
    """Draw markets: hubs with all others, some twice, some the other way round."""
    found: dict[str, MarketRules] = {}
    dense = rng.choice([0.4, 0.9])
    # With five legs few assets, because there are soon too many cycles to multiply out.
    many = hops_max < 5 or rng.random() < 0.1
    hubs = rng.choice(["UV", "UVA", ASSETS if many else "UVA"])
    for one, other in combinations(ASSETS, 2):
        for base, quote in ((one, other), (other, one)):
            if quote in hubs and rng.random() < dense:
                made = rules(f"{base}/{quote}", "0.0001", "0.01")
                found[made.market] = made
                if rng.random() < 0.1:
                    again = replace(made, market=f"{made.market} again")
                    found[again.market] = again
    return found or {"A/U": rules("A/U"), "A/V": rules("A/V"), "V/U": rules("V/U")}


def a_world(
    seed: int, hops_max: int, kind: type[World] = World, held_max: int = EVERY
) -> tuple[World, dict[str, MarketRules]]:
    rng = Random(seed)
    markets = pool(rng, hops_max)
    world = kind(
        scan=Scan(held_max=held_max),
        rng=rng,
        markets=dict(markets),
        keeps={(name, side): rng.choice(KEEPS[:2]) for name in markets for side in ("buy", "sell")},
        hops_max=hops_max,
        bar=rng.choice(BARS),
        through=rng.choice([None, None, frozenset("U"), frozenset("AB")]),
        spread=rng.choice([3, 20, 100]),
    )
    world.cover()
    if rng.random() < 0.3:
        world.name()
    return world, markets


def walk(world: World, markets: dict[str, MarketRules], steps: int) -> int:
    """Let things happen to a world, hold the scan against it after each, and count what is above."""
    for name in sorted(markets):  # all have prices once
        world.prices[name] = Prices(ONE, ONE)
        world.scan.take(book(name, [("1", "1")], [("1", "1")]))
        world.ids[name] = 1
    world.before = frozenset(world.above())
    for _ in range(steps):
        match world.rng.randrange(20):
            case 0:
                world.list_or_delist(markets)
            case 1:
                world.change_fee()
            case 2:
                world.lose_a_connection()
            case 3:
                world.update_badly()
            case 4:
                world.empty_a_side()
            case 5:
                world.update_late()
            case 6:
                world.take()
            case _:
                world.update()
    if world.named:
        return len(world.before)
    told = [best.edge_bps for best in world.scan.full_scan(5)]
    best = world.best(5)
    assert len(told) == len(best)
    assert all(abs(one - other) < Decimal("1E-30") for one, other in zip(told, best, strict=True))
    return len(world.before)
