"""The gateway: a `Venue` over REST through ccxt's own classes.

The only module that imports ccxt, and only when a client is made.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final

import structlog
from msgspec import Struct

from arb.clock import NS_PER_MS, NS_PER_S, Clock
from arb.exchange import account_reads, fate
from arb.exchange.asking import Asking, Secrets, VenueClock, rows
from arb.exchange.ccxt_calls import (
    ORDER_LANE,
    READ_LANE,
    RESOLVE_LANE,
    Call,
    Hear,
    NoRedirects,
    Sent,
    Surroundings,
    Throttle,
    harden,
    round_apart,
)
from arb.exchange.dialect_shape import Dialect, Lookup
from arb.exchange.exact_json import at
from arb.exchange.listed_markets import client_names, market_rules
from arb.exchange.paging import complete
from arb.exchange.port import (
    Balance,
    BalanceChange,
    Banned,
    FillReport,
    NotSent,
    OrderNotFound,
    OrderReport,
    OrderRequest,
    Unreachable,
    VenueError,
    VenueRules,
)
from arb.exchange.replies import fill_report, order_report
from arb.exchange.sendable import lateness, unsendable
from arb.market.book import FeeRates, MarketRules
from arb.money import plain

log = structlog.get_logger()

TIMEOUT_MS: Final = 4_500  # below the engine's own limit for a read
TRADES_AHEAD_NS: Final = (
    60 * NS_PER_S
)  # clocks differ: trades are asked for up to a moment that is not yet
OPEN_PAGES_MAX: Final = 50


async def _no_wait(_cost: float, _lane: str) -> None:
    """Wait for nothing."""


class Making(Struct, frozen=True, kw_only=True):
    """How a venue's clients are made."""

    around: Surroundings
    sandbox: bool = False
    options: Mapping[str, object] = {}


def make_client(
    making: Making,
    secrets: Secrets | None,
    session: Any,  # noqa: ANN401 -- aiohttp's
    *,
    streams: bool = False,
) -> Any:  # noqa: ANN401 -- the client's class is known when it runs
    """Make a client of the venue: the REST one, or the one that also has its streams. Nothing is connected yet.

    It never closes the session.
    """
    if streams:
        import ccxt.pro as library  # noqa: PLC0415 -- half a second and a hundred megabytes, for those who need it
    else:
        import ccxt.async_support as library  # noqa: PLC0415 -- the same
    dialect = making.around.dialect
    key, secret, password = ("", "", None) if secrets is None else secrets.reveal()
    settings = {
        "apiKey": key,
        "secret": secret,
        "password": password or "",
        "session": session if streams else NoRedirects(session),
        "enableRateLimit": True,  # that is, `throttle` is asked, which is ours
        "timeout": TIMEOUT_MS,
        "options": {
            **making.options,
            **dict(dialect.options),
            "recvWindow": dialect.recv_window_ns // NS_PER_MS,
            "adjustForTimeDifference": False,
            "maxRetriesOnFailure": 0,  # it would send an order again
        },
    }
    client = harden(getattr(library, dialect.venue), making.around, raw=not streams)(settings)
    client.number = str
    client.timeout_on_exit = 0
    client.decimal_to_precision = round_apart(client.decimal_to_precision)
    if making.sandbox:
        client.set_sandbox_mode(True)
    return client


