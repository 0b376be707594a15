"""One limit for a day's losses in several currencies, valued in one of them."""

from __future__ import annotations

import pytest

from arb.machine.risk import DAILY_LOSS, DayTotal, Limits, Risk, broken
from tests.machine.risk_book import DAY
from tests.spec.given import D


def days(*totals: tuple[int, str, str, str]) -> Risk:
    return Risk(
        days=tuple(DayTotal(day, asset, D(won), D(lost)) for day, asset, won, lost in totals)
    )


LOST = days((DAY, "BTC", "0.0001", "0.0003"), (DAY, "USDT", "1", "4"), (DAY - 1, "BTC", "0", "9"))


@pytest.mark.parametrize(
    ("limit", "reason"),
    [
        ("13.1", None),
        ("13", "13 USDT lost in this UTC day (losses 19, profits 6), the limit is 13"),
    ],
)
def test_every_currency_counts_at_what_it_is_worth(limit: str, reason: str | None) -> None:
    limits = Limits(consecutive_losses=5, daily_loss=D(limit), rates={"BTC": D(50_000)})
    assert broken(LOST, DAY, "USDT", limits).get(DAILY_LOSS) == reason


def test_without_rates_a_currency_counts_alone() -> None:
    limits = Limits(consecutive_losses=5, daily_loss=D("3.1"))
    assert broken(LOST, DAY, "USDT", limits) == {}


def test_a_loss_that_nothing_values_may_be_any_and_a_profit_only_helps() -> None:
    limits = Limits(consecutive_losses=5, daily_loss=D("3.1"), rates={})
    reason = "0.0002 BTC lost in this UTC day has no value in USDT"
    assert broken(LOST, DAY, "USDT", limits) == {DAILY_LOSS: reason}
    won = days((DAY, "BTC", "0.0003", "0.0001"), (DAY, "USDT", "1", "4"))
    assert broken(won, DAY, "USDT", limits) == {}
