"""Directed cycles of a set of markets: their names, their rotations, and finding all of them.

Markets are a multigraph: two of them may join the same two assets. A cycle passes through each of
its assets once, so only a cycle of two legs could use one book twice, and that one is left out.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Final

from arb.errors import ConfigInvalid
from arb.events.facts import LegRoute
from arb.market.book import MarketRules
from arb.market.routes import exits_of

_HOPS_OF_A_RING: Final = 3  # fewer need two markets that join the same two assets

_Links = Sequence[set[int]]  # by an asset's number: the assets that a market joins it to


def identity(legs: Sequence[LegRoute]) -> str:
    """Name a directed cycle whatever currency it starts from."""
    steps = [f"{leg.side} {leg.market}" for leg in legs]
    first = steps.index(min(steps))
    return " > ".join(steps[first:] + steps[:first])


def rotated(legs: Sequence[LegRoute], start_asset: str) -> tuple[LegRoute, ...]:
    """Begin the same cycle with an asset; raises ConfigInvalid if it does not pass through it."""
    spent = [leg.spend_asset for leg in legs]
    if start_asset not in spent:
        path = " > ".join([*spent, *spent[:1]])
        raise ConfigInvalid(f"the cycle {path} does not pass through {start_asset}")
    first = spent.index(start_asset)
    return (*legs[first:], *legs[:first])


def directed_cycles(
    markets: Mapping[str, MarketRules], hops_max: int
) -> Iterator[tuple[LegRoute, ...]]:
    """Find every directed cycle of active markets with two to `hops_max` legs, each once.

    A cycle begins with the first of its assets by name. Cycles come one at a time, in the order of
    the names of their assets, then of their markets; both directions, and every choice among
    parallel markets. Two legs are a cycle only on two different markets.
    """
    assets, legs = _numbered(markets)
    for ring in _rings(_links(legs, len(assets)), hops_max):
        steps = zip(ring, (*ring[1:], ring[0]), strict=True)
        choices = [legs[step] for step in steps]
        if len(ring) >= _HOPS_OF_A_RING:
            yield from product(*choices)
        else:
            there, back = choices
            yield from ((a, b) for a in there for b in back if a.market != b.market)


def count_cycles(markets: Mapping[str, MarketRules], hops: int) -> int:
    """Count undirected cycles of exactly so many hops, three or more; parallel markets are one."""
    assert hops >= _HOPS_OF_A_RING, hops
    assets, legs = _numbered(markets)
    both_ways = sum(len(ring) == hops for ring in _rings(_links(legs, len(assets)), hops))
    return both_ways // 2


def on_cycles(markets: Mapping[str, MarketRules], hops_max: int) -> frozenset[str]:
    """Name the active markets that lie on a directed cycle of two to `hops_max` legs."""
    assets, legs = _numbered(markets)
    links = _links(legs, len(assets))
    found: set[str] = set()
    for (here, there), joining in legs.items():
        if here < there and (len(joining) > 1 or _joined_otherwise(links, here, there, hops_max)):
            found.update(leg.market for leg in joining)
    return frozenset(found)


def _joined_otherwise(links: _Links, here: int, there: int, hops_max: int) -> bool:
    """Tell whether two assets are joined by a way of fewer than `hops_max` hops beside their market."""
    goal = links[there] - {here}
    reached, edge = {here, there}, {here}
    for _ in range(hops_max - 2):
        edge = {far for near in edge for far in links[near]} - reached
        if not edge.isdisjoint(goal):
            return True
        reached |= edge
    return False


def _numbered(
    markets: Mapping[str, MarketRules],
) -> tuple[list[str], dict[tuple[int, int], list[LegRoute]]]:
    """Number the assets by name, and list the legs between each two, by the name of the market."""
    exits = exits_of(markets)
    assets = sorted(exits)  # a market is left both ways, so these are all
    number = {asset: position for position, asset in enumerate(assets)}
    legs: dict[tuple[int, int], list[LegRoute]] = {}
    for asset in assets:
        for leg in exits[asset]:
            legs.setdefault((number[asset], number[leg.receive_asset]), []).append(leg)
    return assets, legs


def _links(joined: Mapping[tuple[int, int], object], count: int) -> _Links:
    links: list[set[int]] = [set() for _ in range(count)]
    for here, there in joined:
        if here != there:
            links[here].add(there)
    return links


def _rings(links: _Links, hops_max: int) -> Iterator[tuple[int, ...]]:
    """Walk every closed way through different assets, from its smallest one, in order.

    A way there and back is one of two hops; longer ones come in both directions.
    """
    for start in range(len(links)):
        yield from _Rings(links, start, hops_max).from_path((start,))


class _Rings:
    """The ways that begin with one asset and go on through greater ones.

    A step is taken only to where the way can still close in the hops that are left, so that a dead
    end is never walked into by more than the assets that the way has used up.
    """

    def __init__(self, links: _Links, start: int, hops_max: int) -> None:
        self._links = links
        self._start = start
        self._hops_max = hops_max
        self._near = _within(links, start, hops_max - 1)
        self._steps: dict[tuple[int, int], list[int]] = {}

    def from_path(self, path: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
        """Yield the path where it closes, then every longer one that begins with it."""
        here = path[-1]
        if self._start in self._links[here]:
            yield path
        left = self._hops_max - len(path)  # hops after the next one, the closing one among them
        if left < 1:
            return
        for there in self._next(here, left):
            if there not in path:
                yield from self.from_path((*path, there))

    def _next(self, here: int, left: int) -> list[int]:
        known = self._steps.get((here, left))
        if known is None:
            known = self._steps[here, left] = sorted(self._links[here] & self._near[left])
        return known


def _within(links: _Links, start: int, hops_max: int) -> list[set[int]]:
    """Collect the greater assets within so many hops of the start, by ways through greater ones."""
    near: list[set[int]] = [set()]
    edge = {start}
    for _ in range(hops_max):
        reached = {there for here in edge for there in links[here] if there > start}
        edge = reached - near[-1]
        near.append(near[-1] | edge)
    return near
