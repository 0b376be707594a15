"""Every rule of the checker fires on the damage it is named for."""

from collections.abc import Callable

import pytest

from arb.simulation.checker import RULES
from tests.simulation import spoilt_engine, spoilt_money
from tests.simulation.judged import Judged, more
from tests.simulation.spoiling import SPOILS, say

assert spoilt_engine
assert spoilt_money


@pytest.mark.parametrize("name", SPOILS)
def test_damage_is_found_by_the_rule_named_for_it(judged: Judged, name: str) -> None:
    rule, spoil = SPOILS[name]
    spoil(judged)
    found = judged.violations()
    rules = {one.rule for one in found}
    assert rule in rules, found
    assert rules <= set(RULES)


def test_every_rule_is_shown_to_fire() -> None:
    assert {rule for rule, _ in SPOILS.values()} == set(RULES)


NUMBERS = ("amount", "cost", "fee")


@pytest.mark.parametrize("name", NUMBERS)
def test_no_digit_of_a_trade_can_be_another_one(copies: Callable[[], Judged], name: str) -> None:
    for trade in copies().rows("OrderFilled"):
        judged = copies()
        say(judged, trade, **{name: more(trade["data"][name])})
        assert {"money_words", "conservation"} <= judged.rules(), trade


@pytest.mark.parametrize("name", ["trade_id", "exchange_order_id", "market", "side", "fee_asset"])
def test_no_word_of_a_trade_can_be_another_one(copies: Callable[[], Judged], name: str) -> None:
    other = {"side": {"buy": "sell", "sell": "buy"}, "fee_asset": {"BNB": "ETH"}}
    for trade in copies().rows("OrderFilled"):
        judged = copies()
        say(judged, trade, **{name: other.get(name, {}).get(trade["data"][name], "BNB/USDT")})
        assert "money_words" in judged.rules(), trade


# What says nothing about money, orders or states may be missing: the log is about what it says.
HARMLESS = {
    *("RunStarted", "RunEnded", "RecoveryStarted", "RecoveryWaiting", "OrderUnknown", "HopSettled"),
    *("RiskTripped", "LegPartlyFilled", "BalancesReconciled", "EngineHalted", "PanicRequested"),
}


LAST_LEG = 2  # the end of the cycle says that it is settled


@pytest.mark.long
def test_no_event_that_matters_can_be_missing(copies: Callable[[], Judged]) -> None:
    whole = copies()
    for row in whole.rows():
        judged = copies()
        judged.without(row["position"])
        judged.really(lambda told: told.update(acknowledged=[], must_trade=False))
        # Every later position moves: that the tables fit no more says nothing here.
        found = judged.rules() - {"projections"}
        assert found or row["type"] in HARMLESS or row["data"].get("leg") == LAST_LEG, row
