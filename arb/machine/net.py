"""What a cycle brought after every fee.

Fees that are taken from what is received are in its P/L. Those that the account paid, such as in BNB,
stand beside it, with what they were worth in the start currency when it ended. So does what a cycle
owes: an order that filled more than the venue had told sold what was not the cycle's, and its P/L has
only what that brought.
"""

from collections.abc import Collection
from decimal import Decimal

from msgspec import Struct

from arb.events.facts import Amounts
from arb.machine.amounts import add
from arb.machine.state import Cycle
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


def fees_beside(cycle: Cycle) -> Amounts:
    """The fees of a cycle that are not in its P/L: those that the account paid.

    What the cycle has and gave back is what its trades changed, but for these. One that is taken from
    what a trade received is in its P/L whatever its currency: an unwind goes through others than the
    path's too. In the start currency there are none.
    """
    paid: Amounts = {}
    for asset in cycle.fees:
        if asset != cycle.start_asset and _is_charged_apart(cycle, asset):
            parts = (cycle.holdings, cycle.dust, cycle.parked, cycle.returned)
            rest = sum((part.get(asset, ZERO) for part in parts), ZERO) - _changed(cycle, asset)
            if rest:
                paid[asset] = rest
    return paid


def _is_charged_apart(cycle: Cycle, asset: str) -> bool:
    """Whether any trade was paid for in this currency, and received another."""
    return any(
        trade.fee and trade.fee_asset == asset and order.receive_asset != asset
        for order in cycle.orders
        for trade in order.trades
    )


def _changed(cycle: Cycle, asset: str) -> Decimal:
    """What a cycle's trades changed of a currency, fees included."""
    total = ZERO
    for order in cycle.orders:
        sign = 1 if order.side == "buy" else -1
        for trade in order.trades:
            if order.base == asset:
                total += sign * trade.amount
            elif order.quote == asset:
                total -= sign * trade.cost
            if trade.fee_asset == asset:
                total -= trade.fee
    return total


def net_of(
    pnl: Decimal, worth: Decimal | None, fees: Amounts, path: Collection[str], dust: Amounts
) -> Net:
    """Put a cycle's result together from what its last close told, and its path."""
    payers = (asset for asset, amount in sorted(fees.items()) if amount and asset not in path)
    return Net(pnl, worth, tuple(payers), owed_of(dust))
