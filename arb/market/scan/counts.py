"""How many directed cycles there are, without going through them.

Between two hubs on a cycle is a market that joins them, or a currency that is no hub: one leg or two.
So the cycles are the closed ways through different hubs, each times what there is to choose from; two
stretches of two legs must not pass the same currency.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from itertools import combinations, permutations
from math import prod
from typing import Final

from arb.market.book import MarketRules
from arb.market.scan.hubs import cover, joining

_TWO: Final = 2
_FIVE: Final = 5
_Joined = Mapping[str, Mapping[str, int]]  # from, to: how many markets


def count_directed(
    markets: Mapping[str, MarketRules], hops_max: int, through: Collection[str] | None = None
) -> dict[int, int]:
    """Count the directed cycles of active markets with two to `hops_max` legs (five at most), by their legs.

    As `directed_cycles` finds them: parallel markets are a choice, and two legs are on two markets.
    With `through`, only those that pass one of these currencies.
    """
    assert hops_max <= _FIVE, hops_max
    active = joining(markets.values())
    counted = _counted(active, hops_max)
    if through is not None:
        apart = [rules for rules in active if not {rules.base, rules.quote} & set(through)]
        counted -= _counted(apart, hops_max)
    return {hops: counted[hops] for hops in sorted(counted) if counted[hops]}


def _counted(active: Collection[MarketRules], hops_max: int) -> Counter[int]:
    joined: dict[str, Counter[str]] = {}
    for rules in active:
        joined.setdefault(rules.base, Counter())[rules.quote] += 1
        joined.setdefault(rules.quote, Counter())[rules.base] += 1
    hubs = cover(active)
    counted: Counter[int] = Counter()
    # There and back on two different markets: both ways round, on each two of them.
    pairs = Counter(frozenset((rules.base, rules.quote)) for rules in active)
    counted[_TWO] = sum(number * (number - 1) for number in pairs.values())
    direct = {(one, two): joined[one][two] for one, two in permutations(hubs, 2)}
    spokes = {
        (one, two): {
            asset: joined[one][asset] * joined[two][asset]
            for asset in joined[one].keys() & joined[two].keys() - set(hubs)
        }
        for one, two in permutations(hubs, 2)
    }
    for ring in _rings(hubs, direct, spokes, hops_max):
        steps = list(zip(ring, (*ring[1:], ring[0]), strict=True))
        for doubled in range(hops_max - len(ring) + 1):
            if len(ring) + doubled <= _TWO:
                continue
            for chosen in combinations(range(len(steps)), min(doubled, len(steps))):
                if len(chosen) < doubled:
                    continue
                singles = prod(direct[step] for at, step in enumerate(steps) if at not in chosen)
                if singles:
                    ways = _ways([spokes[steps[at]] for at in chosen])
                    counted[len(ring) + doubled] += singles * ways
    return counted


def _ways(stretches: list[dict[str, int]]) -> int:
    """Count the choices of a currency for each stretch, never the same for two; two are the most."""
    assert len(stretches) <= _TWO, "five legs leave no room for three"
    ways = prod(sum(stretch.values()) for stretch in stretches)
    if len(stretches) == _TWO:
        one, two = stretches
        ways -= sum(number * two[asset] for asset, number in one.items() if asset in two)
    return ways


def _rings(
    hubs: tuple[str, ...],
    direct: Mapping[tuple[str, str], int],
    spokes: Mapping[tuple[str, str], Mapping[str, int]],
    length_max: int,
) -> Iterator[tuple[str, ...]]:
    """Walk every closed way through two to `length_max` different hubs, each once, from its first by name."""
    after = {
        hub: [
            there for there in hubs if there != hub and (direct[hub, there] or spokes[hub, there])
        ]
        for hub in hubs
    }

    def onwards(path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        for there in after[path[-1]]:
            if there <= path[0] or there in path:
                continue
            longer = (*path, there)
            if path[0] in after[there]:
                yield longer
            if len(longer) < length_max:
                yield from onwards(longer)

    for hub in hubs:
        yield from onwards((hub,))
