"""A venue's streams: public ones carry the books, private ones are hints that something happened.

What a private stream says proves nothing: it collapses updates, repeats them and loses them over a
disconnect. It only makes the next reading of an order come sooner.
"""

import asyncio
from collections import Counter, OrderedDict
from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterable, Mapping
from typing import Any, Final

import structlog

from arb.clock import NS_PER_MS, NS_PER_S, Clock
from arb.exchange.client.bulk import Bulk, quietly
from arb.exchange.client.pacing import lane
from arb.feeds.live import LiveBooks

log = structlog.get_logger()

KEEP_ALIVE_MS: Final = 1_500  # between two pings: a book counts while its connection answers
RETRY_FIRST_S: Final = 0.2
RETRY_MAX_S: Final = 10.0
FIRST_BOOK_S: Final = 15.0  # for a subscription to bring a book; then its connection is made anew
FIRST_BOOKS_S: Final = 10.0  # to wait for the first book of each market
POLL_S: Final = 1.0  # between two readings of a book, on a venue without a stream of it
LOOK_S: Final = 0.25  # between two looks for updates that woke nobody
CLOSE_S: Final = 2.0
REFUSED_MAX: Final = 3  # books in a row that cannot be; then the client's copy is thrown away ...
RENEW_S: Final = 60.0  # ... with its connection, which carries others too: not more often than this
FAILURES_TOLD: Final = 5  # in a row, then an alarm
HINT_ALL_S: Final = 0.25  # between two hints that are for everybody
HINT_AFTER_S: Final = 2.0  # of a new subscription: what was missed before it is read then
ORDERS_KNOWN_MAX: Final = 1_000

# Binance's class opens a connection per call: it is asked for many markets at once. The other
# classes carry every market over one connection, and each market is watched by itself.
SHARED: Final = {"binance": 25}  # venue -> markets of one connection
# Levels to ask for, where the client's own choice is too few, too many or dear. The client keeps no
# more than these, so that a market that moves needs many more of them than are ever taken.
DEPTHS: Final = {"binance": 500, "bybit": 50, "gate": 50, "kraken": 100, "kucoin": 100}
_GAPS: Final = {"ChecksumError", "InvalidNonce"}  # the client's words for a book that lost a part

OnHint = Callable[[str | None], None]  # an order's client id; None: any order
OnAlarm = Callable[[str, str], None]  # what, and of which market or stream


