"""An account and its cycles, followed fact by fact as journal, tables and replay do."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from arb.clock import NS_PER_DAY
from arb.events import facts as f
from arb.machine.account import Account, closed_part, follow, shift_closed
from arb.machine.evolve import evolve
from arb.machine.risk import Limits, Risk, result_of, tripped_by
from arb.machine.state import Cycle
from tests.spec.given import D, opened, started, validated

NOON = 20_000 * NS_PER_DAY + NS_PER_DAY // 2
DAY = 20_000
FIVE = Limits(consecutive_losses=5, daily_loss=None)


class Book:
    """An account and its cycles, followed fact by fact as journal and tables do."""

    def __init__(self) -> None:
        self.account = Account()
        self.cycles: dict[int, Cycle] = {}
        self.now = NOON

    @property
    def risk(self) -> Risk:
        return self.account.risk["demo"]

    def tell(self, number: int, *facts: Any) -> None:
        """Append facts about a cycle in one batch."""
        cycle = self.cycles.get(number)
        before = closed_part(cycle)
        for fact in facts:
            cycle = evolve(cycle, fact, self.now)
            follow(self.account, fact, self.now)
        assert cycle is not None
        self.cycles[number] = cycle
        shift_closed(self.account, before, closed_part(cycle))

    def note(self, *facts: f.Fact) -> None:
        for fact in facts:
            follow(self.account, fact, self.now)

    def open(self, number: int) -> None:
        one = replace(opened(), cycle_id=f"demo-{number}", number=number)
        self.tell(number, one, started(), validated())

    def close(self, number: int, pnl: str, fee_value: str | None = "0") -> None:
        """Complete a cycle, opened where it is not yet."""
        if number not in self.cycles:
            self.open(number)
        self.tell(number, completed(pnl, fee_value))

    def reopen(self, number: int) -> None:
        self.tell(number, f.LateFillFound(client_order_id="x", trade_id="t9"))

    def trips(self, number: int, limits: Limits = FIVE, before: Any = None) -> dict[str, str]:
        """What the last close of a cycle would have tripped, had it not been folded yet."""
        result = result_of(self.cycles[number])
        assert result is not None
        return tripped_by(self.account.risk, before, result, limits)


def completed(pnl: str, fee_value: str | None = "0") -> f.CycleCompleted:
    value = None if fee_value is None else D(fee_value)
    return f.CycleCompleted(returned=D(1000) + D(pnl), pnl=D(pnl), dust={}, fees={}, fee_value=value)  # fmt: skip


def parked(pnl: str) -> f.CycleParked:
    return f.CycleParked(reason="no route", parked={"BTC": D("0.02")}, dust={}, returned={}, value=D(0),
                         pnl=D(pnl), fees={}, fee_value=D(0))  # fmt: skip


def liquidated(pnl: str) -> f.CycleLiquidated:
    return f.CycleLiquidated(returned={"USDT": D(1000) + D(pnl)}, pnl=D(pnl), value=D(0), dust={},
                             fees={}, fee_value=D(0))  # fmt: skip
