"""The venue's real client, led to the practice exchange over TLS, fills the books and gives the hints."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

from arb.clock import NS_PER_S
from arb.exchange.client.ccxt_gateway import Line
from arb.exchange.client.connection import Address, Connection, Credentials
from arb.exchange.client.streams import Streams
from arb.exchange.dialects.table import dialect_of
from arb.exchange.practice.fault_table import MARKET_STREAM
from arb.exchange.practice.server import Practice, Settings, practice
from arb.execution.process.real_clock import RealClock
from arb.feeds.generated import GeneratedMarket
from arb.feeds.live import LiveBooks
from arb.feeds.source import MarketSource
from tests.exchange.practising import WAIT_S, lived
from tests.exchange.scripted import BOOKS, OPENING, ScriptedMarket, at

MARKETS = ("BTC/USDT", "ETH/BTC", "ETH/USDT")
LIVELY = GeneratedMarket(7)
QUIET = ScriptedMarket([at(-1, shown) for shown in BOOKS])


class Seen:
    """The exchange, the client, and what the streams made of it."""

    def __init__(self, running: Practice, ccxt: Any) -> None:
        clock = RealClock()
        self.running, self.ccxt, self.clock = running, ccxt, clock
        self.books = LiveBooks(clock)
        self.hints: list[str | None] = []
        self.streams = Streams(ccxt, self.books, clock, self.hints.append)

    async def until(self, true: Callable[[], object]) -> None:
        async with asyncio.timeout(WAIT_S):
            while not true():  # noqa: ASYNC110 -- what is waited for has no event
                await asyncio.sleep(0.005)

    def whole(self) -> bool:
        return all(self.books.book(market) is not None for market in MARKETS)


@asynccontextmanager
async def seen(folder: Path, source: MarketSource) -> AsyncIterator[Seen]:
    settings = Settings(folder=folder, source=source, balances=OPENING)
    async with practice(settings, RealClock()) as running:
        keys = running.keys
        connection = Connection(
            venue="binance",
            connect_to=Address("127.0.0.1", running.port),
            ca_file=running.ca,
            options={},
            practice=True,
            credentials=Credentials(
                keys.binance_key, keys.binance_secret, None, source="the practice exchange"
            ),
        )
        dialect = dialect_of("binance", practice=True, unproven=False)
        line = Line(connection, dialect, RealClock())
        before = asyncio.all_tasks()
        it = Seen(running, line.ccxt)
        try:
            await line.ccxt.load_markets()
            yield it
        finally:
            await it.streams.close()
            left = [
                one.get_name() for one in asyncio.all_tasks() - before if "book" in one.get_name()
            ]
            await line.close()
            assert left == []


def test_books_are_those_of_the_venue_over_one_connection(tmp_path: Path) -> None:
    async def story() -> None:
        async with seen(tmp_path, QUIET) as it:
            await it.streams.watch(MARKETS)
            for market in MARKETS:
                book = it.books.book(market)
                shown, number = it.running.hall.depth(market)
                assert (book.bids, book.asks) == (shown.bids, shown.asks)
                assert book.sequence == number
            assert len(it.ccxt.clients) == 1
            # It is the connection that counts, not how long the market has been quiet.
            (client,) = it.ccxt.clients.values()
            began_ns = it.books.heard_ns("BTC/USDT")
            await client.connection.ping()
            await it.until(lambda: it.books.heard_ns("BTC/USDT") > began_ns)
            assert it.clock.now_ns() - it.books.heard_ns("BTC/USDT") < NS_PER_S

    lived(story())


def test_lively_books_follow_and_are_told(tmp_path: Path) -> None:
    async def story() -> None:
        async with seen(tmp_path, LIVELY) as it:
            await it.streams.watch(MARKETS)
            told: dict[str, list[int]] = {market: [] for market in MARKETS}
            async with asyncio.timeout(WAIT_S):
                async for change in it.books.changes(0):
                    told[change.market].append(change.book.sequence)
                    if all(len(numbers) >= 3 for numbers in told.values()):
                        break
            for numbers in told.values():
                assert numbers == sorted(set(numbers)), "each is newer than the one before"
            assert it.books.refused == {}
            assert it.streams.alarms == {}

    lived(story())


def test_a_gap_takes_one_book_and_a_cut_takes_all_and_both_are_mended(tmp_path: Path) -> None:
    async def story() -> None:
        async with seen(tmp_path, LIVELY) as it:
            await it.streams.watch(MARKETS)
            # A message that the snapshot was ahead of may be lost without a gap.
            await it.until(lambda: all(it.ccxt.orderbooks[one]["timestamp"] for one in MARKETS))
            before = it.books.dropped
            it.running.faults.arm("stream_lost", MARKET_STREAM)
            await it.until(lambda: it.streams.alarms["gap"])
            assert it.books.dropped == before + 1
            assert sum(it.books.book(one) is None for one in MARKETS) == 1
            await it.until(it.whole)
            assert len(it.ccxt.clients) == 1
            assert it.streams.alarms["broken"] == 0
            it.running.faults.arm("stream_closed", MARKET_STREAM)
            await it.until(lambda: it.streams.alarms["broken"])
            assert not any(it.books.book(one) for one in MARKETS)
            await it.until(it.whole)
            assert it.books.refused == {}

    lived(story())


def test_the_account_hints_at_our_order_and_a_cut_at_all(tmp_path: Path) -> None:
    async def story() -> None:
        async with seen(tmp_path, QUIET) as it:
            it.streams.watch_account()
            # The subscription is made with the first call; its answer is not ours to see.
            await it.until(lambda: it.ccxt.clients and _subscribed(it.ccxt))
            params = {"newClientOrderId": "xhint", "timeInForce": "IOC"}
            buy = ("ETH/USDT", "limit", "buy", "0.1", "2000.00", params)
            await it.ccxt.create_order(*buy)
            await it.until(lambda: "xhint" in it.hints)
            it.hints.clear()
            for client in list(it.ccxt.clients.values()):
                await client.connection.close()
            await it.until(lambda: None in it.hints)

    lived(story())


def _subscribed(ccxt: Any) -> bool:
    held = [client.subscriptions for client in ccxt.clients.values()]
    waits = {str(key) for client in ccxt.clients.values() for key in client.futures}
    return any(held) and any("orders" in key for key in waits)


def test_an_amount_is_exact_to_the_venues_last_digit(tmp_path: Path) -> None:
    async def story() -> None:
        async with seen(tmp_path, QUIET) as it:
            await it.streams.watch(["ETH/BTC"])
            assert it.books.book("ETH/BTC").bids[0] == (Decimal("0.0399"), Decimal(10))

    lived(story())
