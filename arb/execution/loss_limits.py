"""What a strategy may lose, valued at the books of the moment."""

from typing import Final

from arb.clock import NS_PER_DAY
from arb.execution.capital import money_in
from arb.execution.desk import Desk
from arb.machine.risk import DAILY_LOSS, Limits, Risk
from arb.machine.state import Cycle
from arb.money import ZERO
from arb.strategy.schema import Strategy

NOTHING_YET: Final = Risk()


def limits_at(desk: Desk, strategy: Strategy, asset: str, day: int) -> Limits:
    """The limits of a strategy in a currency that its cycles begin with, on a UTC day."""
    controls = strategy.risk_controls
    limit, daily, rates = controls.max_daily_loss, None, None
    if limit is not None:
        # A currency that is not named, or that nothing values now, may lose nothing.
        daily = money_in(desk, limit, asset, strategy) or ZERO
        if is_one_for_all(strategy):
            others = sorted(_traded(desk, strategy, day) - {asset})
            worths = {other: desk.rate(other, asset) for other in others}
            rates = {other: rate for other, rate in worths.items() if rate is not None}
    return Limits(
        consecutive_losses=controls.stop_after_consecutive_losses, daily_loss=daily, rates=rates
    )


def unvalued(desk: Desk, cycle: Cycle, at_ns: int) -> set[str]:
    """The currencies without a value that the limits need where a cycle ends at a time; none where none is needed."""
    strategy, start = desk.strategy_now(cycle), cycle.start_asset
    risk = desk.journal.account.risk.get(strategy.name, NOTHING_YET)
    reference = strategy.reference_currency
    if not is_one_for_all(strategy) or reference is None or DAILY_LOSS in risk.tripped:
        return set()
    needed = {reference, *_traded(desk, strategy, at_ns // NS_PER_DAY)}
    return {asset for asset in needed if desk.rate(asset, start) is None}


def is_one_for_all(strategy: Strategy) -> bool:
    """Whether the day's loss is limited for all currencies that cycles begin with together."""
    limit = strategy.risk_controls.max_daily_loss
    named = limit is None or isinstance(limit, dict)
    return not named and strategy.reference_currency is not None


def _traded(desk: Desk, strategy: Strategy, day: int) -> set[str]:
    """The currencies in which a strategy has lost or won on a day."""
    risk = desk.journal.account.risk.get(strategy.name, NOTHING_YET)
    return {total.asset for total in risk.days if total.day == day}
