"""`tools/practice.py`: a venue on this machine, to try live mode at."""

import asyncio
import json
import signal
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Final

import click
import structlog

from arb.errors import BadNumber, ConfigInvalid
from arb.exchange.practice.faults import read_rates
from arb.exchange.practice.server import BALANCES, Practice, Settings, practice
from arb.exchange.practice.venues import DOORS
from arb.execution.process.real_clock import RealClock
from arb.faces import exits
from arb.faces.log_lines import configure_log
from arb.faces.text import say
from arb.faces.tool import EXIT_CODES, tool
from arb.feeds.generated import GeneratedMarket
from arb.feeds.recorded import RecordedMarket
from arb.feeds.source import MarketSource
from arb.feeds.universe import CURRENCIES_MAX, CURRENCIES_MIN
from arb.money import ONE, parse, plain
from arb.strategy.bounds import digits_complaint, shown

log = structlog.get_logger()

PORT_DEFAULT: Final = 8443
FOLDER_DEFAULT: Final = Path(".practice")
BNB_SHARE: Final = Decimal("0.75")  # what BNB pays of the usual rate
DECIMALS_MAX: Final = 8
CODES_TOLD_MAX: Final = 12
SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


class Flags:
    """The command line, as click read it."""

    venue: str
    port: int
    folder: Path
    seed: int
    currencies: int
    data_file: Path | None
    balances: tuple[tuple[str, str], ...]
    rates: str
    fee_currency: str | None
    key_may_withdraw: bool
    control_port: int | None
    log_level: str
    as_json: bool

    def __init__(self, **values: object) -> None:
        for name, value in values.items():
            setattr(self, name, value)


@tool(epilog=EXIT_CODES)
@click.option(
    "--venue",
    type=click.Choice(sorted(DOORS)),
    default="binance",
    show_default=True,
    help="Which exchange's protocol to speak.",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    default=PORT_DEFAULT,
    show_default=True,
    help="Port to listen on, for this machine only; 0 takes any free one.",
)
@click.option(
    "--dir",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=FOLDER_DEFAULT,
    show_default=True,
    help="Folder for the account, the keys and the certificates.",
)
@click.option(
    "--seed",
    type=click.IntRange(0),
    default=1,
    show_default=True,
    help="Seed of the generated market and of the faults.",
)
@click.option(
    "--currencies",
    type=click.IntRange(CURRENCIES_MIN, CURRENCIES_MAX),
    default=CURRENCIES_MIN,
    show_default=True,
    help="How many currencies the generated market has.",
)
@click.option(
    "--data-file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    default=None,
    metavar="CSV",
    help="Play a recorded market from its beginning instead.",
)
@click.option(
    "--balance",
    "balances",
    nargs=2,
    multiple=True,
    metavar="CUR AMT",
    help="What a new account opens with; may be given several times.",
)
@click.option(
    "--faults",
    "rates",
    default="",
    metavar="NAME=RATE,...",
    help="Faults and how often each strikes, from 0 to 1; all=0.1 sets every fault "
    "that the engine can survive to 0.1.",
)
@click.option(
    "--fee-currency",
    type=click.Choice(["BNB", "none"]),
    default=None,
    help="What fees are paid in, as long as the account holds some [default: BNB at binance, else none: the received "
    "currency].",
)
@click.option(
    "--key-may-withdraw",
    is_flag=True,
    help="Give out a key that may withdraw, which live mode refuses.",
)
@click.option(
    "--control-port",
    type=click.IntRange(0, 65_535),
    default=None,
    help="Port that takes requests for faults, as JSON over plain HTTP [default: the next port].",
)
@click.option(
    "--log-level",
    type=click.Choice(["DEBUG", "INFO", "WARNING", "ERROR"], case_sensitive=False),
    default="INFO",
    show_default=True,
)
@click.option("--json", "as_json", is_flag=True, help="Addresses and files as one line of JSON.")
def practice_exchange(**flags: object) -> None:
    """Run an exchange on this machine that speaks a real one's protocol, to practise at."""
    raise SystemExit(exits.ending(lambda: _run(Flags(**flags))))


def _run(flags: Flags) -> int:
    configure_log(flags.log_level)
    settings = _settings(flags)
    return asyncio.run(_serve(settings, flags))


def _settings(flags: Flags) -> Settings:
    fee = flags.fee_currency or ("BNB" if flags.venue == "binance" else "none")
    control = flags.control_port
    if control is None:
        control = flags.port + 1 if flags.port else 0
    source = _source(flags)
    return Settings(
        folder=flags.folder,
        venue=flags.venue,
        port=flags.port,
        control_port=control,
        seed=flags.seed,
        source=source,
        balances=_balances(flags.balances, source) if flags.balances else BALANCES,
        fee_asset=None if fee == "none" else fee,
        third_share=ONE if fee == "none" else BNB_SHARE,
        rates=read_rates(flags.rates),
        may_withdraw=flags.key_may_withdraw,
    )


