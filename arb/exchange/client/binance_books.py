"""Binance's books from its own streams: the best prices as they change, and twenty levels beneath.

Two streams a market. Each of their messages stands for itself, so that a lost one is mended by the
next, and a new connection needs no snapshot of every book. Numbers only rise: what comes late or twice
changes nothing. The deeper levels may be a tenth of a second older than the best prices; those that the
best prices have overtaken are left out.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Collection
from typing import Final

import msgspec
import structlog

from arb.clock import NS_PER_S, Clock
from arb.exchange.client.binance_carrier import Carried, Carrier, Group
from arb.exchange.client.connection import Connection
from arb.exchange.client.fast_sockets import Open, Way
from arb.exchange.client.gateway import Gateway
from arb.exchange.port import VenueError
from arb.feeds.live import LiveBooks
from arb.limits import (
    FEED_ANSWER_S,
    FEED_NAMES_MAX,
    FEED_PING_S,
    FEED_REQUEST_S,
    FEED_SILENT_S_MAX,
    FEED_STREAMS_MAX,
)

log = structlog.get_logger()

STREAMS_OF_MARKET: Final = 2
RETRY_FIRST_S: Final = 0.2
RETRY_MAX_S: Final = 10.0
FAILURES_TOLD: Final = 5  # in a row, then an alarm
FIRST_BOOKS_S: Final = 10.0  # to wait for the first book of each market
LOOK_S: Final = 0.02
CLOSE_S: Final = 2.0

ReadBest = Callable[[], Awaitable[object]]  # the best prices of every market, as REST tells them
OnAlarm = Callable[[str, str], None]  # what, and of which connection


def binance_books(
    connection: Connection, gateway: Gateway, books: LiveBooks, clock: Clock
) -> "BinanceBooks":
    """Follow the books of a connection's venue; its markets are known once the gateway has started."""
    ccxt = gateway.ccxt
    url = str(ccxt.urls["api"]["ws"]["spot"]).removesuffix("/ws") + "/stream"

    def symbol_of(market: str) -> str:
        return str(ccxt.market(market)["id"])

    return BinanceBooks(Way(connection, url).open, symbol_of, books, clock, gateway.best_prices)


