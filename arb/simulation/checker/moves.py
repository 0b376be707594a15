"""Which fact may stand where, written down from the documentation of states and orders."""

MOVES: dict[str, dict[str, str]] = {
    "pending": {
        "ValidationStarted": "validating",
        "CycleDeclined": "failed",
        "CycleAbandoned": "failed",
    },
    "validating": {
        "CycleValidated": "active",
        "CycleDeclined": "failed",
        "CycleAbandoned": "failed",
    },
    "active": {
        "LegPartlyFilled": "partially_filled",
        "LegSettled": "active",
        "CycleCompleted": "completed",
        "CycleRefused": "failed",
        "CycleMissed": "failed",
        "RecoveryStarted": "recovering",
        "UnwindStarted": "panic_selling",
    },
    "partially_filled": {
        "LegPartlyFilled": "partially_filled",
        "LegSettled": "active",
        "CycleCompleted": "completed",
        "RecoveryStarted": "recovering",
        "UnwindStarted": "panic_selling",
    },
    "recovering": {
        "RecoveryStarted": "recovering",
        "RecoveryWaiting": "recovering",
        "CycleResumed": "active",
        "LegResumed": "partially_filled",
        "UnwindStarted": "panic_selling",
        "CycleCompleted": "completed",
        "CycleRefused": "failed",
        "CycleMissed": "failed",
        "CycleLiquidated": "failed",
        "CycleParked": "failed",
    },
    "panic_selling": {
        "HopSettled": "panic_selling",
        "CycleLiquidated": "failed",
        "CycleParked": "failed",
        "CycleCompleted": "completed",
        "RecoveryStarted": "recovering",
    },
    "completed": {
        "LateFillFound": "recovering",
        "OrderReappeared": "recovering",
        "HoldingsReleased": "completed",
    },
    "failed": {
        "LateFillFound": "recovering",
        "OrderReappeared": "recovering",
        "UnwindRequested": "recovering",
        "HoldingsReleased": "failed",
    },
}
CYCLE_FACTS = frozenset(fact for facts in MOVES.values() for fact in facts)
AT_REST = frozenset({"completed", "failed"})
NOT_AT_WORK = AT_REST | {"recovering"}
# What a restart begins with, where a cycle was at work.
AFTER_A_RESTART = frozenset({"RecoveryStarted", "CycleAbandoned"})
RUNNING = frozenset({"active", "partially_filled"})
# What a fact needs its order to be.
ORDER_MOVES: dict[str, frozenset[str]] = {
    # One that was given up can turn out to exist.
    "OrderAccepted": frozenset({"intended", "unknown", "refused", "absent"}),
    "OrderFilled": frozenset({"open", "cancelling", "terminal", "settled"}),
    "OrderClosed": frozenset({"open", "cancelling", "terminal", "settled"}),
    "OrderRefused": frozenset({"intended", "unknown"}),
    "OrderUnknown": frozenset({"intended"}),
    "OrderAbsent": frozenset({"unknown"}),
    "CancelIntended": frozenset({"open"}),
    "OrderAttested": frozenset({"unknown", "open", "cancelling", "terminal"}),
    "AttestedFillReversed": frozenset({"open", "cancelling", "terminal", "settled"}),
}
ORDER_FACTS = frozenset({"OrderIntended", *ORDER_MOVES})
FINAL = frozenset({"settled", "refused", "absent"})
# Facts after which a cycle has nothing of its own in hand any more.
EMPTY_ENDS = frozenset({"CycleDeclined", "CycleAbandoned", "CycleRefused", "CycleMissed"})
FULL_ENDS = frozenset({"CycleCompleted", "CycleLiquidated", "CycleParked"})
REOPENINGS = frozenset({"LateFillFound", "OrderReappeared", "UnwindRequested"})
NOT_FOUND_MIN = 3
