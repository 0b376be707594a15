"""Fold facts into a cycle. Nothing here decides: a fact has happened, whatever we think of it."""

from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache
from sys import intern
from typing import Final

from arb.errors import IllegalMove
from arb.events import facts as f
from arb.machine import table as t
from arb.machine.amounts import add as add  # noqa: PLC0414 -- others take it from here
from arb.machine.order_fold import APPLY_ORDER
from arb.machine.state import Cycle
from arb.money import ZERO

PATHS_KEPT: Final = 4_096
Apply = Callable[[Cycle, f.CycleEvent, int], None]


def evolve(cycle: Cycle | None, fact: f.CycleEvent, at_ns: int) -> Cycle:
    """Apply one fact, state included, by the table of moves: the fast fold of replay.

    The cycle is changed in place and returned; raises IllegalMove where the table has no such move.
    """
    if cycle is None:
        return begin(fact, at_ns)
    kind = type(fact)
    if kind not in MOVE_TYPES:
        apply(cycle, fact, at_ns)
        return cycle
    state = t.MOVES.get((cycle.state, kind))
    if state is None:
        raise IllegalMove(f"{cycle.id} is {cycle.state}: {kind.__name__} does not fit")
    apply(cycle, fact, at_ns)
    cycle.state = state
    return cycle


def begin(fact: f.CycleEvent, at_ns: int) -> Cycle:
    """Make the cycle that its first fact opens."""
    if not isinstance(fact, f.CycleOpened):
        raise IllegalMove(f"a cycle begins with CycleOpened, not {type(fact).__name__}")
    return Cycle(
        id=fact.cycle_id,
        number=fact.number,
        strategy=intern(fact.strategy),
        config=intern(fact.config),
        legs=_shared(fact.legs),
        start_asset=intern(fact.start_asset),
        start_amount=fact.start_amount,
        edge_bps=fact.edge_bps,
        opened_ns=at_ns,
        updated_ns=at_ns,
    )


@lru_cache(maxsize=PATHS_KEPT)
def _shared(legs: tuple[f.LegRoute, ...]) -> tuple[f.LegRoute, ...]:
    """Give equal paths one place in memory."""
    return tuple(
        f.LegRoute(*map(intern, (leg.market, leg.side, leg.spend_asset, leg.receive_asset)))
        for leg in legs
    )


def apply(cycle: Cycle, fact: f.CycleEvent, at_ns: int) -> None:
    """Apply one fact's data; the state is not touched, the machine (or the fold) moves that."""
    handler = _APPLY.get(type(fact))
    if handler is None:
        raise IllegalMove(f"{cycle.id}: {type(fact).__name__} is not a fact about a cycle")
    handler(cycle, fact, at_ns)
    cycle.version += 1
    cycle.updated_ns = at_ns


# --- cycle facts ------------------------------------------------------------------------------


def _validated(cycle: Cycle, fact: f.CycleValidated, at_ns: int) -> None:
    # One object for equal numbers: a Decimal is 104 bytes.
    start = cycle.start_amount
    cycle.reserved = start if fact.reserved == start else fact.reserved
    cycle.expected = fact.expected
    cycle.floor = fact.floor
    cycle.cap = fact.cap
    cycle.max_slippage_bps = fact.max_slippage_bps
    cycle.max_retries = fact.max_retries
    cycle.holdings = {cycle.start_asset: fact.reserved}


def _failed(outcome: str) -> Apply:
    def failed(cycle: Cycle, fact: f.CycleEvent, at_ns: int) -> None:
        cycle.outcome = outcome
        cycle.ended_ns = at_ns
        cycle.error = _reason(fact)
        cycle.returned = add(cycle.returned, cycle.holdings)
        cycle.holdings = {}
        cycle.pnl = ZERO if cycle.pnl is None else cycle.pnl

    return failed


def _reason(fact: f.CycleEvent) -> str:
    match fact:
        case f.CycleDeclined():
            return f"{fact.reason}: {fact.detail}" if fact.detail else fact.reason
        case f.CycleAbandoned() | f.CycleRefused() | f.CycleMissed() | f.CycleParked():
            return fact.reason
        case _:
            raise IllegalMove(f"{type(fact).__name__} has no reason")


def _leg_partly_filled(cycle: Cycle, fact: f.LegPartlyFilled, at_ns: int) -> None:
    cycle.leg = fact.leg


def _leg_settled(cycle: Cycle, fact: f.LegSettled, at_ns: int) -> None:
    _enter_leg(cycle, fact.leg + 1)
    cycle.file()


def _enter_leg(cycle: Cycle, leg: int) -> None:
    """Count from nothing in a leg that the cycle was not in; each time, its attempts."""
    if leg != cycle.leg:
        cycle.leg = leg
        cycle.leg_spent = ZERO
        cycle.leg_received = ZERO
    cycle.attempts = 0


def _completed(cycle: Cycle, fact: f.CycleCompleted, at_ns: int) -> None:
    cycle.outcome = t.LOOP_COMPLETED
    cycle.ended_ns = at_ns
    cycle.error = None
    _enter_leg(cycle, len(cycle.legs))
    cycle.returned = add(cycle.returned, {cycle.start_asset: fact.returned})
    _close(cycle, fact.dust, {}, fact.pnl, fact.fee_value)


