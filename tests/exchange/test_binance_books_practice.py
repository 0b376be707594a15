"""Binance's own streams over real sockets and TLS, at the practice exchange and its faults."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path

import pytest

from arb.exchange.client.binance_books import BinanceBooks, binance_books
from arb.exchange.client.connection import Address, Connection
from arb.exchange.client.gateway import Gateway
from arb.exchange.dialects.table import for_data
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
    """The exchange, and what the streams made of it."""

    def __init__(self, running: Practice, books: LiveBooks, feed: BinanceBooks) -> None:
        self.running = running
        self.books = books
        self.feed = feed

    async def until(self, true: Callable[[], object]) -> None:
        async with asyncio.timeout(WAIT_S):
            while not true():  # noqa: ASYNC110 -- what is waited for has no event
                await asyncio.sleep(0.005)

    def whole(self) -> bool:
        return all(self.books.stands(market) for market in MARKETS)

    def as_the_venue(self) -> bool:
        """Whether every book is the venue's, level for level."""
        for market in MARKETS:
            shown, _ = self.running.hall.depth(market)
            book = self.books.book(market)
            if book is None or (book.bids, book.asks) != (shown.bids, shown.asks):
                return False
        return True


@asynccontextmanager
async def seen(folder: Path, source: MarketSource) -> AsyncIterator[Seen]:
    clock = RealClock()
    settings = Settings(folder=folder, source=source, balances=OPENING)
    async with practice(settings, clock) as running:
        connection = Connection(
            venue="binance",
            connect_to=Address("127.0.0.1", running.port),
            ca_file=running.ca,
            options={},
            practice=True,
        )
        books = LiveBooks(clock)
        gateway = Gateway(connection, for_data("binance"), clock, books)
        feed = binance_books(connection, gateway, books, clock)
        before = asyncio.all_tasks()
        try:
            await gateway.start()
            yield Seen(running, books, feed)
        finally:
            await feed.close()
            await gateway.close()
            left = [one.get_name() for one in asyncio.all_tasks() - before]
            assert not [name for name in left if "books" in name]


def test_books_are_the_venues_level_for_level_over_one_connection(tmp_path: Path) -> None:
    async def story() -> None:
        async with seen(tmp_path, QUIET) as it:
            await it.feed.watch(MARKETS)
            await it.until(it.as_the_venue)
            assert it.feed.connections == 1
            book = it.books.book("ETH/BTC")
            assert book is not None
            assert book.bids[0] == (Decimal("0.0399"), Decimal(10))
            heard = it.books.heard_ns("ETH/BTC")
            assert heard is not None
            await it.until(lambda: (it.books.heard_ns("ETH/BTC") or 0) > heard)  # a pong
            assert it.feed.alarms == {}

    lived(story())


def test_lively_books_follow_and_never_go_back(tmp_path: Path) -> None:
    async def story() -> None:
        async with seen(tmp_path, LIVELY) as it:
            await it.feed.watch(MARKETS)
            told: dict[str, list[int]] = {market: [] for market in MARKETS}
            async with asyncio.timeout(WAIT_S):
                async for change in it.books.changes(0):
                    told[change.market].append(change.book.sequence)
                    if all(len(numbers) >= 5 for numbers in told.values()):
                        break
            for numbers in told.values():
                venues = [number for number in numbers if number < 10**15]
                assert venues == sorted(venues)
                assert len(set(venues)) > 2
            assert it.books.refused == {}
            assert it.feed.alarms == {}
            assert it.feed.late == 0

    lived(story())


@pytest.mark.parametrize("fault", ["stream_twice", "stream_swapped", "stream_lost"])
def test_what_comes_twice_late_or_not_at_all_is_mended_by_what_follows(
    tmp_path: Path, fault: str
) -> None:
    async def story() -> None:
        async with seen(tmp_path, LIVELY) as it:
            await it.feed.watch(MARKETS)
            it.running.faults.arm(fault, MARKET_STREAM, times=12)
            await it.until(lambda: it.running.faults.struck[fault] == 12)
            messages = it.feed.messages
            await it.until(lambda: it.feed.messages > messages + 30)
            await it.until(it.as_the_venue)
            assert it.feed.alarms == {}
            assert it.books.refused == {}
            if fault == "stream_twice":
                assert it.feed.late >= 12

    lived(story())


def test_a_cut_takes_every_book_and_a_new_connection_brings_them_back(tmp_path: Path) -> None:
    async def story() -> None:
        async with seen(tmp_path, LIVELY) as it:
            await it.feed.watch(MARKETS)
            await it.until(it.whole)
            before = it.books.dropped
            it.running.faults.arm("stream_closed", MARKET_STREAM)
            await it.until(lambda: it.feed.alarms["broken"])
            assert it.books.dropped >= before + len(MARKETS)
            await it.until(it.whole)
            await it.until(it.as_the_venue)

    lived(story())


def test_a_market_that_is_delisted_leaves_the_others_after_a_cut(tmp_path: Path) -> None:
    async def story() -> None:
        async with seen(tmp_path, LIVELY) as it:
            await it.feed.watch(MARKETS)
            it.running.hall.delist("ETH/BTC")
            it.running.faults.arm("stream_closed", MARKET_STREAM)
            await it.until(lambda: it.feed.alarms["broken"])
            await it.until(lambda: it.books.stands("BTC/USDT") and it.books.stands("ETH/USDT"))
            await it.until(lambda: len(it.feed._groups[0].unknown) == 2)
            assert not it.books.stands("ETH/BTC")

    lived(story())


def test_no_connection_leads_anywhere_but_to_the_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story() -> None:
        async with seen(tmp_path, QUIET) as it:
            asked: list[object] = []

            def resolved(host: object, *_: object, **__: object) -> object:
                asked.append(host)
                raise OSError("no name is asked for")

            monkeypatch.setattr(socket, "getaddrinfo", resolved)
            monkeypatch.setenv("https_proxy", "http://127.0.0.1:1")
            await it.feed.watch(MARKETS)
            assert it.whole()
            assert "stream.binance.com" not in asked

    lived(story())


def test_without_the_right_certificate_nothing_is_heard(tmp_path: Path) -> None:
    async def story() -> None:
        async with seen(tmp_path, QUIET) as it, seen(tmp_path / "other", QUIET) as other:
            connection = Connection(
                venue="binance",
                connect_to=Address("127.0.0.1", other.running.port),
                ca_file=it.running.ca,
                options={},
                practice=True,
            )
            books, clock = LiveBooks(RealClock()), RealClock()
            gateway = Gateway(connection, for_data("binance"), clock, books)
            feed = binance_books(connection, gateway, books, clock)
            gateway.ccxt.markets = {one: {"id": one, "symbol": one} for one in MARKETS}
            try:
                following = asyncio.create_task(feed.watch(MARKETS))
                await it.until(lambda: feed.alarms["broken"] > 1)
                assert not any(books.stands(market) for market in MARKETS)
                following.cancel()
            finally:
                await feed.close()
                await gateway.close()

    lived(story())
