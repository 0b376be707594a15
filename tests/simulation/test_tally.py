"""What seeds add up to: a share that is too small is told, one that so few may show by chance is not."""

import pytest

from arb.simulation.sights import OUTCOMES
from arb.simulation.tally import FLOORS, Tally


def tally(seeds: int, percent: float, outcome: str = "together") -> Tally:
    told = Tally()
    told.seeds = seeds
    told.outcomes.update(dict.fromkeys(FLOORS, seeds))
    told.outcomes[outcome] = round(seeds * percent / 100)
    return told


def missing(told: Tally) -> list[str]:
    return [one for one in told.missing() if not one.startswith("never seen")]


@pytest.mark.parametrize(
    ("seeds", "percent", "is_told"),
    [
        (499, 10, False),
        (500, 50.2, False),
        (500, 44, False),
        (500, 43, True),
        (1_999, 47, False),
        (2_000, 49.9, True),
        (2_000, 50, False),
    ],
)
def test_a_floor_is_judged_as_surely_as_so_many_seeds_tell(
    seeds: int,
    percent: float,
    is_told: bool,  # noqa: FBT001 -- a parameter of the test
) -> None:
    found = missing(tally(seeds, percent))
    assert len(found) == is_told
    assert all(one.startswith(OUTCOMES["together"]) for one in found)
