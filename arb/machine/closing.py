"""How a cycle ends: what goes back, what stays as dust or parked, and the P/L that accounts for it."""

from decimal import Decimal

from arb.errors import IllegalMove
from arb.events import facts as f
from arb.machine import commands as c
from arb.machine.net import owed_of
from arb.machine.state import Cycle
from arb.money import ZERO


def all_final(cycle: Cycle) -> None:
    """Refuse while an order may still fill."""
    pending = cycle.pending_orders()
    if pending:
        raise IllegalMove(f"{cycle.id}: order {pending[0].client_order_id} is {pending[0].state}")


def _parts(cycle: Cycle, targets: tuple[str, ...]) -> tuple[f.Amounts, f.Amounts]:
    """What goes back to the account, and the rest.

    The start currency goes back below zero too: then more was spent than was set aside. In others
    an overfill can have taken what the cycle never had, and that cannot go back.
    """
    back: f.Amounts = {}
    rest: f.Amounts = {}
    for asset, amount in cycle.holdings.items():
        returns = asset == cycle.start_asset or (asset in targets and amount > 0)
        (back if returns else rest)[asset] = amount
    return back, rest


def _pnl(cycle: Cycle, back: f.Amounts, value: Decimal = ZERO) -> Decimal:
    """What came back at this close and earlier ones, less the start amount, in the start asset."""
    returned = cycle.returned_start() + back.get(cycle.start_asset, ZERO)
    return returned + cycle.returned_value + value - cycle.start_amount


def complete(cycle: Cycle, command: c.CompleteCycle) -> list[f.CycleEvent]:
    """Close the loop: the start currency goes back, everything else is dust."""
    all_final(cycle)
    if not cycle.has_traded:
        raise IllegalMove(f"{cycle.id} has no fills: it was missed, not completed")
    back, dust = _parts(cycle, ())
    return [_completed(cycle, back, dust, command.fee_value)]


def _completed(
    cycle: Cycle, back: f.Amounts, dust: f.Amounts, fee_value: Decimal | None
) -> f.CycleCompleted:
    return f.CycleCompleted(
        returned=back.get(cycle.start_asset, ZERO),
        pnl=_pnl(cycle, back),
        dust=dust,
        fees=dict(cycle.fees),
        fee_value=fee_value,
    )


def _nothing_spent(cycle: Cycle) -> None:
    all_final(cycle)
    if cycle.has_traded:
        raise IllegalMove(f"{cycle.id} has fills: it was not missed")


def miss(cycle: Cycle, command: c.MissCycle) -> list[f.CycleEvent]:
    """Close a cycle that filled nothing."""
    _nothing_spent(cycle)
    return [f.CycleMissed(reason=command.reason)]


def refuse(cycle: Cycle, command: c.RefuseCycle) -> list[f.CycleEvent]:
    """Close a cycle that the venue refused."""
    _nothing_spent(cycle)
    return [f.CycleRefused(reason=command.reason)]


def liquidate(cycle: Cycle, command: c.LiquidateCycle) -> list[f.CycleEvent]:
    """Close after an unwind: at no loss, wholly in the start currency and owing nothing it is completed."""
    all_final(cycle)
    back, dust = _parts(cycle, command.targets)
    elsewhere = any(asset != cycle.start_asset for asset in (*back, *cycle.returned))
    if _pnl(cycle, back) >= 0 and not elsewhere and not owed_of(dust):
        return [_completed(cycle, back, dust, command.fee_value)]
    return [
        f.CycleLiquidated(
            returned=back,
            pnl=_pnl(cycle, back, command.value),
            value=command.value,
            dust=dust,
            fees=dict(cycle.fees),
            fee_value=command.fee_value,
        )
    ]


def park(cycle: Cycle, command: c.ParkCycle) -> list[f.CycleEvent]:
    """Close a cycle that keeps what cannot be sold now; earlier values of other targets stay counted."""
    all_final(cycle)
    back, rest = _parts(cycle, command.targets)
    dust = {asset: amount for asset, amount in rest.items() if amount < 0 or asset in command.dust}
    return [
        f.CycleParked(
            reason=command.reason,
            parked={asset: amount for asset, amount in rest.items() if asset not in dust},
            dust=dust,
            returned=back,
            pnl=_pnl(cycle, back, command.value),
            fees=dict(cycle.fees),
            fee_value=command.fee_value,
            value=command.value,
        )
    ]
