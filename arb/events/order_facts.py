"""Facts about orders; by themselves they never move a cycle."""

from decimal import Decimal

from arb.events.fact_base import Fact, OrderFact


class OrderIntended(OrderFact, frozen=True):
    """An order is about to be sent, once. Durable before the request leaves."""

    number: int  # within the cycle
    purpose: str  # "leg" | "unwind"
    leg: int
    market: str
    base: str
    quote: str
    side: str  # "buy" | "sell"
    time_in_force: str  # "ioc" | "fok"
    amount: Decimal  # base
    limit: Decimal  # quote per base; the worst price accepted
    best: Decimal  # the touch when it was planned; slippage is measured from here
    expected: Decimal  # net output in the received asset
    venue_time_ns: int  # estimate of the venue's clock when it was decided
    window_ns: int  # the venue refuses it when it arrives later than this after venue_time_ns
    dead_ns: int  # on the venue's clock: after this it can no longer be accepted or become visible (T_dead)


class OrderAccepted(OrderFact, frozen=True):
    """The venue proved that it has the order."""

    exchange_order_id: str


class OrderFilled(OrderFact, frozen=True):
    """One trade of an order, once per venue trade id. `cost` is the quote amount that the venue booked."""

    exchange_order_id: str
    trade_id: str
    market: str
    base: str
    quote: str
    side: str
    price: Decimal
    amount: Decimal
    cost: Decimal
    fee: Decimal
    fee_asset: str
    venue_ns: int


class OrderClosed(OrderFact, frozen=True):
    """The venue says the order is over; it is settled when the distinct fills add up to `filled`."""

    status: str  # "closed" | "canceled" | "expired" | "rejected"
    filled: Decimal


class OrderRefused(OrderFact, frozen=True):
    """The venue proved that the order was not and will not be executed."""

    reason: str
    detail: str


class OrderUnknown(OrderFact, frozen=True):
    """Nothing proves whether the venue has the order. It is resolved by evidence, never by sending again."""

    reason: str


class OrderAbsent(OrderFact, frozen=True):
    """The venue cannot have the order: its window has passed and every place it could show was read."""

    not_found: int
    venue_time_ns: int
    trades_read: int
    evidence: str


class CancelIntended(OrderFact, frozen=True):
    """The engine is about to cancel the order."""

    reason: str


class OrderAttested(OrderFact, frozen=True):
    """An operator states an order's fate, because the venue can no longer tell."""

    verdict: str  # "absent" | "filled"
    reason: str


class AttestedFillReversed(OrderFact, frozen=True):
    """The venue shows what an order really did: the trade that an operator had stated for it is taken back, in full."""

    trade_id: str
    market: str
    base: str
    quote: str
    side: str
    price: Decimal
    amount: Decimal
    cost: Decimal
    venue_ns: int


class DiscrepancyFound(Fact, frozen=True):
    """The venue's truth does not fit ours. It is recorded and alarmed, never corrected silently."""

    kind: str  # "overfilled" | "fill changed" | "status went back" | "garbled reply" | ...
    subject: str  # client order id, trade id or asset
    was: str
    now: str
