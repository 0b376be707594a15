"""What a strategy's limits need to know, folded from its cycles and from facts about them.

A cycle counts once, by its last close: opened again, its earlier result is taken back. A cycle that
never spent anything (missed, refused, declined, abandoned) is neither a loss nor a profit.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final, TypeVar

from msgspec import Struct

from arb.clock import NS_PER_DAY, NS_PER_S
from arb.events import facts as f
from arb.limits import COOLDOWN_S_MAX, SUPPRESSION_S_MAX
from arb.machine import table as t
from arb.machine.net import owed_of
from arb.machine.state import Cycle, path_of
from arb.money import ZERO, plain, truncate

CONSECUTIVE_LOSSES: Final = "consecutive_losses"
DAILY_LOSS: Final = "daily_loss"
LIMIT_NAMES: Final = (CONSECUTIVE_LOSSES, DAILY_LOSS)
EVERY: Final = "*"  # every strategy, or every path

RESULTS_KEPT: Final = 64  # can still be taken back; of older ones only the length of a row is known
DAYS_KEPT: Final = 7
OPENINGS_KEPT: Final = 64  # with their books ...
# ... and of so many before those, when it was. All of it is written with each opening.
EARLIER_KEPT: Final = 256
COOLDOWNS_KEPT: Final = 1_024
FAILURES_KEPT: Final = 1_024
VALUED_UNIT: Final = Decimal("1E-8")  # what is valued is cut there

Kept = TypeVar("Kept")

_COUNTED: Final = frozenset({t.LOOP_COMPLETED, t.LIQUIDATED, t.PARKED})


class Result(Struct, frozen=True, gc=False):
    """What a closed cycle came to. `value` is in `asset`, after all fees; None: `unknown` says why."""

    strategy: str
    cycle_id: str
    identity: str  # of the path that it went to its end; none where what it held was sold
    asset: str
    opened_ns: int
    ended_ns: int
    value: Decimal | None
    unknown: str = ""


class DayTotal(Struct, frozen=True, gc=False, array_like=True):
    """The sums of one UTC day in one start currency; both are positive."""

    day: int  # since 1970
    asset: str
    profits: Decimal
    losses: Decimal


class Opening(Struct, frozen=True, gc=False, array_like=True):
    """When a path was last opened, and on which books: market -> sequence."""

    opened_ns: int
    books: dict[str, int]


class Failed(Struct, frozen=True, gc=False, array_like=True):
    """How many cycles in a row left a path because of price or time; the last one, and when it did."""

    count: int
    cycle_id: str
    at_ns: int


class Risk(Struct, gc=False, omit_defaults=True):
    """One strategy, as its limits see it. Changed by the functions below alone."""

    results: tuple[tuple[str, bool], ...] = ()  # (cycle, whether it lost), the last close last
    lost_before: int = 0  # losses in a row right before the results that are kept
    days: tuple[DayTotal, ...] = ()  # by day and currency
    tripped: dict[str, str] = {}  # limit -> reason
    counted_from_ns: dict[
        str, int
    ] = {}  # limit -> its last reset; what ended by then counts no more
    cooldowns: dict[str, int] = {}  # path -> until_ns
    openings: dict[str, Opening] = {}  # path -> its last one
    earlier: dict[str, int] = {}  # path -> opened_ns, of those whose books are not kept any more
    forgotten_ns: int = 0  # when the last one was opened that is not known any more
    failures: dict[str, Failed] = {}  # path -> those since a cycle went it to its end

    def cools_until_ns(self, identity: str, now_ns: int) -> int | None:
        """When the cooldown of a path ends; None when none is running."""
        until_ns = self.cooldowns.get(identity, 0)
        return until_ns if until_ns > now_ns else None

    def opened_ns(self, identity: str) -> int | None:
        """When a path was last opened; None where that is not known."""
        last = self.openings.get(identity)
        return self.earlier.get(identity) if last is None else last.opened_ns

    def failures_before(self, identity: str, cycle_id: str) -> int:
        """How many cycles in a row left a path before this one; one that leaves twice is one."""
        failed = self.failures.get(identity)
        if failed is None:
            return 0
        return failed.count - (failed.cycle_id == cycle_id)

    def streak(self) -> int:
        """How many of the last closed cycles lost, without one that did not between them."""
        count = 0
        for _cycle, lost in reversed(self.results):
            if not lost:
                return count
            count += 1
        return count + self.lost_before

    def day(self, day: int, asset: str) -> DayTotal:
        """The sums of a day; of one that is not kept, zeros."""
        for total in self.days:
            if (total.day, total.asset) == (day, asset):
                return total
        return DayTotal(day, asset, ZERO, ZERO)


class Limits(Struct, frozen=True):
    """What a strategy allows; `daily_loss` is in the currency its cycle begins with, None: any."""

    consecutive_losses: int
    daily_loss: Decimal | None
    # Where it is one limit for all currencies that cycles begin with: what a unit of each other one
    # is worth in this one, without those that nothing values. None: it is for this one alone.
    rates: Mapping[str, Decimal] | None = None


def cooldown_s(first_s: Decimal, failures: int) -> Decimal:
    """How long a path rests after so many failures before this one: each doubles it, up to a bound.

    The bound never cuts what a strategy asks for after the first.
    """
    seconds = first_s
    for _ in range(failures):
        if seconds >= COOLDOWN_S_MAX:
            break
        seconds = min(2 * seconds, COOLDOWN_S_MAX)
    return seconds


def identity_of(path: tuple[str, ...] | list[str]) -> str:
    """Name a path of currencies (the start not repeated at the end) from whichever of them it begins.

    The direction stays: A > B > C and C > B > A are two paths.
    """
    first = min(range(len(path)), key=lambda at: (*path[at:], *path[:at]))
    return ">".join((*path[first:], *path[:first]))


def result_of(cycle: Cycle) -> Result | None:
    """What a cycle counts for now; None while it is open, or where nothing was ever spent."""
    if cycle.state not in t.CLOSED or cycle.outcome not in _COUNTED:
        return None
    assert cycle.pnl is not None, cycle.id
    value, unknown = None, ""
    # An order that filled more than it should has sold what was not the cycle's: P/L tells half of it.
    owed = [f"{plain(amount)} {asset}" for asset, amount in owed_of(cycle.dust).items()]
    if owed:
        unknown = f"{cycle.id} took {', '.join(owed)} that it did not have"
    elif cycle.fee_value is None:
        unknown = f"the fees of {cycle.id} have no value in {cycle.start_asset}"
    else:
        value = cycle.pnl - cycle.fee_value
    identity = identity_of(path_of(cycle)) if cycle.state == t.COMPLETED else ""
    return Result(
        strategy=cycle.strategy,
        cycle_id=cycle.id,
        identity=identity,
        asset=cycle.start_asset,
        opened_ns=cycle.opened_ns,
        ended_ns=cycle.ended_ns,
        value=value,
        unknown=unknown,
    )


def shift_result(risks: dict[str, Risk], before: Result | None, after: Result | None) -> None:
    """Follow one cycle: what it counted for so far is taken back, what it counts for now is added."""
    if before == after:
        return
    if before is not None:
        _take_back(risks.setdefault(before.strategy, Risk()), before)
    if after is not None:
        _add(risks.setdefault(after.strategy, Risk()), after)


def _add(risk: Risk, result: Result) -> None:
    failed = risk.failures.get(result.identity)
    # One that was begun before the last failure, or is that failure, says nothing of the time since.
    if failed is not None and result.opened_ns > failed.at_ns:
        risk.failures = {
            name: one for name, one in risk.failures.items() if name != result.identity
        }
    value = result.value
    if value is None:
        return  # it trips the limits instead: see `tripped_by`
    results = (*risk.results, (result.cycle_id, value < 0))
    for _cycle, lost in results[:-RESULTS_KEPT]:
        risk.lost_before = risk.lost_before + 1 if lost else 0
    risk.results = results[-RESULTS_KEPT:]
    _sum(risk, result, value)


def _take_back(risk: Risk, result: Result) -> None:
    value = result.value
    if value is None:
        return
    risk.results = tuple(one for one in risk.results if one[0] != result.cycle_id)
    if result.ended_ns > risk.counted_from_ns.get(DAILY_LOSS, 0):
        _sum(risk, result, value, sign=-1)


def _sum(risk: Risk, result: Result, value: Decimal, sign: int = 1) -> None:
    day = result.ended_ns // NS_PER_DAY
    days = risk.days
    if sign > 0:
        # No close is later than now: a clock that was ahead wrote those days, and they would push out real ones.
        days = tuple(total for total in days if total.day <= day)
    newest = max((total.day for total in days), default=day)
    if day <= newest - DAYS_KEPT:
        return  # its sums are gone
    was = risk.day(day, result.asset)
    if sign < 0 and was not in days:
        return  # gone since, though a newer day was taken back altogether
    # What is taken back may have been dropped as of a day to come: no sum gets below zero by it.
    now = DayTotal(
        day,
        result.asset,
        max(was.profits + sign * max(value, ZERO), ZERO),
        max(was.losses + sign * max(-value, ZERO), ZERO),
    )
    oldest = max(newest, day) - DAYS_KEPT
    kept = [total for total in days if total is not was and total.day > oldest]
    if now.profits or now.losses:
        kept.append(now)
    risk.days = tuple(sorted(kept, key=lambda total: (total.day, total.asset)))


def tripped_by(
    risks: dict[str, Risk], before: Result | None, after: Result, limits: Limits
) -> dict[str, str]:
    """The limits that a close breaks, and why: limit -> reason. A limit that is tripped stays as it is."""
    known = risks.get(after.strategy, Risk())
    if after.value is None:
        why = f"{after.unknown}: its result is unknown"
        found = {CONSECUTIVE_LOSSES: why}
        if limits.daily_loss is not None:
            found[DAILY_LOSS] = why
    else:
        # A draft of the strategy alone: its fields are replaced, never changed within.
        draft = Risk(
            results=known.results,
            lost_before=known.lost_before,
            days=known.days,
            counted_from_ns=known.counted_from_ns,
        )
        shift_result({after.strategy: draft}, before, after)
        found = broken(draft, after.ended_ns // NS_PER_DAY, after.asset, limits)
    return {limit: reason for limit, reason in found.items() if limit not in known.tripped}


def broken(risk: Risk, day: int, asset: str, limits: Limits) -> dict[str, str]:
    """The limits that are broken as things stand on a day, and why; `limits` are in an asset."""
    found: dict[str, str] = {}
    streak = risk.streak()
    if streak >= limits.consecutive_losses:
        found[CONSECUTIVE_LOSSES] = (
            f"{streak} losses in a row, the limit is {limits.consecutive_losses}"
        )
    if limits.daily_loss is not None:
        reason = _day_broken(risk, day, asset, limits.daily_loss, limits.rates)
        if reason is not None:
            found[DAILY_LOSS] = reason
    return found


def _day_broken(
    risk: Risk, day: int, asset: str, limit: Decimal, others: Mapping[str, Decimal] | None
) -> str | None:
    own = risk.day(day, asset)
    losses, profits = own.losses, own.profits
    for total in risk.days if others is not None else ():
        if total.day != day or total.asset == asset:
            continue
        rate = (others or {}).get(total.asset)
        if rate is not None:
            losses += truncate(total.losses * rate, VALUED_UNIT)
            profits += truncate(total.profits * rate, VALUED_UNIT)
        elif total.losses > total.profits:  # a profit that nothing values only helps
            gone = plain(total.losses - total.profits)
            return f"{gone} {total.asset} lost in this UTC day has no value in {asset}"
    lost = losses - profits
    if lost < limit:
        return None
    return (
        f"{plain(lost)} {asset} lost in this UTC day (losses {plain(losses)},"
        f" profits {plain(profits)}), the limit is {plain(limit)}"
    )


def evolve_risk(risks: dict[str, Risk], fact: f.Fact, at_ns: int) -> None:
    """Apply one fact, in place, by strategy. Facts that say nothing about limits change nothing."""
    match fact:
        case f.CycleOpened():
            _opened(risks.setdefault(fact.strategy, Risk()), fact, at_ns)
        case f.RiskTripped():
            risk = risks.setdefault(fact.strategy, Risk())
            risk.tripped = {**risk.tripped, fact.limit: fact.reason}
        case f.RiskReset():
            for risk in _meant(risks, fact.strategy):
                _reset(risk, fact.limit, at_ns)
        case f.CooldownStarted():
            risk = risks.setdefault(fact.strategy, Risk())
            running = _running(risk.cooldowns, at_ns)
            until_ns = max(fact.until_ns, running.get(fact.identity, 0))
            risk.cooldowns = _last({**running, fact.identity: until_ns}, COOLDOWNS_KEPT)
            _failed(risk, fact, at_ns)
        case f.CooldownCleared():
            for risk in _meant(risks, fact.strategy):
                risk.cooldowns = _without(_running(risk.cooldowns, at_ns), fact.identity)
                risk.failures = _without(risk.failures, fact.identity)
        case _:
            return


def _meant(risks: dict[str, Risk], strategy: str) -> list[Risk]:
    if strategy == EVERY:
        return list(risks.values())
    return [risks.setdefault(strategy, Risk())]


def _opened(risk: Risk, fact: f.CycleOpened, at_ns: int) -> None:
    identity = identity_of([leg.spend_asset for leg in fact.legs])
    openings = {**risk.openings, identity: Opening(at_ns, fact.books)}
    if identity in risk.earlier:
        risk.earlier = _without(risk.earlier, identity)
    if len(openings) > OPENINGS_KEPT:
        oldest = min(openings, key=lambda name: (openings[name].opened_ns, name))
        _remember(risk, oldest, openings.pop(oldest).opened_ns, at_ns)
    risk.openings = openings


def _remember(risk: Risk, identity: str, opened_ns: int, at_ns: int) -> None:
    """Remember of an opening when it was, for as long as a strategy may ask."""
    since_ns = at_ns - SUPPRESSION_S_MAX * NS_PER_S
    earlier = {name: at for name, at in risk.earlier.items() if at > since_ns}
    earlier[identity] = opened_ns
    if len(earlier) > EARLIER_KEPT:
        oldest = min(earlier, key=lambda name: (earlier[name], name))
        risk.forgotten_ns = max(risk.forgotten_ns, earlier.pop(oldest))
    risk.earlier = earlier


def _reset(risk: Risk, limit: str, at_ns: int) -> None:
    """Count from nothing, or the next loss would trip it again."""
    risk.tripped = {name: why for name, why in risk.tripped.items() if name != limit}
    risk.counted_from_ns = {**risk.counted_from_ns, limit: at_ns}
    if limit == CONSECUTIVE_LOSSES:
        risk.results, risk.lost_before = (), 0
    elif limit == DAILY_LOSS:
        risk.days = ()


def _running(cooldowns: dict[str, int], at_ns: int) -> dict[str, int]:
    return {name: until for name, until in cooldowns.items() if until > at_ns}


def _failed(risk: Risk, fact: f.CooldownStarted, at_ns: int) -> None:
    before = risk.failures_before(fact.identity, fact.cycle_id)
    failures = {**risk.failures, fact.identity: Failed(before + 1, fact.cycle_id, at_ns)}
    if len(failures) > FAILURES_KEPT:
        del failures[min(failures, key=lambda name: (failures[name].at_ns, name))]
    risk.failures = failures


def _without(of_paths: dict[str, Kept], identity: str) -> dict[str, Kept]:
    if identity == EVERY:
        return {}
    return {name: one for name, one in of_paths.items() if name != identity}


def _last(cooldowns: dict[str, int], count_max: int) -> dict[str, int]:
    """Those that end last, where there are too many; by name where they end together."""
    if len(cooldowns) <= count_max:
        return cooldowns
    kept = sorted(cooldowns.items(), key=lambda item: (item[1], item[0]))[-count_max:]
    return dict(kept)
