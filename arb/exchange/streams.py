"""A venue's streams: public ones carry the books, private ones are hints that something happened.

What a private stream says proves nothing: it collapses updates, repeats them and loses them over a
disconnect. It only makes the next reading of an order come sooner.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any, Final

import structlog

from arb.clock import NS_PER_MS, NS_PER_S, Clock
from arb.feeds.live import LiveBooks

log = structlog.get_logger()

KEEP_ALIVE_MS: Final = 1_500  # between two pings: a book counts while its connection answers
DEPTH: Final = 100  # levels that are asked for
RETRY_FIRST_S: Final = 0.2
RETRY_MAX_S: Final = 10.0
FIRST_BOOKS_S: Final = 10.0  # to wait for the first book of each market
POLL_S: Final = 1.0  # between two readings of a book, on a venue without a stream of it

OnHint = Callable[[str | None], None]


class Streams:
    """Follows the books of markets, and the account where there are keys, until it is closed."""

    def __init__(self, ccxt: Any, books: LiveBooks, clock: Clock, on_hint: OnHint) -> None:  # noqa: ANN401 -- ccxt is untyped
        self._ccxt = ccxt
        self._books = books
        self._clock = clock
        self._on_hint = on_hint
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._heard_ns: int | None = None
        self.broken = 0  # how often a stream broke
        ccxt.streaming = {**ccxt.streaming, "keepAlive": KEEP_ALIVE_MS}
        books.heard = lambda _market: self.heard_ns()

    async def watch(self, markets: Collection[str]) -> None:
        """Follow these markets too, and wait a while for the first book of each."""
        streamed = bool(self._ccxt.has.get("watchOrderBook"))
        for market in sorted(markets):
            if market not in self._tasks:
                work = self._follow(market) if streamed else self._poll(market)
                self._tasks[market] = asyncio.create_task(work, name=f"book {market}")
        deadline = self._clock.now_ns() + round(FIRST_BOOKS_S * NS_PER_S)
        while missing := [market for market in markets if self._books.book(market) is None]:
            if self._clock.now_ns() >= deadline:
                break
            await self._clock.sleep(0.02)
        if not missing:
            return
        log.warning("books.missing", n=len(missing), first=missing[:5])

    def watch_account(self) -> None:
        """Follow the account's own streams."""
        for name, told in (
            ("watchOrders", self._orders),
            ("watchMyTrades", self._trades),
            ("watchBalance", self._balance),
        ):
            if self._ccxt.has.get(name) and name not in self._tasks:
                self._tasks[name] = asyncio.create_task(self._hint(told), name=name)

    def heard_ns(self) -> int | None:
        """When every connection that carries books was last known to be alive."""
        now_ns = self._clock.now_ns()  # ccxt's own times are of the same clock
        ages = [_age_ms(client, now_ns // NS_PER_MS) for client in _open(self._ccxt)]
        known = [age for age in ages if age is not None]
        if not known:
            return self._heard_ns
        return now_ns - max(known) * NS_PER_MS

    async def close(self) -> None:
        """End every stream."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        self._tasks.clear()
        self._books.close()

    # --- books

    async def _follow(self, market: str) -> None:
        async def once() -> None:
            book = await self._ccxt.watch_order_book(market, DEPTH)
            self._take(market, book)

        await self._for_ever(market, once)

    async def _poll(self, market: str) -> None:
        async def once() -> None:
            self._take(market, await self._ccxt.fetch_order_book(market, DEPTH))
            await self._clock.sleep(POLL_S)

        await self._for_ever(market, once)

    def _take(self, market: str, book: Mapping[str, Any]) -> None:
        self._heard_ns = self._clock.now_ns()
        self._books.put(market, book["bids"], book["asks"])

    async def _for_ever(self, market: str, once: Callable[[], Awaitable[None]]) -> None:
        delay_s = RETRY_FIRST_S
        while True:
            try:
                await once()
                delay_s = RETRY_FIRST_S
            except Exception as error:  # noqa: BLE001 -- whatever it is, the state is not known
                self.broken += 1
                self._books.drop(market)
                log.warning("book.broken", market=market, error=str(error)[:200])
                await self._clock.sleep(delay_s)
                delay_s = min(delay_s * 2, RETRY_MAX_S)

    # --- the account

    async def _hint(self, once: Callable[[], Awaitable[None]]) -> None:
        delay_s = RETRY_FIRST_S
        while True:
            try:
                await once()
                delay_s = RETRY_FIRST_S
            except Exception as error:  # noqa: BLE001 -- the reading that follows is what counts
                self.broken += 1
                log.info("hint.broken", error=str(error)[:200])
                self._on_hint(None)
                await self._clock.sleep(delay_s)
                delay_s = min(delay_s * 2, RETRY_MAX_S)

    async def _orders(self) -> None:
        for order in await self._ccxt.watch_orders():
            self._on_hint(order.get("clientOrderId"))

    async def _trades(self) -> None:
        await self._ccxt.watch_my_trades()
        self._on_hint(None)

    async def _balance(self) -> None:
        await self._ccxt.watch_balance()


def _open(ccxt: Any) -> list[Any]:  # noqa: ANN401 -- ccxt is untyped
    return [one for one in ccxt.clients.values() if one.isConnected and not one.closed()]


def _age_ms(client: Any, now_ms: int) -> int | None:  # noqa: ANN401 -- ccxt is untyped
    """How long ago a connection spoke, by its pongs and messages."""
    times = [
        client.lastPong,
        getattr(client, "last_message_at", None),
        client.connectionEstablished,
    ]
    known = [int(one) for one in times if one]
    return max(0, now_ms - max(known)) if known else None
