"""Which cycles stand above their bar at the top of the book, after every update of a market.

Floats decide where there is no doubt, exact decimals where there is, so the answer is exact.

Of more than `CYCLES_HELD_MAX` cycles of a cover only the best are told, at least a quarter of that
many; every one that is told is above, and each of three legs and more that is not told brings no more
than any of those. The others are counted when they are asked for, and looked at again by themselves
when too few of the better ones are left.
"""

from collections.abc import Collection, Iterable, Sequence
from decimal import Decimal
from math import inf
from typing import Final, NamedTuple

from arb.events.facts import LegRoute
from arb.limits import CYCLES_HELD_MAX
from arb.market.book import Book
from arb.market.cycles import identity
from arb.market.scan.bounds import Found
from arb.market.scan.covering import Cover, Covered, UpdateRates, Watched
from arb.market.scan.hubs import Edges
from arb.market.scan.listed import CROWD_MIN, Listed
from arb.market.scan.prices import Prices, Size, Top


class Seen(NamedTuple):
    """What one update says: the cycles through its market that are above their bars, best first.

    Others are told with them when they are looked at again, that were above and left out.
    """

    above: tuple[int, ...]  # numbers of cycles, in the order they were watched or met
    risen: int  # how many of them were not above before


class Best(NamedTuple):
    """A cycle and its net edge now."""

    legs: tuple[LegRoute, ...]
    edge_bps: Decimal


class Stats(NamedTuple):
    """What a scan has done, and what it looks at."""

    updates: int
    refused: int  # had prices that no market can have
    late: int  # were not newer than what was there
    markets: int
    hubs: int
    above: int  # cycles above their bars now that are told
    known: int  # cycles that are watched by name, or were above once


NOTHING: Final = Seen((), 0)


