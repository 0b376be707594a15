"""What the paper venue keeps: its orders, its fills, and how it tells them."""

from decimal import Decimal

from msgspec import Struct

from arb.exchange.port import Balance, BalanceChange, FillReport, OrderReport


class PaperOrder(Struct, frozen=True, gc=False):
    """An order as the venue's own book of it."""

    number: int
    client_order_id: str | None  # None: placed by hand
    market: str
    base: str
    quote: str
    side: str  # "buy" | "sell"
    kind: str  # "limit" | "market"
    time_in_force: str  # "ioc" | "fok" | "gtc"
    amount: Decimal
    limit: Decimal | None
    status: str  # "open" | "closed" | "canceled" | "expired"
    filled: Decimal
    locked: Decimal  # of the spent asset, for what is not filled yet
    created_ns: int
    closed_ns: int | None

    @property
    def exchange_order_id(self) -> str:
        """The venue's id: its counter."""
        return f"o{self.number}"

    @property
    def spent_asset(self) -> str:
        """What the order locks and pays with."""
        return self.quote if self.side == "buy" else self.base

    @property
    def received_asset(self) -> str:
        """What the order brings."""
        return self.base if self.side == "buy" else self.quote

    def report(self, fills: tuple[FillReport, ...] | None) -> OrderReport:
        """Tell the order, with the fills where the reply carries them."""
        return OrderReport(
            exchange_order_id=self.exchange_order_id,
            client_order_id=self.client_order_id,
            market=self.market,
            side=self.side,
            status=self.status,
            amount=self.amount,
            filled=self.filled,
            fills=fills,
            venue_ns=self.created_ns,
        )


class PaperFill(Struct, frozen=True, gc=False):
    """One trade as the venue booked it."""

    number: int
    order: int  # its number
    client_order_id: str | None
    market: str
    side: str
    price: Decimal
    amount: Decimal
    cost: Decimal  # quote, cut at 1e-8
    fee: Decimal
    fee_asset: str
    maker: bool
    at_ns: int

    @property
    def trade_id(self) -> str:
        """The venue's id: its counter."""
        return f"t{self.number}"

    def report(self) -> FillReport:
        """Tell the trade."""
        return FillReport(
            trade_id=self.trade_id,
            exchange_order_id=f"o{self.order}",
            client_order_id=self.client_order_id,
            market=self.market,
            side=self.side,
            price=self.price,
            amount=self.amount,
            cost=self.cost,
            fee=self.fee,
            fee_asset=self.fee_asset,
            venue_ns=self.at_ns,
        )


class Statement(Struct, frozen=True, gc=False):
    """The account at one instant: what an auditor, or a fault layer, reads without delay."""

    at_ns: int
    balances: dict[str, Balance]
    orders: tuple[PaperOrder, ...]  # those created or filled since the time asked for
    fills: tuple[PaperFill, ...]  # of that time, oldest first
    changes: tuple[BalanceChange, ...]  # of that time, reported or not
