"""What can be asked of a cycle: commands are imperative, `decide` answers with facts or refuses."""

from decimal import Decimal

from msgspec import Struct

from arb.events.facts import Amounts, LegRoute
from arb.money import ZERO


class Command(Struct, frozen=True, gc=False, kw_only=True):
    """Something to decide about one cycle."""


class OpenCycle(Command, frozen=True):
    """Record a cycle that was found."""

    cycle_id: str
    number: int
    strategy: str
    config: str
    legs: tuple[LegRoute, ...]
    start_amount: Decimal
    edge_bps: Decimal
    books: dict[str, int]
    seen_ns: int | None = None
    prices: Amounts = {}
    claimed: Amounts = {}
    available: Decimal | None = None


class StartValidation(Command, frozen=True):
    """Begin to check."""


class ValidateCycle(Command, frozen=True):
    """All checks passed: reserve the start amount."""

    expected: Decimal
    floor: Decimal
    fee_reserve: Amounts
    cap: Decimal
    max_slippage_bps: Decimal
    max_retries: int


class DeclineCycle(Command, frozen=True):
    """Do not trade."""

    reason: str
    detail: str = ""


class AbandonCycle(Command, frozen=True):
    """Close a cycle that a restart found before its first order."""

    reason: str


class IntendOrder(Command, frozen=True):
    """Prepare an order. It may be sent once the fact is durable."""

    client_order_id: str
    purpose: str
    market: str
    base: str
    quote: str
    side: str
    amount: Decimal
    limit: Decimal
    best: Decimal
    expected: Decimal
    venue_time_ns: int
    window_ns: int
    dead_ns: int
    time_in_force: str = "ioc"


class Fill(Struct, frozen=True, gc=False, kw_only=True):
    """One trade, checked: every field is there, of the right sign, and of this order's market."""

    trade_id: str
    exchange_order_id: str
    price: Decimal
    amount: Decimal
    cost: Decimal
    fee: Decimal
    fee_asset: str
    venue_ns: int


class ReportOrder(Command, frozen=True):
    """Tell what the venue says about an order. `status` None: only fills are told."""

    client_order_id: str
    exchange_order_id: str | None
    status: str | None
    filled: Decimal | None
    fills: tuple[Fill, ...] = ()


class CorrectEnd(Command, frozen=True):
    """The venue named too much when the order ended: what it says now is `filled`, as its trades do."""

    client_order_id: str
    filled: Decimal


class ReportRefused(Command, frozen=True):
    """The venue refused the order by proof, or we did before sending."""

    client_order_id: str
    reason: str
    detail: str = ""


class ReportUnknown(Command, frozen=True):
    """Nothing proves the order's fate."""

    client_order_id: str
    reason: str


class ReportAbsent(Command, frozen=True):
    """All proofs of absence are there."""

    client_order_id: str
    not_found: int
    venue_time_ns: int
    trades_read: int
    evidence: str


class ReportDiscrepancy(Command, frozen=True):
    """Record that the venue's words do not fit."""

    kind: str
    subject: str
    was: str
    now: str


class RequestCancel(Command, frozen=True):
    """Cancel an open order."""

    client_order_id: str
    reason: str


class AttestOrder(Command, frozen=True):
    """An operator ends an unknown. For "filled" the fill says what is believed to have happened."""

    client_order_id: str
    verdict: str
    reason: str
    fill: Fill | None = None


class MarkPartial(Command, frozen=True):
    """The current leg goes on with a new order for its remainder."""


class SettleLeg(Command, frozen=True):
    """The current leg is done."""


class CompleteCycle(Command, frozen=True):
    """Close the loop. `fee_value`: fees that the account paid, in the start asset, at the books of now."""

    fee_value: Decimal | None


class MissCycle(Command, frozen=True):
    """Close a cycle whose first leg filled nothing."""

    reason: str


class RefuseCycle(Command, frozen=True):
    """Close a cycle whose first leg was refused."""

    reason: str


class StartRecovery(Command, frozen=True):
    """Leave the run path."""

    reason: str


class Wait(Command, frozen=True):
    """Look again later."""

    reason: str
    next_try_ns: int


class Resume(Command, frozen=True):
    """Go on with a leg; `partly`: it has filled in part and its rest is worth an order."""

    leg: int
    partly: bool
    output: Decimal
    floor: Decimal
    liquidation: Decimal | None


class StartUnwind(Command, frozen=True):
    """Liquidate what is held."""

    reason: str
    targets: tuple[str, ...]
    liquidation: Decimal | None
    resume: Decimal | None


class SettleHop(Command, frozen=True):
    """An unwind order is final."""

    client_order_id: str


class LiquidateCycle(Command, frozen=True):
    """Close a cycle that was unwound; decides between completed and failed (liquidated).

    `value`: of holdings in other target currencies than the start's, in the start asset.
    """

    targets: tuple[str, ...]
    value: Decimal
    fee_value: Decimal | None


class ParkCycle(Command, frozen=True):
    """Give up selling for now; `dust`: the assets whose amount no market takes.

    `value`: of holdings in other target currencies than the start's, in the start asset.
    """

    reason: str
    targets: tuple[str, ...]
    dust: tuple[str, ...]
    fee_value: Decimal | None
    value: Decimal = ZERO


class RequestUnwind(Command, frozen=True):
    """An operator asks to sell what a failed cycle holds."""

    reason: str


class ReleaseHoldings(Command, frozen=True):
    """An operator takes what a closed cycle holds."""

    reason: str
