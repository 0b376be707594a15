"""Of more cycles above than are held, exactly the best are told, and the others are counted."""

from decimal import Decimal
from fractions import Fraction
from math import prod
from random import Random

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from arb.events.facts import LegRoute
from arb.feeds.universe import universe
from arb.limits import CYCLES_HELD_MAX
from arb.market.cycles import identity
from arb.market.scan import Cover, Scan, Seen
from arb.market.scan.bounds import DOUBT, Bounds
from arb.market.scan.hubs import Edges
from arb.money import ONE
from tests.market.covered import World, a_world, bounds_hold, pool, walk
from tests.market.examples import rules
from tests.spec.properties import examples

BARELY = Fraction(2 * DOUBT)


class Crowd(World):
    """A world whose scan holds few cycles."""

    crowded: int = 0  # times that some were left out

    def agrees(self, seen: Seen, market: str | None) -> None:
        scan, (covered,) = self.scan, self.scan._covers.values()
        bounds = covered.bounds
        above = {key: legs for key, legs in self.above().items() if self.is_covered(key, legs)}
        nets = {key: self.net(legs) for key, legs in above.items()}
        held = {identity(covered.legs(edges)) for edges in all_held(bounds)}
        two = {key for key, legs in above.items() if len(legs) == 2}
        left = above.keys() - held - two
        assert held <= above.keys()
        assert len(held) <= bounds._held_max
        assert len(held) == bounds._held
        if left:
            self.crowded += 1
            assert bounds.is_crowded
            assert len(held) >= bounds._held_max // 4
            best_left, worst = max(map(nets.get, left)), min(map(nets.get, held))
            assert best_left <= worst * (1 + BARELY)
        told = [identity(scan.cycles[number].legs) for number in seen.above]
        assert len(set(told)) == len(told)
        through = {key for key in held | two if market in {None, *markets_of(above[key])}}
        named = {
            key
            for key, one in self.named.items()
            if self.pays(one.legs, one.kept, one.min_profit_bps)
        }
        assert through <= {*told}
        assert {*told} <= held | two | named
        for number, cycle in enumerate(scan.cycles):
            key = identity(cycle.legs)
            if key not in self.named:
                assert scan.is_above(number) == (key in held | two)
        self.counts(above, nets, held | two | named)
        bounds_hold(bounds)
        self.before = frozenset(held | two)

    def counts(
        self,
        above: dict[str, tuple[LegRoute, ...]],
        nets: dict[str, Fraction],
        told: set[str],
    ) -> None:
        """Those that are left out are counted, through one market, several or all."""
        bar = 1 + Fraction(self.bar) / 10_000
        if any(net <= bar * (1 + BARELY) for net in nets.values()):
            return  # floats cannot tell
        for size in (1, 2, len(self.markets)):
            some = self.rng.sample(sorted(self.markets), min(size, len(self.markets)))
            left = [
                key
                for key, legs in above.items()
                if key not in told and not markets_of(legs).isdisjoint(some)
            ]
            assert self.scan.left_out(some) == ({"all": len(left)} if left else {})

    def is_covered(self, key: str, legs: tuple[LegRoute, ...]) -> bool:
        kept = prod((self.keeps[leg.market, leg.side] for leg in legs), start=ONE)
        return key in self.cycles and self.pays(legs, kept, self.bar)

    def net(self, legs: tuple[LegRoute, ...]) -> Fraction:
        rate = self.rate(legs)
        assert rate is not None
        return rate * prod(Fraction(self.keeps[leg.market, leg.side]) for leg in legs)

    def lose_a_connection(self) -> None:
        """What is told of several markets at once is another test's."""


def all_held(bounds: Bounds) -> set[Edges]:
    return {edges for here in bounds._standing for edges in here}


def markets_of(legs: tuple[LegRoute, ...]) -> set[str]:
    return {leg.market for leg in legs}


@pytest.mark.parametrize(
    ("hops_max", "steps"), [(3, 80), pytest.param(4, 40, marks=pytest.mark.long), (5, 30)]
)
@examples(25)
@given(st.integers(0, 2**32), st.sampled_from([4, 8, 40]))
def test_of_more_than_are_held_the_best_are_told_and_the_others_counted(
    hops_max: int, steps: int, seed: int, held_max: int
) -> None:
    world, markets = a_world(seed, hops_max, Crowd, held_max)
    walk(world, markets, steps)
    assert isinstance(world, Crowd)
    event(f"crowded: {world.crowded > 0}")