class Streams:
    """Follows the books of markets, and the account where there are keys, until it is closed."""

    def __init__(
        self,
        ccxt: Any,  # noqa: ANN401 -- ccxt is untyped
        books: LiveBooks,
        clock: Clock,
        on_hint: OnHint,
        on_alarm: OnAlarm | None = None,
    ) -> None:
        self._ccxt = ccxt
        self._books = books
        self._clock = clock
        self._on_hint = on_hint
        self._on_alarm = on_alarm
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._markets: dict[str, str] = {}  # that are streamed -> the name of their task
        self._seen: dict[str, tuple[object, object]] = {}
        self._refusals: Counter[str] = Counter()  # in a row, by market
        self._carriers: dict[str, Any] = {}
        self._orders: OrderedDict[str, str] = OrderedDict()  # exchange's id -> ours
        self._hinted_ns: int | None = None
        self._renewed_ns: int | None = None
        self._depth = DEPTHS.get(ccxt.id)
        self._bulk = Bulk(ccxt, self._depth, self._carrier)
        self.alarms: Counter[str] = Counter()
        ccxt.streaming = {**ccxt.streaming, "keepAlive": KEEP_ALIVE_MS}
        books.heard = self.heard_ns

    @property
    def broken(self) -> int:
        """How often a stream broke."""
        return self.alarms["broken"] + self.alarms["gap"]

    async def watch(self, markets: Collection[str]) -> None:
        """Follow these markets too, and wait a while for the first book of each."""
        known = self._tasks.keys() | self._markets.keys()
        fresh = sorted(set(markets) - known)
        if not self._ccxt.has.get("watchOrderBook"):
            for market in fresh:
                self._begin(market, self._poll(market))
        else:
            size = SHARED.get(self._ccxt.id, 1)
            for first in range(0, len(fresh), size):
                group = tuple(fresh[first : first + size])
                name = f"books {group[0]}"
                self._markets |= dict.fromkeys(group, name)
                self._begin(name, self._follow(group))
            if "look" not in self._tasks:
                self._begin("look", self._look())
        deadline = self._clock.now_ns() + round(FIRST_BOOKS_S * NS_PER_S)
        while missing := [one for one in markets if not self._books.stands(one)]:
            if self._clock.now_ns() >= deadline:
                log.warning("books.missing", n=len(missing), first=missing[:5])
                return
            await self._clock.sleep(0.02)

    def watch_account(self) -> None:
        """Follow the account's own streams, where there are keys and the venue has them."""
        if not self._ccxt.apiKey:
            return
        for name, told in (
            ("watchOrders", self._told_orders),
            ("watchMyTrades", self._told_trades),
            ("watchBalance", self._told_balance),
        ):
            if self._ccxt.has.get(name) and name not in self._tasks:
                self._begin(name, self._hint(name, told))

    def heard_ns(self, market: str) -> int | None:
        """When the connection that carries a market was last heard: any message of it, pongs too.

        Where it cannot be told which one that is, it is the one that has been silent for longest.
        """
        carrier = self._carrier(market)
        asked = self._ccxt.clients.values() if carrier is None else [carrier]
        times = [_heard_ms(one) for one in asked if not one.closed()]
        known = [one for one in times if one is not None]
        # The client's times are of the same clock as ours.
        return min(min(known) * NS_PER_MS, self._clock.now_ns()) if known else None

    async def close(self) -> None:
        """End every stream."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        if tasks:
            _, left = await asyncio.wait(tasks, timeout=CLOSE_S)
            if left:
                log.error("streams.left", n=len(left))
        self._tasks.clear()
        self._markets.clear()
        self._carriers.clear()
        self._books.close()

    def _begin(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        earlier = self._tasks.get(name)
        if earlier is not None:
            earlier.cancel()
        self._tasks[name] = asyncio.create_task(work, name=name)

    # --- books

    async def _follow(self, group: tuple[str, ...]) -> None:
        async def once() -> None:
            # A quiet market may say nothing for hours; a subscription has to bring a book.
            waits = any(self._books.book(one) is None for one in group)
            async with asyncio.timeout(FIRST_BOOK_S if waits else None):
                if self._ccxt.id in SHARED:
                    book = await self._ccxt.watch_order_book_for_symbols(list(group), self._depth)
                else:
                    await self._bulk.ask(group[0], self._markets, self._begin)
                    book = await self._ccxt.watch_order_book(group[0], self._depth)
            if len(group) == 1:
                self._take(group[0], book)
            self._take_new(group)

        async def failed(error: BaseException) -> None:
            if _is_gap(error) and len(group) > 1:
                await self._mend([one for one in group if one not in self._ccxt.orderbooks], group)
                return
            if isinstance(error, TimeoutError):
                self._renew_if_silent(group)  # the connection is there: what came over it stands
                self._bulk.ask_alone(group[0])
                return
            for market in group:
                self._forget(market, broken=True)

        await self._for_ever(group[0], once, failed)

    async def _poll(self, market: str) -> None:
        async def once() -> None:
            with lane("read"):
                book = await self._ccxt.fetch_order_book(market, self._depth)
            self._take(market, book)
            await self._clock.sleep(POLL_S)

        async def failed(_: BaseException) -> None:
            self._books.drop(market)

        await self._for_ever(market, once, failed)

    async def _look(self) -> None:
        """Take updates that came while nobody waited for one: a quiet market may not say more."""
        while True:
            await self._clock.sleep(LOOK_S)
            self._take_new(self._markets)

    def _take_new(self, markets: Iterable[str]) -> None:
        shared = self._ccxt.id in SHARED
        for market in markets:
            book, seen = self._ccxt.orderbooks.get(market), self._seen.get(market)
            if seen is None and (book is None or not shared or book.get("nonce") is None):
                continue  # nothing yet, or what was left behind by a connection that broke
            if book is None or (seen is not None and seen[0] and book.get("nonce") is None):
                self._forget(market)  # the client waits for a snapshot, and so do we
            elif (book.get("nonce"), book.get("timestamp")) != seen:
                self._take(market, book)

    def _take(self, market: str, book: Mapping[str, Any]) -> None:
        nonce = book.get("nonce")
        self._seen[market] = (nonce, book.get("timestamp"))
        sequence = nonce if isinstance(nonce, int) else None
        if self._books.put(market, book["bids"], book["asks"], sequence=sequence):
            self._refusals.pop(market, None)
            return
        if not book["bids"] and not book["asks"]:
            return  # a market that nobody trades
        self._refusals[market] += 1
        self._alarm("refused", market)
        if self._refusals[market] >= REFUSED_MAX:
            self._refusals.pop(market)
            self._renew(market)

    def _forget(self, market: str, *, broken: bool = False) -> None:
        """Drop a book, and where its connection broke the client's copy of it."""
        self._seen.pop(market, None)
        self._books.drop(market)
        if broken and self._ccxt.id in SHARED:
            # It would take the first differences of a new subscription for its own.
            self._ccxt.orderbooks.pop(market, None)

    async def _mend(self, gone: Collection[str], group: tuple[str, ...]) -> None:
        """Subscribe anew to what lost a part, over the connection of its group; the others go on."""
        streams = self._ccxt.options.get("streamBySubscriptionsHash", {})
        ours = streams.get("multipleOrderbook::" + ",".join(group))
        for market in gone:
            self._forget(market)
            if ours is not None:
                streams["multipleOrderbook::" + market] = ours
                work = self._ccxt.watch_order_book_for_symbols([market], self._depth)
                self._begin(f"mend {market}", quietly(work))
        await asyncio.sleep(0)  # each is subscribed to before the whole group is asked for again

    def _renew(self, market: str) -> None:
        """End the connection that carries a market; whoever waits on it subscribes anew."""
        carrier, now_ns = self._carrier(market), self._clock.now_ns()
        lately = self._renewed_ns is not None and now_ns - self._renewed_ns < RENEW_S * NS_PER_S
        if carrier is None or lately:
            return
        self._renewed_ns = now_ns
        self._alarm("renewed", market)
        for one in self._carried(carrier):
            self._forget(one, broken=True)
        carrier.on_error(ConnectionError("what this connection brings cannot be believed"))

    def _renew_if_silent(self, group: Collection[str]) -> None:
        """The same where no book at all comes over it; a market alone may have none."""
        for market in group:
            carrier = self._carrier(market)
            if not any(self._books.book(one) for one in self._carried(carrier)):
                self._renew(market)
                return

    def _carried(self, carrier: object) -> list[str]:
        return [one for one in self._markets if self._carrier(one) is carrier]

    def _carrier(self, market: str) -> Any:  # noqa: ANN401 -- ccxt is untyped
        """The connection whose subscriptions name a market; None where none does."""
        known = self._carriers.get(market)
        if known is not None and self._ccxt.clients.get(known.url) is known:
            return known
        for client in list(self._ccxt.clients.values()):
            if any(str(key).endswith(f":{market}") for key in client.subscriptions):
                self._carriers[market] = client
                return client
        self._carriers.pop(market, None)
        return None

    async def _for_ever(
        self,
        subject: str,
        once: Callable[[], Awaitable[None]],
        failed: Callable[[BaseException], Awaitable[None]],
    ) -> None:
        delay_s, failures = RETRY_FIRST_S, 0
        while True:
            try:
                await once()
                delay_s, failures = RETRY_FIRST_S, 0
                continue
            except asyncio.CancelledError as error:
                if _cancelled():
                    raise
                broke: BaseException = error  # the client gave up what we waited for
            except Exception as error:  # noqa: BLE001 -- whatever it is, the state is not known
                broke = error
            failures += 1
            self._alarm("gap" if _is_gap(broke) else "broken", subject)
            log.warning("stream.broken", subject=subject, error=repr(broke)[:200])
            if failures % FAILURES_TOLD == 0:
                self._alarm("still broken", subject)
            await failed(broke)
            await self._clock.sleep(delay_s)
            delay_s = min(delay_s * 2, RETRY_MAX_S)

    def _alarm(self, what: str, subject: str) -> None:
        self.alarms[what] += 1
        if self._on_alarm is not None:
            self._on_alarm(what, subject)

    # --- the account

    async def _hint(self, name: str, told: Callable[[], Awaitable[None]]) -> None:
        renewed = False

        async def once() -> None:
            nonlocal renewed
            if not renewed:
                await told()
                return
            renewed = False
            waiting = asyncio.ensure_future(told())
            try:
                if not (await asyncio.wait({waiting}, timeout=HINT_AFTER_S))[0]:
                    self._on_hint(None)
                await waiting
            finally:
                waiting.cancel()

        async def failed(_: BaseException) -> None:
            nonlocal renewed
            renewed = True
            self._on_hint(None)

        await self._for_ever(name, once, failed)

    async def _told_orders(self) -> None:
        for order in await self._ccxt.watch_orders():
            named = order.get("clientOrderId")
            ours = named if isinstance(named, str) else None
            theirs = order.get("id")
            if ours is not None and isinstance(theirs, str):
                self._orders[theirs] = ours
                if len(self._orders) > ORDERS_KNOWN_MAX:
                    self._orders.popitem(last=False)
            self._on_hint(ours)

    async def _told_trades(self) -> None:
        for trade in await self._ccxt.watch_my_trades():
            ours = self._orders.get(str(trade.get("order")))
            if ours is not None:
                self._on_hint(ours)
            else:
                self._hint_all()

    async def _told_balance(self) -> None:
        await self._ccxt.watch_balance()
        self._hint_all()

    def _hint_all(self) -> None:
        now_ns = self._clock.now_ns()
        if self._hinted_ns is None or now_ns - self._hinted_ns >= HINT_ALL_S * NS_PER_S:
            self._hinted_ns = now_ns
            self._on_hint(None)


def _cancelled() -> bool:
    """Whether somebody asked this very task to end."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _is_gap(error: BaseException) -> bool:
    return any(kind.__name__ in _GAPS for kind in type(error).__mro__)


def _heard_ms(client: Any) -> int | None:  # noqa: ANN401 -- ccxt is untyped
    """When a connection last brought anything. `lastPong` is no proof: the client begins with now."""
    told = [getattr(client, "last_message_at", None), client.connectionEstablished]
    known = [int(one) for one in told if one]
    return max(known) if known else None
