"""Facts about strategies, accounts and runs."""

from decimal import Decimal

from arb.events.fact_base import Amounts, Fact

# --- strategies


class StrategyLoaded(Fact, frozen=True):
    """The normalised configuration that cycles of this hash began with; recovery uses the same."""

    name: str
    config: str  # sha256 of `text`, hex
    text: str  # canonical JSON


class CyclesHidden(Fact, frozen=True):
    """Cycles that ended before this time are left out of the default views; the log stays whole."""

    before_ns: int


class OpportunitiesDeclined(Fact, frozen=True):
    """Opportunities that were seen and not taken in a stretch of time, before a cycle was recorded."""

    strategy: str
    from_ns: int
    to_ns: int
    reasons: dict[str, int]  # reason -> how many
    samples: dict[str, str]  # reason -> the numbers of the last one


# --- accounts


class AccountOpened(Fact, frozen=True):
    """The account's balances before this log's first order: free + locked, per asset."""

    opening: Amounts
    venue_ns: int  # the venue's clock: trades from before it are part of the opening


class AssetsFound(Fact, frozen=True):
    """Assets that the venue shows for the first time after the opening, at zero: their later changes are judged too."""

    assets: tuple[str, ...]


class ExternalChangeFound(Fact, frozen=True):
    """Somebody else moved money: the difference is recorded, alarmed, and lived with."""

    asset: str
    amount: Decimal  # signed
    explained: bool  # the venue itself reports it (deposit, withdrawal, foreign trade)
    source: str
    detail: str


class ForeignTradeSeen(Fact, frozen=True):
    """A trade on our account that no order of this log made."""

    market: str
    trade_id: str
    exchange_order_id: str
    client_order_id: str | None


class BalancesReconciled(Fact, frozen=True):
    """Per asset, venue = opening + ledger + external changes, at this moment."""

    assets: tuple[str, ...]
    trades_through_ns: int  # venue time up to which trades were read


class ShortfallFound(Fact, frozen=True):
    """The account holds less than the cycles own; the named cycle bears it."""

    asset: str
    owned: Decimal
    actual: Decimal
    borne_by: str


class EngineHalted(Fact, frozen=True):
    """No new cycle opens, restarts included, until an operator lifts it."""

    reason: str
    scope: str  # "all", or an asset


class NewCyclesPaused(Fact, frozen=True):
    """An operator paused new cycles."""

    reason: str


class EngineUnpaused(Fact, frozen=True):
    """An operator lifted halts and pauses."""

    reason: str


class BreakerTripped(Fact, frozen=True):
    """Too many anomalies in a time: new cycles pause for a cooldown."""

    kind: str  # "unknowns" | "refusals"
    count: int
    until_ns: int


class RiskTripped(Fact, frozen=True):
    """A strategy's limit is broken, by a close or as a start finds it: it opens nothing, restarts included, until a reset."""

    strategy: str
    limit: str  # "consecutive_losses" | "daily_loss"
    reason: str
    cycle_id: str  # whose close broke it; empty: a start found it broken by what is in the log


class RiskReset(Fact, frozen=True):
    """An operator set a limit back: what counted for it until now counts no more."""

    strategy: str  # or "*", for every strategy
    limit: str
    reason: str


class CooldownStarted(Fact, frozen=True):
    """A cycle left its path because of price or time: the same currencies are not traded again for a while."""

    strategy: str
    identity: str  # the path's currencies, from whichever of them
    until_ns: int
    cause: str  # "shortfall" | "below_floor" | "nothing" | "latency"
    cycle_id: str


class CooldownCleared(Fact, frozen=True):
    """An operator ended a cooldown early."""

    strategy: str  # or "*", for every strategy
    identity: str  # or "*", for every path
    reason: str


class PanicRequested(Fact, frozen=True):
    """An operator asked to liquidate a cycle, which forbids no new ones."""

    cycle_id: str
    reason: str


# --- runs


class LogCreated(Fact, frozen=True):
    """The first event of every log: who it is and what it may be used for."""

    instance: str  # 4 letters, part of every client order id
    mode: str  # "live" | "paper" | "backtest"
    venue: str
    account: str  # fingerprint


class HeadAccepted(Fact, frozen=True):
    """An operator accepted a log whose witness disagreed (a restored backup); orders get a new instance."""

    reason: str
    position: int  # of the last event that was there
    instance: str


class RunStarted(Fact, frozen=True):
    """A process began to work on this log."""

    run: str
    version: str
    strategies: tuple[str, ...]


class RunEnded(Fact, frozen=True):
    """A process ended in order."""

    run: str
    exit_code: int
    reason: str
