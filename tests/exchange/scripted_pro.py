"""A client of streams whose every word a test says: connections, books, and what breaks."""

import asyncio
from collections.abc import Mapping
from typing import Any

from arb.clock import NS_PER_MS, Clock


class GapFound(Exception):
    """Named below as the client's own class is: it is known by its name."""


ChecksumError = type("ChecksumError", (GapFound,), {})


class Wire:
    """One connection, as the client keeps it."""

    def __init__(self, pro: "ScriptedPro", url: str) -> None:
        self.url = url
        self.subscriptions: dict[str, object] = {}
        self.connectionEstablished = pro.now_ms()
        self.last_message_at: int | None = None
        self._pro = pro
        self.over = False

    def closed(self) -> bool:
        return self.over

    def on_error(self, error: Exception) -> None:
        self._pro.broken.append(self.url)
        self.end(error)

    def end(self, error: BaseException | None) -> None:
        """Break: everybody who waits on it is told, or given up."""
        self.over = True
        del self._pro.clients[self.url]
        for key in self.subscriptions:
            future = self._pro.futures.pop(key, None)
            if future is not None and not future.done():
                future.cancel() if error is None else future.set_exception(error)


class ScriptedPro:
    """What `Streams` uses of ccxt.pro. `apart`: a connection for each call, as Binance's class does."""

    def __init__(
        self,
        clock: Clock,
        *,
        apart: bool = False,
        venue: str = "okx",
        has: Mapping[str, bool] | None = None,
        keys: bool = True,
    ) -> None:
        self.id = "binance" if apart else venue
        self.apiKey = "k" if keys else ""
        self.delisted: set[str] = set()
        self.has = dict(has) if has is not None else {"watchOrderBook": True}
        self.streaming = {"keepAlive": 180_000, "ping": "theirs"}
        self.options: dict[str, Any] = {"streamBySubscriptionsHash": {}}
        self.clients: dict[str, Wire] = {}
        self.orderbooks: dict[str, dict[str, Any]] = {}
        self.futures: dict[str, asyncio.Future[Any]] = {}
        self.subscribed: list[tuple[str, tuple[str, ...]]] = []  # by which connection
        self.broken: list[str] = []
        self.fetched: list[str] = []
        self.down: BaseException | None = None  # what every call answers with
        self.calls = 0
        self._clock = clock

    def now_ms(self) -> int:
        return self._clock.now_ns() // NS_PER_MS

    @property
    def markets(self) -> "ScriptedPro":
        return self

    def __contains__(self, market: str) -> bool:
        """Whether a market is listed."""
        return market not in self.delisted

    # --- what Streams calls

    async def watch_order_book(self, market: str, _levels: int | None = None) -> Any:
        return await self._watched("public", [f"books:{market}"])

    async def watch_order_book_for_symbols(self, markets: list[str], _levels: int | None) -> Any:
        if self.id == "okx":  # one connection for all, and one request for these
            return await self._watched("public", [f"books:{one}" for one in markets])
        known = self.options["streamBySubscriptionsHash"]
        name = "multipleOrderbook::" + ",".join(markets)
        url = known.setdefault(name, str(len(set(known.values()))))
        return await self._watched(url, [f"orderbook::{one}" for one in markets])

    async def fetch_order_book(self, market: str, _levels: int | None = None) -> Any:
        self.fetched.append(market)
        if self.down is not None:
            raise self.down
        return self.orderbooks[market]

    async def watch_orders(self) -> Any:
        return await self._watched("private", ["orders"])

    async def watch_my_trades(self) -> Any:
        return await self._watched("private", ["trades"])

    async def watch_balance(self) -> Any:
        return await self._watched("private", ["balance"])

    async def _watched(self, url: str, keys: list[str]) -> Any:
        self.calls += 1
        if self.down is not None:
            raise self.down
        wire = self.clients.setdefault(url, Wire(self, url))
        missing = [key for key in keys if key not in wire.subscriptions]
        if missing:  # the whole list is asked for again, as the real one does
            wire.subscriptions |= dict.fromkeys(missing, True)
            self.subscribed.append((url, tuple(key.rpartition(":")[2] for key in keys)))
        loop = asyncio.get_running_loop()
        futures = [self.futures.setdefault(key, loop.create_future()) for key in keys]
        done, _ = await asyncio.wait(futures, return_when=asyncio.FIRST_COMPLETED)
        return next(iter(done)).result()

    # --- what a test says

    def say(self, market: str, bid: float, nonce: int | None = 1, *, asks: Any = None) -> None:
        """Bring an update of a book: it is changed in place, and whoever waits is woken."""
        book = self.orderbooks.setdefault(market, {})
        shown = [[bid + 1, 1.0]] if asks is None else asks
        book |= {"bids": [[bid, 1.0]], "asks": shown, "nonce": nonce, "timestamp": self.now_ms()}
        self.tell(f":{market}", book)

    def tell(self, key: str, told: Any) -> None:
        """Resolve whoever waits for what ends so; who does not wait now does not hear it."""
        for wire in self.clients.values():
            for name in [one for one in wire.subscriptions if one.endswith(key)]:
                wire.last_message_at = self.now_ms()
                future = self.futures.pop(name, None)
                if future is not None and not future.done():
                    future.set_result(told)

    def lose(self, market: str) -> None:
        """Find a gap in a book: the client throws it and its subscription away."""
        del self.orderbooks[market]
        for wire in self.clients.values():
            for key in [one for one in wire.subscriptions if one.endswith(f":{market}")]:
                del wire.subscriptions[key]
                future = self.futures.pop(key, None)
                if future is not None and not future.done():
                    future.set_exception(ChecksumError("a gap"))

    def pong(self, url: str) -> None:
        self.clients[url].last_message_at = self.now_ms()