@examples(25)
@given(st.integers(0, 2**32), st.sampled_from([4, 8]))
def test_what_one_cover_leaves_out_and_another_one_tells_is_told(seed: int, held_max: int) -> None:
    rng = Random(seed)
    markets = pool(rng, 4)
    scan = Scan(held_max=held_max)
    for name, bar in (("low", "-50"), ("high", "10")):
        some = {one: markets[one] for one in markets if rng.random() < 0.9}
        made = Cover(markets=some, hops_max=4, keep_of=lambda *_: ONE, min_profit_bps=Decimal(bar))
        scan.cover(name, made)
    told = 0  # episodes
    up: set[int] = set()
    for _ in range(40):
        name = rng.choice(sorted(markets))
        bid, ask = sorted(1 + rng.randint(-30, 30) / 10_000 for _ in range(2))
        told += scan.update(name, bid, ask, 1.0, 1.0).risen
        now = {number for number in range(len(scan.cycles)) if scan.is_above(number)}
        told -= len(now - up)
        up = now
        held = {edges for one in scan._covers.values() for edges in all_held(one.bounds)}
        long = {number for number in now if len(scan.cycles[number].legs) > 2}
        assert {tuple(sorted(scan._edges[number])) for number in long} == held
        left = scan.left_out(list(markets))
        for cover, covered in scan._covers.items():
            mine = [edges for edges in held if covered._has(edges) and covered._is_above(edges)]
            every = sum(1 for _ in covered.bounds.best_first(covered.bounds.bar))
            assert left.get(cover, 0) == every - len(mine)
    assert told == 0


def test_a_hubs_book_that_is_off_is_no_more_work_than_is_bounded() -> None:
    """With five legs 160,790 cycles of a large market are above at once: each was numbered and held."""
    market = universe(500)
    scan = Scan()
    cover = Cover(
        markets={name: one.rules for name, one in market.markets.items()},
        hops_max=5,
        keep_of=lambda *_: Decimal("0.99925"),
        min_profit_bps=Decimal(2),
    )
    scan.cover("all", cover)
    middle = {
        name: market.currencies[one.rules.base].price / market.currencies[one.rules.quote].price
        for name, one in market.markets.items()
    }

    def tell(name: str, off: float = 1.0) -> Seen:
        price = middle[name] * off
        return scan.update(name, price * 0.9999, price * 1.0001, 1.0, 1.0)

    for name in middle:
        assert tell(name) == Seen((), 0)
    seen = tell("BTC/USDT", 1.005)
    assert scan.left_out(["BTC/USDT"]) == {"all": 160_790 - len(seen.above)}
    for off in (1.0051, 1.005, 1.006, 1.004, 1.005):
        tell("BTC/USDT", off)
        for name in ("ETH/USDT", "ETH/BTC", "BNB/USDT"):
            tell(name)
        stats = scan.stats()
        assert CYCLES_HELD_MAX // 4 <= stats.above <= CYCLES_HELD_MAX
        assert stats.known <= 10 * CYCLES_HELD_MAX
    for name in reversed(middle):
        seen = tell(name)
    assert seen == Seen((), 0)
    assert scan.stats().above == 0
    assert scan.left_out(list(middle)) == {}


def test_what_was_left_out_is_told_when_the_better_ones_are_gone() -> None:
    names = [f"C{number}" for number in range(1, 10)]
    markets = {name: rules(name) for one in names for name in (f"{one}/U", f"{one}/V")}
    markets["V/U"] = rules("V/U")
    scan = Scan(held_max=4)
    cover = Cover(markets=markets, hops_max=3, keep_of=lambda *_: ONE, min_profit_bps=Decimal(2))
    scan.cover("all", cover)
    told: list[str] = []

    def tell(market: str, price: float) -> None:
        for number in scan.update(market, price, price, 1.0, 1.0).above:
            told.extend(
                leg.spend_asset for leg in scan.cycles[number].legs if leg.spend_asset in names
            )

    for name in markets:
        tell(name, 1.0)
    for number, name in enumerate(names):
        tell(f"{name}/V", 1.01 - number / 1000)
    assert scan.left_out(["V/U"]) == {"all": 9 - scan.stats().above}
    for name in names:
        assert name in told
        tell(f"{name}/V", 1.0)
    assert scan.stats().above == 0
    assert scan.left_out(["V/U"]) == {}
