"""What must hold of every cycle after every fact. Checked in tests, in replay and by `--verify`."""

from collections.abc import Iterable
from decimal import Decimal

from arb.events import facts as f
from arb.machine import table as t
from arb.machine.amounts import add, change
from arb.machine.state import Cycle
from arb.money import ZERO


def postings(fill: f.Posted) -> list[tuple[str, str, Decimal]]:
    """What one trade changed: (kind, asset, signed amount), the fee in its own asset."""
    if isinstance(fill, f.AttestedFillReversed):
        sign = -1 if fill.side == "buy" else 1
        return [
            ("base reversed", fill.base, sign * fill.amount),
            ("quote reversed", fill.quote, -sign * fill.cost),
        ]
    sign = 1 if fill.side == "buy" else -1
    rows = [("base", fill.base, sign * fill.amount), ("quote", fill.quote, -sign * fill.cost)]
    if fill.fee:
        rows.append(("fee", fill.fee_asset, -fill.fee))
    return rows


def total(fills: Iterable[f.Posted]) -> f.Amounts:
    """Everything that trades changed, by asset; zeros are left out."""
    changed: f.Amounts = {}
    for fill in fills:
        for _kind, asset, amount in postings(fill):
            change(changed, asset, amount)
    return changed


def held(cycle: Cycle) -> f.Amounts:
    """What the cycle has or gave back, by asset, beside the start amount it was lent."""
    everything = add(add(cycle.holdings, cycle.dust), add(cycle.parked, cycle.returned))
    if cycle.reserved:
        everything = add(everything, {cycle.start_asset: -cycle.reserved})
    return everything


def broken(cycle: Cycle, fills: Iterable[f.Posted]) -> list[str]:
    """Name every invariant that does not hold; an empty list is a healthy cycle.

    Conservation: what a cycle holds and gave back, less what it was lent, is what its fills
    changed; fees that the account paid for it (a third currency) are the only other difference.
    """
    wrong: list[str] = []
    if cycle.is_closed and cycle.pending_orders():
        wrong.append(f"{cycle.id} is {cycle.state} while an order is not final")
    if cycle.state == t.PANIC_SELLING and any(
        order.state in {t.INTENDED, t.UNKNOWN} and order.purpose == "leg" for order in cycle.orders
    ):
        wrong.append(f"{cycle.id} unwinds while a leg's order is unknown")
    if len(cycle.pending_orders()) > 1 and cycle.state != t.RECOVERING:
        wrong.append(f"{cycle.id} has two orders in flight")
    expected = {t.COMPLETED: {t.LOOP_COMPLETED}, t.FAILED: set(t.OUTCOMES) - {t.LOOP_COMPLETED}}
    if cycle.outcome not in expected.get(cycle.state, {None}):
        wrong.append(f"{cycle.id} is {cycle.state} with outcome {cycle.outcome}")
    back = cycle.returned_start() + cycle.returned_value - cycle.start_amount
    if cycle.is_closed and cycle.reserved and cycle.pnl != back:
        wrong.append(f"{cycle.id}: P/L {cycle.pnl} is not what came back less the start, {back}")
    fills = list(fills)
    paid: f.Amounts = {}
    charged: f.Amounts = {}  # without rebates
    for fill in fills:
        if isinstance(fill, f.AttestedFillReversed):
            continue  # nobody states a fee
        change(paid, fill.fee_asset, fill.fee)
        change(charged, fill.fee_asset, max(fill.fee, ZERO))
    if paid != cycle.fees:
        wrong.append(f"{cycle.id}: fees {cycle.fees} are not those of its fills {paid}")
    # The account never pays in the start currency: P/L tells of every fee there.
    charged.pop(cycle.start_asset, None)
    rest = add(held(cycle), {asset: -amount for asset, amount in total(fills).items()})
    for asset, amount in rest.items():
        if not 0 < amount <= charged.get(asset, ZERO):
            wrong.append(f"{cycle.id}: {amount} {asset} more than its fills account for")
    return wrong
