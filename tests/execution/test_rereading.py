"""Markets and fees are read again between two cycles, not in the middle of one, and not never."""

import asyncio
from types import SimpleNamespace

import pytest

from arb.clock import VirtualClock
from arb.exchange.port import Unreachable
from arb.execution.account.rereading import Rereading
from arb.limits import REREAD_PATIENCE_S, SWEEPS_PER_MARKETS_READ
from arb.machine import table as t


class Busy:
    """A desk whose one cycle leaves its state after a while."""

    def __init__(self, state: str, for_s: float, *, deaf: bool = False) -> None:
        self.clock = VirtualClock(0)
        self.read: list[tuple[str, float]] = []
        self._state, self._for_s, self._deaf = state, for_s, deaf

    @property
    def journal(self) -> SimpleNamespace:
        over = self.clock.now_ns() >= self._for_s * 10**9
        return SimpleNamespace(
            cycles={} if over else {"cycle-1": SimpleNamespace(state=self._state)}
        )

    async def reload_markets(self) -> None:
        self._note("markets")
        if self._deaf:
            raise Unreachable("nobody answers")

    async def reload_fees(self) -> None:
        self._note("fees")

    def _note(self, what: str) -> None:
        self.read.append((what, self.clock.now_ns() / 10**9))


def swept(desk: Busy, sweeps: int) -> list[tuple[str, float]]:
    async def story() -> None:
        rereading = Rereading(desk)  # type: ignore[arg-type]
        for _ in range(sweeps):
            await rereading.after_sweep()

    asyncio.run(story())
    return desk.read


@pytest.mark.parametrize("state", [t.ACTIVE, t.PARTIALLY_FILLED])
def test_a_cycle_that_runs_is_let_end_first(state: str) -> None:
    read = swept(Busy(state, 0.6), SWEEPS_PER_MARKETS_READ)
    assert [what for what, _ in read] == ["markets", "fees"]
    assert all(0.6 <= at_s < 0.7 for _, at_s in read)


@pytest.mark.parametrize("state", [t.RECOVERING, t.PANIC_SELLING])
def test_a_cycle_that_waits_for_its_market_is_not_waited_for(state: str) -> None:
    assert swept(Busy(state, 60.0), SWEEPS_PER_MARKETS_READ) == [("markets", 0), ("fees", 0)]


def test_where_cycles_never_end_it_is_read_all_the_same() -> None:
    ((_, at_s), _) = swept(Busy(t.ACTIVE, 1e9), SWEEPS_PER_MARKETS_READ)
    assert at_s == pytest.approx(REREAD_PATIENCE_S)


def test_it_is_read_once_in_so_many_sweeps_also_where_nobody_answers() -> None:
    assert swept(Busy(t.ACTIVE, 0), SWEEPS_PER_MARKETS_READ - 1) == []
    read = swept(Busy(t.ACTIVE, 0, deaf=True), 2 * SWEEPS_PER_MARKETS_READ)
    assert [what for what, _ in read] == ["markets", "markets"]
