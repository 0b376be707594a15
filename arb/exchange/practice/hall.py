"""The practice exchange without a protocol: its market, its one account, its clock, and who listens.

Nothing here waits, and what a method did is durable when it returns. Doors translate; everything
they tell of orders, trades and balances they read here, so that what is hidden is hidden everywhere.
"""

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Final, NamedTuple

from msgspec import structs

from arb.clock import NS_PER_MS, Clock
from arb.exchange.faults.views import View, view_of
from arb.exchange.paper.account import PaperAccount
from arb.exchange.paper.desk import UNKNOWN_MARKET, PaperDesk, Placement
from arb.exchange.paper.records import PaperFill, PaperOrder, Statement
from arb.exchange.port import Balance, BalanceChange, OrderNotFound, Refused
from arb.exchange.practice.dislocating import Dislocated, Dislocation
from arb.exchange.practice.faults import Faults
from arb.exchange.practice.happenings import Happening, Notices
from arb.exchange.practice.tape import Delta, Tape
from arb.exchange.practice.terms import Terms, WithoutLeastValue
from arb.exchange.practice.windows import HISTORY_NS, LATE_FILL_NS, VISIBILITY_NS
from arb.feeds.source import MarketSource
from arb.market.book import Book, FeeRates, MarketRules

Hear = Callable[[Happening], None]
HearBook = Callable[[Delta], None]
LeaveOut = Callable[[], None]  # ends a subscription

_GONE: Final = "delisted "  # before a market's name, among what is halted
_VIEW_BACK_NS: Final = 2 * max(VISIBILITY_NS, LATE_FILL_NS)


class Told(NamedTuple):
    """An order and its trades, as they are shown now."""

    order: PaperOrder
    fills: tuple[PaperFill, ...]


