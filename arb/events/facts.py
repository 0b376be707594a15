"""Every fact the engine can state, as an immutable record. A fact is past tense and never changes its meaning.

Rules: amounts are `Decimal` and stand in the log as text; times end in `_ns`; rates end in `_bps` and are `Decimal`; no float.
A changed field is a new `SHAPE` with an upcast from the old one (`arb.events.upcast`), never a rewritten row.
"""

from arb.events.cycle_facts import (
    CycleAbandoned,
    CycleCompleted,
    CycleDeclined,
    CycleLiquidated,
    CycleMissed,
    CycleOpened,
    CycleParked,
    CycleRefused,
    CycleResumed,
    CycleValidated,
    HoldingsReleased,
    HopSettled,
    LateFillFound,
    LegPartlyFilled,
    LegResumed,
    LegRoute,
    LegSettled,
    OrderReappeared,
    RecoveryStarted,
    RecoveryWaiting,
    UnwindRequested,
    UnwindStarted,
    ValidationStarted,
)
from arb.events.fact_base import (
    Amounts,
    CycleFact,
    Fact,
    OrderFact,
)
from arb.events.order_facts import (
    AttestedFillReversed,
    CancelIntended,
    DiscrepancyFound,
    OrderAbsent,
    OrderAccepted,
    OrderAttested,
    OrderClosed,
    OrderFilled,
    OrderIntended,
    OrderRefused,
    OrderUnknown,
)
from arb.events.other_facts import (
    AccountOpened,
    AssetsFound,
    BalancesReconciled,
    BreakerTripped,
    CooldownCleared,
    CooldownStarted,
    CyclesHidden,
    EngineHalted,
    EngineUnpaused,
    ExternalChangeFound,
    ForeignTradeSeen,
    HeadAccepted,
    LogCreated,
    NewCyclesPaused,
    OpportunitiesDeclined,
    PanicRequested,
    RiskReset,
    RiskTripped,
    RunEnded,
    RunStarted,
    ShortfallFound,
    StrategyLoaded,
)

__all__ = [
    "ALL_FACTS",
    "CYCLE_MOVES",
    "ORDER_FACTS",
    "OTHER_FACTS",
    "AccountOpened",
    "Amounts",
    "AssetsFound",
    "AttestedFillReversed",
    "BalancesReconciled",
    "BreakerTripped",
    "CancelIntended",
    "CooldownCleared",
    "CooldownStarted",
    "CycleAbandoned",
    "CycleCompleted",
    "CycleDeclined",
    "CycleEvent",
    "CycleFact",
    "CycleLiquidated",
    "CycleMissed",
    "CycleOpened",
    "CycleParked",
    "CycleRefused",
    "CycleResumed",
    "CycleValidated",
    "CyclesHidden",
    "DiscrepancyFound",
    "EngineHalted",
    "EngineUnpaused",
    "ExternalChangeFound",
    "Fact",
    "ForeignTradeSeen",
    "HeadAccepted",
    "HoldingsReleased",
    "HopSettled",
    "LateFillFound",
    "LegPartlyFilled",
    "LegResumed",
    "LegRoute",
    "LegSettled",
    "LogCreated",
    "NewCyclesPaused",
    "OpportunitiesDeclined",
    "OrderAbsent",
    "OrderAccepted",
    "OrderAttested",
    "OrderClosed",
    "OrderFact",
    "OrderFilled",
    "OrderIntended",
    "OrderReappeared",
    "OrderRefused",
    "OrderUnknown",
    "PanicRequested",
    "Posted",
    "RecoveryStarted",
    "RecoveryWaiting",
    "RiskReset",
    "RiskTripped",
    "RunEnded",
    "RunStarted",
    "ShortfallFound",
    "StrategyLoaded",
    "UnwindRequested",
    "UnwindStarted",
    "ValidationStarted",
]

CYCLE_MOVES: tuple[type[CycleFact], ...] = (
    CycleOpened,
    ValidationStarted,
    CycleValidated,
    CycleDeclined,
    CycleAbandoned,
    CycleRefused,
    CycleMissed,
    LegPartlyFilled,
    LegSettled,
    CycleCompleted,
    RecoveryStarted,
    RecoveryWaiting,
    CycleResumed,
    LegResumed,
    UnwindStarted,
    HopSettled,
    CycleLiquidated,
    CycleParked,
    LateFillFound,
    OrderReappeared,
    UnwindRequested,
    HoldingsReleased,
)
ORDER_FACTS: tuple[type[OrderFact], ...] = (
    OrderIntended,
    OrderAccepted,
    OrderFilled,
    OrderClosed,
    OrderRefused,
    OrderUnknown,
    OrderAbsent,
    CancelIntended,
    OrderAttested,
    AttestedFillReversed,
)
OTHER_FACTS: tuple[type[Fact], ...] = (
    DiscrepancyFound,
    StrategyLoaded,
    CyclesHidden,
    AccountOpened,
    AssetsFound,
    ExternalChangeFound,
    ForeignTradeSeen,
    BalancesReconciled,
    ShortfallFound,
    EngineHalted,
    NewCyclesPaused,
    EngineUnpaused,
    BreakerTripped,
    RiskTripped,
    RiskReset,
    CooldownStarted,
    CooldownCleared,
    OpportunitiesDeclined,
    PanicRequested,
    LogCreated,
    HeadAccepted,
    RunStarted,
    RunEnded,
)
ALL_FACTS: tuple[type[Fact], ...] = (*CYCLE_MOVES, *ORDER_FACTS, *OTHER_FACTS)

CycleEvent = (
    CycleOpened
    | ValidationStarted
    | CycleValidated
    | CycleDeclined
    | CycleAbandoned
    | CycleRefused
    | CycleMissed
    | LegPartlyFilled
    | LegSettled
    | CycleCompleted
    | RecoveryStarted
    | RecoveryWaiting
    | CycleResumed
    | LegResumed
    | UnwindStarted
    | HopSettled
    | CycleLiquidated
    | CycleParked
    | LateFillFound
    | OrderReappeared
    | UnwindRequested
    | HoldingsReleased
    | OrderIntended
    | OrderAccepted
    | OrderFilled
    | OrderClosed
    | OrderRefused
    | OrderUnknown
    | OrderAbsent
    | CancelIntended
    | OrderAttested
    | AttestedFillReversed
    | DiscrepancyFound
)
# What posts to the ledger: a trade, and its reversal.
Posted = OrderFilled | AttestedFillReversed
