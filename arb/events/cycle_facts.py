"""Facts that move a cycle: the table of moves says from which states, and to which one."""

from decimal import Decimal

from msgspec import Struct

from arb.events.fact_base import Amounts, CycleFact


class LegRoute(Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """One leg of a path: which market, which side, what goes in and what comes out."""

    market: str
    side: str  # "buy" | "sell"
    spend_asset: str
    receive_asset: str


class CycleOpened(CycleFact, frozen=True):
    """A cycle was recorded, with what it was decided on; no money is touched yet."""

    SHAPE = 2  # since then with the inputs of the decision

    cycle_id: str
    number: int  # the log's counter, encoded in each client order id
    strategy: str
    config: str  # hash of the normalised configuration, kept in StrategyLoaded
    legs: tuple[LegRoute, ...]
    start_asset: str
    start_amount: Decimal
    edge_bps: Decimal  # net of fees, as planned
    books: dict[str, int]  # market -> sequence of the book the plan was made on
    seen_ns: int | None  # when the last change before the decision was received; None: unknown
    prices: Amounts  # market -> best price of the side that its leg takes, less what was claimed
    claimed: Amounts  # market -> base of that side that other open cycles were about to take
    available: Decimal | None  # of the start asset; None: unknown


class ValidationStarted(CycleFact, frozen=True):
    """The engine began to check books, size, limits, balance and exits."""


class CycleValidated(CycleFact, frozen=True):
    """All checks passed. This fact is the durable reservation of the start amount."""

    reserved: Decimal  # of the start asset
    expected: Decimal  # output in the start asset, as planned
    floor: Decimal  # start amount x (1 + (min_profit_bps - max_slippage_bps) / 10,000)
    fee_reserve: Amounts  # of third-currency fee assets
    cap: Decimal  # notional cap of one order, in the start asset
    max_slippage_bps: Decimal
    max_retries: int


class CycleDeclined(CycleFact, frozen=True):
    """The engine decided not to trade, before any order."""

    reason: str
    detail: str


class CycleAbandoned(CycleFact, frozen=True):
    """A restart found the cycle before its first order; its opportunity is gone and its reservation is released."""

    reason: str


class CycleRefused(CycleFact, frozen=True):
    """The venue refused the first leg's orders by proof; nothing was spent."""

    reason: str


class CycleMissed(CycleFact, frozen=True):
    """The first leg's orders filled nothing."""

    reason: str


class LegPartlyFilled(CycleFact, frozen=True):
    """The current leg has filled in part."""

    leg: int
    spent: Decimal
    received: Decimal  # net of fees


class LegSettled(CycleFact, frozen=True):
    """A leg is done: its orders are final and the next leg goes on with what was received."""

    leg: int
    spent: Decimal
    received: Decimal  # net of fees taken from the received asset
    left: Decimal  # of the spent asset, still held


class CycleCompleted(CycleFact, frozen=True):
    """The loop is closed: every order is final, and what is held is the start currency again, but for dust."""

    returned: Decimal  # of the start asset, to the account (negative: a late fill spent more than was set aside)
    pnl: Decimal  # in the start asset, from fills: everything returned so far - start amount
    dust: Amounts
    fees: Amounts  # every fee paid, by asset
    fee_value: Decimal | None  # what the account paid beside pnl, in the start asset; None: unknown


class RecoveryStarted(CycleFact, frozen=True):
    """The run path ended without a result (a restart, an unproven order, a miss): resolve, compare, then choose."""

    reason: str


class RecoveryWaiting(CycleFact, frozen=True):
    """Recovery cannot go on yet, and says why and when it looks again."""

    reason: str
    next_try_ns: int


class CycleResumed(CycleFact, frozen=True):
    """Recovery chose to go on with the given leg: its fresh output is above the floor and above liquidation."""

    leg: int
    output: Decimal
    floor: Decimal
    liquidation: Decimal | None  # best liquidation in the start asset; None: no route


class LegResumed(CycleFact, frozen=True):
    """Recovery chose to go on in a leg that has filled in part."""

    leg: int
    output: Decimal
    floor: Decimal
    liquidation: Decimal | None


class UnwindStarted(CycleFact, frozen=True):
    """Holdings are being liquidated, hop by hop, into the best of the target currencies (panic sell)."""

    reason: str
    targets: tuple[str, ...]
    liquidation: Decimal | None  # value expected, in the start asset
    resume: Decimal | None  # what going on would have given; None: not possible


class HopSettled(CycleFact, frozen=True):
    """One order of an unwind is final; the next hop is planned anew from actual holdings."""

    client_order_id: str
    spent: Decimal
    received: Decimal


class CycleLiquidated(CycleFact, frozen=True):
    """Everything above dust is in a target currency and back with the account."""

    returned: Amounts
    pnl: Decimal  # in the start asset, the other currencies at `value`
    value: Decimal  # of what was returned in other currencies, in the start asset, at the close
    dust: Amounts
    fees: Amounts
    fee_value: Decimal | None


class CycleParked(CycleFact, frozen=True):
    """Holdings that cannot be sold now stay with this cycle until an operator unwinds or releases them."""

    SHAPE = 2  # since then with `value`

    reason: str
    parked: Amounts
    dust: Amounts
    returned: Amounts
    pnl: Decimal  # in the start asset: what came back - start amount; the parked part counts as spent
    fees: Amounts
    fee_value: Decimal | None
    value: Decimal  # of what came back in other target currencies, in the start asset


class LateFillFound(CycleFact, frozen=True):
    """A fill arrived after the cycle was closed: the venue is right, the cycle is opened again."""

    client_order_id: str
    trade_id: str


class OrderReappeared(CycleFact, frozen=True):
    """An order that was proven absent exists after all; the cycle is opened again."""

    client_order_id: str


class UnwindRequested(CycleFact, frozen=True):
    """An operator asked to sell what a failed cycle parked."""

    reason: str


class HoldingsReleased(CycleFact, frozen=True):
    """An operator took parked holdings and dust out of the cycle's hands: they belong to the account again."""

    reason: str
    released: Amounts
