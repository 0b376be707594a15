"""What a venue hid when the account was opened excuses exactly that, and no other difference."""

from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from arb.simulation.checker.money import HIDDEN_NS_MAX, _hidden_at_opening
from arb.simulation.checker.truth import VenueFill

OPENED = 100 * 10**9
SOLD = {"ETH": Decimal(-1), "BTC": Decimal("0.04")}


def found(
    opening: dict[str, str], *, at_ns: int = OPENED - 1, parts: int = 1
) -> dict[str, Decimal]:
    fills = [
        VenueFill(f"t{at}", "o1", None, "ETH/BTC", "sell", "1", "0.04", "0", "BTC", at_ns)
        for at in range(parts)
    ]
    really: Any = SimpleNamespace(
        opening={"ETH": Decimal(10), "BTC": Decimal(1)}, fills=fills, changes=[]
    )
    story: Any = SimpleNamespace(
        opened_venue_ns=OPENED, opening={name: Decimal(text) for name, text in opening.items()}
    )
    return {asset: amount for asset, amount in _hidden_at_opening(story, really).items() if amount}


def test_a_hidden_trade_is_what_it_moved() -> None:
    assert found({"ETH": "10", "BTC": "1"}) == SOLD


def test_an_order_may_be_shown_in_part() -> None:
    assert found({"ETH": "8", "BTC": "1.08"}, parts=3) == SOLD
    assert found({"ETH": "8.5", "BTC": "1.08"}, parts=3) == {}


@pytest.mark.parametrize(
    "opening",
    [
        {"ETH": "9", "BTC": "1.04"},  # it was shown
        {"ETH": "9.5", "BTC": "1"},  # the opening is misread
        {"ETH": "10", "BTC": "1.04"},
        {"ETH": "10"},
    ],
)
def test_any_other_opening_is_no_excuse(opening: dict[str, str]) -> None:
    assert found(opening) == {}


def test_what_was_long_before_or_came_after_was_not_hidden() -> None:
    assert found({"ETH": "10", "BTC": "1"}, at_ns=OPENED - HIDDEN_NS_MAX - 1) == {}
    assert found({"ETH": "10", "BTC": "1"}, at_ns=OPENED) == {}
