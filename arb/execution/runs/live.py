"""Put a live run together: a venue through its gateway, its streams, and what is checked before money moves."""

import os
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, Protocol

from arb import limits
from arb.clock import NS_PER_S, Clock
from arb.errors import ConfigInvalid, WrongLog
from arb.events.sqlite import look
from arb.exchange.client import fast_sockets
from arb.exchange.client.binance_books import binance_books
from arb.exchange.client.connection import Connection, connection_of, read_credentials
from arb.exchange.client.gateway import Gateway
from arb.exchange.client.streams import Streams
from arb.exchange.dialects.table import Dialect, dialect_of, for_data
from arb.exchange.port import KeyRevoked
from arb.execution.account.access import Access
from arb.execution.account.history import History
from arb.execution.opportunities.discovery import refuse_unknown_markets
from arb.execution.process.heap import settled_heap
from arb.execution.runs.assembling import Options, Run, Site, Trading, assembled, shared
from arb.execution.runs.sources import Market
from arb.execution.runs.wiring import refuse_other_log
from arb.feeds.live import LiveBooks
from arb.feeds.live_market import LiveMarket
from arb.strategy.loader import Loaded
from arb.strategy.schema import Strategy

NATIVE: Final = frozenset({"binance"})  # venues whose streams we speak ourselves

WITHDRAWS: Final = (
    "this key may withdraw money, which an engine never needs; make one that may not, or say "
    "--allow-withdrawing-key"
)


class Hints:
    """Passes on what private streams hint at, once there is an engine to wake."""

    def __init__(self) -> None:
        self.run: Run | None = None

    def __call__(self, client_order_id: str | None) -> None:
        """Wake the cycle of an order; for None, every one that waits for an order."""
        if self.run is not None:
            self.run.parts.runner.hint(client_order_id)

    def join(self, run: Run) -> None:
        """Wake this run's cycles from now on."""
        self.run = run


@asynccontextmanager
async def assemble_live(
    loaded: Sequence[Loaded], options: Options, clock: Clock
) -> AsyncIterator[Run]:
    """Put a live run together, and take it apart in order.

    Raises ArbError where it cannot be: before anything is written for a strategy, a venue or keys
    that do not fit, and after a minute's patience for a venue that does not answer.
    """
    strategy = shared(loaded)
    found = look(options.db)
    identity = None if found is None else found.identity
    refuse_other_log(strategy, options.db, identity)
    connection = trading_connection(loaded[0])
    dialect = dialect_of(
        connection.venue, practice=connection.practice, unproven=options.unproven_venue
    )
    books, hints = LiveBooks(clock), Hints()
    gateway = Gateway(connection, dialect, clock, books)
    streams = Streams(gateway.ccxt, books, clock, hints)
    followed = _follow(connection, gateway, books, clock, streams)
    try:
        if identity is None:  # whose log it is stands in its first event
            account = await _own_account(gateway, connection, clock)
            refuse_unknown_markets(loaded, gateway.known_markets)
        else:
            account = identity.account

        def check_account() -> None:
            if gateway.fingerprint != account:
                raise WrongLog(
                    f"{options.db} is a log of account {account} on {connection.venue}, these keys "
                    f"are of account {gateway.fingerprint}; give another --db, or the right keys"
                )

        permitted = options.withdrawing_key

        async def attend(markets: Collection[str]) -> frozenset[str]:
            nonlocal permitted
            if not permitted and await gateway.may_withdraw():
                raise ConfigInvalid(WITHDRAWS)
            permitted = True  # a run that trades is not ended where further markets come to matter
            await followed.watch(markets)
            streams.watch_account()
            return frozenset(markets)

        def enter(history: History) -> Trading:
            if not options.recover and history.open_cycles():
                raise ConfigInvalid(
                    "--no-recover is refused in live mode while cycles are open: their money is at work"
                )
            return Trading(gateway, books.changes)

        with settled_heap() as settle:
            site = Site(
                account=account,
                began=0 if found is None else found.head.position,
                enter=enter,
                check_account=check_account,
                attend=attend,
                joined=hints.join,
                settled=settle,
                notes=(*_notes(connection, dialect), _told_by(followed, connection)),
            )
            async with assembled(loaded, options, clock, site) as run:
                yield run
    finally:
        await followed.close()
        await streams.close()
        await gateway.close()


