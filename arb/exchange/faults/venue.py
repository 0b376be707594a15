"""Faults over any venue: what goes wrong between an engine and an exchange, on demand and counted."""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final, Protocol, TypeVar, runtime_checkable

from msgspec import structs

from arb.clock import NS_PER_S, Clock
from arb.exchange.faults.plan import VIEW, FaultPlan, Only, Strike, drawn
from arb.exchange.faults.reports import mangled_order, mangled_trades
from arb.exchange.faults.views import View, view_of
from arb.exchange.paper.records import PaperOrder, Statement
from arb.exchange.port import (
    Balance,
    BalanceChange,
    Banned,
    Books,
    FillReport,
    Maintenance,
    OrderNotFound,
    OrderReport,
    OrderRequest,
    Refused,
    Unreachable,
    Venue,
    VenueError,
    VenueRules,
)
from arb.market.book import Book, FeeRates, MarketRules

Told = TypeVar("Told")

REFUSED_BY_FAULT: Final = "fault"


class VenueWithBooks(Venue, Books, Protocol):
    """A venue that also carries the public books."""


@runtime_checkable
class Inspectable(Protocol):
    """A venue whose account can be read at one instant; hidden orders and late fills need it."""

    def statement(self, back_ns: int) -> Statement:
        """Read the account now, with what happened in the last `back_ns`."""
        ...


def _veils(plan: FaultPlan) -> bool:
    """Whether anything of an order may be shown late."""
    return bool(plan.order_hidden or plan.late_fill or plan.untold_fill)


