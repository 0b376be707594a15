"""What is counted, per strategy: the names in the table `risk`."""

from collections import Counter
from typing import Final

from arb.events import facts as f

UPSERT_COUNT: Final = """INSERT INTO risk VALUES (?, ?, ?)
    ON CONFLICT (strategy, name) DO UPDATE SET count = count + excluded.count"""

# Rare events, counted one by one. Cycles are counted by their outcome (`outcome_name`); orders and
# fills have tables of their own, and a count of those would cost a write for each.
NAMES: Final[dict[type[f.Fact], str]] = {
    f.RecoveryStarted: "recoveries",
    f.UnwindStarted: "unwinds",
    f.LateFillFound: "cycles_reopened",
    f.OrderReappeared: "cycles_reopened",
    f.UnwindRequested: "cycles_reopened",
    f.OrderRefused: "orders_refused",
    f.OrderUnknown: "orders_unknown",
    f.OrderAbsent: "orders_absent",
    f.OrderAttested: "orders_attested",
    f.AttestedFillReversed: "attestations_reversed",
    f.DiscrepancyFound: "discrepancies",
    f.ExternalChangeFound: "external_changes",
    f.ShortfallFound: "shortfalls",
    f.BreakerTripped: "breaker_trips",
    f.EngineHalted: "halts",
    f.RiskTripped: "risk_trips",
    f.CooldownStarted: "cooldowns",
}
ACCOUNT: Final = ""  # the strategy of what belongs to none


def owner(fact: f.Fact) -> str:
    """The strategy that a fact outside of a cycle's stream belongs to."""
    return fact.strategy if isinstance(fact, f.RiskTripped | f.CooldownStarted) else ACCOUNT


def outcome_name(outcome: str) -> str:
    """The counter of cycles that ended so; a cycle counts once, by its last close."""
    return f"cycles_{outcome}"


Counts = Counter[tuple[str, str]]  # (strategy, name) -> how many more
