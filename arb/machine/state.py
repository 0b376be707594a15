"""What a cycle and its orders are, as folded from their facts."""

import copy
from decimal import Decimal
from functools import lru_cache
from typing import Final

from msgspec import Struct, msgpack

from arb.errors import IllegalMove
from arb.events.facts import Amounts, LegRoute
from arb.machine.table import CLOSED, FINAL_ORDER_STATES, INTENDED, PENDING
from arb.money import ZERO


class Trade(Struct, frozen=True, gc=False, array_like=True):
    """What the venue told of one fill; equal however many trailing zeros it sent."""

    trade_id: str
    price: Decimal
    amount: Decimal
    cost: Decimal
    fee: Decimal
    fee_asset: str


class Order(Struct, frozen=True, gc=False, array_like=True):
    """One order of a cycle. Amounts are in base, cost in quote, as the venue booked them."""

    client_order_id: str
    number: int
    purpose: str  # "leg" | "unwind"
    leg: int
    market: str
    base: str
    quote: str
    side: str
    amount: Decimal
    limit: Decimal
    best: Decimal
    intended_ns: int
    venue_time_ns: int
    dead_ns: int
    state: str = INTENDED
    exchange_order_id: str | None = None
    told: Decimal | None = None  # filled amount the venue named when it closed the order
    filled: Decimal = ZERO
    cost: Decimal = ZERO
    received: Decimal = ZERO  # net of fees in the received asset
    trades: tuple[Trade, ...] = ()
    status: str = ""
    final_ns: int = 0
    time_in_force: str = "ioc"  # "ioc" | "fok"

    @property
    def is_final(self) -> bool:
        """Whether the order's fate and fills are known."""
        return self.state in FINAL_ORDER_STATES

    @property
    def spend_asset(self) -> str:
        """What the order gives."""
        return self.quote if self.side == "buy" else self.base

    @property
    def receive_asset(self) -> str:
        """What the order gets."""
        return self.base if self.side == "buy" else self.quote

    @property
    def spent(self) -> Decimal:
        """How much of the spent asset its fills took."""
        return self.cost if self.side == "buy" else self.filled

    @property
    def reserve(self) -> Decimal:
        """How much of the spent asset the venue locks while it is open."""
        return self.amount * self.limit if self.side == "buy" else self.amount

    @property
    def may_take(self) -> Decimal:
        """How much of the spent asset it could still take: nothing once it is final."""
        return ZERO if self.is_final else max(ZERO, self.reserve - self.spent)

    def trade(self, trade_id: str) -> Trade | None:
        """What is known of a fill, None if it is not known."""
        for known in self.trades:
            if known.trade_id == trade_id:
                return known
        return None


# An order in work is 1.9 KB of exact numbers, a packed one 0.3 KB.
ORDERS_UNPACKED_KEPT: Final = 1_024
_pack: Final = msgpack.Encoder().encode
_unpack: Final = msgpack.Decoder(Order).decode


@lru_cache(maxsize=ORDERS_UNPACKED_KEPT)
def unpacked(packed: bytes) -> Order:
    """Read a filed order."""
    return _unpack(packed)


