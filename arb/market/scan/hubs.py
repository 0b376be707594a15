"""The markets as spokes between hubs: few currencies that every market has one of.

A set of currencies of which every market has at least one are hubs; the others are never joined to
each other. So each cycle of three legs leaves a hub, reaches another one in two legs, and goes back
in one; each of four is two such paths between the same two hubs; each of five is two paths that
follow each other, and one leg back. A slot is an ordered pair of hubs, and the paths from one to the
other belong to it.

A market is a number; selling on it is the edge 2 x number, buying the next one.
"""

from collections.abc import Iterable, Mapping
from itertools import permutations
from typing import Final

from msgspec import Struct

from arb.market.book import MarketRules

Edges = tuple[int, ...]
_TRIANGLE: Final = 3


class Slots(Struct, frozen=True, kw_only=True):
    """What joins hubs. Edges and slots are numbers, and lists are indexed by them."""

    hubs: tuple[str, ...]  # by name
    ends: tuple[tuple[str, str], ...]  # by slot: where its paths begin and end
    paths: tuple[tuple[tuple[int, int], ...], ...]  # by slot: both edges of each path
    closers: tuple[Edges, ...]  # by slot: what leads from its end to its beginning
    reverse: tuple[int, ...]  # by slot: the slot of the way back
    joined: tuple[tuple[tuple[int, int], ...], ...]  # by edge: the other edge of a path, its slot
    closes: tuple[int, ...]  # by edge: the slot whose paths it closes, else -1
    sources: tuple[str, ...]  # by edge: the asset that it spends
    targets: tuple[str, ...]  # by edge: the asset that it brings


def joining(markets: Iterable[MarketRules]) -> list[MarketRules]:
    """Choose the markets that can be on a cycle: active ones that join two different assets."""
    return [rules for rules in markets if rules.active and rules.base != rules.quote]


def cover(markets: Iterable[MarketRules]) -> tuple[str, ...]:
    """Choose hubs: currencies of which every market has one, few of them, by name."""
    joined: dict[str, set[str]] = {}
    for rules in markets:
        joined.setdefault(rules.base, set()).add(rules.quote)
        joined.setdefault(rules.quote, set()).add(rules.base)
    left = {asset: set(there) for asset, there in joined.items()}
    hubs: list[str] = []
    while left:
        busiest = max(left, key=lambda asset: (len(left[asset]), asset))
        hubs.append(busiest)
        for there in left.pop(busiest):
            left[there].discard(busiest)
            if not left[there]:
                del left[there]
    needed = set(hubs)
    for hub in reversed(hubs):
        if joined[hub] <= needed - {hub}:
            needed.discard(hub)
    return tuple(sorted(needed))


def slots_of(markets: Mapping[int, MarketRules], edges: int, hops_max: int) -> Slots:
    """Lay out numbered markets for lists of so many edges.

    A triangle of three hubs is in three slots, of which one is enough. A longer cycle may need a hub
    in the middle of any path.
    """
    hubs = cover(markets.values())
    triangles_only = hops_max <= _TRIANGLE
    sources, targets = [""] * edges, [""] * edges
    between: dict[tuple[str, str], list[int]] = {}
    joined_to: dict[str, set[str]] = {}
    for number, rules in markets.items():
        ways = ((rules.base, rules.quote), (rules.quote, rules.base))
        for edge, (spend, receive) in zip((2 * number, 2 * number + 1), ways, strict=True):
            sources[edge], targets[edge] = spend, receive
            between.setdefault((spend, receive), []).append(edge)
            joined_to.setdefault(spend, set()).add(receive)
    ends: list[tuple[str, str]] = []
    paths: list[tuple[tuple[int, int], ...]] = []
    closers: list[Edges] = []
    joined: list[list[tuple[int, int]]] = [[] for _ in range(edges)]
    closes = [-1] * edges
    for pair in permutations(hubs, 2):
        first, last = pair
        through = sorted(joined_to[first] & joined_to[last])
        if triangles_only:
            through = [via for via in through if via not in hubs or via > max(pair)]
        found = [
            (there, on)
            for via in through
            for there in between[first, via]
            for on in between[via, last]
        ]
        back = tuple(between.get((last, first), ()))
        if not found and not back:
            continue
        slot = len(ends)
        ends.append(pair)
        paths.append(tuple(found))
        closers.append(back)
        for there, on in found:
            joined[there].append((on, slot))
            joined[on].append((there, slot))
        for edge in back:
            closes[edge] = slot
    slot_of = {pair: slot for slot, pair in enumerate(ends)}
    return Slots(
        hubs=hubs,
        ends=tuple(ends),
        paths=tuple(paths),
        closers=tuple(closers),
        reverse=tuple(slot_of[last, first] for first, last in ends),
        # Written anew, so that what is read together lies together in memory.
        joined=tuple(tuple((other, slot) for other, slot in paths) for paths in joined),
        closes=tuple(closes),
        sources=tuple(sources),
        targets=tuple(targets),
    )
