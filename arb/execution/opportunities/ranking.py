"""Which of several opportunities is taken first: the one that brings most, in one currency."""

from collections.abc import Container, Iterator, Mapping
from decimal import Decimal
from heapq import heappop, heappush
from typing import Generic, TypeVar

from arb.execution.account.desk import Desk
from arb.execution.opportunities.sizing import Plan
from arb.money import ZERO
from arb.strategy.schema import Strategy

Opportunity = TypeVar("Opportunity")


class Ranking(Generic[Opportunity]):
    """Gives plans one by one, the best first; more may be added on the way.

    A plan is valued when there is another one to compare it with: mostly there is none.
    """

    def __init__(self, desk: Desk, strategies: Mapping[str, Strategy]) -> None:
        self._desk = desk
        self._reference = reference_of(strategies, desk.exits)
        self._new: list[tuple[int, Opportunity, Plan, int]] = []  # not valued yet
        # By whether it has a value, then the value, then the order they came in.
        self._heap: list[tuple[bool, Decimal, int, Opportunity, Plan, int]] = []
        self._added = 0

    def add(self, opportunity: Opportunity, plan: Plan, *, after: int = 0) -> None:
        """Add a plan that was made after so many others were taken."""
        self._added += 1
        self._new.append((self._added, opportunity, plan, after))

    def __iter__(self) -> Iterator[tuple[Opportunity, Plan, int]]:
        while self._new or self._heap:
            if not self._heap and len(self._new) == 1:
                _, opportunity, plan, after = self._new.pop()
                yield opportunity, plan, after
                continue
            for number, opportunity, plan, after in self._new:
                worth = self._worth(plan)
                entry = (worth is None, -(worth or ZERO), number, opportunity, plan, after)
                heappush(self._heap, entry)
            self._new.clear()
            _, _, _, opportunity, plan, after = heappop(self._heap)
            yield opportunity, plan, after

    def _worth(self, plan: Plan) -> Decimal | None:
        """Value what a plan brings at the touch; a loss too. None: no book values it, it comes last."""
        start, gain = plan.legs[0].spend_asset, plan.gain
        worth = self._desk.value(start, abs(gain), self._reference)
        if worth is None:
            return None
        return worth if gain >= 0 else -worth


def reference_of(strategies: Mapping[str, Strategy], traded: Container[str]) -> str:
    """The currency that opportunities are compared in: the one a strategy names, else its first base.

    Of the bases one that is traded here: in another one nothing could be valued.
    """
    named = [one.reference_currency for one in strategies.values() if one.reference_currency]
    bases = [code for one in strategies.values() for code in one.panic_sell.base_currencies]
    here = [code for code in bases if code in traded]
    return (named or here or bases)[0]