def _balances(given: Sequence[tuple[str, str]], source: MarketSource) -> dict[str, Decimal]:
    known = {code for rules in source.markets.values() for code in (rules.base, rules.quote)}
    found: dict[str, Decimal] = {}
    for currency, text in given:
        try:
            amount = parse(text)
        except BadNumber as error:
            raise ConfigInvalid(f"--balance {currency}: {error}") from None
        complaint = digits_complaint(amount)
        if complaint is not None:
            raise ConfigInvalid(f"--balance {currency} {complaint}, was {shown(text)}")
        if amount < 0 or amount != round(amount, DECIMALS_MAX) or currency in found:
            raise ConfigInvalid(
                f"--balance {currency} {text}: once a currency, from 0 up, at most "
                f"{DECIMALS_MAX} decimals"
            )
        if currency not in known:
            raise ConfigInvalid(
                f"--balance {currency}: no market has it; there are {', '.join(sorted(known)[:CODES_TOLD_MAX])}"
                + (" and more" if len(known) > CODES_TOLD_MAX else "")
            )
        found[currency] = amount
    return found


def _source(flags: Flags) -> MarketSource:
    if flags.data_file is None:
        return GeneratedMarket(flags.seed, currencies=flags.currencies)
    recorded = RecordedMarket(flags.data_file)
    began_ns = _began_ns(flags.folder / f"{flags.venue}.began", recorded)
    return RecordedMarket(recorded.recording, offset_ns=began_ns - recorded.first_ns)


def _began_ns(path: Path, recorded: RecordedMarket) -> int:
    """When the recording began to play: a restart in the middle of it continues there."""
    now_ns = RealClock().now_ns()
    mark = f"{recorded.recording.path.resolve()}\n"
    if path.exists():
        began, _, of = path.read_text().partition(" ")
        went_on_ns = now_ns - int(began)
        if of == mark and 0 <= went_on_ns <= recorded.last_ns - recorded.first_ns:
            return int(began)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.write_text(f"{now_ns} {mark}")
    return now_ns


async def _serve(settings: Settings, flags: Flags) -> int:
    asked_to_end = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in SIGNALS:
        loop.add_signal_handler(number, asked_to_end.set)
    async with practice(settings, RealClock()) as running:
        for line in _lines(running, settings, flags):
            say(line)
        if flags.as_json:
            click.echo(json.dumps(_places(running, settings)))
        await asked_to_end.wait()
        struck = ", ".join(
            f"{count} {name}" for name, count in sorted(running.faults.struck.items())
        )
        say(f"ended; faults injected: {struck or 'none'}")
    return exits.INTERRUPTED


def _places(running: Practice, settings: Settings) -> dict[str, object]:
    """Give what a program needs to trade there."""
    connect_to, ca_file = f"127.0.0.1:{running.port}", str(running.ca.resolve())
    exchange = {"id": settings.venue, "connect_to": connect_to, "ca_file": ca_file}
    return {
        "venue": settings.venue,
        "address": connect_to,
        "control": f"http://127.0.0.1:{running.control_port}/control/",
        "keys": str(running.keys_file.resolve()),
        "account": running.hall.account.uid,
        "exchange": {**exchange, "dialect": "practice"},
    }


def _lines(running: Practice, settings: Settings, flags: Flags) -> list[str]:
    """Say where everything is, and how to trade there."""
    venue, port = settings.venue, running.port
    hall = running.hall
    market = f"generated, seed {settings.seed}" if flags.data_file is None else str(flags.data_file)
    fee = f"{plain(settings.taker * 100)} % in what is received"
    if settings.fee_asset is not None:
        less = plain((ONE - settings.third_share) * 100)
        fee = (
            f"{plain(settings.taker * 100)} %, {less} % less in {settings.fee_asset} while it lasts"
        )
    held = ", ".join(
        f"{plain(balance.total)} {asset}"
        for asset, balance in hall.account.balances().items()
        if balance.total
    )
    ca = running.ca.resolve()
    return [
        f"practice {venue} on 127.0.0.1:{port}; market: {market}, {len(hall.markets())} markets; fees: {fee}",
        f"account {hall.account.uid} in {settings.folder}/{venue}.db: {held}",
        f"keys: {running.keys_file}; authority: {running.ca}",
        f"control: http://127.0.0.1:{running.control_port}/control/state",
        f"faults: {flags.rates or 'none'}",
        "trade there with `tools/run.py --mode live` and, in the strategy:",
        f'  exchange: {{id: {venue}, connect_to: "127.0.0.1:{port}", ca_file: {ca}, dialect: practice}}',
    ]
