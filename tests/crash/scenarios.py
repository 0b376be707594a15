"""Each crash point, struck at each leg with each kind of fee, and what the restart makes of it."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from arb import crashpoints
from arb.execution.operating.acting import act
from tests.crash.kills import Audit, audit, recover, start, strategy_text

KILLED = -9
LEGS = (1, 2, 3)
FEES = ("received", "third")
# Where a first life has to end so that the second one meets the point with money in hand.
BEFORE_RECOVERING = crashpoints.EXECUTED_NOT_TOLD
BEFORE_UNWINDING = {
    1: crashpoints.EXECUTED_NOT_TOLD,
    2: crashpoints.EXECUTED_NOT_TOLD,
    3: crashpoints.INTENT_DURABLE,  # the last leg executed would leave nothing to unwind
}


class Scenario(NamedTuple):
    """One deterministic strike."""

    point: str
    leg: int
    fees: str

    @property
    def name(self) -> str:
        """A name for the test."""
        return f"{self.point}-leg{self.leg}-{self.fees}"


class Outcome(NamedTuple):
    """How a scenario went."""

    deaths: list[int]  # exit codes of the lives that were to be struck
    code: int  # of the last recovery
    audit: Audit


def scenarios() -> Iterator[Scenario]:
    """All of them: points x legs x kinds of fee."""
    for point in crashpoints.ALL:
        for leg in LEGS:
            for fees in FEES:
                yield Scenario(point, leg, fees)


def play(scenario: Scenario, folder: Path) -> Outcome:
    """Strike, restart (and strike again where the point is one of recovery), and audit."""
    folder.mkdir(parents=True, exist_ok=True)
    fee_currency = "BNB" if scenario.fees == "third" else None
    strategy = folder / "strategy.yaml"
    # A cycle begins with a step of the market and ends within it: what was planned happens.
    strategy.write_text(strategy_text(faults=None, fee_currency=fee_currency, step_ms=1_000))
    deaths = []
    point, leg = scenario.point, scenario.leg
    first = point
    if point == crashpoints.RECOVERING:
        first = BEFORE_RECOVERING
    elif point == crashpoints.UNWINDING:
        first = BEFORE_UNWINDING[leg]
    process = start(folder, strategy, "--cycles", "1", crash_at=f"{first}:{leg}")
    deaths.append(process.wait(timeout=60))
    if point == crashpoints.UNWINDING:
        act(folder / "log.db", "panic", None, "the test wants an unwind")
    if first != point:
        process = start(folder, strategy, "--cycles", "0", crash_at=f"{point}:1")
        deaths.append(process.wait(timeout=60))
    code = recover(folder, strategy)
    return Outcome(deaths, code, audit(folder / "log.db"))
