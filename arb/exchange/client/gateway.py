"""A venue as the engine uses it: the port's methods, spoken in the venue's dialect over its line."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final

import structlog
from msgspec.structs import replace

from arb.clock import NS_PER_MS, Clock
from arb.exchange.client import account_reads, fate
from arb.exchange.client.attentive import kept_only_if_well
from arb.exchange.client.ccxt_calls import Call, Sent
from arb.exchange.client.ccxt_gateway import Line
from arb.exchange.client.connection import Connection
from arb.exchange.client.exact_json import at
from arb.exchange.client.listed_markets import client_names, market_rules
from arb.exchange.client.replies import order_report, rows
from arb.exchange.client.sendable import lateness, unsendable
from arb.exchange.client.trade_list import TradeList
from arb.exchange.dialects.refusals import MARKET_NOT_ALLOWED
from arb.exchange.dialects.shape import Dialect, Lookup
from arb.exchange.port import (
    Balance,
    BalanceChange,
    Banned,
    FillReport,
    NotSent,
    OrderNotFound,
    OrderReport,
    OrderRequest,
    Refused,
    Unreachable,
    VenueError,
    VenueRules,
)
from arb.feeds.live import LiveBooks
from arb.market.book import Book, FeeRates, MarketRules
from arb.money import plain

log = structlog.get_logger()

OPEN_PAGES_MAX: Final = 50


class Gateway:
    """A `Venue` over REST, with the `Books` that its streams fill. The account needs credentials."""

    def __init__(
        self,
        connection: Connection,
        dialect: Dialect,
        clock: Clock,
        books: LiveBooks,
        session: Any = None,  # noqa: ANN401 -- aiohttp's; a test's
    ) -> None:
        self.left_out = 0  # markets whose rules cannot be read
        self._books = books
        self._connection = connection
        self._dialect = dialect
        self._line = Line(connection, dialect, clock, session)
        self.ccxt = self._line.ccxt
        self._starting = asyncio.Lock()
        self._loading = asyncio.Lock()
        self._fingerprint: str | None = None
        self._rules = dialect.rules()
        self._markets: Mapping[str, MarketRules] = {}
        self._seen: set[str] = set()  # markets that orders were sent to or asked about
        self._words = account_reads.words(dialect.venue)
        self._permissions: frozenset[str] = frozenset()  # the account's; empty where none are told
        self._refused_here: set[str] = set()  # markets that told this account to trade elsewhere
        self._names = client_names(self.ccxt, lambda: self._markets)
        self._trades = TradeList(self._line, dialect, self._names)
        self._reading = account_reads.Reading(
            ask=partial(self._line.read, lane="resolve"),  # cycles wait for what the account holds
            names=self._names,
            has=self._line.has,
            now_ns=self._line.now_ns,
            sleep=clock.sleep,
            id_of=lambda market: str(self.ccxt.market(market)["id"]),
            group_of=self._group_of,
            withdrawals=account_reads.few_withdrawals(clock),
        )

    async def start(self) -> None:
        """Learn the clock, the markets and whose account it is; once. Raises VenueError."""
        async with self._starting:
            if not self._markets:
                await self._line.time_ns()
                await self._load()
            credentials = self._connection.credentials
            if self._fingerprint is None and credentials is not None:
                told = await self._words.account_id(self._reading)
                self._permissions = await self._words.permissions(self._reading)
                listed = self._markets
                self._take_markets()
                closed = sorted(
                    name for name, one in self._markets.items() if one.active < listed[name].active
                )
                if closed:
                    log.warning("markets.not_permitted", n=len(closed), first=closed[:5])
                key, _, _ = credentials.reveal()
                self._fingerprint = told or account_reads.hashed(self._dialect.venue, key)

    async def close(self) -> None:
        """Let go of every connection."""
        await self._line.close()

    # --- what it is

    @property
    def known_markets(self) -> Mapping[str, MarketRules]:
        """The markets as they were last read; none before the start."""
        return self._markets

    @property
    def rules(self) -> VenueRules:
        """The dialect."""
        return self._rules

    @property
    def fingerprint(self) -> str:
        """Which account this is, once `start` has asked."""
        assert self._fingerprint is not None, "the gateway was not started"
        return self._fingerprint

    async def may_withdraw(self) -> bool | None:
        """Tell whether the key may withdraw; None where the venue does not say."""
        await self.start()
        try:
            return await self._words.may_withdraw(self._reading)
        except Banned:
            raise
        except VenueError as error:
            log.warning("venue.permissions", error=str(error))
            return None

    # --- public reads

    def book(self, market: str) -> Book | None:
        """The latest book of a market's stream; None while there is none."""
        return self._books.book(market)

    def heard_ns(self, market: str) -> int | None:
        """When the connection that carries the market was last heard."""
        return self._books.heard_ns(market)

    async def best_prices(self) -> object:
        """Read the best prices of every market, as Binance tells them. Raises VenueError."""
        return await self._line.read("publicGetTickerBookTicker")

    async def time_ns(self) -> int:
        """Read the venue's clock, and sign by it from now on."""
        return await self._line.time_ns()

    async def markets(self) -> Mapping[str, MarketRules]:
        """Read the spot markets and their rules; what cannot be read is left out and counted."""
        if self._markets:
            await self._load()
        else:
            await self.start()
        return self._markets

    async def _load(self) -> None:
        # One after the other: what one puts back must not be from before what another has read.
        async with self._loading:
            await self._load_alone()

    async def _load_alone(self) -> None:
        before = self.ccxt.markets
        try:
            await self._line.ask("read", partial(self.ccxt.load_markets, reload=True))
            self._take_markets()
        except VenueError:
            if before and self.ccxt.markets is not before:
                # An answer without markets is no reason to forget them.
                self.ccxt.set_markets(before, self.ccxt.currencies)
            raise

    def _take_markets(self) -> None:
        """Take over the markets that the client knows; those that this account may not trade on are closed to it."""
        found, self.left_out = market_rules(
            self.ccxt.markets, self._permissions, self._refused_here
        )
        if not found:
            raise Unreachable(f"the venue told no market that can be read, of {self.left_out}")
        self._markets = found

    # --- the account

    async def fees(self) -> FeeRates:
        """Read the account's fee rates, the highest of what a usual market is charged."""
        await self.start()
        open_ = [name for name, one in sorted(self._markets.items()) if one.active]
        if not open_:
            raise Unreachable("no market is open")
        groups = Counter(str(self._group_of(name)) for name in open_)
        usual = max(open_, key=lambda name: groups[str(self._group_of(name))])  # the first of them
        return await self._words.fees(self._reading, usual)

    def _group_of(self, market: str) -> object:
        return at(self.ccxt.markets.get(market), "info.groupId")

    async def balances(self) -> Mapping[str, Balance]:
        """Read every asset the account holds or has held."""
        await self.start()
        return await self._words.balances(self._reading)

    async def balance_changes(self, since_ns: int) -> Sequence[BalanceChange]:
        """Read deposits, withdrawals and transfers since a venue time, oldest first."""
        await self.start()
        found = await self._words.changes(self._reading, since_ns)
        distinct = {one.change_id: one for one in found if one.venue_ns >= since_ns}
        return sorted(distinct.values(), key=lambda one: (one.venue_ns, one.change_id))

    # --- orders

    def order_wait_ns(self, orders: int, ahead: int) -> int:
        """How long until the venue's ration takes so many orders after those ahead; 0: now."""
        return self._line.order_wait_ns(orders, ahead)

    async def create(self, request: OrderRequest) -> OrderReport:
        """Send an order, in one request. Its window is the venue's to enforce: it is signed with the intent's time."""
        try:
            return await self._create(request)
        except Refused as error:
            if error.reason == MARKET_NOT_ALLOWED:
                self._close_here(request.market, error.detail)
            raise

    def _close_here(self, market: str, why: str) -> None:
        """Take a market for closed from now on: the list goes on calling it open, for it is so to others."""
        log.warning("market.not_allowed", market=market, why=why)
        self._refused_here.add(market)
        listed = self._markets.get(market)
        if listed is not None:  # a reading of the markets may have dropped it meanwhile
            self._markets = {**self._markets, market: replace(listed, active=False)}

    async def _create(self, request: OrderRequest) -> OrderReport:
        if not self._markets:
            await self.start()
        refusal = unsendable(self._dialect, self._markets.get(request.market), request)
        if refusal is not None:
            raise NotSent(refusal)
        assert request.limit is not None
        listed = self.ccxt.markets.get(request.market)
        if listed is None:
            raise NotSent(f"{request.market} is not listed any more")
        params, headers = lateness(self._dialect, request)
        self._seen.add(request.market)
        with kept_only_if_well():
            body, _ = await self._line.ask(
                "order",
                self.ccxt.create_order,
                request.market,
                "limit",
                request.side,
                plain(request.amount),
                plain(request.limit),
                {
                    self._dialect.create_key: request.client_order_id,
                    "timeInForce": request.time_in_force.upper(),
                    **params,
                },
                call=Call(
                    order=Sent(
                        request.client_order_id,
                        str(listed["id"]),
                        request.side,
                        request.time_in_force,
                        request.amount,
                        request.limit,
                    ),
                    time_ms=request.venue_time_ns // NS_PER_MS,
                    headers=headers,
                ),
            )
            row = at(body, self._dialect.replies.created)
            report = order_report(self._dialect, row, self._names, created=True)
            if not fate.accepted(report, request):
                raise Unreachable(f"a reply that proves nothing: {body!r:.120}")
            return report

    async def cancel(self, market: str, client_order_id: str) -> None:
        """Cancel an order; harmless when repeated. The order's fate is read, not concluded from this."""
        await self.start()
        self._seen.add(market)
        order_id, params = self._by(self._dialect.cancel, client_order_id)
        await self._line.ask(
            "order", self.ccxt.cancel_order, order_id, market, params, of_order=True
        )

    async def order(self, market: str, client_order_id: str) -> OrderReport:
        """Read an order by our id; raises OrderNotFound."""
        await self.start()
        self._seen.add(market)
        if self._dialect.query.by == "lists":
            return await self._find_listed(market, client_order_id)
        order_id, params = self._by(self._dialect.query, client_order_id)
        body, _ = await self._line.ask(
            "resolve", self.ccxt.fetch_order, order_id, market, params, of_order=True
        )
        return self._one(body)

    async def order_by_exchange_id(self, market: str, exchange_order_id: str) -> OrderReport:
        """Read an order by the venue's id; raises OrderNotFound."""
        await self.start()
        params = dict(self._dialect.by_exchange_id)
        body, _ = await self._line.ask(
            "resolve", self.ccxt.fetch_order, exchange_order_id, market, params, of_order=True
        )
        return self._one(body)

    async def open_orders(self) -> Sequence[OrderReport]:
        """Read all open orders of the account; where a venue lists them by market, of the markets used here."""
        await self.start()
        markets = sorted(self._seen) if self._dialect.open_by_market else [None]
        told: list[object] = []
        for market in markets:
            told += await self._open_on(market)
        return tuple(order_report(self._dialect, row, self._names) for row in told)

    async def trades(self, market: str, since_ns: int) -> Sequence[FillReport]:
        """Read all trades of the account on a market since a venue time, oldest first: all of them, or an error."""
        await self.start()
        self._seen.add(market)
        told = await self._trades.since(market, since_ns)
        others = {one.market or "" for one in told} & self._markets.keys() - {market}
        if others and not self._dialect.trades_of_all:
            # Mixed up or shifted: whoever takes it for this market's list finds nothing there.
            raise Unreachable(
                f"asked for trades of {market}, the venue told those of {min(others)}"
            )
        fills = [one for one in told if one.market not in others]
        return sorted(
            (one for one in fills if one.venue_ns is None or one.venue_ns >= since_ns),
            key=lambda one: (one.venue_ns or 0, one.trade_id or ""),
        )

    # --- asking

    def _by(self, lookup: Lookup, client_order_id: str) -> tuple[str | None, dict[str, object]]:
        """An order's name for the client: an id, or a parameter."""
        match lookup.by:
            case "parameter":
                return None, {lookup.key: client_order_id}
            case "id":
                return self._dialect.client_prefix + client_order_id, {}
        raise NotSent(f"{self._dialect.venue} knows no order by our id")

    async def _find_listed(self, market: str, client_order_id: str) -> OrderReport:
        params = {self._dialect.query.key: client_order_id}
        for method, path in (
            (self.ccxt.fetch_open_orders, self._dialect.replies.open_orders),
            (getattr(self.ccxt, self._dialect.closed_method), self._dialect.replies.closed_orders),
        ):
            body, _ = await self._line.ask("resolve", method, market, None, None, params)
            for row in rows(self._dialect, body, path):
                report = order_report(self._dialect, row, self._names)
                if report.client_order_id == client_order_id:
                    return report
        raise OrderNotFound(f"neither open nor closed orders show {client_order_id}")

    def _one(self, body: object) -> OrderReport:
        path = self._dialect.replies.order
        row = at(body, path)
        if self._dialect.replies.by_id:
            row = next(iter(rows(self._dialect, body, path)), None)
        report = order_report(self._dialect, row, self._names)
        if report.exchange_order_id is None:
            raise Unreachable(f"the venue told no order: {body!r:.120}")
        return report

    async def _open_on(self, market: str | None) -> list[object]:
        dialect = self._dialect
        parameter, path = dialect.open_cursor
        params: dict[str, object] = {}
        told: list[object] = []
        for _ in range(OPEN_PAGES_MAX):
            limit = dialect.open_page or None
            body, _made = await self._line.ask(
                "resolve", self.ccxt.fetch_open_orders, market, None, limit, params
            )
            found = rows(dialect, body, dialect.replies.open_orders)
            groups = [found]
            if dialect.replies.open_group:  # a page is of each market
                groups = [rows(dialect, one, dialect.replies.open_group) for one in found]
            for group in groups:
                told += group
            if not dialect.open_page or max(map(len, groups), default=0) < dialect.open_page:
                return told
            if not parameter:
                break
            params = {parameter: at(found[-1], path)}
        raise Unreachable(f"more than {len(told)} open orders: the list does not end")