def _liquidated(cycle: Cycle, fact: f.CycleLiquidated, at_ns: int) -> None:
    cycle.outcome = t.LIQUIDATED
    cycle.ended_ns = at_ns
    cycle.returned = add(cycle.returned, fact.returned)
    cycle.returned_value += fact.value
    _close(cycle, fact.dust, {}, fact.pnl, fact.fee_value)


def _parked(cycle: Cycle, fact: f.CycleParked, at_ns: int) -> None:
    cycle.outcome = t.PARKED
    cycle.ended_ns = at_ns
    cycle.error = fact.reason
    cycle.returned = add(cycle.returned, fact.returned)
    cycle.returned_value += fact.value
    _close(cycle, fact.dust, fact.parked, fact.pnl, fact.fee_value)


def _close(
    cycle: Cycle, dust: f.Amounts, parked: f.Amounts, pnl: Decimal, fee_value: Decimal | None
) -> None:
    cycle.holdings = {}
    cycle.dust = add(cycle.dust, dust)
    cycle.parked = add(cycle.parked, parked)
    cycle.pnl = pnl
    cycle.fee_value = fee_value


def _recovery_started(cycle: Cycle, fact: f.RecoveryStarted, at_ns: int) -> None:
    cycle.error = fact.reason
    cycle.recoveries += 1
    cycle.next_try_ns = 0


def _recovery_waiting(cycle: Cycle, fact: f.RecoveryWaiting, at_ns: int) -> None:
    cycle.error = fact.reason
    cycle.next_try_ns = fact.next_try_ns
    # A clock that was ahead, and was set right, has not made it wait until then.
    if cycle.waits == 0 or cycle.wait_reason != fact.reason or at_ns < cycle.wait_since_ns:
        cycle.wait_reason = fact.reason
        cycle.wait_since_ns = at_ns
    cycle.waits += 1


def _stop_waiting(cycle: Cycle) -> None:
    cycle.waits = 0
    cycle.wait_reason = ""
    cycle.wait_since_ns = 0
    cycle.next_try_ns = 0


def _resumed(cycle: Cycle, fact: f.CycleResumed | f.LegResumed, at_ns: int) -> None:
    _enter_leg(cycle, fact.leg)
    cycle.resumes += 1
    _stop_waiting(cycle)


def _unwind_started(cycle: Cycle, fact: f.UnwindStarted, at_ns: int) -> None:
    cycle.error = fact.reason
    # Waiting starts again only when an unwind was worth starting.
    cycle.unwind_orders = cycle.unwind_orders if cycle.waits else 0
    cycle.next_try_ns = 0


def _hop_settled(cycle: Cycle, fact: f.HopSettled, at_ns: int) -> None:
    if fact.received > 0:
        _stop_waiting(cycle)


def _reopened(cycle: Cycle, fact: f.CycleEvent, at_ns: int) -> None:
    """Take dust and parked amounts back in hand: they are what there is to work with."""
    cycle.holdings = add(add(cycle.holdings, cycle.parked), cycle.dust)
    cycle.parked = {}
    cycle.dust = {}
    cycle.outcome = None
    cycle.ended_ns = 0
    cycle.unwind_orders = 0
    cycle.error = type(fact).__name__
    _stop_waiting(cycle)


def _released(cycle: Cycle, fact: f.HoldingsReleased, at_ns: int) -> None:
    cycle.returned = add(cycle.returned, fact.released)
    cycle.parked = {}
    # What an overfill took from others cannot be released: it stays in the book.
    cycle.dust = {asset: amount for asset, amount in cycle.dust.items() if amount < 0}


def _alarmed(cycle: Cycle, fact: f.DiscrepancyFound, at_ns: int) -> None:
    cycle.discrepancies = (*cycle.discrepancies, (fact.kind, fact.subject, fact.now))


def _said(cycle: Cycle, fact: f.CycleEvent, at_ns: int) -> None:
    """Change nothing but version and time: the fact itself is the record."""


# Each handler takes its own fact; the dictionary is what narrows the type.
_APPLY: Final[dict[type, Callable[..., None]]] = {
    f.ValidationStarted: _said,
    f.CycleValidated: _validated,
    f.CycleDeclined: _failed(t.DECLINED),
    f.CycleAbandoned: _failed(t.ABANDONED),
    f.CycleRefused: _failed(t.REFUSED),
    f.CycleMissed: _failed(t.MISSED),
    f.LegPartlyFilled: _leg_partly_filled,
    f.LegSettled: _leg_settled,
    f.CycleCompleted: _completed,
    f.CycleLiquidated: _liquidated,
    f.CycleParked: _parked,
    f.RecoveryStarted: _recovery_started,
    f.RecoveryWaiting: _recovery_waiting,
    f.CycleResumed: _resumed,
    f.LegResumed: _resumed,
    f.UnwindStarted: _unwind_started,
    f.HopSettled: _hop_settled,
    f.LateFillFound: _reopened,
    f.OrderReappeared: _reopened,
    f.UnwindRequested: _reopened,
    f.HoldingsReleased: _released,
    **APPLY_ORDER,
    f.DiscrepancyFound: _alarmed,
}
MOVE_TYPES: Final = frozenset(f.CYCLE_MOVES)