class Scan:
    """Tells the cycles above their bars: those watched by name, and all cycles of covered markets.

    A market without both prices has a rate of 0, and no cycle through that is above anything.
    """

    def __init__(self, crowd_min: int = CROWD_MIN, held_max: int = CYCLES_HELD_MAX) -> None:
        self._held_max = held_max
        self.cycles: list[Watched] = []
        self._of: dict[str, int] = {}  # identity -> number
        self._edges: list[Edges] = []  # of each cycle
        self._prices = Prices()
        self._named: dict[int, Watched] = {}
        self._listed = Listed(self._prices.rates, self._is_above, crowd_min)
        self._covers: dict[str, Covered] = {}
        self._update_of: list[UpdateRates] = []  # by market: of its covers
        self._above: list[set[int]] = []  # by market: the numbers of those above
        self._carried: dict[str, list[str]] = {}  # by connection, its markets
        self._updates = 0

    def watch(self, cycle: Watched) -> int:
        """Watch a directed cycle and give its number; the lower bar counts when it is watched twice."""
        edges = tuple(map(self._prices.edge, cycle.legs))
        number = self._number(cycle, edges)
        self._note_markets()
        if number not in self._named or cycle.bar < self._named[number].bar:
            self._named[number] = cycle
            self._listed.watch(number, edges, float(cycle.bar))
        if cycle.bar < self.cycles[number].bar:
            self.cycles[number] = cycle
        return number

    def watch_all(self, cycles: Iterable[Watched]) -> list[int]:
        """Watch many."""
        return [self.watch(cycle) for cycle in cycles]

    def cover(self, name: str, cover: Cover) -> Seen:
        """Watch all cycles of some markets; gives those above now.

        What was covered by this name before ends. So markets that were listed or have left, and fees
        that have changed, are a cover again: prices stay, but for those of markets that have left.
        """
        before = self._covers.get(name)
        made = Covered(cover, self._prices, self._register, self._let_go, self._held_max)
        self._covers[name] = made
        self._note_markets()
        updates_of: list[list[UpdateRates]] = [[] for _ in self._update_of]
        for covered in self._covers.values():
            for market in covered.markets:
                updates_of[market].append(covered.update_of(market))
        self._update_of = [_all_of(updates) for updates in updates_of]
        left = sorted({*before.markets} - {*made.markets}) if before else []
        for market in left:
            if not updates_of[market]:
                self._prices.drop(market)
        return self._look_again([*made.markets, *left])

    def look_again(self, markets: Iterable[str]) -> Seen:
        """Say what is above now of the cycles through some markets: bars have changed."""
        numbers = self._prices.numbers
        return self._look_again([numbers[market] for market in markets if market in numbers])

    def number(self, legs: tuple[LegRoute, ...]) -> int | None:
        """The number of a cycle, whatever it begins with; None while it is not known."""
        return self._of.get(identity(legs))

    def take(self, book: Book, received_ns: int = 0) -> Seen:
        """Take a market's new book."""
        market = self._prices.numbers.get(book.market)
        if market is None:
            return NOTHING
        self._prices.take(book, market, received_ns)
        return self._rescore(market, *self._prices.rates_of(market))

    def update(  # noqa: PLR0917 -- a line of a feed
        self,
        market: str,
        bid: float,
        ask: float,
        bid_size: Size = None,
        ask_size: Size = None,
        update_id: int | None = None,
        received_ns: int = 0,
    ) -> Seen:
        """Take a market's best prices in floats; gives the cycles through it that are above now.

        A side with a price or a size of 0 is empty. Prices that no market can have are refused and
        counted: the market has none then, until it says better. What is not newer by its `update_id`
        changes nothing.
        """
        prices = self._prices
        number = prices.numbers.get(market)
        if number is None:
            return NOTHING
        tops = prices.tops
        if update_id is not None:
            before = tops[number][4]
            if before is not None and update_id <= before:
                prices.late += 1
                return NOTHING
        if not (0.0 < bid <= ask < inf and bid_size != 0.0 and ask_size != 0.0):
            bid, ask = prices.possible(bid, ask, bid_size, ask_size)
        tops[number] = (bid, bid_size, ask, ask_size, update_id, received_ns)
        rates, edge = prices.rates, number + number
        rates[edge] = bid
        rates[edge + 1] = buy = 1.0 / ask if ask else 0.0
        # As in `_rescore`, without the call.
        self._updates += 1
        found = self._update_of[number](number, bid, buy)
        if found or self._named or self._above[number]:
            return self._judged(number, found)
        return NOTHING

    def carry(self, connection: str, markets: Iterable[str]) -> None:
        """Say which markets a connection brings."""
        self._carried[connection] = list(markets)

    def invalidate(self, connection: str) -> None:
        """Forget the prices of a connection's markets: at once no cycle through them is above."""
        for name in self._carried.get(connection, ()):
            market = self._prices.numbers.get(name)
            if market is not None:
                self._prices.drop(market)
                self._rescore(market, 0.0, 0.0)

    def top(self, market: str) -> Top | None:
        """The best prices of a market as they came; None for one that is on no cycle."""
        number = self._prices.numbers.get(market)
        return None if number is None else Top(*self._prices.tops[number])

    def edge_bps(self, number: int) -> Decimal | None:
        """The net edge of a cycle at the top of the books now; None while a price is missing."""
        return self._prices.edge_bps(self._edges[number], self.cycles[number].kept)

    def is_above(self, number: int) -> bool:
        """Whether a cycle is above its bar at the books of now, and not left out."""
        return number in self._above[self._edges[number][0] // 2]

    def left_out(self, markets: Collection[str]) -> dict[str, int]:
        """Count by cover the cycles through any of these markets that are above and are not told."""
        crowded = [name for name, covered in self._covers.items() if covered.bounds.is_crowded]
        if not crowded:
            return {}
        numbers = self._prices.numbers
        on = [numbers[name] for name in markets if name in numbers]
        told = [self._edges[one] for one in {one for market in on for one in self._above[market]}]
        counted = ((name, self._covers[name].left_out(on, told)) for name in crowded)
        return {name: number for name, number in counted if number}

    def full_scan(self, top: int) -> list[Best]:
        """Name the cycles with the best edges now, above their bars or not, the best first."""
        found: dict[str, Best] = {}
        for number, cycle in self._named.items():
            edge = self._prices.edge_bps(self._edges[number], cycle.kept)
            if edge is not None:
                found[identity(cycle.legs)] = Best(cycle.legs, edge)
        for covered in self._covers.values():
            for edges in covered.best(top):
                legs, edge = covered.legs(edges), covered.edge_bps(edges)
                key = identity(legs)
                if edge is not None and (key not in found or edge > found[key].edge_bps):
                    found[key] = Best(legs, edge)
        ranked = sorted(found.items(), key=lambda item: (-item[1].edge_bps, item[0]))
        return [best for _, best in ranked[:top]]

    def stats(self) -> Stats:
        """Count what was done, and what is looked at."""
        hubs = {hub for covered in self._covers.values() for hub in covered.bounds.slots.hubs}
        return Stats(
            updates=self._updates,
            refused=self._prices.refused,
            late=self._prices.late,
            markets=len(self._prices.names),
            hubs=len(hubs),
            above=len({number for numbers in self._above for number in numbers}),
            known=len(self.cycles),
        )

    def _rescore(self, market: int, sell: float, buy: float) -> Seen:
        self._updates += 1
        return self._judged(market, self._update_of[market](market, sell, buy))

    def _judged(self, market: int, found: Found | None) -> Seen:
        """Note which of a market's cycles rose and fell."""
        were = self._above[market]
        if self._named:
            more = self._listed.update(market, quiet=not were)
            found = found + more if found else more
        if not (found or were):
            return NOTHING
        numbers = [number for _, number in sorted(found)] if found else []
        now = set(numbers)
        above, edges = self._above, self._edges
        # One that is told again, and is not through this market, another cover may have told before.
        risen = {one for one in now - were if one not in above[edges[one][0] // 2]}
        if were != now:
            for number in were - now:
                for edge in edges[number]:
                    above[edge // 2].discard(number)
            for number in risen:
                for edge in edges[number]:
                    above[edge // 2].add(number)
        if not now:
            return NOTHING
        if len(numbers) > len(now):
            numbers = list(dict.fromkeys(numbers))  # told more than once: the best counts
        return Seen(tuple(numbers), len(risen))

    def _let_go(self, number: int) -> None:
        """Learn that a cover leaves a cycle out; another one may not, or it is watched by name."""
        edges = self._edges[number]
        if number in self._named and self._is_above(number):
            return
        if not any(covered.holds(edges) for covered in self._covers.values()):
            for edge in edges:
                self._above[edge // 2].discard(number)

    def _look_again(self, markets: Iterable[int]) -> Seen:
        """Say what is above now, where more than one market's prices has changed."""
        above: dict[int, None] = {}
        risen = 0
        for market in markets:
            seen = self._rescore(market, *self._prices.rates_of(market))
            above.update(dict.fromkeys(seen.above))
            risen += seen.risen
        return Seen(tuple(above), risen)

    def _register(self, cycle: Watched, edges: Edges) -> int:
        """Number a cycle of a cover. Of several who watch it the lowest bar counts, until fees change."""
        number = self._number(cycle, edges)
        known = self.cycles[number]
        dearer = number not in self._named and cycle.kept != known.kept
        if dearer or cycle.bar < known.bar:
            self.cycles[number] = cycle
        return number

    def _number(self, cycle: Watched, edges: Edges) -> int:
        key = identity(cycle.legs)
        number = self._of.get(key)
        if number is None:
            number = self._of[key] = len(self.cycles)
            self.cycles.append(cycle)
            self._edges.append(edges)
        return number

    def _note_markets(self) -> None:
        new = range(len(self._above), len(self._prices.names))
        self._above += [set() for _ in new]
        self._update_of += [_none for _ in new]

    def _is_above(self, number: int) -> bool:
        cycle = self._named[number]
        return self._prices.pays(self._edges[number], cycle.kept, cycle.min_profit_bps)


def _none(_market: int, _sell: float, _buy: float) -> None:
    """Of a market that no cover has."""


def _all_of(updates: Sequence[UpdateRates]) -> UpdateRates:
    """Take a market's rates for all of its covers."""
    if len(updates) == 1:
        return updates[0]
    if not updates:
        return _none

    def update(market: int, sell: float, buy: float) -> Found | None:
        found: Found = []
        for one in updates:
            found += one(market, sell, buy) or ()
        return found

    return update
