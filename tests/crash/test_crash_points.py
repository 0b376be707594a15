"""Every crash point x every leg x both kinds of fee, each by a real SIGKILL of a real process."""

from pathlib import Path

import pytest

from tests.crash.scenarios import KILLED, Scenario, play, scenarios

SCENARIOS = list(scenarios())
# Each point, each leg and each kind of fee; every combination of them is struck by the long proofs.
QUICK = SCENARIOS[::5]


def check(scenario: Scenario, folder: Path) -> None:
    outcome = play(scenario, folder)
    assert outcome.deaths == [KILLED] * len(outcome.deaths), "the point was not reached"
    assert outcome.code == 0
    assert outcome.audit.clean, outcome.audit
    assert sum(outcome.audit.outcomes.values()) == 1


@pytest.mark.parametrize("scenario", QUICK, ids=lambda scenario: scenario.name)
def test_a_kill_here_loses_and_doubles_nothing(scenario: Scenario, tmp_path: Path) -> None:
    check(scenario, tmp_path)


@pytest.mark.long
@pytest.mark.parametrize(
    "scenario",
    [one for one in SCENARIOS if one not in QUICK],
    ids=lambda scenario: scenario.name,
)
def test_nor_does_a_kill_there(scenario: Scenario, tmp_path: Path) -> None:
    check(scenario, tmp_path)


def test_each_point_each_leg_and_each_kind_of_fee_is_struck_without_the_long_proofs() -> None:
    assert len(set(SCENARIOS)) == 5 * 3 * 2
    for what in ("point", "leg", "fees"):
        assert {getattr(one, what) for one in QUICK} == {getattr(one, what) for one in SCENARIOS}
