"""What an account is, as folded from its facts and from every cycle's fills."""

from decimal import Decimal

from msgspec import Struct

from arb.events import facts as f
from arb.machine.invariants import postings
from arb.machine.risk import Result, Risk, evolve_risk, result_of, shift_result
from arb.machine.state import Cycle
from arb.machine.table import CLOSED
from arb.money import ZERO

EVERYTHING = "all"
KILLED = "the kill switch"  # how the reason of a halt by that file begins


class Account(Struct, gc=False, omit_defaults=True):
    """The engine's book of one account. Per asset, venue = opening + ledger + external."""

    instance: str = ""
    mode: str = ""
    venue: str = ""
    fingerprint: str = ""
    next_number: int = 1  # of the next cycle
    opening: f.Amounts | None = None  # None: not read yet
    ledger: f.Amounts = {}
    external: f.Amounts = {}
    owned_closed: f.Amounts = {}  # dust and parked amounts of closed cycles
    halts: dict[str, str] = {}  # scope ("all" or an asset) -> reason
    paused: str | None = None
    breaker_until_ns: int = 0
    opened_venue_ns: int = 0
    trades_through_ns: int = 0  # on the venue's clock
    foreign: tuple[str, ...] = ()  # recent "market:trade id" of others
    hidden_before_ns: int = 0
    panics: tuple[str, ...] = ()  # cycles an operator wants liquidated
    risk: dict[str, Risk] = {}  # by strategy

    def expected(self, asset: str) -> Decimal:
        """What the venue should hold of an asset, free and locked together."""
        opening = ZERO if self.opening is None else self.opening.get(asset, ZERO)
        return opening + self.ledger.get(asset, ZERO) + self.external.get(asset, ZERO)

    def assets(self) -> set[str]:
        """Every asset that was ever part of the account."""
        return {*(self.opening or {}), *self.ledger, *self.external}

    def halted(self, assets: set[str]) -> str | None:
        """Why no new cycle over these assets may open; None when one may."""
        halt = self.halt_of(assets)
        return self.paused if halt is None else halt

    def halt_of(self, assets: set[str]) -> str | None:
        """Why these assets are halted, paused or not; None when they are not."""
        if EVERYTHING in self.halts:
            return self.halts[EVERYTHING]
        for asset in sorted(assets):
            if asset in self.halts:
                return f"{asset}: {self.halts[asset]}"
        return None


FOREIGN_KEPT = 1_000


def pause_reason(fact: f.NewCyclesPaused) -> str:
    """Say who paused, and why."""
    return f"paused by an operator: {fact.reason}"


def _bump(amounts: f.Amounts, asset: str, amount: Decimal) -> None:
    total = amounts.get(asset, ZERO) + amount
    if total:
        amounts[asset] = total
    else:
        amounts.pop(asset, None)


def book_fill(account: Account, fill: f.Posted) -> None:
    """Post one trade, or its reversal, to the ledger."""
    for _kind, asset, amount in postings(fill):
        account.ledger[asset] = account.ledger.get(asset, ZERO) + amount


def shift_owned(account: Account, before: f.Amounts, after: f.Amounts) -> None:
    """Follow what closed cycles keep: give each cycle's dust and parked amounts before and after."""
    for asset, amount in before.items():
        _bump(account.owned_closed, asset, -amount)
    for asset, amount in after.items():
        _bump(account.owned_closed, asset, amount)


class Closed(Struct, frozen=True, gc=False):
    """What a cycle weighs in the account's book while it is closed: what it keeps, and its result."""

    owned: f.Amounts
    result: Result | None


STILL_OPEN = Closed({}, None)


def closed_part(cycle: Cycle | None) -> Closed:
    """What a cycle weighs now; nothing while it is open, or before it was opened."""
    if cycle is None or cycle.state not in CLOSED:
        return STILL_OPEN
    return Closed(cycle.owned(), result_of(cycle))


def shift_closed(account: Account, before: Closed, after: Closed) -> None:
    """Follow a cycle that was closed, is closed now, or both: live, in the tables and in replay."""
    shift_owned(account, before.owned, after.owned)
    shift_result(account.risk, before.result, after.result)


def follow(account: Account, fact: f.Fact, at_ns: int) -> None:
    """Apply one fact and its time to everything the account's book holds, in place."""
    evolve_account(account, fact)
    evolve_risk(account.risk, fact, at_ns)


def evolve_account(account: Account, fact: f.Fact) -> None:
    """Apply one fact to the account, in place. Facts that say nothing about it change nothing."""
    match fact:
        case f.OrderFilled() | f.AttestedFillReversed():
            book_fill(account, fact)
        case f.CycleOpened():
            account.next_number = max(account.next_number, fact.number + 1)
        case f.LogCreated():
            account.instance = fact.instance
            account.mode, account.venue = fact.mode, fact.venue
            account.fingerprint = fact.account
        case f.HeadAccepted():
            account.instance = fact.instance
        case f.AccountOpened():
            account.opening = dict(fact.opening)
            account.opened_venue_ns = account.trades_through_ns = fact.venue_ns
        case f.AssetsFound():
            opening = account.opening or {}
            account.opening = {**dict.fromkeys(fact.assets, ZERO), **opening}
        case f.ExternalChangeFound():
            _bump(account.external, fact.asset, fact.amount)
        case f.ForeignTradeSeen():
            key = f"{fact.market}:{fact.trade_id}"
            account.foreign = (*account.foreign, key)[-FOREIGN_KEPT:]
        case f.BalancesReconciled():
            account.trades_through_ns = max(account.trades_through_ns, fact.trades_through_ns)
        case f.CyclesHidden():
            account.hidden_before_ns = max(account.hidden_before_ns, fact.before_ns)
        case _:
            _evolve_permission(account, fact)


def _evolve_permission(account: Account, fact: f.Fact) -> None:
    match fact:
        case f.EngineHalted():
            account.halts[fact.scope] = fact.reason
        case f.NewCyclesPaused():
            account.paused = pause_reason(fact)
        case f.EngineUnpaused():
            account.halts = {}
            account.paused = None
            account.breaker_until_ns = 0
        case f.BreakerTripped():
            account.breaker_until_ns = fact.until_ns
        case f.PanicRequested():
            account.panics = (*account.panics, fact.cycle_id)
        case _:
            return
