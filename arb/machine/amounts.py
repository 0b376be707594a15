"""Maps of amounts by asset, in which zeros are left out."""

from decimal import Decimal

from arb.events.facts import Amounts


def change(amounts: Amounts, asset: str, by: Decimal) -> None:
    """Add to an amount, in place."""
    if asset in amounts:
        by += amounts[asset]
    if by:
        amounts[asset] = by
    else:
        amounts.pop(asset, None)


def add(one: Amounts, other: Amounts) -> Amounts:
    """Sum two maps."""
    total = dict(one)
    for asset, amount in other.items():
        change(total, asset, amount)
    return total
