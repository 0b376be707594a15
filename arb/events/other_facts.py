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


class PanicRequested(Fact, frozen=True):
    """An operator asked to liquidate one cycle, or all of them ("*")."""

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
