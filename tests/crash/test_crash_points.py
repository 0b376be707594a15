"""Every crash point x every leg x both kinds of fee, each by a real SIGKILL of a real process."""

from pathlib import Path

import pytest

from tests.crash.scenarios import KILLED, Scenario, play, scenarios

SCENARIOS = list(scenarios())
# Each point at each leg, with one kind of fee; the other kind is struck by the long proofs.
QUICK = [one for number, one in enumerate(SCENARIOS) if number % 4 in {0, 3}]


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


def test_each_point_is_struck_at_each_leg_and_with_each_kind_of_fee() -> None:
    assert {(one.point, one.leg) for one in QUICK} == {(one.point, one.leg) for one in SCENARIOS}
    assert len(set(SCENARIOS)) == 5 * 3 * 2
