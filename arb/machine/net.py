"""What a cycle brought after every fee.

Fees in a currency of its path are in its P/L; those in others stand beside it, with what they were
worth in the start currency when it ended. So does what a cycle owes: an order that filled more than
the venue had told sold what was not the cycle's, and its P/L has only what that brought.
"""

from collections.abc import Collection
from decimal import Decimal

from msgspec import Struct

from arb.events.facts import Amounts
from arb.machine.amounts import add
from arb.money import ZERO


class Net(Struct, frozen=True):
    """A result in one currency, and the fees that are not in it."""

    pnl: Decimal
    worth: Decimal | None = ZERO  # of those fees; None: nothing tells it
    payers: tuple[str, ...] = ()  # the currencies that they were paid in
    owed: Amounts = {}  # above zero

    @property
    def after(self) -> Decimal | None:
        """What is left after every fee; None where nothing tells what a fee was worth, or something is owed."""
        return None if self.worth is None or self.owed else self.pnl - self.worth

    def __add__(self, other: "Net") -> "Net":
        known = self.worth is not None and other.worth is not None
        return Net(
            self.pnl + other.pnl,
            (self.worth or ZERO) + (other.worth or ZERO) if known else None,
            tuple(sorted({*self.payers, *other.payers})),
            add(self.owed, other.owed),
        )


def owed_of(dust: Amounts) -> Amounts:
    """What was sold and was never there, of what a close left."""
    return {asset: -amount for asset, amount in sorted(dust.items()) if amount < 0}


def net_of(
    pnl: Decimal, worth: Decimal | None, fees: Amounts, path: Collection[str], dust: Amounts
) -> Net:
    """Put a cycle's result together from what its last close told, and its path."""
    payers = (asset for asset, amount in sorted(fees.items()) if amount and asset not in path)
    return Net(pnl, worth, tuple(payers), owed_of(dust))
