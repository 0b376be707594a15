"""Who trades which cycle: those that strategies name, and all that are sought in the markets."""

from collections.abc import Iterator, Sequence
from itertools import chain

from arb.execution.opportunities.discovery import Sought, Wanted
from arb.market.scan import Watched
from arb.strategy.schema import Strategy


class Watchlist:
    """The cycles of a run, by their numbers in the scan, and the strategies that trade."""

    def __init__(self, cycles: Sequence[Watched]) -> None:
        self._cycles = cycles  # by number: those that the scan knows
        self._named: dict[int, list[Wanted]] = {}  # known once the venue's markets are
        self.sought: dict[str, Sought] = {}  # by configuration
        self._wanted: dict[int, tuple[Wanted, ...]] = {}  # of cycles that were above once
        self.strategies: dict[str, Strategy] = {}  # by name: those that trade

    def begin(self) -> None:
        """Trade nothing; what is wanted and sought is told anew, once each."""
        for known in (self._named, self.sought, self._wanted, self.strategies):
            known.clear()

    def want(self, number: int, wanted: Wanted) -> None:
        """Trade a cycle when it pays."""
        self._named.setdefault(number, []).append(wanted)
        self._wanted.pop(number, None)
        self.strategies[wanted.strategy.name] = wanted.strategy

    def seek(self, sought: Sought) -> None:
        """Trade all cycles of some markets when they pay, instead of those that it sought before."""
        self.sought[sought.config] = sought
        self._wanted.clear()
        self.strategies[sought.strategy.name] = sought.strategy

    @property
    def named(self) -> Iterator[Wanted]:
        """The cycles that are named, each once for every strategy that trades it."""
        return chain.from_iterable(self._named.values())

    @property
    def count(self) -> int:
        """How many directed cycles are looked at."""
        sought = (sum(one.counts.values()) for one in self.sought.values())
        return len(self._named) + sum(sought)

    def who_wants(self, number: int) -> tuple[Wanted, ...]:
        """List the strategies that trade a cycle, and how."""
        known = self._wanted.get(number)
        if known is None:
            legs = self._cycles[number].legs
            found = (sought.wants(legs) for sought in self.sought.values())
            known = (*self._named.get(number, ()), *(one for one in found if one is not None))
            self._wanted[number] = known
        return known
