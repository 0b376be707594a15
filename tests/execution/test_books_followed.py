"""Who brings the books of a live venue: its own streams where we speak them and can, else ccxt."""

import asyncio
from pathlib import Path

import pytest

from arb.clock import VirtualClock
from arb.exchange.client import fast_sockets
from arb.exchange.client.binance_books import BinanceBooks
from arb.exchange.client.connection import Connection
from arb.exchange.client.gateway import Gateway
from arb.exchange.client.streams import Streams
from arb.exchange.dialects.table import for_data
from arb.exchange.practice.server import Settings, practice
from arb.execution.process.real_clock import RealClock
from arb.execution.runs import live
from arb.execution.runs.feed_recording import Asked, record
from arb.feeds.generated import GeneratedMarket
from arb.feeds.live import LiveBooks
from arb.feeds.recorded import RecordedMarket
from arb.simulation.practice_process import STRATEGY
from arb.strategy.loader import load


@pytest.mark.parametrize(
    ("venue", "installed", "kind", "said"),
    [
        ("binance", True, BinanceBooks, "from the venue's own streams"),
        ("binance", False, Streams, "through ccxt; with the extra `lightning` they come"),
        ("okx", True, Streams, "through ccxt"),
    ],
)
def test_books_come_from_the_venue_itself_where_that_is_spoken(
    monkeypatch: pytest.MonkeyPatch,
    venue: str,
    installed: bool,  # noqa: FBT001 -- drawn
    kind: type,
    said: str,
) -> None:
    monkeypatch.setattr(fast_sockets, "there", lambda: installed)

    async def story() -> None:
        clock = VirtualClock()
        books = LiveBooks(clock)
        connection = Connection(venue=venue, options={})
        gateway = Gateway(connection, for_data(venue), clock, books)
        streams = Streams(gateway.ccxt, books, clock, live.Hints())
        followed = live._follow(connection, gateway, books, clock, streams)
        assert type(followed) is kind
        assert said in live._told_by(followed, connection)
        await followed.close()
        await gateway.close()

    asyncio.run(story())


@pytest.mark.parametrize("installed", [True, False])
def test_either_way_the_same_market_is_recorded(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    installed: bool,  # noqa: FBT001
) -> None:
    monkeypatch.setattr(fast_sockets, "there", lambda: installed)

    async def story() -> None:
        made = GeneratedMarket(7)
        settings = Settings(folder=tmp_path / "practice", source=made)
        async with practice(settings, RealClock()) as running:
            path = tmp_path / "s.yaml"
            path.write_text(STRATEGY.format(venue="binance", port=running.port, at_once=1))
            asked = Asked(out=tmp_path / "books.rec.gz", duration_s=2.0)
            said: list[str] = []
            async with asyncio.timeout(60):
                stop = asyncio.Event()
                told = await record([load(path)], asked, RealClock(), stop, said.append)
            assert ("books: from the venue's own streams" in said) == installed
            market = RecordedMarket(asked.out)
            assert (market.damage, market.refused) == (None, {})
            assert told.rows == len(list(market.changes(0)))
            # Level for level a book that the venue has had; best prices may be ahead of the rest.
            rows = list(market.changes(0))
            last = market.last_ns // made.step_ns
            for name in ("BTC/USDT", "ETH/BTC", "ETH/USDT"):
                steps = range(last - 30, last + 1)
                had = [made.book_at(name, step * made.step_ns) for step in steps]
                whole = {(one.bids, one.asks) for one in had if one is not None}
                told_of = [(one.book.bids, one.book.asks) for one in rows if one.market == name]
                assert whole & set(told_of[-10:])

    asyncio.run(story())
