"""The paper venue's trading desk: orders meet books, and the account books the result, in one step.

Nothing here waits: time comes in as an argument, and when a method returns its result is durable.
"""

from decimal import Decimal
from typing import Final

from msgspec import Struct, structs

from arb.exchange.paper.account import PaperAccount
from arb.exchange.paper.depth import PaperDepth
from arb.exchange.paper.frictions import NO_FRICTIONS, Frictions
from arb.exchange.paper.matching import crossing, fee_elsewhere, match
from arb.exchange.paper.records import PaperFill, PaperOrder
from arb.exchange.port import DUPLICATE_ORDER_ID, OrderNotFound, Refused
from arb.feeds.source import MarketSource
from arb.market.book import Book, FeeRates, MarketRules
from arb.market.booking import booked_cost, booked_fee
from arb.money import ONE, ZERO, plain

ADVANCE_ROWS_MAX: Final = 5_000  # of the feed, between two looks; then only the last books count

BAD_ORDER: Final = "bad_order"
FILTER: Final = "filter"
INSUFFICIENT_BALANCE: Final = "insufficient_balance"
MARKET_HALTED: Final = "market_halted"
UNKNOWN_MARKET: Final = "unknown_market"

_OTHER: Final = {"buy": "sell", "sell": "buy"}
_LIMIT_TIMES: Final = ("ioc", "fok", "gtc")


class Placement(Struct, frozen=True, gc=False):
    """An order as it arrives at the desk."""

    client_order_id: str | None
    market: str
    side: str
    kind: str
    time_in_force: str
    amount: Decimal
    limit: Decimal | None


