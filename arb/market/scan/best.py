"""The best cycles now, above any bar or not: what bounds rule out is not looked at."""

from collections.abc import Callable
from heapq import heappush, heapreplace
from typing import Final

from arb.market.scan.bounds import FIVE, FOUR, Bounds
from arb.market.scan.hubs import Edges

_Paths = list[tuple[float, Edges]]  # by what they bring, the most first
_DEAD: Final = 0.0


class _Board:
    """The best cycles so far."""

    def __init__(self, top: int, order: Callable[[Edges], Edges | None]) -> None:
        self._top, self._order = top, order
        self._heap: list[tuple[float, Edges]] = []
        self._on_it: set[Edges] = set()
        self.needed = _DEAD  # what a cycle has to exceed

    def offer(self, product: float, edges: Edges) -> None:
        if product <= self.needed:
            return
        key = self._order(edges)
        if key is None or key in self._on_it:
            return
        self._on_it.add(key)
        if len(self._heap) < self._top:
            heappush(self._heap, (product, key))
        else:
            self._on_it.discard(heapreplace(self._heap, (product, key))[1])
        if len(self._heap) == self._top:
            self.needed = self._heap[0][0]

    def ranked(self) -> list[Edges]:
        return [edges for _, edges in sorted(self._heap, key=lambda item: (-item[0], item[1]))]


def best_of(bounds: Bounds, top: int, wants: Callable[[Edges], bool]) -> list[Edges]:
    """Rank the best cycles of three legs and more that are wanted, the best first."""
    slots = bounds.slots

    def order(edges: Edges) -> Edges | None:
        """Give the key of a cycle that is wanted; None for a way that passes a currency twice."""
        cycle = len({slots.sources[edge] for edge in edges}) == len(edges)
        return tuple(sorted(edges)) if cycle and wants(edges) else None

    board = _Board(top, order)
    rates = bounds.rates
    paths = [_ranked(pairs, rates) for pairs in slots.paths]
    for slot, closers in enumerate(slots.closers):
        for closer in closers:
            _offer(board, rates[closer], (closer,), paths[slot])
    if bounds.hops_max >= FOUR:
        for slot, reverse in enumerate(slots.reverse):
            if slot < reverse:
                _offer_two(board, 1.0, (), paths[slot], paths[reverse])
    if bounds.hops_max >= FIVE:
        for slot, two, closer in bounds.long_ways():
            _offer_two(board, rates[closer], (closer,), paths[slot], paths[two])
    return board.ranked()


def _ranked(pairs: tuple[tuple[int, int], ...], rates: list[float]) -> _Paths:
    ranked: _Paths = [(rates[one] * rates[two], (one, two)) for one, two in pairs]
    ranked.sort(reverse=True)
    return ranked


def _offer(board: _Board, rate: float, others: Edges, paths: _Paths) -> None:
    for product, edges in paths:
        if product * rate <= board.needed:
            return
        board.offer(product * rate, (*edges, *others))


def _offer_two(board: _Board, rate: float, others: Edges, first: _Paths, second: _Paths) -> None:
    if not second:
        return
    for product, edges in first:
        if product * rate * second[0][0] <= board.needed:
            return
        _offer(board, product * rate, (*edges, *others), second)
