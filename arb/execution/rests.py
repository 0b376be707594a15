"""What a closed loop has left over: dust, change, more than that, or money in another currency."""

from arb.execution import planning
from arb.execution.desk import Desk, targets_of
from arb.machine.state import Cycle
from arb.money import ZERO


def are_more_than_dust(desk: Desk, cycle: Cycle) -> bool:
    """Whether something is left that an order sells now, that is a target itself, or is too much to stay behind.

    A leg that filled in part may leave more than its own market takes any more, and others still do.
    """
    strategy = desk.strategy(cycle.config)
    targets = targets_of(strategy, cycle.start_asset)
    return are_elsewhere(desk, cycle, targets) or any(
        not planning.is_dust(desk, asset, amount, targets)
        and (
            not planning.is_change(cycle, asset)
            or (strategy.panic_sell.enabled and planning.sells(desk, cycle, asset, amount, targets))
        )
        for asset, amount in cycle.holdings.items()
        if asset not in targets and amount > 0
    )


def are_only_change(desk: Desk, cycle: Cycle, exposed: planning.Exposure) -> bool:
    """Whether the loop is closed, and what rounding left over on the way is too little to be sold now.

    Outside of recovery that becomes dust; without books recovery cannot know that it is that little.
    """
    sells = desk.strategy(cycle.config).panic_sell.enabled
    if cycle.leg < len(cycle.legs) or cycle.returned or exposed.short:
        return False
    if sells and any(way.walk is not None for way in exposed.ways):
        return False
    return all(planning.is_change(cycle, way.asset) for way in exposed.ways)


def are_elsewhere(desk: Desk, cycle: Cycle, targets: tuple[str, ...]) -> bool:
    """Whether money of the cycle is, or went back, in another target currency than the start's."""
    return any(
        cycle.returned.get(asset, ZERO) > 0
        or (cycle.holding(asset) > 0 and not planning.is_dust(desk, asset, cycle.holding(asset)))
        for asset in targets
        if asset != cycle.start_asset
    )