class Cycle(Struct, gc=False, omit_defaults=True):
    """A cycle as its history proves it. Changed by `evolve` alone; `state` by the machine alone."""

    id: str
    number: int
    strategy: str
    config: str
    legs: tuple[LegRoute, ...]
    start_asset: str
    start_amount: Decimal
    edge_bps: Decimal
    opened_ns: int
    updated_ns: int
    version: int = 1
    state: str = PENDING
    outcome: str | None = None
    leg: int = 0  # legs finished
    leg_spent: Decimal = ZERO
    leg_received: Decimal = ZERO
    attempts: int = 0  # orders sent in this leg
    reserved: Decimal = ZERO
    expected: Decimal = ZERO
    floor: Decimal = ZERO
    cap: Decimal = ZERO
    max_slippage_bps: Decimal = ZERO
    max_retries: int = 0
    holdings: Amounts = {}
    fees: Amounts = {}
    returned: Amounts = {}
    returned_value: Decimal = ZERO  # of what went back in other currencies, in the start asset
    dust: Amounts = {}
    parked: Amounts = {}
    pnl: Decimal | None = None
    fee_value: Decimal | None = ZERO
    recent: tuple[Order, ...] = ()  # orders of the current leg, or of everything once one moved
    filed: tuple[bytes, ...] = ()  # final orders of settled legs, packed; all before the recent
    resumes: int = 0
    unwind_orders: int = 0  # in this unwind
    recoveries: int = 0
    waits: int = 0  # in this recovery
    wait_reason: str = ""
    wait_since_ns: int = 0  # for this reason
    next_try_ns: int = 0
    ended_ns: int = 0
    error: str | None = None
    discrepancies: tuple[tuple[str, str, str], ...] = ()  # (kind, subject, now), each alarmed once

    @property
    def is_closed(self) -> bool:
        """Completed or failed."""
        return self.state in CLOSED

    @property
    def has_traded(self) -> bool:
        """Whether any of its orders filled."""
        return any(order.trades for order in self.orders)

    @property
    def orders(self) -> tuple[Order, ...]:
        """Every order, in the order of their numbers."""
        return (*map(unpacked, self.filed), *self.recent) if self.filed else self.recent

    @property
    def orders_sent(self) -> int:
        """How many orders were intended."""
        return len(self.filed) + len(self.recent)

    def order(self, client_order_id: str) -> Order:
        """The order of that id; raises IllegalMove when the cycle has none."""
        recent = self.recent
        if recent and recent[-1].client_order_id == client_order_id:
            return recent[-1]
        for order in reversed(self.orders):
            if order.client_order_id == client_order_id:
                return order
        raise IllegalMove(f"{self.id} has no order {client_order_id}")

    def misses(self) -> int:
        """How many of its last orders got nothing, one after the other."""
        count = 0
        for order in reversed(self.orders):
            if order.filled > 0:
                break
            count += 1
        return count

    def missed_unwinding(self) -> bool:
        """Whether its last order was one of an unwind that the market had nothing for."""
        last = self.orders[-1] if self.orders else None
        return last is not None and last.purpose == "unwind" and last.told == 0 == last.filled

    def pending_orders(self) -> list[Order]:
        """Orders whose fate or fills are not known yet."""
        return [order for order in self.recent if not order.is_final]

    def put(self, order: Order) -> None:
        """Take an order in place of its earlier self, or as the next one."""
        filed = len(self.filed)
        if order.number <= filed:  # it may not stay final now that it is spoken of
            self.recent, self.filed, filed = self.orders, (), 0
        recent = self.recent
        at = order.number - filed - 1
        if at == 0 and len(recent) == 1:
            self.recent = (order,)
        else:
            self.recent = (*recent[:at], order, *recent[at + 1 :])

    def file(self) -> None:
        """Pack the final orders of settled legs: most are never spoken of again."""
        for order in self.recent:
            if order.state not in FINAL_ORDER_STATES:
                return
        self.filed = (*self.filed, *map(_pack, self.recent))
        self.recent = ()

    def holding(self, asset: str) -> Decimal:
        """What the cycle has in its hands of one asset."""
        return self.holdings.get(asset, ZERO)

    def owned(self) -> Amounts:
        """Everything the account may not use for others: in hand, parked and dust."""
        total: Amounts = {}
        for part in (self.holdings, self.parked, self.dust):
            for asset, amount in part.items():
                if amount > 0:
                    total[asset] = total.get(asset, ZERO) + amount
        return total

    def spent_start(self) -> Decimal:
        """How much of the start amount is not in hand as the start currency."""
        return self.start_amount - self.holding(self.start_asset) - self.returned_start()

    def returned_start(self) -> Decimal:
        """What went back to the account in the start currency so far."""
        return self.returned.get(self.start_asset, ZERO)

    def copy(self) -> "Cycle":
        """A draft to decide on: orders are immutable, so sharing them is safe."""
        draft = copy.copy(self)
        for name in ("holdings", "fees", "returned", "dust", "parked"):
            setattr(draft, name, dict(getattr(self, name)))
        return draft


def path_of(cycle: Cycle) -> list[str]:
    """The currencies of the cycle, start first, not repeated at the end."""
    return [leg.spend_asset for leg in cycle.legs]
