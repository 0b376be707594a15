"""The checker is silent about a run that is as it should be, and names the rule for one that is not."""

from collections import Counter

from tests.simulation.judged import Judged


def test_a_run_as_it_should_be_has_no_violation(judged: Judged) -> None:
    assert judged.violations() == []


def test_the_run_that_is_spoilt_has_everything_in_it(judged: Judged) -> None:
    kinds = Counter(row["type"] for row in judged.rows())
    wanted = {
        *("OrderUnknown", "OrderAbsent", "RecoveryStarted", "CycleResumed", "UnwindStarted"),
        *("HopSettled", "CycleMissed", "CycleLiquidated", "CycleCompleted", "LateFillFound"),
        *("ForeignTradeSeen", "ExternalChangeFound", "EngineHalted", "EngineUnpaused"),
    }
    assert wanted - set(kinds) == set(), kinds
