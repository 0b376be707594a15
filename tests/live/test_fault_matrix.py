"""Everything that can happen to a create, at each order of a cycle: none is sent twice, none is forgotten."""

from pathlib import Path

import pytest

from arb.events import facts as f
from arb.exchange.practice.fault_table import AFTER, BEFORE, CREATE, FAULTS
from tests.live.trading import accounted_for, traded

FAULTS_OF_A_CREATE = sorted(name for name in BEFORE | AFTER if CREATE in FAULTS[name].calls)
# What proves that nothing was executed, and what proves nothing at all.
PROVEN = {"http_429", "http_418", "clock_skew"}
QUICK = ["reply_dropped", "reply_truncated", "reply_200_object", "reply_500_unknown", "http_418"]


def test_the_matrix_is_not_empty() -> None:
    assert len(FAULTS_OF_A_CREATE) >= 20
    assert set(FAULTS_OF_A_CREATE) > PROVEN | set(QUICK)


def lived_through(folder: Path, fault: str, nth: int) -> None:
    strikes = [{"fault": fault, "on": CREATE, "nth": nth}]
    ended = traded(folder, cycles=2, strikes=strikes)
    assert ended.code == 0, ended.fatal
    accounted_for(ended)
    unknown, refused = ended.of(f.OrderUnknown), ended.of(f.OrderRefused)
    if fault in PROVEN:
        assert unknown == []
        assert refused != []
    elif fault != "reply_late":  # which may come within our patience
        assert unknown != []


@pytest.mark.parametrize("fault", QUICK)
def test_a_fault_of_the_second_order_is_lived_through(folder: Path, fault: str) -> None:
    lived_through(folder, fault, 2)


@pytest.mark.long
@pytest.mark.parametrize("nth", [1, 2, 3])
@pytest.mark.parametrize("fault", FAULTS_OF_A_CREATE)
def test_every_fault_of_every_order_is_lived_through(folder: Path, fault: str, nth: int) -> None:
    lived_through(folder, fault, nth)
