"""A running practice exchange: TLS on one loopback port, its control on another."""

import asyncio
import os
import secrets
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Final

import structlog
from aiohttp import web
from msgspec import Struct

from arb.clock import Clock
from arb.errors import ConfigInvalid
from arb.events.sqlite.locks import HeldLock
from arb.exchange.paper.account import PaperAccount
from arb.exchange.practice.certificates import ensure_certificates
from arb.exchange.practice.control import Control
from arb.exchange.practice.doors import Gate, Grounds
from arb.exchange.practice.faults import Faults
from arb.exchange.practice.hall import Hall
from arb.exchange.practice.keys import Keys, ensure_keys
from arb.exchange.practice.posts import Posts
from arb.exchange.practice.venues import DOORS, TERMS
from arb.exchange.practice.world import World
from arb.feeds.generated import GeneratedMarket
from arb.feeds.source import MarketSource
from arb.market.book import FeeRates
from arb.money import ONE

log = structlog.get_logger()

HOST: Final = "127.0.0.1"
TICK_S: Final = 0.05
SHUTDOWN_S: Final = 0.2
UID_MAX: Final = 10**9

BALANCES: Final = MappingProxyType(
    {
        "USDT": Decimal(10_000),
        "BTC": Decimal("0.1"),
        "ETH": Decimal(2),
        "BNB": Decimal(10),
    }
)


class Settings(Struct, frozen=True, kw_only=True):
    """How a practice exchange is set up."""

    folder: Path
    venue: str = "binance"
    port: int = 0  # 0: any free one
    control_port: int = 0
    seed: int = 1
    source: MarketSource | None = None  # None: the generated market of the seed
    balances: Mapping[str, Decimal] = BALANCES  # of a new account; one that exists keeps its own
    taker: Decimal = Decimal("0.001")
    maker: Decimal = Decimal("0.001")
    fee_asset: str | None = None
    third_share: Decimal = ONE  # of the usual rate, where the fee asset pays
    rates: Mapping[str, float] = MappingProxyType({})
    may_withdraw: bool = False


class Practice(Struct):
    """A practice exchange that runs."""

    port: int
    control_port: int
    ca: Path
    keys_file: Path
    keys: Keys
    hall: Hall
    faults: Faults
    grounds: Grounds
    gate: Gate


@asynccontextmanager
async def practice(settings: Settings, clock: Clock) -> AsyncIterator[Practice]:
    """Run a practice exchange in this loop; everything it keeps is in the settings' folder.

    Raises LogLocked where another one runs on the same account, and WrongLog, ConfigInvalid or
    OSError where it cannot begin.
    """
    folder = settings.folder
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with HeldLock(folder / f"{settings.venue}.lock", f"the practice account in {folder}"):
        async with _running(settings, clock) as running:
            yield running


@asynccontextmanager
async def _running(settings: Settings, clock: Clock) -> AsyncIterator[Practice]:
    folder = settings.folder
    certificates = ensure_certificates(folder, clock.now_ns())
    keys_file = folder / "keys.env"
    keys = ensure_keys(keys_file)
    books, creates = folder / f"{settings.venue}.db", folder / f"{settings.venue}.creates"
    if not books.exists():
        creates.unlink(missing_ok=True)
    account = PaperAccount.open(
        books,
        uid=str(UID_MAX // 10 + secrets.randbelow(UID_MAX - UID_MAX // 10)),
        opening=settings.balances,
    )
    posts = Posts(creates)
    try:
        faults = Faults(settings.rates, settings.seed, account.next_order_number())
        hall = Hall(
            account,
            settings.source or GeneratedMarket(settings.seed),
            clock,
            faults,
            fees=FeeRates(settings.taker, settings.maker, settings.fee_asset),
            third_share=settings.third_share,
            terms=TERMS[settings.venue],
        )
        grounds = Grounds(
            hall, faults, keys, posts, asyncio.Event(), may_withdraw=settings.may_withdraw
        )
        door = DOORS[settings.venue](grounds)
        gate = Gate(grounds, door)
        app = web.Application()
        door.register(app, gate)
        control = web.Application()
        Control(grounds, gate).register(control)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificates.chain, certificates.key)
        async with (
            _serving(app, "--port", settings.port, context) as port,
            _serving(control, "--control-port", settings.control_port, None) as control_port,
        ):
            ticking = asyncio.create_task(_tick(hall, World(grounds), grounds.closing))
            ticking.add_done_callback(_say_what_ended)
            try:
                yield Practice(
                    port=port,
                    control_port=control_port,
                    ca=certificates.ca,
                    keys_file=keys_file,
                    keys=keys,
                    hall=hall,
                    faults=faults,
                    grounds=grounds,
                    gate=gate,
                )
            finally:
                grounds.closing.set()
                await ticking
    finally:
        posts.close()
        account.close()


async def _tick(hall: Hall, world: World, closing: asyncio.Event) -> None:
    while not closing.is_set():
        hall.tick()
        world.tick()
        try:
            async with asyncio.timeout(TICK_S):
                await closing.wait()
        except TimeoutError:
            continue


def _say_what_ended(ticking: asyncio.Task[None]) -> None:
    if not ticking.cancelled() and ticking.exception() is not None:
        log.error("practice.stopped", error=repr(ticking.exception()))


@asynccontextmanager
async def _serving(
    app: web.Application, flag: str, port: int, context: ssl.SSLContext | None
) -> AsyncIterator[int]:
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_S)
    await runner.setup()
    try:
        site = web.TCPSite(runner, HOST, port, ssl_context=context)
        try:
            await site.start()
        except OSError as error:
            raise ConfigInvalid(
                f"{flag} {port} cannot be listened on at {HOST}: {os.strerror(error.errno or 0)}; "
                f"end what does, or name another {flag} (0 takes any free one)"
            ) from None
        address = runner.addresses[0]
        yield int(address[1])
    finally:
        await runner.cleanup()
