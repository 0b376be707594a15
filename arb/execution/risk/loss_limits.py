"""What a strategy may lose, valued at the books of the moment."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from arb.clock import NS_PER_DAY
from arb.events import facts as f
from arb.execution.account.desk import Desk, Starts
from arb.execution.risk.capital import money_in
from arb.machine.risk import DAILY_LOSS, DayTotal, Limits, Risk, broken
from arb.machine.state import Cycle
from arb.money import ZERO
from arb.strategy.schema import Strategy

NOTHING_YET: Final = Risk()


def limits_at(desk: Desk, cycle: Cycle, day: int) -> Limits:
    """The limits that the end of a cycle is held against, on a UTC day."""
    controls, asset = desk.strategy_now(cycle).risk_controls, cycle.start_asset
    strategy = _limiting_days(desk, cycle)
    limit, daily, rates = strategy.risk_controls.max_daily_loss, None, None
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


def _limiting_days(desk: Desk, cycle: Cycle) -> Strategy:
    """The configuration whose loss of a day counts for a cycle's end: as set now, where that is of its currency.

    A plain number is of the currency that cycles begin with now. One of another currency says nothing
    of a cycle that began before the file was changed: what it began with counts for it.
    """
    strategy = desk.strategy_now(cycle)
    limit, starts = strategy.risk_controls.max_daily_loss, desk.starts.get(strategy.name)
    if isinstance(limit, Decimal) and strategy.reference_currency is None and starts is not None:
        return strategy if cycle.start_asset in starts else desk.strategy(cycle.config)
    return strategy


def broken_at_start(desk: Desk) -> Iterator[f.RiskTripped]:
    """The limits of this run's strategies that are broken by what the log knows: a file may have lowered them.

    What has no value now is left to the next close: only what can be judged is.
    """
    day = desk.clock.now_ns() // NS_PER_DAY
    for name, strategy in desk.running.items():
        risk = desk.journal.account.risk.get(name)
        if risk is None:
            continue
        streak = Limits(strategy.risk_controls.stop_after_consecutive_losses, None)
        found = broken(risk, day, "", streak)
        for asset, limits in _of_day(desk, strategy, desk.starts[name], day):
            found |= broken(risk, day, asset, limits)
        for limit, reason in found.items():
            if limit not in risk.tripped:
                yield f.RiskTripped(strategy=name, limit=limit, reason=reason, cycle_id="")


def _of_day(
    desk: Desk, strategy: Strategy, starts: Starts, day: int
) -> Iterator[tuple[str, Limits]]:
    """The limits of a day, each in its own currency, of what was traded on it."""
    limit, reference = strategy.risk_controls.max_daily_loss, strategy.reference_currency
    streak = strategy.risk_controls.stop_after_consecutive_losses
    traded = _traded(desk, strategy, day)
    if limit is None or not traded:
        return
    if isinstance(limit, dict) or reference is None:
        named = limit if isinstance(limit, dict) else dict.fromkeys(starts or (), limit)
        for asset in sorted(traded & set(named)):
            yield asset, Limits(streak, named[asset])
        return
    rates: dict[str, Decimal] = {}
    for total in _totals(desk, strategy, day):
        rate = desk.rate(total.asset, reference)
        if rate is None and total.profits > total.losses:
            return  # it may make up for all the rest
        rates[total.asset] = ZERO if rate is None else rate  # no less is lost than without it
    yield reference, Limits(streak, limit, rates)


def unvalued(desk: Desk, cycle: Cycle, at_ns: int) -> set[str]:
    """The currencies without a value that the limits need where a cycle ends at a time; none where none is needed."""
    strategy, start = _limiting_days(desk, cycle), cycle.start_asset
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
    return {total.asset for total in _totals(desk, strategy, day)}


def _totals(desk: Desk, strategy: Strategy, day: int) -> list[DayTotal]:
    risk = desk.journal.account.risk.get(strategy.name, NOTHING_YET)
    return [total for total in risk.days if total.day == day]
