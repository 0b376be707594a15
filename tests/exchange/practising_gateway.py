"""The gateway at a practice exchange of its own."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from msgspec.structs import replace

from arb.exchange.client.connection import Address, Connection, Credentials
from arb.exchange.client.gateway import Gateway
from arb.exchange.dialects.table import PRACTICE
from arb.exchange.practice.server import Practice, Settings, practice
from arb.execution.process.real_clock import RealClock
from arb.feeds.live import LiveBooks
from arb.market.book import Book
from tests.exchange.scripted import OPENING, ScriptedMarket, at


@asynccontextmanager
async def trading(
    folder: Path, venue: str, books: Sequence[Book], *, trades_page: int | None = None
) -> AsyncIterator[tuple[Practice, Gateway]]:
    """Serve books that stand still, and start a gateway there; its lists of trades may have shorter pages."""
    market = ScriptedMarket([at(-1, shown) for shown in books])
    asked = Settings(folder=folder, venue=venue, source=market, balances=OPENING)
    async with practice(asked, RealClock()) as there:
        keys = there.keys
        credentials = (
            Credentials(keys.binance_key, keys.binance_secret, None, source="a test")
            if venue == "binance"
            else Credentials(keys.okx_key, keys.okx_secret, keys.okx_password, source="a test")
        )
        connection = Connection(
            venue=venue,
            connect_to=Address("127.0.0.1", there.port),
            ca_file=there.ca,
            options={},
            practice=True,
            credentials=credentials,
        )
        clock, dialect = RealClock(), PRACTICE[venue]
        if trades_page is not None:
            dialect = replace(dialect, trades_page=trades_page)
        gateway = Gateway(connection, dialect, clock, LiveBooks(clock))
        try:
            await gateway.start()
            yield there, gateway
        finally:
            await gateway.close()