def trading_connection(loaded: Loaded) -> Connection:
    """The way to a strategy's venue, with its keys; raises ConfigInvalid where there are none."""
    exchange = loaded.strategy.venue
    credentials = read_credentials(exchange, loaded.ca_file, os.environ, Path())
    if credentials is None and exchange.dialect == "practice":
        raise ConfigInvalid(
            "`dialect: practice` trades with the keys that a practice exchange leaves beside its "
            "`ca_file`, and the strategy names none: start tools/practice.py, which says what to write"
            if loaded.ca_file is None
            else f"no practice exchange has left its keys beside {loaded.ca_file}: "
            "start tools/practice.py first, in this folder"
        )
    if credentials is None:
        own = f"ARB_{exchange.id.upper()}"
        raise ConfigInvalid(
            f"live mode needs keys for {exchange.id}: set {own}_API_KEY and {own}_SECRET in the "
            "environment or in .env"
        )
    return connection_of(exchange, loaded.ca_file, credentials)


@asynccontextmanager
async def live_market(
    strategy: Strategy, ca_file: Path | None, clock: Clock
) -> AsyncIterator[Market]:
    """Open a venue's public books for a paper run; no keys are used."""
    connection = connection_of(strategy.venue, ca_file, None)
    books = LiveBooks(clock)
    gateway = Gateway(connection, for_data(connection.venue), clock, books)
    streams = Streams(gateway.ccxt, books, clock, Hints())
    followed = _follow(connection, gateway, books, clock, streams)
    try:
        await _reach(gateway, clock)
        source = LiveMarket(books, await gateway.markets())
        notes = (
            f"feed: live books of {connection.venue}",
            *_where(connection),
            _told_by(followed, connection),
        )

        async def attend(markets: Collection[str]) -> frozenset[str]:
            await followed.watch(markets)
            return frozenset(markets)

        yield Market(source, notes, changes=books.changes, attend=attend)
    finally:
        await followed.close()
        await streams.close()
        await gateway.close()


class Followed(Protocol):
    """Who brings the books of markets."""

    async def watch(self, markets: Collection[str]) -> None:
        """Follow these markets too, and wait a while for the first book of each."""
        ...

    async def close(self) -> None:
        """End every stream."""
        ...


def _follow(
    connection: Connection, gateway: Gateway, books: LiveBooks, clock: Clock, streams: Streams
) -> Followed:
    """Choose who brings the books: the venue's own streams where we speak them, else ccxt."""
    if connection.venue in NATIVE and fast_sockets.there():
        return binance_books(connection, gateway, books, clock)
    return streams


def _told_by(followed: Followed, connection: Connection) -> str:
    if not isinstance(followed, Streams):
        return "books: from the venue's own streams"
    if connection.venue in NATIVE:
        return (
            "books: through ccxt; with the extra `lightning` they come from the venue's own streams"
        )
    return "books: through ccxt"


async def _reach(gateway: Gateway, clock: Clock) -> None:
    """Make the first reads, with the patience of a start; raises VenueError when it is over."""
    access = Access(gateway, clock)
    await access.read_patiently(
        lambda: access.read(gateway.start, timeout_s=limits.MARKETS_TIMEOUT_S),
        what="the venue",
        until_ns=clock.now_ns() + round(limits.START_PATIENCE_S * NS_PER_S),
    )


async def _own_account(gateway: Gateway, connection: Connection, clock: Clock) -> str:
    """Ask whose account the keys are of; raises ConfigInvalid where the venue does not take them."""
    try:
        await _reach(gateway, clock)
    except KeyRevoked as error:
        assert connection.credentials is not None
        raise ConfigInvalid(
            f"{connection.venue} does not accept the keys from {connection.credentials.source}: {error}"
        ) from error
    return gateway.fingerprint


def _notes(connection: Connection, dialect: Dialect) -> list[str]:
    notes = list(_where(connection))
    if connection.credentials is not None:
        notes.append(f"keys: from {connection.credentials.source}")
    if dialect.practice:
        notes.append("dialect: the practice exchange's short windows")
    return notes


def _where(connection: Connection) -> tuple[str, ...]:
    if connection.connect_to is not None:
        there = connection.connect_to
        return (f"venue: {connection.venue}, every connection goes to {there.host}:{there.port}",)
    kind = "its sandbox" if connection.sandbox else "the real one"
    return (f"venue: {connection.venue}, {kind}",)