class BinanceBooks:
    """Follows markets over as many connections as they need, until it is closed.

    `symbol_of` names a market as the venue does. `read_best` is asked after each new connection,
    for a stream says nothing of a market before it changes.
    """

    def __init__(
        self,
        open_socket: Open,
        symbol_of: Callable[[str], str],
        books: LiveBooks,
        clock: Clock,
        read_best: ReadBest,
        *,
        on_alarm: OnAlarm | None = None,
    ) -> None:
        self._open = open_socket
        self._symbol_of = symbol_of
        self._books = books
        self._clock = clock
        self._read_best = read_best
        self._on_alarm = on_alarm
        self._groups: list[Group] = []
        self._group_of: dict[str, Group] = {}
        self._carriers: dict[str, Carrier] = {}  # by the name of their group
        self._tasks: list[asyncio.Task[None]] = []
        self.alarms: Counter[str] = Counter()
        books.heard = self.heard_ns
        books.behind = self.behind_ns

    @property
    def connections(self) -> int:
        """How many connections there are."""
        return len(self._groups)

    @property
    def late(self) -> int:
        """How many messages came late or twice."""
        return sum(group.late for group in self._groups)

    @property
    def messages(self) -> int:
        """How many messages of streams were taken."""
        return sum(group.messages for group in self._groups)

    async def watch(self, markets: Collection[str]) -> None:
        """Follow these markets too, and wait a while for the first book of each."""
        fresh = sorted(set(markets) - self._group_of.keys())
        size = FEED_STREAMS_MAX // STREAMS_OF_MARKET
        for first in range(0, len(fresh), size):
            carried = [Carried(one, self._symbol_of(one)) for one in fresh[first : first + size]]
            group = Group(f"books {len(self._groups)}", carried, self._clock)
            self._groups.append(group)
            self._group_of |= dict.fromkeys((one.name for one in carried), group)
            self._tasks.append(asyncio.create_task(self._keep(group), name=group.name))
        deadline = self._clock.now_ns() + round(FIRST_BOOKS_S * NS_PER_S)
        while missing := [one for one in markets if not self._books.stands(one)]:
            if self._clock.now_ns() >= deadline:
                log.warning("books.missing", n=len(missing), first=missing[:5])
                return
            await self._clock.sleep(LOOK_S)

    def heard_ns(self, market: str) -> int | None:
        """When the connection that carries a market was last heard; None where there is none."""
        carrier = self._carrier(market)
        return None if carrier is None or carrier.socket is None else carrier.heard_ns

    def behind_ns(self, market: str) -> int | None:
        """Of a connection that lags, up to when everything that was said has been heard."""
        carrier = self._carrier(market)
        return None if carrier is None else carrier.behind_ns

    def _carrier(self, market: str) -> Carrier | None:
        group = self._group_of.get(market)
        return None if group is None else self._carriers.get(group.name)

    async def close(self) -> None:
        """End every connection."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            _, left = await asyncio.wait(self._tasks, timeout=CLOSE_S)
            if left:
                log.error("streams.left", n=len(left))
        self._tasks.clear()
        log.info(
            "books.ended",
            messages=self.messages,
            late=self.late,
            conflated=self._books.conflated,
            lagged=self._books.lag.times + sum(group.lag.times for group in self._groups),
            refused=sum(self._books.refused.values()),
        )
        self._books.close()

    async def _keep(self, group: Group) -> None:
        """Keep a connection, made anew whenever it ends."""
        delay_s, failures = RETRY_FIRST_S, 0
        while True:
            why = "it was ended"
            carrier = self._carriers[group.name] = Carrier(group, self._books, self._clock)
            try:
                await self._live(carrier)
                why = carrier.why or why
            except Exception as error:  # noqa: BLE001 -- whatever it is, the state is not known
                why = repr(error)[:200]
            finally:
                carrier.lose()
            if carrier.proved:
                delay_s, failures = RETRY_FIRST_S, 0
            failures += 1
            self._alarm("broken", group.name)
            log.warning("stream.broken", subject=group.name, error=why)
            if failures % FAILURES_TOLD == 0:
                self._alarm("still broken", group.name)
            await self._clock.sleep(delay_s)
            delay_s = min(delay_s * 2, RETRY_MAX_S)

    async def _live(self, carrier: Carrier) -> None:
        """Live through one connection, from its opening to its end."""
        async with asyncio.timeout(FEED_SILENT_S_MAX):
            socket = await self._open(carrier)
        if carrier.over.is_set():
            socket.end()
            return
        carrier.socket = socket
        jobs = [
            asyncio.ensure_future(job)
            for job in (carrier.over.wait(), self._subscribe(carrier), self._ask(carrier))
        ]
        try:
            # Subscribing ends when all is said; the other two only with the connection.
            while not carrier.over.is_set():
                done, _ = await asyncio.wait(jobs, return_when=asyncio.FIRST_COMPLETED)
                for job in done:
                    job.result()
                    jobs.remove(job)
        finally:
            for job in jobs:
                job.cancel()
            await asyncio.gather(*jobs, return_exceptions=True)

    async def _subscribe(self, carrier: Carrier) -> None:
        """Ask for every stream of a connection, and once for what stands already."""
        while carrier.wanted:
            carrier.ask(FEED_NAMES_MAX)
            deadline = self._clock.now_ns() + round(FEED_ANSWER_S * NS_PER_S)
            await self._clock.sleep(FEED_REQUEST_S)
            while carrier.asked and not carrier.wanted:
                if self._clock.now_ns() >= deadline:
                    raise TimeoutError("a request for streams was not answered")
                await self._clock.sleep(LOOK_S)
        while carrier.untold:
            try:
                carrier.fill(await self._read_best())
            except (VenueError, msgspec.MsgspecError) as error:
                # The streams go on; what is quiet has no book until somebody tells it.
                log.warning("books.unread", error=repr(error)[:200])
                await self._clock.sleep(RETRY_MAX_S)
                continue
            return

    async def _ask(self, carrier: Carrier) -> None:
        """Ask for pongs; a connection that says nothing at all is over."""
        while True:
            await self._clock.sleep(FEED_PING_S)
            silent_ns = self._clock.now_ns() - carrier.heard_ns
            if silent_ns < 0:  # the clock was set back: how long it is silent cannot be told
                raise TimeoutError("it was heard at a time that is not yet")
            if silent_ns > FEED_SILENT_S_MAX * NS_PER_S:
                raise TimeoutError(f"it has been silent for {silent_ns // NS_PER_S} s")
            carrier.ping()

    def _alarm(self, what: str, subject: str) -> None:
        self.alarms[what] += 1
        if self._on_alarm is not None:
            self._on_alarm(what, subject)
