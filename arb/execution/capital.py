"""How much a new cycle may begin with, in its start currency."""

from decimal import Decimal
from typing import Final

from arb.execution.declined import Refusal
from arb.execution.desk import Desk
from arb.money import plain
from arb.strategy.schema import Money, Strategy

BALANCE: Final = "balance"
NO_VALUE: Final = "no_value"
NO_AMOUNT: Final = "no_amount"


def money_in(desk: Desk, money: Money, start: str, strategy: Strategy) -> Decimal | None:
    """A limit of the strategy in a start currency; None where nothing values it, or it names others."""
    if isinstance(money, dict):
        return money.get(start)
    reference = strategy.reference_currency
    if reference is None:
        return money
    return desk.value(reference, money, start)


def offered(desk: Desk, strategy: Strategy, start: str) -> Decimal | Refusal:
    """The most that a new cycle may reserve, after the allocation, the balance and the position limit."""
    capital = strategy.capital_allocation
    available = desk.arbiter.available(start)
    if available <= 0:
        return Refusal(BALANCE, f"no {start} is available")
    most = available
    if capital.fraction is not None:
        most = available * capital.fraction
    for money in (capital.amount, strategy.risk_controls.max_position_size):
        if money is None:
            continue
        amount = money_in(desk, money, start, strategy)
        if amount is None:
            return _unvalued(money, start, strategy)
        most = min(most, amount)
    return most


def _unvalued(money: Money, start: str, strategy: Strategy) -> Refusal:
    if isinstance(money, dict):
        return Refusal(NO_AMOUNT, f"the strategy names no amount of {start}")
    reference = strategy.reference_currency
    return Refusal(NO_VALUE, f"no book values {plain(money)} {reference} in {start}")
