"""Losses are counted once more from the log: what limits they break, and who may open behind them."""

from decimal import Decimal
from typing import Any

import pytest

from arb.simulation.checker.cycles import Cycle
from arb.simulation.checker.limits import DAY_NS, Limits
from arb.simulation.checker.words import Event

TODAY = 20_000 * DAY_NS
LEGS = [{"spend_asset": asset} for asset in ("USDT", "BTC", "ETH")]


class Log:
    """Cycles of one strategy that open and close, as a checker is told of them."""

    def __init__(self, **controls: Any) -> None:
        self.found: list[str] = []
        self.limits = Limits(lambda _rule, what: self.found.append(what))
        self.number = 0
        self.load(**controls)

    def load(self, streak: int = 50, daily: Any = None, reference: str | None = None) -> None:
        """Begin a run with a configuration."""
        self.config = f"config-{streak}-{daily}-{reference}"
        breaker = {"cooldown_seconds": "5"}
        risk = {
            "max_open_cycles": 3,
            "stop_after_consecutive_losses": streak,
            "max_daily_loss": daily,
            "breaker": breaker,
        }
        text: dict[str, Any] = {"risk_controls": risk, "capital_allocation": {}}
        if reference is not None:
            text["reference_currency"] = reference
        self.limits.loads("demo", self.config, text)

    def loses(self, amount: str, at_ns: int = TODAY, asset: str = "USDT") -> None:
        """Open a cycle and close it with a loss."""
        cycle = self.opens(at_ns, asset)
        cycle.state, cycle.outcome, cycle.pnl = "completed", "completed", -Decimal(amount)
        self.limits.closed(cycle, at_ns)

    def opens(self, at_ns: int = TODAY, asset: str = "USDT") -> Cycle:
        self.number += 1
        name = f"demo-{self.number}"
        cycle = Cycle(name, "demo", self.config, LEGS, asset, Decimal(9), lambda _rule, _what: None)
        self.limits.opens(cycle, at_ns, ())
        return cycle

    def tells(self, kind: str, **data: Any) -> None:
        """Tell a fact about the account."""
        event = Event(**{**dict.fromkeys(Event.__dataclass_fields__), "type": kind, "data": data})
        self.limits.follow(event)


def test_nobody_opens_behind_a_limit_that_was_lowered() -> None:
    log = Log()
    for _ in range(3):
        log.loses("4")
    log.load(streak=3, daily="12")
    log.opens()
    assert log.found == [
        "demo-4 opens after 3 losses in a row, its limit is 3",
        "demo-4 opens after 12 lost in a day, its limit is 12",
    ]


@pytest.mark.parametrize("limit", ["consecutive_losses", "daily_loss"])
def test_what_an_operator_has_set_back_counts_no_more_on_any_clock(limit: str) -> None:
    log = Log()
    for _ in range(3):
        log.loses("4", TODAY + 9)
    log.load(streak=3) if limit == "consecutive_losses" else log.load(daily="12")
    log.tells("RiskReset", strategy="demo", limit=limit)
    log.opens(TODAY + 5)  # the clock was set back since
    assert log.found == []


def test_a_day_that_is_later_than_a_close_counts_no_more() -> None:
    log = Log(daily="10")
    log.loses("8", TODAY + DAY_NS)
    log.loses("1", TODAY)
    log.loses("8", TODAY + DAY_NS)
    log.limits.end()
    assert log.found == []
    log.loses("2", TODAY + DAY_NS)
    log.limits.end()
    assert log.found == [
        "limit daily_loss of demo is not tripped: 10 lost in a day, 10 are allowed"
    ]


def test_a_limit_in_a_reference_currency_is_judged_where_the_log_tells_all_values() -> None:
    log = Log(daily="10", reference="USDT")
    log.loses("10")
    log.limits.end()
    assert len(log.found) == 1
    other = Log(daily="10", reference="USDT")
    other.loses("0.1", asset="BTC")
    other.loses("10")
    other.limits.end()
    assert other.found == []


def test_a_breaker_rests_no_longer_than_its_cooldown() -> None:
    log = Log()
    second_ns = 10**9
    log.tells("BreakerTripped", until_ns=TODAY + 5 * second_ns)
    log.opens(TODAY - second_ns)  # written by a clock that was ahead
    assert log.found == []
    log.opens(TODAY)
    assert log.found == ["demo-2 opens while the breaker rests"]
