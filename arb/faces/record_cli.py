"""`tools/record.py`: record the feed of a strategy, so that what was seen can be replayed."""

import asyncio
import signal
import sys
from pathlib import Path
from typing import Final

import click
import msgspec

from arb.clock import NS_PER_S
from arb.errors import ConfigInvalid
from arb.execution.process.real_clock import RealClock
from arb.execution.runs.feed_recording import Asked, Recorded
from arb.execution.runs.feed_recording import record as record_feed
from arb.faces import exits
from arb.faces.log_lines import configure_log
from arb.faces.text import say
from arb.faces.tool import EXIT_CODES, tool
from arb.limits import DURATION_S_MAX
from arb.strategy.loader import load

SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
STOP_PATIENCE_S: Final = 5.0  # after an interrupt, for a venue that does not answer


class Flags:
    """The command line, as click read it."""

    paths: tuple[Path, ...]
    out: Path
    duration: float | None
    mode: str | None
    data_file: str | None
    random_seed: int | None
    all_markets: bool
    log_level: str
    as_json: bool

    def __init__(self, **values: object) -> None:
        for name, value in values.items():
            setattr(self, name, value)


@tool(epilog=EXIT_CODES)
@click.option(
    "--strategy",
    "paths",
    multiple=True,
    required=True,
    type=click.Path(path_type=Path),
    help="A strategy file; may be given several times.",
)
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path),
    help="The file to write, such as books.rec.gz; an existing one is never overwritten.",
)
@click.option(
    "--duration",
    type=click.FloatRange(0, min_open=True),
    default=None,
    metavar="S",
    help="End after S seconds [default: at Ctrl-C, or where a recording ends]. A generated or "
    "recorded market is written at once, S seconds of its own time.",
)
@click.option(
    "--mode",
    type=click.Choice(["live", "paper", "backtest"]),
    default=None,
    help="Overrides execution.mode. live: the venue's public books, without keys.",
)
@click.option("--data-file", default=None, help="A recorded market, to write in this format.")
@click.option("--random-seed", type=click.IntRange(0), default=None, help="Seed of the market.")
@click.option(
    "--all-markets", is_flag=True, help="Every market of the venue, not only those of the cycles."
)
@click.option(
    "--log-level",
    type=click.Choice(["DEBUG", "INFO", "WARNING", "ERROR"], case_sensitive=False),
    default="WARNING",
    show_default=True,
)
@click.option("--json", "as_json", is_flag=True, help="The summary as one line of JSON.")
def record(**flags: object) -> None:
    """Record the books that a strategy would see, for `run.py --mode backtest --data-file`."""
    sys.exit(exits.ending(lambda: _run(Flags(**flags))))


def _run(flags: Flags) -> int:
    configure_log(flags.log_level)
    if flags.duration is not None and not flags.duration <= DURATION_S_MAX:
        what = f"is not a number of seconds up to {DURATION_S_MAX:.0f}"
        raise click.UsageError(f"--duration {flags.duration} {what}")
    if not flags.out.parent.is_dir():
        raise ConfigInvalid(f"--out {flags.out}: name a file in a folder that exists")
    return asyncio.run(_until_stopped(flags))


async def _until_stopped(flags: Flags) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in SIGNALS:
        loop.add_signal_handler(number, stop.set)
    loaded = [
        load(path, mode=flags.mode, data_file=flags.data_file, random_seed=flags.random_seed)
        for path in flags.paths
    ]
    asked = Asked(out=flags.out, duration_s=flags.duration, all_markets=flags.all_markets)
    work = asyncio.ensure_future(record_feed(loaded, asked, RealClock(), stop, say))
    stopped = asyncio.ensure_future(stop.wait())
    await asyncio.wait({work, stopped}, return_when=asyncio.FIRST_COMPLETED)
    if not work.done():
        await asyncio.wait({work}, timeout=STOP_PATIENCE_S)
        work.cancel()
    stopped.cancel()
    try:
        _tell(await work, flags)
    except asyncio.CancelledError:
        say("interrupted before it began")
    return exits.INTERRUPTED if stop.is_set() else 0


def _tell(recorded: Recorded, flags: Flags) -> None:
    if flags.as_json:
        told = {"type": "summary", "out": str(flags.out), **msgspec.to_builtins(recorded)}
        click.echo(msgspec.json.encode(told).decode())
        return
    first_ns = recorded.last_ns if recorded.first_ns is None else recorded.first_ns
    seconds = (recorded.last_ns - first_ns) / NS_PER_S
    click.echo(
        f"{recorded.rows} rows of {recorded.markets} markets, {seconds:.3f} s, "
        f"{recorded.bytes} bytes: {flags.out}"
    )
