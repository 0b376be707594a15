"""The truth about moves. Read it aloud; machine, fold, diagram and tests come from here."""

from typing import Final

from arb.events.facts import (
    CycleAbandoned,
    CycleCompleted,
    CycleDeclined,
    CycleFact,
    CycleLiquidated,
    CycleMissed,
    CycleParked,
    CycleRefused,
    CycleResumed,
    CycleValidated,
    HoldingsReleased,
    HopSettled,
    LateFillFound,
    LegPartlyFilled,
    LegResumed,
    LegSettled,
    OrderReappeared,
    RecoveryStarted,
    RecoveryWaiting,
    UnwindRequested,
    UnwindStarted,
    ValidationStarted,
)

PENDING: Final = "pending"
VALIDATING: Final = "validating"
ACTIVE: Final = "active"
PARTIALLY_FILLED: Final = "partially_filled"
COMPLETED: Final = "completed"
FAILED: Final = "failed"
RECOVERING: Final = "recovering"
PANIC_SELLING: Final = "panic_selling"

# A literal, so that a state nobody declared cannot be written.
STATES: Final = (
    PENDING,
    VALIDATING,
    ACTIVE,
    PARTIALLY_FILLED,
    COMPLETED,
    FAILED,
    RECOVERING,
    PANIC_SELLING,
)
CLOSED: Final = frozenset({COMPLETED, FAILED})
RUNNING: Final = frozenset({ACTIVE, PARTIALLY_FILLED})

# Outcomes of `failed`, and the one of `completed`.
DECLINED: Final = "declined"
REFUSED: Final = "refused"
MISSED: Final = "missed"
ABANDONED: Final = "abandoned"
LIQUIDATED: Final = "liquidated"
PARKED: Final = "parked"
LOOP_COMPLETED: Final = "completed"  # back at its start, with a profit or with a loss
OUTCOMES: Final = (DECLINED, REFUSED, MISSED, ABANDONED, LIQUIDATED, PARKED, LOOP_COMPLETED)

MOVES: Final[dict[tuple[str, type[CycleFact]], str]] = {
    (PENDING, ValidationStarted): VALIDATING,
    (PENDING, CycleDeclined): FAILED,
    (PENDING, CycleAbandoned): FAILED,
    (VALIDATING, CycleValidated): ACTIVE,
    (VALIDATING, CycleDeclined): FAILED,
    (VALIDATING, CycleAbandoned): FAILED,
    (ACTIVE, LegPartlyFilled): PARTIALLY_FILLED,
    (ACTIVE, LegSettled): ACTIVE,
    (ACTIVE, CycleCompleted): COMPLETED,
    # Only while nothing was spent.
    (ACTIVE, CycleRefused): FAILED,
    (ACTIVE, CycleMissed): FAILED,
    (ACTIVE, RecoveryStarted): RECOVERING,
    (ACTIVE, UnwindStarted): PANIC_SELLING,
    (PARTIALLY_FILLED, LegPartlyFilled): PARTIALLY_FILLED,
    (PARTIALLY_FILLED, LegSettled): ACTIVE,
    (PARTIALLY_FILLED, CycleCompleted): COMPLETED,
    (PARTIALLY_FILLED, RecoveryStarted): RECOVERING,
    (PARTIALLY_FILLED, UnwindStarted): PANIC_SELLING,
    # A second restart, or a new reason, while recovery was at work.
    (RECOVERING, RecoveryStarted): RECOVERING,
    (RECOVERING, RecoveryWaiting): RECOVERING,
    (RECOVERING, CycleResumed): ACTIVE,
    (RECOVERING, LegResumed): PARTIALLY_FILLED,
    (RECOVERING, UnwindStarted): PANIC_SELLING,
    (RECOVERING, CycleCompleted): COMPLETED,
    (RECOVERING, CycleRefused): FAILED,
    (RECOVERING, CycleMissed): FAILED,
    (RECOVERING, CycleLiquidated): FAILED,
    (RECOVERING, CycleParked): FAILED,
    (PANIC_SELLING, HopSettled): PANIC_SELLING,
    (PANIC_SELLING, CycleLiquidated): FAILED,
    (PANIC_SELLING, CycleParked): FAILED,
    (PANIC_SELLING, CycleCompleted): COMPLETED,
    (PANIC_SELLING, RecoveryStarted): RECOVERING,
    # A fill can arrive after we closed the cycle: the venue is right, we were wrong.
    (COMPLETED, LateFillFound): RECOVERING,
    (FAILED, LateFillFound): RECOVERING,
    # Proof of absence is proof as of then; the order that appears after all is real.
    (COMPLETED, OrderReappeared): RECOVERING,
    (FAILED, OrderReappeared): RECOVERING,
    (FAILED, UnwindRequested): RECOVERING,
    # The account takes back what the cycle owned; the cycle itself stays what it was.
    (FAILED, HoldingsReleased): FAILED,
    (COMPLETED, HoldingsReleased): COMPLETED,
}

# --- orders -----------------------------------------------------------------------------------

INTENDED: Final = "intended"  # durable, perhaps sent: a restart treats it as unknown
UNKNOWN: Final = "unknown"  # nothing proves whether the venue has it
OPEN: Final = "open"
CANCELLING: Final = "cancelling"
TERMINAL: Final = "terminal"  # over at the venue, but not every fill is known
SETTLED: Final = "settled"  # over, and the distinct fills add up
ORDER_REFUSED: Final = "refused"
ABSENT: Final = "absent"
ORDER_STATES: Final = (
    INTENDED,
    UNKNOWN,
    OPEN,
    CANCELLING,
    TERMINAL,
    SETTLED,
    ORDER_REFUSED,
    ABSENT,
)
FINAL_ORDER_STATES: Final = frozenset({SETTLED, ORDER_REFUSED, ABSENT})
END_STATUSES: Final = frozenset({"closed", "canceled", "expired", "rejected"})
