"""How much a new cycle may begin with, in its start currency."""

from decimal import Decimal
from typing import Final, Protocol

from arb.execution.risk.declined import Refusal
from arb.money import plain
from arb.strategy.schema import Money, Strategy

BALANCE: Final = "balance"
NO_VALUE: Final = "no_value"
NO_AMOUNT: Final = "no_amount"


class Valued(Protocol):
    """Who values an amount of one asset in another."""

    def value(self, asset: str, amount: Decimal, in_asset: str) -> Decimal | None:
        """Value an amount at the touch; None without a way."""
        ...


def money_in(desk: Valued, money: Money, start: str, strategy: Strategy) -> Decimal | None:
    """A limit of the strategy in a start currency; None where nothing values it, or it names others."""
    if isinstance(money, dict):
        return money.get(start)
    reference = strategy.reference_currency
    if reference is None:
        return money
    return desk.value(reference, money, start)


def offered(desk: Valued, available: Decimal, strategy: Strategy, start: str) -> Decimal | Refusal:
    """The most of what is available that a new cycle may reserve, after its allocation and limits."""
    capital = strategy.capital_allocation
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
