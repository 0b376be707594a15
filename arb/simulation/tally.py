"""Many seeds added up: what held, what did not, and whether the seeds had anything in them."""

from collections import Counter
from collections.abc import Iterator
from math import sqrt
from typing import Final

from arb.simulation import fate
from arb.simulation.seeds import SeedResult
from arb.simulation.sights import OUTCOMES
from arb.simulation.weather import RATES_MAX

# In how many of a hundred runs each of these has to be seen.
FLOORS: Final = {
    "completed": 50,
    "liquidated": 25,
    "parked": 10,
    "found": 55,
    "absent": 40,
    "late fill": 6,
    "reopened": 7,
    "together": 50,
    "outside": 50,
    "halted": 18,
    "rationed": 3,
}
FLOORS_FROM: Final = 500  # seeds; fewer say too little
SURE_FROM: Final = 2_000  # seeds; of fewer a share may be lower by chance: by three standard errors
PAIRS_FROM: Final = 2_000  # seeds, after which every fault has to have met every death


class Tally:
    """The sum of seeds."""

    def __init__(self) -> None:
        self.seeds = 0
        self.lives = 0
        self.crashes = 0
        self.virtual_s = 0.0
        self.outcomes: Counter[str] = Counter()
        self.counts: Counter[str] = Counter()
        self.failed: list[SeedResult] = []

    def add(self, result: SeedResult) -> None:
        """Count a seed."""
        self.seeds += 1
        self.lives += result.lives
        self.crashes += result.crashes
        self.virtual_s += result.virtual_s
        self.outcomes.update(result.outcomes)
        self.counts.update(result.counts)
        if result.violations:
            self.failed.append(result)

    def share(self, outcome: str) -> float:
        """In how many of a hundred runs something was seen."""
        return 100 * self.outcomes[outcome] / max(self.seeds, 1)

    def missing(self) -> Iterator[str]:
        """Say which floors are not reached; few seeds have none."""
        if self.seeds >= FLOORS_FROM:
            for outcome, floor in FLOORS.items():
                if self.share(outcome) < floor - self._by_chance(floor):
                    yield f"{OUTCOMES[outcome]}: in {self.share(outcome):.1f} % of runs, not {floor} %"
        if self.seeds >= PAIRS_FROM:
            for pair in pairs():
                if not self.counts[pair]:
                    yield f"never seen: {pair}"

    def _by_chance(self, percent: float) -> float:
        """How much less than a share, in percent, so few seeds may show by chance."""
        if self.seeds >= SURE_FROM:
            return 0.0
        return 3 * sqrt(percent * (100 - percent) / self.seeds)


def pairs() -> list[str]:
    """Every fault with every death, as they are counted."""
    deaths = [fate.Fate(point, side, 1).kind for point, side, _ in fate.KINDS]
    return [f"{fault} x {death}" for fault in RATES_MAX for death in deaths]
