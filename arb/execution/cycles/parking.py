"""How a cycle is left with what cannot be sold now: an operator unwinds or releases it later."""

from arb.execution.account.desk import Desk
from arb.execution.account.journal import Draft
from arb.execution.cycles import planning
from arb.machine import commands as c
from arb.machine import table as t
from arb.money import ZERO


def park(desk: Desk, draft: Draft, reason: str, targets: tuple[str, ...]) -> None:
    """Close a cycle as parked; what is below every minimum is dust."""
    cycle = draft.cycle
    if cycle.state in t.RUNNING:
        draft.do(c.StartRecovery(reason=reason))
    dust = tuple(
        asset
        for asset, amount in cycle.holdings.items()
        if amount > 0 and planning.is_dust(desk, asset, amount, targets)
    )
    fees = planning.fee_value(desk, cycle)
    # What nothing values counts as spent, like the parked part itself.
    worth = planning.value_of_others(desk, cycle, targets) or ZERO
    draft.do(c.ParkCycle(reason=reason, targets=targets, dust=dust, fee_value=fees, value=worth))
