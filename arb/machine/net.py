"""What a cycle brought after every fee.

Fees in a currency of its path are in its P/L; those in others stand beside it, with what they were
worth in the start currency when it ended.
"""

from collections.abc import Collection
from decimal import Decimal

from msgspec import Struct

from arb.events.facts import Amounts
from arb.money import ZERO


class Net(Struct, frozen=True):
    """A result in one currency, and the fees that are not in it."""

    pnl: Decimal
    worth: Decimal | None = ZERO  # of those fees; None: nothing tells it
    payers: tuple[str, ...] = ()  # the currencies that they were paid in

    @property
    def after(self) -> Decimal | None:
        """What is left after every fee; None where nothing tells what a fee was worth."""
        return None if self.worth is None else self.pnl - self.worth

    def __add__(self, other: "Net") -> "Net":
        known = self.worth is not None and other.worth is not None
        return Net(
            self.pnl + other.pnl,
            (self.worth or ZERO) + (other.worth or ZERO) if known else None,
            tuple(sorted({*self.payers, *other.payers})),
        )


def net_of(pnl: Decimal, worth: Decimal | None, fees: Amounts, path: Collection[str]) -> Net:
    """Put a cycle's result together from what its last close told, and its path."""
    payers = (asset for asset, amount in sorted(fees.items()) if amount and asset not in path)
    return Net(pnl, worth, tuple(payers))