class PaperDesk:
    """Match, book and remember. Resting orders are held against the market when somebody looks."""

    def __init__(
        self,
        account: PaperAccount,
        source: MarketSource,
        fees: FeeRates,
        frictions: Frictions = NO_FRICTIONS,
        *,
        third_share: Decimal = ONE,
        cost_cut: bool = True,
    ) -> None:
        self._account = account
        self._source = source
        self._depth = PaperDepth(account, source)
        self._fees = fees
        self._frictions = frictions
        self._third_share = third_share  # of the usual rate, where the third asset pays
        self._cost_cut = cost_cut  # a trade's quote amount is cut at 1e-8
        self._seen_ns = account.seen_ns()
        self._halted = account.halted()

    def markets(self) -> dict[str, MarketRules]:
        """The markets, with the halted ones inactive."""
        return {
            name: structs.replace(rules, active=False) if name in self._halted else rules
            for name, rules in self._source.markets.items()
        }

    def is_halted(self, market: str) -> bool:
        """Whether a market is halted now."""
        return market in self._halted

    def book(self, market: str, now_ns: int) -> Book | None:
        """The book less what this account took from it; None for a halted market."""
        if market in self._halted:
            return None
        book = self._source.book_at(market, now_ns)
        return None if book is None else self._depth.left(book, now_ns)

    def place(self, placed: Placement, now_ns: int) -> tuple[PaperOrder, tuple[PaperFill, ...]]:
        """Take an order, match it and book it; raises Refused with the reason when it is not taken."""
        self.advance(now_ns)
        rules = self._check(placed)
        whole = self._source.book_at(placed.market, now_ns)
        book = None if whole is None else self._depth.left(whole, now_ns)
        if placed.limit is not None or (book is not None and book.levels(placed.side)):
            price = placed.limit
            if price is None:
                assert book is not None, placed
                price = book.levels(placed.side)[0][0]
            broken = rules.broken_rule(placed.amount, price)
            if broken is not None:
                raise Refused(FILTER, broken)
        number = self._account.next_order_number()
        met, shown = self._met(book, placed, number, rules)
        matched = match(
            met,
            placed.side,
            placed.amount,
            placed.limit,
            placed.time_in_force,
            own_price=self._own_price(placed.market, _OTHER[placed.side]),
        )
        locked = self._to_lock(placed, matched.takes)
        order = PaperOrder(
            number=number,
            client_order_id=placed.client_order_id,
            market=placed.market,
            base=rules.base,
            quote=rules.quote,
            side=placed.side,
            kind=placed.kind,
            time_in_force=placed.time_in_force,
            amount=placed.amount,
            limit=placed.limit,
            status="open",
            filled=ZERO,
            locked=locked,
            created_ns=now_ns,
            closed_ns=None,
        )
        free = self._account.free(order.spent_asset)
        if locked > free:
            detail = f"{plain(locked)} {order.spent_asset} needed, {plain(free)} free"
            raise Refused(INSUFFICIENT_BALANCE, detail)
        with self._account.transaction():
            self._account.book_balance(order.spent_asset, free=-locked, locked=locked)
            self._account.put_order(order)
            for price, amount in matched.takes:
                order = self._fill(order, price, amount, now_ns, maker=False)
            if matched.takes:
                assert whole is not None, placed
                # What was taken is missing from the book that everybody sees, at the prices there.
                prices = shown or [price for price, _ in matched.takes]
                taken = [
                    (at, amount) for at, (_, amount) in zip(prices, matched.takes, strict=False)
                ]
                self._depth.take(whole, placed.side, taken, now_ns)
            if matched.status != "open":
                order = self._finish(order, matched.status, now_ns)
            self._account.set_seen_ns(now_ns)
        self._seen_ns = now_ns
        return order, self._account.fills_of(order.number)

    def cancel(self, market: str, client_order_id: str, now_ns: int) -> PaperOrder:
        """Cancel a resting order; raises OrderNotFound when none of this id rests."""
        self.advance(now_ns)
        for order in self._account.open_orders():
            if (order.market, order.client_order_id) == (market, client_order_id):
                with self._account.transaction():
                    return self._finish(order, "canceled", now_ns)
        raise OrderNotFound(f"no open order {client_order_id} on {market}")

    def advance(self, now_ns: int) -> None:
        """Hold resting orders against every book since the last look, in order."""
        if now_ns <= self._seen_ns:
            return
        resting = {order.market for order in self._account.open_orders()} - self._halted
        if resting:
            with self._account.transaction():
                self._hold(resting, now_ns)
                self._account.set_seen_ns(now_ns)
        self._seen_ns = now_ns

    def change(self, asset: str, amount: Decimal, now_ns: int, *, reported: bool) -> None:
        """Book a deposit or, below 0, a withdrawal; raises Refused beyond what is free."""
        self.advance(now_ns)
        free = self._account.free(asset)
        if free + amount < 0:
            detail = f"{plain(-amount)} {asset} asked for, {plain(free)} free"
            raise Refused(INSUFFICIENT_BALANCE, detail)
        with self._account.transaction():
            self._account.add_change(asset, amount, now_ns, reported=reported)

    def halt(self, market: str, now_ns: int, *, halted: bool) -> None:
        """Halt a market, or open it again."""
        self.advance(now_ns)
        with self._account.transaction():
            self._account.set_halted(market, halted=halted)
            self._account.set_seen_ns(now_ns)
        self._halted = self._account.halted()

    def _met(
        self, book: Book | None, placed: Placement, number: int, rules: MarketRules
    ) -> tuple[Book | None, tuple[Decimal, ...]]:
        """The book as the order meets it, and the prices that its levels are shown at."""
        if book is None:
            return None, ()
        return self._frictions.meet(book, placed.side, placed.amount, number, rules)

    def _check(self, placed: Placement) -> MarketRules:
        rules = self._source.markets.get(placed.market)
        if rules is None:
            raise Refused(UNKNOWN_MARKET, placed.market)
        if placed.market in self._halted or not rules.active:
            raise Refused(MARKET_HALTED, placed.market)
        limited = placed.kind == "limit" and placed.time_in_force in _LIMIT_TIMES
        unlimited = placed.kind == "market" and placed.time_in_force == "ioc"
        priced = placed.limit is not None
        if placed.side not in _OTHER or (not limited and not unlimited) or priced != limited:
            detail = f"{placed.side} {placed.kind} {placed.time_in_force} limit {placed.limit}"
            raise Refused(BAD_ORDER, detail)
        taken = {order.client_order_id for order in self._account.open_orders()}
        if placed.client_order_id is not None and placed.client_order_id in taken:
            raise Refused(DUPLICATE_ORDER_ID, placed.client_order_id)
        return rules

    def _own_price(self, market: str, side: str) -> Decimal | None:
        prices = [
            order.limit
            for order in self._account.open_orders()
            if order.market == market and order.side == side and order.limit is not None
        ]
        if not prices:
            return None
        return min(prices) if side == "sell" else max(prices)

    def _hold(self, resting: set[str], now_ns: int) -> None:
        for row, change in enumerate(self._source.changes(self._seen_ns)):
            if change.at_ns > now_ns:
                return
            if row >= ADVANCE_ROWS_MAX:
                break
            if change.market in resting:
                self._fill_resting(change.book, change.at_ns)
        for market in sorted(resting):
            book = self._source.book_at(market, now_ns)
            if book is not None:
                self._fill_resting(book, now_ns)

    def _fill_resting(self, book: Book, at_ns: int) -> None:
        for order in self._account.open_orders():
            if order.market != book.market or order.limit is None:
                continue
            left = self._depth.left(book, at_ns)
            takes = crossing(left, order.side, order.amount - order.filled, order.limit)
            if takes:
                self._depth.take(book, order.side, takes, at_ns)
                amount = sum((taken for _, taken in takes), ZERO)
                filled = self._fill(order, order.limit, amount, at_ns, maker=True)
                if filled.filled == filled.amount:
                    self._finish(filled, "closed", at_ns)

    def _fill(
        self, order: PaperOrder, price: Decimal, amount: Decimal, at_ns: int, *, maker: bool
    ) -> PaperOrder:
        cost = self._cost(price, amount)
        spent, received = (cost, amount) if order.side == "buy" else (amount, cost)
        self._account.book_balance(order.spent_asset, locked=-spent)
        self._account.book_balance(order.received_asset, free=received)
        fee_asset, fee = self._fee(order, received, at_ns, maker=maker)
        self._account.book_balance(fee_asset, free=-fee)
        fill = PaperFill(
            number=self._account.next_fill_number(),
            order=order.number,
            client_order_id=order.client_order_id,
            market=order.market,
            side=order.side,
            price=price,
            amount=amount,
            cost=cost,
            fee=fee,
            fee_asset=fee_asset,
            maker=maker,
            at_ns=at_ns,
        )
        self._account.add_fill(fill)
        filled = structs.replace(order, filled=order.filled + amount, locked=order.locked - spent)
        self._account.put_order(filled)
        return filled

    def _fee(
        self, order: PaperOrder, received: Decimal, at_ns: int, *, maker: bool
    ) -> tuple[str, Decimal]:
        """Charge the third asset while it lasts; once it ran out, the order pays as usual."""
        rate = self._fees.maker if maker else self._fees.taker
        asset = order.received_asset
        usual = (asset, booked_fee(received, rate))
        third = self._fees.fee_asset
        if third is None or third == asset:
            return usual
        if any(fill.fee_asset == asset for fill in self._account.fills_of(order.number)):
            return usual
        fee = fee_elsewhere(
            asset,
            received,
            rate * self._third_share,
            third,
            markets=self._source.markets,
            book_of=lambda name: self._source.book_at(name, at_ns),
        )
        if fee is None or fee > self._account.free(third):
            return usual
        return third, fee

    def _finish(self, order: PaperOrder, status: str, at_ns: int) -> PaperOrder:
        """End an order and give back what it still locks."""
        self._account.book_balance(order.spent_asset, free=order.locked, locked=-order.locked)
        ended = structs.replace(order, status=status, locked=ZERO, closed_ns=at_ns)
        self._account.put_order(ended)
        return ended

    def _cost(self, price: Decimal, amount: Decimal) -> Decimal:
        return booked_cost(price, amount) if self._cost_cut else price * amount

    def _to_lock(self, placed: Placement, takes: tuple[tuple[Decimal, Decimal], ...]) -> Decimal:
        """Name what the order may spend: amount x limit for a buy, what it takes for a market buy."""
        if placed.side == "sell":
            return placed.amount
        if placed.limit is not None:
            return placed.amount * placed.limit
        return sum((self._cost(price, amount) for price, amount in takes), ZERO)
