"""The venue as the engine sees it. Everything a venue says is untrusted: each field of a reply may be missing or wrong."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import ClassVar, Final, Protocol

from msgspec import Struct

from arb.errors import ArbError
from arb.market.book import Book, FeeRates, MarketRules

# Reasons of a `Refused` that mean more than that this one order was not taken.
DUPLICATE_ORDER_ID: Final = "duplicate_order_id"  # an order of this id exists: no refusal at all
KEY_REVOKED: Final = "key_revoked"  # the venue does not know this key, or no longer


class OrderRequest(Struct, frozen=True, gc=False):
    """An order to send, once. Times are on the venue's clock."""

    client_order_id: str
    market: str
    side: str  # "buy" | "sell"
    kind: str  # "limit" | "market"
    time_in_force: str  # "ioc" | "fok" | "gtc"
    amount: Decimal
    limit: Decimal | None  # None for market orders
    venue_time_ns: int
    window_ns: int  # the venue refuses what arrives later than venue_time_ns + window_ns


class FillReport(Struct, frozen=True, gc=False):
    """One trade as the venue tells it."""

    trade_id: str | None
    exchange_order_id: str | None
    client_order_id: str | None
    market: str | None
    side: str | None
    price: Decimal | None
    amount: Decimal | None
    cost: Decimal | None  # the quote amount that was booked
    fee: Decimal | None
    fee_asset: str | None
    venue_ns: int | None


class OrderReport(Struct, frozen=True, gc=False):
    """One order as the venue tells it. `fills` is None where this reply does not carry them: read the trades."""

    exchange_order_id: str | None
    client_order_id: str | None
    market: str | None
    side: str | None
    status: str | None  # "open" | "closed" | "canceled" | "expired" | "rejected"
    amount: Decimal | None
    filled: Decimal | None
    fills: tuple[FillReport, ...] | None
    venue_ns: int | None = None  # when the venue created it


class Balance(Struct, frozen=True, gc=False):
    """What an account holds of one asset."""

    free: Decimal
    locked: Decimal

    @property
    def total(self) -> Decimal:
        """Free and locked together."""
        return self.free + self.locked


class BalanceChange(Struct, frozen=True, gc=False):
    """A deposit, withdrawal or transfer that the venue itself reports."""

    change_id: str
    asset: str
    amount: Decimal  # signed
    venue_ns: int


class VenueRules(Struct, frozen=True, gc=False):
    """A venue's dialect: what its protocol guarantees, and how long its windows are."""

    venue: str
    recv_window_ns: int  # how long after its timestamp a request is still accepted
    backend_limit_ns: int  # how long an accepted request may take inside the venue
    visibility_ns: int  # how long an existing order may stay invisible to reads
    duplicate_rule: str  # "open orders only" | "always refused" | "returns the original" | "none"
    absence_provable: bool
    fee_side: str  # "received" | "third"
    history_ns: int  # how far back trades and orders can be read
    live: bool  # real money: the longer minimum before absence is declared applies
    books_lag_ns: int = 0  # how far the books that are told may be behind those that orders meet

    def dead_ns(self, venue_time_ns: int) -> int:
        """T_dead: after this moment on the venue's clock an order sent at venue_time_ns cannot come into being."""
        return venue_time_ns + self.recv_window_ns + self.backend_limit_ns + self.visibility_ns


class VenueError(ArbError):
    """The venue, or the way to it, failed."""

    code = "ARB-600"


class Refused(VenueError):
    """The venue proved that it did not take the order: its own code is on the list of refusals."""

    code = "ARB-601"

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail


class OrderNotFound(VenueError):
    """The venue does not show the order. This is not proof that it never existed."""

    code = "ARB-602"


class Banned(VenueError):
    """The venue refuses every request until a time. Nothing is sent or polled before it."""

    code = "ARB-603"

    def __init__(self, retry_after_ns: int) -> None:
        super().__init__(f"banned for {retry_after_ns / 1e9:.1f} s")
        self.retry_after_ns = retry_after_ns


class Maintenance(VenueError):
    """The venue, or a market of it, is closed for now."""

    code = "ARB-604"


class NotSent(VenueError):
    """The request never left this machine: nothing was listening."""

    code = "ARB-605"


class Unreachable(VenueError):
    """The request may have arrived; no usable answer came back."""

    code = "ARB-606"


class KeyRevoked(VenueError):
    """The venue does not accept our key any more: nothing can be sent or read. Make a new key, then start again."""

    code = "ARB-607"
    exit_code: ClassVar[int] = 4


class Venue(Protocol):
    """A venue's account and market data.

    Any method may raise a VenueError, and an implementation may raise anything else by mistake: for `create`, everything
    but Refused, NotSent and a proven acceptance is an unknown fate.
    """

    @property
    def rules(self) -> VenueRules:
        """The dialect."""
        ...

    @property
    def fingerprint(self) -> str:
        """Which account this is, without its secrets."""
        ...

    async def time_ns(self) -> int:
        """Read the venue's clock."""
        ...

    async def markets(self) -> Mapping[str, MarketRules]:
        """Read the markets and their rules."""
        ...

    async def fees(self) -> FeeRates:
        """Read the account's fee rates."""
        ...

    async def balances(self) -> Mapping[str, Balance]:
        """Read every asset the account holds or has held."""
        ...

    async def create(self, request: OrderRequest) -> OrderReport:
        """Send an order. Never called twice for one client order id."""
        ...

    def order_wait_ns(self, orders: int, ahead: int) -> int:
        """How long until so many orders may be sent at once after those `ahead` of them; 0: now.

        As far as the venue's ration is known. More than it ever takes at once wait until it is whole.
        """
        ...

    async def cancel(self, market: str, client_order_id: str) -> None:
        """Cancel an order; harmless when repeated. The order's fate is read, not concluded from this."""
        ...

    async def order(self, market: str, client_order_id: str) -> OrderReport:
        """Read an order by our id; raises OrderNotFound."""
        ...

    async def order_by_exchange_id(self, market: str, exchange_order_id: str) -> OrderReport:
        """Read an order by the venue's id; raises OrderNotFound."""
        ...

    async def open_orders(self) -> Sequence[OrderReport]:
        """Read all open orders of the account."""
        ...

    async def trades(self, market: str, since_ns: int) -> Sequence[FillReport]:
        """Read all trades of the account on a market since a venue time, oldest first."""
        ...

    async def balance_changes(self, since_ns: int) -> Sequence[BalanceChange]:
        """Read deposits and withdrawals since a venue time, oldest first."""
        ...

    async def close(self) -> None:
        """Let go of connections and files."""
        ...


class Books(Protocol):
    """The public books of a venue as they stand now."""

    def book(self, market: str) -> Book | None:
        """The latest book; None while there is none or its sequence is broken."""
        ...

    def heard_ns(self, market: str) -> int | None:
        """When the connection that carries this market was last heard."""
        ...
