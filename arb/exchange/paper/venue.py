"""The paper venue: a real venue's rules and manners over a market that costs nothing."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final, TypeVar

from msgspec import structs

from arb import crashpoints
from arb.clock import NS_PER_DAY, NS_PER_MS, NS_PER_S, Clock
from arb.exchange.paper.account import PaperAccount
from arb.exchange.paper.desk import PaperDesk, Placement
from arb.exchange.paper.frictions import NO_FRICTIONS, Frictions
from arb.exchange.paper.records import PaperOrder, Statement
from arb.exchange.port import (
    Balance,
    BalanceChange,
    FillReport,
    OrderNotFound,
    OrderReport,
    OrderRequest,
    Refused,
    VenueRules,
)
from arb.feeds.source import MarketSource
from arb.market.book import Book, FeeRates, MarketRules

Told = TypeVar("Told")

LATENCY_NS_DEFAULT: Final = 5 * NS_PER_MS
FUTURE_NS_MAX: Final = NS_PER_S
OUTSIDE_WINDOW: Final = "outside_recv_window"

PAPER_RULES: Final = VenueRules(
    venue="paper",
    recv_window_ns=400 * NS_PER_MS,
    backend_limit_ns=300 * NS_PER_MS,
    visibility_ns=300 * NS_PER_MS,
    duplicate_rule="open orders only",
    absence_provable=True,
    fee_side="received",
    history_ns=30 * NS_PER_DAY,
    live=False,
)


class PaperVenue:
    """A `Venue` with its `Books`, filled from a market source.

    Every request travels `latency_ns` there and as long back, on the clock; the venue's own clock
    is the clock plus `skew_ns`. An order that arrives after its window, or from more than a second
    in the future, is refused; one that is taken is executed and durable before its reply leaves.
    """

    def __init__(
        self,
        account: PaperAccount,
        source: MarketSource,
        clock: Clock,
        *,
        fees: FeeRates,
        latency_ns: int = LATENCY_NS_DEFAULT,
        skew_ns: int = 0,
        rules: VenueRules = PAPER_RULES,
        frictions: Frictions = NO_FRICTIONS,
    ) -> None:
        self.account: Final = account
        self._source = source
        self._clock = clock
        self._fees = fees
        self._latency_s = latency_ns / NS_PER_S
        self._skew_ns = skew_ns
        fee_side = "received" if fees.fee_asset is None else "third"
        self._rules = structs.replace(rules, fee_side=fee_side)
        self._desk = PaperDesk(account, source, fees, frictions)

    @property
    def rules(self) -> VenueRules:
        """The dialect: its windows are short, true and enforced."""
        return self._rules

    @property
    def fingerprint(self) -> str:
        """The account's uid, minted when its file was made."""
        return self.account.uid

    async def time_ns(self) -> int:
        """Read the venue's clock."""
        return await self._reply(await self._arrive())

    async def markets(self) -> Mapping[str, MarketRules]:
        """Read the markets and their rules."""
        await self._arrive()
        return await self._reply(self._desk.markets())

    async def fees(self) -> FeeRates:
        """Read the account's fee rates."""
        await self._arrive()
        return await self._reply(self._fees)

    async def balances(self) -> Mapping[str, Balance]:
        """Read every asset the account holds or has held."""
        self._desk.advance(await self._arrive())
        return await self._reply(self.account.balances())

    def order_wait_ns(self, orders: int, ahead: int) -> int:  # noqa: ARG002 -- the port's
        """It takes as many orders as come."""
        return 0

    async def create(self, request: OrderRequest) -> OrderReport:
        """Take an order; the reply carries its fills. Raises Refused with the reason."""
        now_ns = await self._arrive()
        window_ns = min(request.window_ns, self._rules.recv_window_ns)
        late_ns = now_ns - request.venue_time_ns
        if late_ns > window_ns or late_ns < -FUTURE_NS_MAX:
            detail = f"arrived {late_ns} ns after its timestamp, the window is {window_ns} ns"
            raise await self._reply(Refused(OUTSIDE_WINDOW, detail))
        placed = Placement(
            client_order_id=request.client_order_id,
            market=request.market,
            side=request.side,
            kind=request.kind,
            time_in_force=request.time_in_force,
            amount=request.amount,
            limit=request.limit,
        )
        try:
            order, fills = self._desk.place(placed, now_ns)
        except Refused as refusal:
            raise await self._reply(refusal) from None
        crashpoints.reach(crashpoints.EXECUTED_NOT_TOLD)
        return await self._reply(order.report(tuple(fill.report() for fill in fills)))

    async def cancel(self, market: str, client_order_id: str) -> None:
        """Cancel a resting order; raises OrderNotFound for one that is finished or never was."""
        now_ns = await self._arrive()
        try:
            self._desk.cancel(market, client_order_id, now_ns)
        except OrderNotFound as unknown:
            raise await self._reply(unknown) from None
        await self._reply(None)

    async def order(self, market: str, client_order_id: str) -> OrderReport:
        """Read the newest order of our id, without its fills; raises OrderNotFound."""
        now_ns = await self._arrive()
        self._desk.advance(now_ns)
        found = self.account.order_of_client(client_order_id)
        return await self._tell(found, market, client_order_id, now_ns)

    async def order_by_exchange_id(self, market: str, exchange_order_id: str) -> OrderReport:
        """Read an order by the venue's id, without its fills; raises OrderNotFound."""
        now_ns = await self._arrive()
        self._desk.advance(now_ns)
        number = exchange_order_id.removeprefix("o")
        known = exchange_order_id.startswith("o") and number.isdecimal() and number.isascii()
        found = self.account.order(int(number)) if known else None
        return await self._tell(found, market, exchange_order_id, now_ns)

    async def open_orders(self) -> Sequence[OrderReport]:
        """Read all open orders of the account, without their fills."""
        self._desk.advance(await self._arrive())
        return await self._reply(tuple(one.report(None) for one in self.account.open_orders()))

    async def trades(self, market: str, since_ns: int) -> Sequence[FillReport]:
        """Read all trades on a market since a venue time within the history, oldest first."""
        now_ns = await self._arrive()
        self._desk.advance(now_ns)
        fills = self.account.fills_on(market, max(since_ns, now_ns - self._rules.history_ns))
        return await self._reply(tuple(fill.report() for fill in fills))

    async def balance_changes(self, since_ns: int) -> Sequence[BalanceChange]:
        """Read the reported deposits and withdrawals since a venue time, oldest first."""
        await self._arrive()
        return await self._reply(self.account.changes(since_ns, reported_only=True))

    async def close(self) -> None:
        """Close the account's file."""
        self.account.close()

    # --- public books

    def book(self, market: str) -> Book | None:
        """The book as it stands, less what this account took from it."""
        return self._desk.book(market, self._now_ns())

    def heard_ns(self, market: str) -> int | None:
        """When the market's connection was last heard, on our clock: now, for every listed one."""
        return self._clock.now_ns() if market in self._source.markets else None

    # --- doors for users and tests: what other people do to the account, at once

    def deposit(self, asset: str, amount: Decimal, *, reported: bool = True) -> None:
        """Add to the account from outside."""
        self._desk.change(asset, amount, self._now_ns(), reported=reported)

    def withdraw(self, asset: str, amount: Decimal, *, reported: bool = True) -> None:
        """Take out of the account; raises Refused beyond what is free."""
        self._desk.change(asset, -amount, self._now_ns(), reported=reported)

    def foreign_order(
        self,
        market: str,
        side: str,
        amount: Decimal,
        *,
        limit: Decimal | None = None,
        time_in_force: str = "ioc",
        client_order_id: str | None = None,
    ) -> OrderReport:
        """Trade on the account as another client would: by hand, without an id of ours."""
        kind = "market" if limit is None else "limit"
        placed = Placement(client_order_id, market, side, kind, time_in_force, amount, limit)
        order, fills = self._desk.place(placed, self._now_ns())
        return order.report(tuple(fill.report() for fill in fills))

    def halt_market(self, market: str, halted: bool) -> None:  # noqa: FBT001 -- a switch
        """Halt a market, or open it again."""
        self._desk.halt(market, self._now_ns(), halted=halted)

    def statement(self, back_ns: int) -> Statement:
        """Read the account at this instant, with what happened in the last `back_ns`."""
        now_ns = self._now_ns()
        since_ns = now_ns - back_ns
        self._desk.advance(now_ns)
        return Statement(
            at_ns=now_ns,
            balances=self.account.balances(),
            orders=self.account.orders_since(since_ns),
            fills=self.account.fills_since(since_ns),
            changes=self.account.changes(since_ns, reported_only=False),
        )

    # --- the way there and back

    def _now_ns(self) -> int:
        return self._clock.now_ns() + self._skew_ns

    async def _arrive(self) -> int:
        await self._clock.sleep(self._latency_s)
        return self._now_ns()

    async def _reply(self, told: Told) -> Told:
        await self._clock.sleep(self._latency_s)
        return told

    async def _tell(
        self, found: PaperOrder | None, market: str, asked: str, now_ns: int
    ) -> OrderReport:
        forgotten_ns = now_ns - self._rules.history_ns
        if found is not None and found.closed_ns is not None and found.closed_ns < forgotten_ns:
            found = None
        if found is None or found.market != market:
            raise await self._reply(OrderNotFound(f"no order {asked} on {market}"))
        return await self._reply(found.report(None))
