"""What a run had in it, so that nobody takes empty runs for a proof."""

from collections.abc import Sequence
from typing import Final

from arb.events import facts as f
from arb.events.log import StreamAppend
from arb.execution.risk.guards import ORDER_RATE

OUTCOMES: Final = {
    "completed": "a cycle was completed",
    "liquidated": "a cycle was sold off",
    "parked": "a cycle ended with something that could not be sold",
    "found": "an order of unknown fate was found at the venue",
    "absent": "an order of unknown fate was proven absent",
    "late fill": "a trade came after its order had ended",
    "reopened": "a closed cycle was opened again",
    "together": "several cycles were open at once",
    "outside": "somebody else moved money or traded",
    "halted": "the engine halted, or a limit tripped",
    "rationed": "a cycle was not begun because the venue's ration of orders was short",
}
_CLOSING: Final = (
    f.CycleCompleted,
    f.CycleLiquidated,
    f.CycleParked,
    f.CycleMissed,
    f.CycleRefused,
    f.CycleAbandoned,
    f.CycleDeclined,
)
_REOPENING: Final = (f.LateFillFound, f.OrderReappeared, f.UnwindRequested)
_BY_FACT: Final[dict[type, str]] = {
    f.CycleCompleted: "completed",
    f.CycleLiquidated: "liquidated",
    f.CycleParked: "parked",
    f.OrderAbsent: "absent",
    f.LateFillFound: "late fill",
    f.ExternalChangeFound: "outside",
    f.ForeignTradeSeen: "outside",
    f.EngineHalted: "halted",
    f.RiskTripped: "halted",
}


class Seen:
    """Looks at what was acknowledged, as it comes."""

    def __init__(self) -> None:
        self._found: set[str] = set()
        self._unknown: set[str] = set()
        self._open: set[str] = set()
        self._closed: set[str] = set()

    def outcomes(self) -> frozenset[str]:
        """Which of `OUTCOMES` a run had."""
        return frozenset(self._found)

    def note(self, batch: Sequence[StreamAppend]) -> None:
        """Look at a batch."""
        for one in batch:
            for fact in one.facts:
                self._note(one.stream, fact)

    def _note(self, stream: str, fact: f.Fact) -> None:
        name = _BY_FACT.get(type(fact))
        if name is not None:
            self._found.add(name)
        match fact:
            case f.OpportunitiesDeclined() if ORDER_RATE in fact.reasons:
                self._found.add("rationed")
            case f.OrderUnknown():
                self._unknown.add(fact.client_order_id)
            case f.OrderAccepted() if fact.client_order_id in self._unknown:
                self._found.add("found")
            case f.CycleOpened():
                self._open.add(stream)
            case _ if isinstance(fact, _CLOSING):
                self._open.discard(stream)
                self._closed.add(stream)
            case _ if isinstance(fact, _REOPENING) and stream in self._closed:
                self._closed.discard(stream)
                self._open.add(stream)
                self._found.add("reopened")
        if len(self._open) > 1:
            self._found.add("together")
