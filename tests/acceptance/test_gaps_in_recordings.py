"""A time in which a recording says nothing costs a backtest next to nothing, and changes nothing."""

from pathlib import Path

import pytest

from arb.projections.audit import verify
from tests.spec.command_line import Said
from tests.spec.scripted_feed import BTC, SIZE, Moment, backtest, chance, end, of, quiet

DAY_S = 86_400


def played(folder: Path, gap_s: float) -> Said:
    again: list[Moment] = [*chance(gap_s + 120), (gap_s + 200, BTC, SIZE)]
    return backtest(folder, [*quiet(), *chance(10), *end(), *again], cycles=9)


@pytest.mark.parametrize("days", [1, 3])
def test_nothing_is_said_of_an_account_that_nobody_moved(folder: Path, days: int) -> None:
    said = played(folder, days * DAY_S)
    assert said.code == 0, said.err
    assert len(of(said, "CycleCompleted")) == 2
    assert said.summary["opportunities"]["declined"] == {}
    assert len(of(said, "BalancesReconciled")) < 5
    assert verify(folder / "log.db") == []