class Gateway:
    """A venue's account over REST. `start` comes first; what it was given as session it closes at the end."""

    def __init__(
        self,
        dialect: Dialect,
        secrets: Secrets,
        clock: Clock,
        session: Any,  # noqa: ANN401 -- aiohttp's
        *,
        throttle: Throttle = _no_wait,
        hear: Hear = lambda _headers: None,
        sandbox: bool = False,
        options: Mapping[str, object] | None = None,
    ) -> None:
        self.dialect: Final = dialect
        self.left_out = 0  # markets whose rules cannot be read
        self._rules = dialect.rules()
        self._secrets = secrets
        self._session = session
        self._clock = VenueClock(clock)
        self._making = Making(
            around=Surroundings(
                dialect=dialect,
                clock=clock,
                throttle=throttle,
                hear=hear,
                offset_ms=self._clock.offset_ms,
            ),
            sandbox=sandbox,
            options=options or {},
        )
        self.client = make_client(self._making, secrets, session)
        self._asking = Asking(self.client, dialect, secrets, self._clock)
        self._fingerprint: str | None = None
        self._markets: Mapping[str, MarketRules] = {}
        self._seen: set[str] = set()  # markets that orders were sent to or asked about
        self._words = account_reads.words(dialect.venue)
        self._names = client_names(self.client, lambda: self._markets)
        self._reading = account_reads.Reading(
            ask=self._asking.read,
            names=self._names,
            has=self._asking.has,
            now_ns=self._clock.now_ns,
            id_of=lambda market: str(self.client.market(market)["id"]),
        )

    async def start(self) -> None:
        """Read the venue's clock, its markets and whose account this is; raises a VenueError."""
        await self.time_ns()
        await self.markets()
        told = await self._words.account_id(self._reading)
        self._fingerprint = told or account_reads.hashed(
            self.dialect.venue, self._secrets.reveal()[0]
        )

    def streams(self) -> Any:  # noqa: ANN401 -- ccxt's, for the streams
        """Make a client with the venue's streams, on the same session, with the markets that are known here."""
        client = make_client(self._making, self._secrets, self._session, streams=True)
        client.set_markets(self.client.markets, self.client.currencies)
        return client

    # --- what it is

    @property
    def rules(self) -> VenueRules:
        """The dialect."""
        return self._rules

    @property
    def fingerprint(self) -> str:
        """The account's own id at the venue, or a name made of its key."""
        assert self._fingerprint is not None, "start() comes first"
        return self._fingerprint

    async def may_withdraw(self) -> bool | None:
        """Whether this key may take money out; None where the venue does not tell."""
        try:
            return await self._words.may_withdraw(self._reading)
        except Banned:
            raise
        except VenueError as error:
            log.info("venue.permissions_unknown", error=str(error))
            return None

    # --- readings

    async def time_ns(self) -> int:
        """Read the venue's clock, which later requests are signed by."""
        return await self._asking.time_ns()

    async def markets(self) -> Mapping[str, MarketRules]:
        """Read the spot markets and their rules; what cannot be read is left out and counted."""
        before = self.client.markets
        await self._asking.ask(
            partial(self.client.load_markets, reload=True), call=Call(lane=READ_LANE)
        )
        found, self.left_out = market_rules(self.client.markets)
        if not found:
            if before:  # a reply without markets is no reason to forget them
                self.client.set_markets(before, self.client.currencies)
            raise Unreachable(f"the venue told no market that can be read, of {self.left_out}")
        self._markets = found
        return found

    async def fees(self) -> FeeRates:
        """Read the account's fee rates, the highest of what a usual market is charged."""
        market = next((name for name, one in sorted(self._markets.items()) if one.active), None)
        if market is None:
            raise Unreachable("no market is open")
        return await self._words.fees(self._reading, market)

    async def balances(self) -> Mapping[str, Balance]:
        """Read every asset the account holds or has held."""
        return await self._words.balances(self._reading)

    async def balance_changes(self, since_ns: int) -> Sequence[BalanceChange]:
        """Read deposits, withdrawals and transfers since a venue time, oldest first."""
        found = await self._words.changes(self._reading, since_ns)
        distinct = {one.change_id: one for one in found if one.venue_ns >= since_ns}
        return sorted(distinct.values(), key=lambda one: (one.venue_ns, one.change_id))

    # --- orders

    async def create(self, request: OrderRequest) -> OrderReport:
        """Send an order, in one request. Its window is the venue's to enforce: it is signed with the intent's time."""
        refusal = unsendable(self.dialect, self._markets.get(request.market), request)
        if refusal is not None:
            raise NotSent(refusal)
        assert request.limit is not None
        params, headers = lateness(self.dialect, request)
        self._seen.add(request.market)
        body, _ = await self._asking.ask(
            self.client.create_order,
            request.market,
            "limit",
            request.side,
            plain(request.amount),
            plain(request.limit),
            {
                self.dialect.create_key: request.client_order_id,
                "timeInForce": request.time_in_force.upper(),
                **params,
            },
            call=Call(
                lane=ORDER_LANE,
                order=Sent(request.client_order_id, request.amount, request.limit),
                time_ms=request.venue_time_ns // NS_PER_MS,
                headers=headers,
            ),
        )
        row = at(body, self.dialect.replies.created)
        report = order_report(self.dialect, row, self._names, created=True)
        if not fate.accepted(report, request):
            raise Unreachable(f"a reply that proves nothing: {body!r:.120}")
        return report

    async def cancel(self, market: str, client_order_id: str) -> None:
        """Cancel an order; harmless when repeated. The order's fate is read, not concluded from this."""
        self._seen.add(market)
        order_id, params = self._by(self.dialect.cancel, client_order_id)
        await self._asking.ask(
            self.client.cancel_order, order_id, market, params, call=Call(lane=ORDER_LANE)
        )

    async def order(self, market: str, client_order_id: str) -> OrderReport:
        """Read an order by our id; raises OrderNotFound."""
        self._seen.add(market)
        if self.dialect.query.by == "lists":
            return await self._find_listed(market, client_order_id)
        order_id, params = self._by(self.dialect.query, client_order_id)
        body, _ = await self._asking.ask(
            self.client.fetch_order, order_id, market, params, call=Call(lane=RESOLVE_LANE)
        )
        return self._one(body)

    async def order_by_exchange_id(self, market: str, exchange_order_id: str) -> OrderReport:
        """Read an order by the venue's id; raises OrderNotFound."""
        params = dict(self.dialect.by_exchange_id)
        body, _ = await self._asking.ask(
            self.client.fetch_order, exchange_order_id, market, params, call=Call(lane=RESOLVE_LANE)
        )
        return self._one(body)

    async def open_orders(self) -> Sequence[OrderReport]:
        """Read all open orders of the account; where a venue lists them by market, of the markets used here."""
        markets = sorted(self._seen) if self.dialect.open_by_market else [None]
        told: list[object] = []
        for market in markets:
            told += await self._open_on(market)
        return tuple(order_report(self.dialect, row, self._names) for row in told)

    async def trades(self, market: str, since_ns: int) -> Sequence[FillReport]:
        """Read all trades of the account on a market since a venue time, oldest first: all of them, or an error."""
        self._seen.add(market)
        dialect = self.dialect

        async def page(begin_ns: int, end_ns: int) -> list[object]:
            body, _ = await self._asking.ask(
                self.client.fetch_my_trades,
                market,
                # Whether a venue counts the border in is not always told: ask a little beyond.
                begin_ns // NS_PER_MS - 1,
                dialect.trades_page,
                {"until": end_ns // NS_PER_MS + 1},
                call=Call(lane=RESOLVE_LANE),
            )
            return rows(body, dialect.replies.trades)

        until_ns = self._clock.now_ns() + TRADES_AHEAD_NS
        found = await complete(
            page,
            since_ns,
            until_ns,
            window_ns=dialect.trades_window_ns,
            page=dialect.trades_page,
            unit_ns=dialect.trades_unit_ns,
        )
        told = dict.fromkeys(fill_report(dialect, row, self._names) for row in found)
        fills = [one for one in told if one.market == market or one.market not in self._markets]
        return sorted(
            (one for one in fills if one.venue_ns is None or one.venue_ns >= since_ns),
            key=lambda one: (one.venue_ns or 0, one.trade_id or ""),
        )

    async def close(self) -> None:
        """Let go of the connections."""
        await self.client.close()
        await self._session.close()

    # --- asking

    def _by(self, lookup: Lookup, client_order_id: str) -> tuple[str | None, dict[str, object]]:
        """An order's name for the client: an id, or a parameter."""
        match lookup.by:
            case "parameter":
                return None, {lookup.key: client_order_id}
            case "id":
                return self.dialect.client_prefix + client_order_id, {}
        raise NotSent(f"{self.dialect.venue} knows no order by our id")

    async def _find_listed(self, market: str, client_order_id: str) -> OrderReport:
        params = {self.dialect.query.key: client_order_id}
        for method, path in (
            (self.client.fetch_open_orders, self.dialect.replies.open_orders),
            (getattr(self.client, self.dialect.closed_method), self.dialect.replies.closed_orders),
        ):
            body, _ = await self._asking.ask(
                method, market, None, None, params, call=Call(lane=RESOLVE_LANE)
            )
            for row in rows(body, path):
                report = order_report(self.dialect, row, self._names)
                if report.client_order_id == client_order_id:
                    return report
        raise OrderNotFound(f"neither open nor closed orders show {client_order_id}")

    def _one(self, body: object) -> OrderReport:
        path = self.dialect.replies.order
        row = at(body, path)
        if self.dialect.replies.order_by_id and isinstance(row, dict):
            row = next(iter(rows(body, path)), None)
        report = order_report(self.dialect, row, self._names)
        if report.exchange_order_id is None:
            raise Unreachable(f"the venue told no order: {body!r:.120}")
        return report

    async def _open_on(self, market: str | None) -> list[object]:
        dialect = self.dialect
        parameter, path = dialect.open_cursor
        params: dict[str, object] = {}
        told: list[object] = []
        for _ in range(OPEN_PAGES_MAX):
            limit = dialect.open_page or None
            body, _made = await self._asking.ask(
                self.client.fetch_open_orders,
                market,
                None,
                limit,
                params,
                call=Call(lane=RESOLVE_LANE),
            )
            found = rows(body, dialect.replies.open_orders)
            told += found
            if not dialect.open_page or len(found) < dialect.open_page:
                return told
            if not parameter:
                break
            params = {parameter: at(found[-1], path)}
        raise Unreachable(f"more than {len(told)} open orders: the list does not end")
