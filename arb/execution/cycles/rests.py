"""What a closed loop has left over: dust, change, more than that, or money in another currency."""

from arb.execution.account.desk import Desk, targets_of
from arb.execution.account.journal import Draft
from arb.execution.cycles import patience, planning
from arb.limits import CHANGE_SHARE, REST_SHARE
from arb.machine.state import Cycle
from arb.money import ZERO


def are_more_than_dust(desk: Desk, cycle: Cycle) -> bool:
    """Whether something is left that some market takes, or that is a target itself, and is worth an order.

    A leg that filled in part may leave more than its own market takes any more, and others still do.
    Change is left where it is if nothing may be sold, and what rounding left in any case: where steps
    are tiny that would be an order for each cycle.
    """
    strategy = desk.strategy(cycle.config)
    targets = targets_of(strategy, cycle.start_asset)
    return any(
        not planning.is_change(cycle, asset, REST_SHARE)
        and not planning.is_dust(desk, asset, amount, None if asset in targets else targets)
        and (
            asset in targets
            or strategy.panic_sell.enabled
            or not planning.is_change(cycle, asset, CHANGE_SHARE)
        )
        for asset, amount in cycle.holdings.items()
        if asset != cycle.start_asset and amount > 0
    )


def are_left(desk: Desk, draft: Draft, exposed: planning.Exposure) -> bool:
    """Whether the loop is closed, and only change is left over that nothing has taken for long enough.

    Without books nobody knows whether it is dust, and it is too little to be parked.
    """
    cycle, unsold = draft.cycle, [way.asset for way in exposed.ways]
    sells = desk.strategy(cycle.config).panic_sell.enabled
    if cycle.leg < len(cycle.legs) or cycle.returned or exposed.short:
        return False
    if sells and any(way.walk is not None for way in exposed.ways):
        return False
    if not all(planning.is_change(cycle, asset, CHANGE_SHARE) for asset in unsold):
        return False
    if not sells or cycle.wait_reason == patience.NO_VALUE:  # that comes after it
        return True
    return patience.waited_enough(desk, draft, patience.NO_MARKET, unsold)


def are_elsewhere(desk: Desk, cycle: Cycle, targets: tuple[str, ...]) -> bool:
    """Whether money of the cycle is, or went back, in another target currency than the start's."""
    return any(
        cycle.returned.get(asset, ZERO) > 0
        or (cycle.holding(asset) > 0 and not planning.is_dust(desk, asset, cycle.holding(asset)))
        for asset in targets
        if asset != cycle.start_asset
    )
