"""A venue as the engine uses it: the port's methods, spoken in the venue's dialect over its line."""

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import Final

import structlog
from msgspec import structs

from arb.clock import NS_PER_MS, Clock
from arb.exchange import replies
from arb.exchange.ccxt_gateway import Line
from arb.exchange.connection import Connection
from arb.exchange.dialects import Dialect
from arb.exchange.port import (
    Balance,
    BalanceChange,
    FillReport,
    OrderNotFound,
    OrderReport,
    OrderRequest,
    Unreachable,
    VenueError,
    VenueRules,
)
from arb.feeds.live import LiveBooks
from arb.market.book import Book, FeeRates, MarketRules
from arb.money import plain

log = structlog.get_logger()

TRADES_PAGE: Final = 100
TRADES_PAGES_MAX: Final = 200
ID_ONLY_DELAYS_S: Final = (0.0, 0.05, 0.2)  # until an order is read that its create only named
_SALT: Final = b"arb account fingerprint"


class Gateway:
    """A `Venue` over REST, with the `Books` that its streams fill. The account needs credentials."""

    def __init__(
        self, connection: Connection, dialect: Dialect, clock: Clock, books: LiveBooks
    ) -> None:
        self._books = books
        self._connection = connection
        self._dialect = dialect
        self._clock = clock
        self._line = Line(connection, dialect, clock)
        self._starting = asyncio.Lock()
        self._fingerprint: str | None = None
        self.ccxt = self._line.ccxt

    @property
    def rules(self) -> VenueRules:
        """The dialect."""
        return self._dialect.rules()

    @property
    def fingerprint(self) -> str:
        """Which account this is, once `start` has asked."""
        assert self._fingerprint is not None, "the gateway was not started"
        return self._fingerprint

    async def start(self) -> None:
        """Learn the clock, the markets and whose account it is; once. Raises VenueError."""
        async with self._starting:
            if not self.ccxt.markets:
                await self.time_ns()
                await self._line.ask("read", self.ccxt.load_markets)
            if self._fingerprint is None and self._connection.credentials is not None:
                self._fingerprint = await self._account_id()

    async def close(self) -> None:
        """Let go of every connection."""
        await self._line.close()

    # --- public reads

    def book(self, market: str) -> Book | None:
        """The latest book of a market's stream; None while there is none."""
        return self._books.book(market)

    def heard_ns(self, market: str) -> int | None:
        """When the connection that carries the market was last heard."""
        return self._books.heard_ns(market)

    async def time_ns(self) -> int:
        """Read the venue's clock, and sign by it from now on."""
        return await self._line.read_clock()

    async def markets(self) -> Mapping[str, MarketRules]:
        """Read the markets and their rules."""
        if self.ccxt.markets and self._fingerprint is not None:
            await self._line.ask("read", lambda: self.ccxt.load_markets(True))  # noqa: FBT003 -- ccxt's
        await self.start()
        found = (replies.rules_of(market) for market in self.ccxt.markets.values())
        return {rules.market: rules for rules in found if rules is not None}

    # --- the account

    async def fees(self) -> FeeRates:
        """Read the account's taker and maker rates, and whether fees go in a third currency."""
        await self.start()
        if self._dialect.venue == "binance":
            return await self._fees_of_binance()
        if self._dialect.venue == "okx":
            answer = await self._line.private(
                "read", "privateGetAccountTradeFee", {"instType": "SPOT"}
            )
            row = replies.inner((replies.rows(answer.get("data")) or [{}])[0])
            return _rates(_charged(row.get("taker")), _charged(row.get("maker")), None)
        symbol = next(iter(self.ccxt.markets))
        row = self.ccxt.markets[symbol]
        return _rates(_of_float(row.get("taker")), _of_float(row.get("maker")), None)

    async def _fees_of_binance(self) -> FeeRates:
        account = await self._line.private(
            "read", "privateGetAccount", {"omitZeroBalances": "true"}
        )
        rates = replies.inner(account.get("commissionRates"))
        known = [one for one in self.ccxt.markets.values() if one.get("active") is not False]
        chosen = next((one for one in known if one["id"] == "BTCUSDT"), known[0])
        told = await self._line.private(
            "read", "privateGetAccountCommission", {"symbol": chosen["id"]}
        )
        discount = replies.inner(told.get("discount"))
        third = None
        if discount.get("enabledForAccount") is True and discount.get("enabledForSymbol") is True:
            third = replies.text(discount.get("discountAsset"))
        return _rates(replies.number(rates.get("taker")), replies.number(rates.get("maker")), third)

    async def balances(self) -> Mapping[str, Balance]:
        """Read every asset the account holds or has held."""
        await self.start()
        return replies.balances_of(await self._line.ask("resolve", self.ccxt.fetch_balance))

    async def may_withdraw(self) -> bool | None:
        """Tell whether the key may withdraw; None where the venue does not say."""
        await self.start()
        try:
            if self._dialect.venue == "binance" and not self._connection.sandbox:
                told = await self._line.private("read", "sapiGetAccountApiRestrictions", {})
                allowed = told.get("enableWithdrawals")
                return allowed if isinstance(allowed, bool) else None
            if self._dialect.venue == "okx":
                allowed = replies.text((await self._okx_account()).get("perm"))
                return None if allowed is None else "withdraw" in allowed
        except Unreachable as error:
            log.warning("venue.permissions", error=str(error))
        return None

    async def _account_id(self) -> str:
        told: object = None
        if self._dialect.venue == "binance":
            told = (
                await self._line.private("read", "privateGetAccount", {"omitZeroBalances": "true"})
            ).get("uid")
        elif self._dialect.venue == "okx":
            told = (await self._okx_account()).get("uid")
        uid = replies.text(told)
        if uid is not None:
            return uid
        assert self._connection.credentials is not None
        key, _, _ = self._connection.credentials.reveal()
        return "key-" + hashlib.sha256(_SALT + key.encode()).hexdigest()[:16]

    async def _okx_account(self) -> replies.Json:
        answer = await self._line.private("read", "privateGetAccountConfig", {})
        return replies.inner((replies.rows(answer.get("data")) or [{}])[0])

    async def balance_changes(self, since_ns: int) -> Sequence[BalanceChange]:
        """Read deposits and withdrawals since a venue time, oldest first."""
        await self.start()
        if self._connection.sandbox:
            return ()  # there is nothing to deposit or to withdraw
        since = since_ns // NS_PER_MS
        came = await self._line.ask("read", lambda: self.ccxt.fetch_deposits(None, since))
        went = await self._line.ask("read", lambda: self.ccxt.fetch_withdrawals(None, since))
        found = [replies.change_of(one, sign=1) for one in replies.rows(came)]
        found += [replies.change_of(one, sign=-1) for one in replies.rows(went)]
        changes = [one for one in found if one is not None and one.venue_ns >= since_ns]
        return sorted(changes, key=lambda one: one.venue_ns)

    # --- orders

    async def create(self, request: OrderRequest) -> OrderReport:
        """Send an order, with one request; raises what the answer proves."""
        if not self.ccxt.markets:
            await self.start()
        assert request.kind == "limit", request
        assert request.limit is not None, request
        params = {
            self._dialect.create_key: request.client_order_id,
            "timeInForce": request.time_in_force.upper(),
        }
        amount, price = plain(request.amount), plain(request.limit)
        order = await self._line.send(
            lambda: self.ccxt.create_order(
                request.market, "limit", request.side, amount, price, params
            ),
            at_ns=request.venue_time_ns,
        )
        return await self._told_of_create(request, order)

    async def _told_of_create(self, request: OrderRequest, order: replies.Json) -> OrderReport:
        report = replies.order_report(self._dialect, order)
        if report.status is None:  # a venue that names the order and says no more of it
            for delay_s in ID_ONLY_DELAYS_S:
                await self._clock.sleep(delay_s)
                try:
                    return await self._with_trades(
                        await self.order(request.market, request.client_order_id)
                    )
                except OrderNotFound:
                    continue
            raise Unreachable(f"order {report.exchange_order_id} was taken and is not shown yet")
        fills = (
            replies.fill_of_full_reply(order, report) if self._dialect.venue == "binance" else None
        )
        if fills is not None:
            return _with_fills(report, fills)
        return await self._with_trades(report)

    async def _with_trades(self, report: OrderReport) -> OrderReport:
        """Add an order's trades where they can be read now; the engine reads them later otherwise."""
        if report.filled == 0 or report.market is None or report.exchange_order_id is None:
            return report if report.filled != 0 else _with_fills(report, ())
        params = {"orderId": report.exchange_order_id}
        if self._dialect.venue == "okx":
            params = {"ordId": report.exchange_order_id, **self._dialect.trades_params}
        elif self._dialect.venue != "binance":
            return report
        try:
            told = await self._line.ask(
                "order", lambda: self.ccxt.fetch_my_trades(report.market, None, TRADES_PAGE, params)
            )
            fills = tuple(replies.fill_report(self._dialect, one) for one in replies.rows(told))
        except VenueError:
            return report
        total = sum((one.amount or Decimal(0) for one in fills), Decimal(0))
        return _with_fills(report, fills) if total == report.filled else report

    async def cancel(self, market: str, client_order_id: str) -> None:
        """Cancel an order; harmless when repeated."""
        await self.start()
        dialect = self._dialect
        given, params = None, {dialect.cancel_key: client_order_id}
        if dialect.cancel_by_prefixed_id:
            given, params = dialect.id_prefix + client_order_id, {}
        await self._line.ask("order", lambda: self.ccxt.cancel_order(given, market, params))

    async def order(self, market: str, client_order_id: str) -> OrderReport:
        """Read an order by our id; raises OrderNotFound."""
        await self.start()
        dialect = self._dialect
        params = {dialect.lookup_key: client_order_id}
        if dialect.lookup == "order":
            told = await self._line.ask(
                "resolve", lambda: self.ccxt.fetch_order(None, market, params)
            )
            return replies.order_report(dialect, replies.inner(told))
        for read in (self.ccxt.fetch_open_orders, self.ccxt.fetch_closed_orders):
            listed = await self._line.ask("resolve", partial(read, market, None, None, params))
            for one in replies.rows(listed):
                report = replies.order_report(dialect, one)
                if report.client_order_id == client_order_id:
                    return report
        raise OrderNotFound(f"no order {client_order_id} on {market}")

    async def order_by_exchange_id(self, market: str, exchange_order_id: str) -> OrderReport:
        """Read an order by the venue's id; raises OrderNotFound."""
        await self.start()
        told = await self._line.ask(
            "resolve", lambda: self.ccxt.fetch_order(exchange_order_id, market)
        )
        return replies.order_report(self._dialect, replies.inner(told))

    async def open_orders(self) -> Sequence[OrderReport]:
        """Read all open orders of the account."""
        await self.start()
        told = await self._line.ask("resolve", self.ccxt.fetch_open_orders)
        return tuple(replies.order_report(self._dialect, one) for one in replies.rows(told))

    async def trades(self, market: str, since_ns: int) -> Sequence[FillReport]:
        """Read all trades on a market since a venue time, oldest first: all of them, or an error."""
        await self.start()
        if self._dialect.venue == "okx":
            found = await self._trades_back(market, since_ns)
        else:
            found = await self._trades_on(market, since_ns)
        wanted = [one for one in found if one.venue_ns is None or one.venue_ns >= since_ns]
        return sorted(wanted, key=lambda one: one.venue_ns or 0)

    async def _trades_on(self, market: str, since_ns: int) -> list[FillReport]:
        """Page forward: from a time, then from the trade after the last one told."""
        now_ns = self._line.now_ns()
        window_ns = self._dialect.trades_window_ns or max(now_ns - since_ns, 1) + NS_PER_MS
        found: list[FillReport] = []
        at_ns = since_ns
        for _ in range(TRADES_PAGES_MAX):
            page = await self._page(market, at_ns, at_ns + window_ns)
            found += page
            if len(page) >= TRADES_PAGE:
                last = max(one.venue_ns or 0 for one in page)
                if last <= at_ns:
                    raise Unreachable(f"more trades of {market} in one moment than a page holds")
                at_ns = last  # the trades of this moment come again, and are told by their ids
            elif at_ns + window_ns >= now_ns:
                return _once(found)
            else:
                at_ns += window_ns
        raise Unreachable(f"more than {TRADES_PAGES_MAX} pages of trades on {market}")

    async def _page(self, market: str, from_ns: int, to_ns: int) -> list[FillReport]:
        params: dict[str, object] = {**self._dialect.trades_params}
        if self._dialect.trades_window_ns:
            params["until"] = to_ns // NS_PER_MS
        since = from_ns // NS_PER_MS
        told = await self._line.ask(
            "resolve", lambda: self.ccxt.fetch_my_trades(market, since, TRADES_PAGE, params)
        )
        return [replies.fill_report(self._dialect, one) for one in replies.rows(told)]

    async def _trades_back(self, market: str, since_ns: int) -> list[FillReport]:
        """Page backward, from the newest trade: the way of OKX."""
        found: list[FillReport] = []
        params: dict[str, object] = {**self._dialect.trades_params}
        since = since_ns // NS_PER_MS
        for _ in range(TRADES_PAGES_MAX):
            told = await self._line.ask(
                "resolve", lambda: self.ccxt.fetch_my_trades(market, since, TRADES_PAGE, params)
            )
            page = replies.rows(told)
            found += [replies.fill_report(self._dialect, one) for one in page]
            if len(page) < TRADES_PAGE:
                return _once(found)
            oldest = replies.text(replies.inner(page[0].get("info")).get("billId"))
            if oldest is None:
                raise Unreachable(f"a page of trades on {market} cannot be followed")
            params["after"] = oldest
        raise Unreachable(f"more than {TRADES_PAGES_MAX} pages of trades on {market}")


def _with_fills(report: OrderReport, fills: tuple[FillReport, ...]) -> OrderReport:
    return structs.replace(report, fills=fills)


def _once(found: Sequence[FillReport]) -> list[FillReport]:
    """Leave out copies that came with the next page; one that differs stays, to be alarmed."""
    seen: list[FillReport] = []
    for one in found:
        if one not in seen:
            seen.append(one)
    return seen


def _charged(told: object) -> Decimal | None:
    """OKX writes what it charges below zero."""
    rate = replies.number(told)
    return None if rate is None else -rate


def _of_float(told: object) -> Decimal | None:
    return Decimal(repr(told)) if isinstance(told, float) else replies.number(told)


def _rates(taker: Decimal | None, maker: Decimal | None, third: str | None) -> FeeRates:
    if taker is None or maker is None:
        raise Unreachable("the account's fee rates cannot be read")
    return FeeRates(max(taker, Decimal(0)), max(maker, Decimal(0)), third)