class Hall:
    """One venue with one account. `skew_ns` is how far its clock is off."""

    def __init__(
        self,
        account: PaperAccount,
        source: MarketSource,
        clock: Clock,
        faults: Faults,
        *,
        fees: FeeRates,
        third_share: Decimal,
        terms: Terms = Terms(),  # noqa: B008 -- frozen
    ) -> None:
        self.account: Final = account
        self.faults: Final = faults
        self.fees: Final = fees
        self.third_share: Final = third_share
        self.skew_ns = 0
        self._clock = clock
        self._moved = Dislocated(source)
        self._source = self._moved if terms.least_value else WithoutLeastValue(self._moved)
        self._desk = PaperDesk(
            account, self._source, fees, third_share=third_share, cost_cut=terms.cost_cut
        )
        self._notices = Notices(account)
        self._delisted = {
            name.removeprefix(_GONE) for name in account.halted() if name.startswith(_GONE)
        }
        self._tapes: dict[str, Tape] = {}
        self._listeners: list[Hear] = []
        self._watchers: dict[str, list[HearBook]] = {}

    def now_ns(self) -> int:
        """The venue's clock."""
        return self._clock.now_ns() + self.skew_ns

    def tick(self) -> None:
        """Let the market go on: resting orders fill, and books that are watched are published."""
        self._go_on()
        for market in list(self._watchers):
            self._publish(market)

    # --- the market

    def markets(self) -> Mapping[str, MarketRules]:
        """The listed markets; a halted one is not active."""
        return {
            name: rules
            for name, rules in self._desk.markets().items()
            if name not in self._delisted
        }

    def rules(self, market: str) -> MarketRules | None:
        """The rules of a market, not active while it is halted; None for one that is not listed."""
        rules = self._source.markets.get(market)
        if rules is None or market in self._delisted:
            return None
        return structs.replace(rules, active=False) if self._desk.is_halted(market) else rules

    def depth(self, market: str) -> tuple[Book, int]:
        """The book that is published now, and the id of its last update."""
        tape = self._publish(market)
        return tape.book, tape.update_id

    def mid(self, market: str) -> Decimal | None:
        """The middle of a book; None where a side is empty or the market is halted."""
        book = self._desk.book(market, self.now_ns())
        return None if book is None else book.mid()

    def watch(self, market: str, hear: HearBook) -> LeaveOut:
        """Hear every update of a market's book from now on."""
        self._publish(market)
        watchers = self._watchers.setdefault(market, [])
        watchers.append(hear)

        def leave() -> None:
            if hear in watchers:
                watchers.remove(hear)
            if not watchers and self._watchers.get(market) is watchers:
                del self._watchers[market]

        return leave

    def halt(self, market: str, *, halted: bool) -> None:
        """Halt a market, or open it again."""
        self._desk.halt(market, self.now_ns(), halted=halted)
        self._told_about(market)

    def dislocate(self, market: str, bps: Decimal, lasting_ns: int) -> Dislocation:
        """Push a market's prices off for a while, from now on."""
        now_ns = self.now_ns()
        made = Dislocation(market, bps, now_ns, now_ns + lasting_ns)
        self._moved.dislocate(made)
        self.tick()
        return made

    def delist(self, market: str) -> None:
        """Cancel what rests on a market, halt it and list it no more, for ever."""
        for order in self.account.open_orders():
            if order.market == market and order.client_order_id is not None:
                self._desk.cancel(market, order.client_order_id, self.now_ns())
        self.halt(market, halted=True)
        self._desk.halt(_GONE + market, self.now_ns(), halted=True)  # so that a restart knows
        self._delisted.add(market)

    def halted(self) -> frozenset[str]:
        """The listed markets that are halted."""
        return self.account.halted() & set(self.markets())

    # --- orders

    def place(self, placed: Placement) -> Told:
        """Take an order; raises Refused. A reply shows the order itself, whatever hides it."""
        if placed.market in self._delisted:
            raise Refused(UNKNOWN_MARKET, placed.market)
        try:
            order, fills = self._desk.place(placed, self.now_ns())
        finally:
            self._told_about(placed.market)
        self.faults.ask_of(order)
        return self._shown(Told(order, fills), self.view())

    def cancel(self, market: str, client_order_id: str) -> Told:
        """Cancel a resting order, of a halted market too; raises OrderNotFound."""
        order = self._desk.cancel(market, client_order_id, self.now_ns())
        self._told_about(market)
        return Told(order, self.account.fills_of(order.number))

    def order_of_client(self, market: str, client_order_id: str) -> Told:
        """Read the newest order of a client's id as it is shown now; raises OrderNotFound."""
        self._go_on()
        return self._found(market, self.account.order_of_client(client_order_id), client_order_id)

    def order(self, market: str, number: int) -> Told:
        """Read an order by the venue's number as it is shown now; raises OrderNotFound."""
        self._go_on()
        return self._found(market, self.account.order(number), str(number))

    def open_orders(self, market: str | None = None) -> list[Told]:
        """Read the open orders that are shown, of one market or all."""
        self._go_on()
        found = (one for one in self.account.open_orders() if market in {None, one.market})
        return self._all_shown(found)

    def orders(self, market: str, first: int = 0) -> list[Told]:
        """Read the orders of a market that are shown, from a number on, oldest first."""
        self._go_on()
        return self._all_shown(self.account.orders_on(market, first))

    def fills(self, market: str, since_ns: int = 0) -> list[PaperFill]:
        """Read the trades of a market that are shown, since a time, oldest first."""
        self._go_on()
        hidden = self.view().trades
        found = self.account.fills_on(market, since_ns)
        return [fill for fill in found if fill.trade_id not in hidden]

    def balances(self) -> dict[str, Balance]:
        """Read the balances that fit the orders and trades that are shown."""
        self._go_on()
        return self.view().balances

    def changes(self, since_ns: int) -> tuple[BalanceChange, ...]:
        """Read the deposits and withdrawals that the venue reports, oldest first."""
        return self.account.changes(since_ns, reported_only=True)

    # --- what the user does beside us

    def change(self, asset: str, amount: Decimal, *, reported: bool = True) -> None:
        """Deposit or, below 0, withdraw; raises Refused beyond what is free."""
        self._desk.change(asset, amount, self.now_ns(), reported=reported)
        self._notice()

    # --- who listens

    def listen(self, hear: Hear) -> LeaveOut:
        """Hear what happens on the account from now on."""
        self._listeners.append(hear)

        def leave() -> None:
            if hear in self._listeners:
                self._listeners.remove(hear)

        return leave

    def view(self) -> View:
        """What is hidden now, and the balances that fit the rest."""
        if not self.faults.veils:
            return View(frozenset(), frozenset(), {}, self.account.balances())
        now_ns = self.now_ns()
        since_ns = now_ns - _VIEW_BACK_NS
        statement = Statement(
            at_ns=now_ns,
            balances=self.account.balances(),
            orders=self.account.orders_since(since_ns),
            fills=self.account.fills_since(since_ns),
            changes=self.account.changes(since_ns, reported_only=False),
        )
        return view_of(
            statement,
            lambda order: self.faults.until_ns("order_hidden", order),
            lambda order: self.faults.until_ns("late_fill", order),
        )

    # ---

    def _go_on(self) -> None:
        self._desk.advance(self.now_ns())
        self._notice()

    def _told_about(self, market: str) -> None:
        self._notice()
        if market in self._watchers:
            self._publish(market)

    def _notice(self) -> None:
        for happening in self._notices.look(self.now_ns()):
            for hear in list(self._listeners):
                hear(happening)

    def _publish(self, market: str) -> Tape:
        now_ns = self.now_ns()
        tape = self._tapes.get(market)
        if tape is None:
            # Beyond every id of an earlier life: a book never changes once a millisecond for long.
            tape = self._tapes[market] = Tape(market, now_ns // NS_PER_MS)
        delta = tape.turn(self._desk.book(market, now_ns), now_ns)
        if delta is not None:
            for hear in list(self._watchers.get(market, ())):
                hear(delta)
        return tape

    def _found(self, market: str, order: PaperOrder | None, asked: str) -> Told:
        view = self.view()
        if (
            order is None
            or order.market != market
            or order.exchange_order_id in view.orders
            or self.forgotten(order)
        ):
            raise OrderNotFound(f"no order {asked} on {market}")
        return self._shown(Told(order, self.account.fills_of(order.number)), view)

    def forgotten(self, order: PaperOrder) -> bool:
        """Whether an order filled nothing and ended before the venue's history begins."""
        ended_ns = order.closed_ns
        return not order.filled and ended_ns is not None and ended_ns < self.now_ns() - HISTORY_NS

    def _all_shown(self, orders: Iterable[PaperOrder]) -> list[Told]:
        view = self.view()
        return [
            self._shown(Told(order, self.account.fills_of(order.number)), view)
            for order in orders
            if order.exchange_order_id not in view.orders and not self.forgotten(order)
        ]

    def _shown(self, told: Told, view: View) -> Told:
        late = view.late.get(told.order.exchange_order_id)
        if late is None:
            return told
        order = structs.replace(
            told.order,
            filled=told.order.filled - late,
            status="canceled" if told.order.time_in_force == "gtc" else "expired",
        )
        fills = tuple(fill for fill in told.fills if fill.trade_id not in view.trades)
        return Told(order, fills)