class FaultyVenue:
    """A venue that fails by plan.

    Faults are drawn from the seed: those of how an order is shown by its id alone, the others in
    the order of the calls. `only` may keep a drawn fault from striking, for example to lose the
    third create's reply: `reply_lost=1` and `only=lambda s: s.call == "create" and s.number == 3`.
    `struck` counts what struck, the faults of an order's showing once per order.
    """

    def __init__(
        self,
        inner: VenueWithBooks,
        plan: FaultPlan,
        clock: Clock,
        seed: int,
        *,
        only: Only | None = None,
        draws: random.Random | None = None,
    ) -> None:
        if _veils(plan) and not isinstance(inner, Inspectable):
            raise ValueError("hidden orders and late fills need a venue with a statement")
        self.inner: Final = inner
        self.struck: Final[Counter[str]] = Counter()
        self._plan = plan
        self._clock = clock
        self._seed = seed
        # What is hidden follows the seed alone; the rest may differ from one process to the next.
        self._rng = draws or random.Random(seed)  # noqa: S311 -- repeatable on purpose
        self._only = only
        self._calls: Counter[str] = Counter()
        self._veiled: set[tuple[str, str]] = set()
        self._closed_until_ns = 0
        self._closed_by_ban = False
        self._travelling: set[asyncio.Task[OrderReport]] = set()

    @property
    def rules(self) -> VenueRules:
        """The dialect of the venue within."""
        return self.inner.rules

    @property
    def fingerprint(self) -> str:
        """The account of the venue within."""
        return self.inner.fingerprint

    def book(self, market: str) -> Book | None:
        """The book of the venue within."""
        return self.inner.book(market)

    def heard_ns(self, market: str) -> int | None:
        """When the venue within was heard."""
        return self.inner.heard_ns(market)

    async def time_ns(self) -> int:
        """Read the venue's clock."""
        return await self._read("time_ns", self.inner.time_ns)

    async def markets(self) -> Mapping[str, MarketRules]:
        """Read the markets and their rules."""
        return await self._read("markets", self.inner.markets)

    async def fees(self) -> FeeRates:
        """Read the account's fee rates."""
        return await self._read("fees", self.inner.fees)

    async def balances(self) -> Mapping[str, Balance]:
        """Read the balances as they are shown now."""
        told = await self._read("balances", self.inner.balances)
        view = self._view()
        return told if view is None else view.balances

    def order_wait_ns(self, orders: int, ahead: int) -> int:
        """How long until the venue within takes so many orders."""
        return self.inner.order_wait_ns(orders, ahead)

    async def create(self, request: OrderRequest) -> OrderReport:
        """Send an order through everything that can happen to it."""
        call = self._begin("create", request.client_order_id)
        if self._strikes("refused", call):
            raise Refused(REFUSED_BY_FAULT, "by plan")
        if self._strikes("request_lost", call):
            raise Unreachable("the request was lost")
        if self._strikes("request_delayed", call):
            return await self._travel_slowly(request, call)
        return await self._execute(request, call)

    async def cancel(self, market: str, client_order_id: str) -> None:
        """Cancel an order; the request or its reply may be lost."""
        call = self._begin("cancel", client_order_id)
        if self._strikes("request_lost", call):
            raise Unreachable("the request was lost")
        await self.inner.cancel(market, client_order_id)
        await self._way_back(call)

    async def order(self, market: str, client_order_id: str) -> OrderReport:
        """Read an order by our id, as it is shown now; raises OrderNotFound."""
        call = self._begin("order", client_order_id)
        told = await self._told(call, lambda: self.inner.order(market, client_order_id))
        return self._shown(told, call)

    async def order_by_exchange_id(self, market: str, exchange_order_id: str) -> OrderReport:
        """Read an order by the venue's id, as it is shown now; raises OrderNotFound."""
        call = self._begin("order_by_exchange_id", None)
        told = await self._told(
            call, lambda: self.inner.order_by_exchange_id(market, exchange_order_id)
        )
        return self._shown(told, call)

    async def open_orders(self) -> Sequence[OrderReport]:
        """Read the open orders that are shown now."""
        told = await self._read("open_orders", self.inner.open_orders)
        view = self._view()
        hidden = frozenset() if view is None else view.orders
        return tuple(report for report in told if report.exchange_order_id not in hidden)

    async def trades(self, market: str, since_ns: int) -> Sequence[FillReport]:
        """Read the trades that are shown now."""
        call = self._begin("trades", None)
        told = await self._told(call, lambda: self.inner.trades(market, since_ns))
        view = self._view()
        hidden = frozenset() if view is None else view.trades
        shown = [trade for trade in told if trade.trade_id not in hidden]
        return mangled_trades(shown, lambda fault: self._strikes(fault, call), self._rng)

    async def balance_changes(self, since_ns: int) -> Sequence[BalanceChange]:
        """Read deposits and withdrawals."""
        return await self._read("balance_changes", lambda: self.inner.balance_changes(since_ns))

    async def close(self) -> None:
        """Drop requests that still travel, and close the venue within."""
        for task in self._travelling:
            task.cancel()
        await asyncio.gather(*self._travelling, return_exceptions=True)
        await self.inner.close()

    # --- what strikes

    def _begin(self, call: str, client_order_id: str | None) -> Strike:
        """Count a call; raises while the venue is closed to us."""
        self._calls[call] += 1
        strike = Strike("", call, self._calls[call], client_order_id)
        now_ns = self._clock.now_ns()
        if now_ns >= self._closed_until_ns:
            if self._strikes("banned", strike):
                self._closed_until_ns = now_ns + self._plan.ban_ns
                self._closed_by_ban = True
            elif self._strikes("maintenance", strike):
                self._closed_until_ns = now_ns + self._plan.maintenance_ns
                self._closed_by_ban = False
        if now_ns < self._closed_until_ns:
            if self._closed_by_ban:
                raise Banned(self._closed_until_ns - now_ns)
            raise Maintenance("closed by plan")
        return strike

    def _strikes(self, fault: str, call: Strike) -> bool:
        rate = getattr(self._plan, fault)
        if not rate or self._rng.random() >= rate:
            return False
        if self._only is not None and not self._only(structs.replace(call, fault=fault)):
            return False
        self.struck[fault] += 1
        return True

    def _until(self, fault: str, order: PaperOrder, most_ns: int) -> int:
        """Tell until when a fault keeps something of an order back; its creation for not at all."""
        rate, name = getattr(self._plan, fault), order.client_order_id
        if name is None or drawn(self._seed, fault, name) >= rate:
            return order.created_ns
        if self._only is not None and not self._only(Strike(fault, VIEW, 0, name)):
            return order.created_ns
        if (fault, order.exchange_order_id) not in self._veiled:
            self._veiled.add((fault, order.exchange_order_id))
            self.struck[fault] += 1
        share = (1 + drawn(self._seed, f"{fault} for", name)) / 2
        return order.created_ns + int(most_ns * share)

    # --- the way there and back

    async def _read(self, name: str, read: Callable[[], Awaitable[Told]]) -> Told:
        return await self._told(self._begin(name, None), read)

    async def _told(self, call: Strike, read: Callable[[], Awaitable[Told]]) -> Told:
        if self._strikes("read_fails", call):
            raise Unreachable(f"{call.call} failed by plan")
        return await read()

    async def _execute(self, request: OrderRequest, call: Strike) -> OrderReport:
        try:
            report = await self.inner.create(request)
        except VenueError:
            await self._way_back(call)
            raise
        await self._way_back(call)
        report = self._shown(report, call, told=True)
        return mangled_order(report, lambda fault: self._strikes(fault, call), self._rng)

    async def _travel_slowly(self, request: OrderRequest, call: Strike) -> OrderReport:
        """Let a request go on by itself: that its sender gives up does not call it back."""
        delay_s = self._rng.random() * self._plan.delay_ns_max / NS_PER_S

        async def arrive() -> OrderReport:
            await self._clock.sleep(delay_s)
            return await self._execute(request, call)

        task = asyncio.create_task(arrive())
        self._travelling.add(task)
        task.add_done_callback(self._arrived)
        return await asyncio.shield(task)

    def _arrived(self, task: asyncio.Task[OrderReport]) -> None:
        self._travelling.discard(task)
        if not task.cancelled():
            task.exception()  # looked at here, where its sender has given up

    async def _way_back(self, call: Strike) -> None:
        if self._strikes("reply_lost", call):
            raise Unreachable("the reply was lost")
        if self._strikes("reply_never", call):
            await self._clock.sleep(self._plan.never_ns / NS_PER_S)
            raise Unreachable("the reply never came")
        if self._strikes("reply_delayed", call):
            await self._clock.sleep(self._rng.random() * self._plan.delay_ns_max / NS_PER_S)

    # --- what is shown

    def _view(self) -> View | None:
        plan = self._plan
        if not _veils(plan):
            return None
        assert isinstance(self.inner, Inspectable), self.inner
        window_ns = self.rules.visibility_ns
        # Twice the longest veil: an order that was veiled beside a veiled one still counts.
        untold_ns = plan.untold_fill_ns if plan.untold_fill else 0
        statement = self.inner.statement(2 * max(window_ns, plan.late_fill_ns, untold_ns))
        return view_of(
            statement,
            lambda order: self._until("order_hidden", order, window_ns),
            lambda order: self._until("late_fill", order, plan.late_fill_ns),
            lambda order: self._until("untold_fill", order, plan.untold_fill_ns),
        )

    def _shown(self, report: OrderReport, call: Strike, *, told: bool = False) -> OrderReport:
        """Leave out of an order what is not shown yet; the reply to its create shows it at least."""
        view = self._view()
        name = report.exchange_order_id
        if view is not None and name is not None:
            if name in view.orders and not told:
                raise OrderNotFound(f"{call.client_order_id or name} is not shown yet")
            late = view.late.get(name)
            if late is not None:
                assert report.filled is not None, report
                fills = report.fills and tuple(
                    fill for fill in report.fills if fill.trade_id not in view.trades
                )
                report = structs.replace(
                    report, status="canceled", filled=report.filled - late, fills=fills
                )
        if told:
            return report
        return mangled_order(report, lambda fault: self._strikes(fault, call), self._rng)
