"""`tools/run.py`: run strategies, or say what they would need."""

import asyncio
import json
import math
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import click

from arb.errors import ConfigInvalid
from arb.execution.opportunities.tally import halted_everywhere
from arb.execution.process.real_clock import RealClock
from arb.execution.runs.assembling import Options, Run, shared
from arb.execution.runs.running import Ended, opened_market, run_engine
from arb.execution.runs.wiring import fee_rates
from arb.faces import exits
from arb.faces.check_json import check_json
from arb.faces.check_text import check_lines
from arb.faces.folders import room_for_log
from arb.faces.live_line import LiveLine
from arb.faces.live_text import live_lines, memory_lines, warn
from arb.faces.log_lines import configure_log
from arb.faces.progress import Progress
from arb.faces.report.command import Reporting, came_to_its_end
from arb.faces.report.folder import PAGE
from arb.faces.run_text import Echo, Story, interrupted_lines, left_lines, summary_lines
from arb.faces.standing import standing_lines, waiting_line
from arb.faces.text import say
from arb.faces.tool import EXIT_CODES, tool
from arb.limits import DURATION_S_MAX, SWEEP_JOBS_MAX
from arb.strategy.loader import Loaded, load
from arb.strategy.schema import Strategy
from arb.strategy.settings import Setting

DB_DEFAULT = "trade_state.db"
BACKTEST_DB_DEFAULT = "backtest_state.db"


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
    "--recover/--no-recover",
    default=True,
    show_default=True,
    help="Bring open cycles of this log to their end first.",
)
@click.option(
    "--cycles",
    type=click.IntRange(0),
    default=None,
    help="Stop after N cycles that sent an order have ended [default: unlimited in "
    "backtest, else 1]. 0: recover and reconcile only.",
)
@click.option("--dry-run", is_flag=True, help="The same as --mode paper.")
@click.option(
    "--mode",
    type=click.Choice(["live", "paper", "backtest"]),
    default=None,
    help="Overrides execution.mode of the strategy.",
)
@click.option(
    "--resume",
    is_flag=True,
    help="Accepted for old scripts: limits and cooldowns are kept in the log, and always resumed.",
)
@click.option(
    "--db",
    type=click.Path(path_type=Path),
    default=None,
    help=f"The log [default: {DB_DEFAULT}; in backtest {BACKTEST_DB_DEFAULT}, made anew].",
)
@click.option("--data-file", default=None, help="A recorded market, CSV, plain or .gz.")
@click.option("--random-seed", type=click.IntRange(0), default=None, help="Seed of the market.")
@click.option("--start-time", default=None, help="Backtest: play from here (UTC or seconds).")
@click.option("--end-time", default=None, help="Backtest: play up to here (UTC or seconds).")
@click.option(
    "--time-acceleration",
    type=click.FloatRange(0, min_open=True),
    default=None,
    help="Backtest: accepted for old scripts; virtual time is as fast as the machine.",
)
@click.option(
    "--paper-balance",
    "balances",
    nargs=2,
    multiple=True,
    metavar="CUR AMT",
    help="An opening balance of the paper account; may be given several times.",
)
@click.option(
    "--duration",
    type=click.FloatRange(0, min_open=True),
    default=None,
    metavar="S",
    help="Stop opening cycles after S seconds.",
)
@click.option(
    "--log-level",
    type=click.Choice(["DEBUG", "INFO", "WARNING", "ERROR"], case_sensitive=False),
    default="WARNING",
    show_default=True,
)
@click.option("--json", "as_json", is_flag=True, help="One line of JSON per event, then a summary.")
@click.option(
    "--record",
    type=click.Path(path_type=Path),
    default=None,
    metavar="FILE",
    help="Record the books as the engine sees them, to replay this very run as a backtest.",
)
@click.option(
    "--report",
    type=click.Path(path_type=Path),
    default=None,
    metavar="FOLDER",
    help="Backtest: write a page, tables and curves to this folder; P/L against latency and fee takes "
    "a dozen more backtests, unless --sweep says what to compare.",
)
@click.option(
    "--sweep",
    "sweeps",
    multiple=True,
    metavar="KEY=V,V",
    help="Backtest: play each value of a key, such as fees.taker_bps=5,10; several make a grid.",
)
@click.option(
    "--jobs",
    type=click.IntRange(1, SWEEP_JOBS_MAX),
    default=None,
    help="How many backtests of --report and --sweep run at once [default: one per core].",
)
@click.option("--check", is_flag=True, help="Check the strategy, say what it would do, and stop.")
@click.option(
    "--unproven-venue",
    is_flag=True,
    help="Live: trade on a venue whose protocol was never proven end to end here.",
)
@click.option(
    "--allow-withdrawing-key",
    is_flag=True,
    help="Live: trade with a key that may withdraw money.",
)
@click.option("--api-key", default=None, hidden=True)
@click.option("--api-secret", default=None, hidden=True)
def run(**flags: object) -> None:
    """Run arbitrage strategies: find, execute, and account for every unit of every currency."""
    sys.exit(exits.ending(lambda: _run(Flags(**flags))))


class Flags:
    """The command line, as click read it."""

    paths: tuple[Path, ...]
    recover: bool
    cycles: int | None
    dry_run: bool
    mode: str | None
    resume: bool
    db: Path | None
    data_file: str | None
    random_seed: int | None
    start_time: str | None
    end_time: str | None
    time_acceleration: float | None
    balances: tuple[tuple[str, str], ...]
    duration: float | None
    log_level: str
    as_json: bool
    record: Path | None
    report: Path | None
    sweeps: tuple[str, ...]
    jobs: int | None
    check: bool
    unproven_venue: bool
    allow_withdrawing_key: bool
    api_key: str | None
    api_secret: str | None

    def __init__(self, **values: object) -> None:
        for name, value in values.items():
            setattr(self, name, value)


def _run(flags: Flags) -> int:
    configure_log(flags.log_level)
    try:
        _refuse_nonsense(flags)
        loaded = _load(flags)
        if flags.check:
            return _check(loaded, as_json=flags.as_json)
        return _live_through(flags, loaded, _reporting(flags, loaded))
    except KeyboardInterrupt:
        say("interrupted")
        return exits.INTERRUPTED


def _refuse_nonsense(flags: Flags) -> None:
    if flags.api_key is not None or flags.api_secret is not None:
        raise click.UsageError(
            "secrets do not belong on the command line: set them in the environment or in .env"
        )
    if flags.dry_run and flags.mode not in {None, "paper"}:
        raise click.UsageError(f"--dry-run is --mode paper, and --mode {flags.mode} was given")
    if flags.duration is not None and not flags.duration <= DURATION_S_MAX:
        what = f"is not a number of seconds up to {DURATION_S_MAX:.0f}"
        raise click.UsageError(f"--duration {flags.duration} {what}")
    if flags.time_acceleration is not None and not math.isfinite(flags.time_acceleration):
        raise click.UsageError(f"--time-acceleration {flags.time_acceleration} is not a number")
    compares = flags.report is not None or bool(flags.sweeps)
    if compares and flags.check:
        raise click.UsageError("--check trades nothing; leave out --report and --sweep")
    if flags.jobs is not None and not compares:
        raise click.UsageError("--jobs goes with --report or --sweep")


def _load(flags: Flags) -> list[Loaded]:
    loaded = _loaded(flags, ())
    seen: set[str] = set()
    for one in loaded:
        for note in one.notes:
            if note not in seen:
                say(f"{one.strategy.name}: {note}")
            seen.add(note)
    return loaded


def _loaded(flags: Flags, settings: Sequence[Setting]) -> list[Loaded]:
    return [
        load(
            path,
            mode="paper" if flags.dry_run else flags.mode,
            data_file=flags.data_file,
            random_seed=flags.random_seed,
            start_time=flags.start_time,
            end_time=flags.end_time,
            paper_balances=flags.balances,
            settings=settings,
        )
        for path in flags.paths
    ]


def _reporting(flags: Flags, loaded: Sequence[Loaded]) -> Reporting | None:
    """Check what is to be reported and compared, while nothing was played or written."""
    if flags.report is None and not flags.sweeps:
        return None
    mode = shared(loaded).execution.mode
    if mode != "backtest":
        flag = "--sweep" if flags.report is None else "--report"
        raise click.UsageError(f"{flag} is for backtests, and this is {mode}: see --mode")
    return Reporting(
        flags.report,
        flags.sweeps,
        flags.jobs,
        loaded,
        lambda settings: tuple(_loaded(flags, settings)),
    )


def _live_through(flags: Flags, loaded: Sequence[Loaded], reporting: Reporting | None) -> int:
    strategy = loaded[0].strategy
    backtest = strategy.execution.mode == "backtest"
    db = flags.db or Path(BACKTEST_DB_DEFAULT if backtest else DB_DEFAULT)
    room_for_log(db)
    if flags.record is not None and (backtest or not flags.record.parent.is_dir()):
        raise ConfigInvalid(
            f"--record {flags.record}: name a file in a folder that exists, of a live or paper run; "
            "a backtest's books are in a file already"
        )
    if backtest:
        _make_room(db, replace=flags.db is None)
    cycles = flags.cycles
    if cycles is None and not backtest and flags.duration is None:
        cycles = 1
    options = Options(
        db=db,
        cycles=cycles,
        recover=flags.recover,
        duration_s=flags.duration,
        unproven_venue=flags.unproven_venue,
        withdrawing_key=flags.allow_withdrawing_key,
        record=flags.record,
    )
    if strategy.execution.mode == "live":
        for line in (*live_lines(loaded), *memory_lines(db)):
            warn(line)
    echo = Echo() if flags.as_json else None
    story = None if flags.as_json else Story()

    with Progress() as progress, LiveLine(quiet=flags.as_json) as live:

        def watch(run: Run) -> None:
            account = run.parts.desk.journal.account
            for line in (*run.notes, *standing_lines(account)):
                say(line)
            if cycles != 0 and account.paused is not None:
                traded = [one.strategy for one in loaded]
                if halted_everywhere(account, traded) is None:  # else it ends at once
                    say(waiting_line(account, db, flags.duration))
            for watcher in (live, echo, story, progress, reporting):
                if watcher is not None:
                    watcher.follow(run)

        ended = run_engine(loaded, options, watch, _interrupted)
    code = ended.exit_code
    if not flags.as_json:
        _conclude(ended, strategy, db, as_json=False)
    if reporting is not None and not came_to_its_end(ended):
        say("the run did not reach its end: nothing was compared, and no report was written")
    elif reporting is not None:
        played = reporting.finish(ended, options)
        if played is None:
            code = exits.INTERRUPTED
            say("interrupted: nothing was compared, the curves are missing")
        for line in reporting.lines(played or (), as_json=flags.as_json):
            click.echo(line)
        if flags.report is not None:
            say(f"report: {flags.report / PAGE}")
    if flags.as_json:  # the summary is the last line, whatever is told beside it
        _conclude(ended, strategy, db, as_json=True)
    return code


def _check(loaded: Sequence[Loaded], *, as_json: bool) -> int:
    """Say what the strategies would do on their market; nothing is written, and no key is used."""
    strategy = shared(loaded)
    found: list[list[str]] = []

    async def look() -> None:
        async with opened_market(loaded[0], RealClock()) as market:
            for note in market.notes:
                say(note)
            for one in loaded:
                lines = list(check_lines(one, market.source.markets, fee_rates(strategy)))
                found.append(lines)
                for line in () if as_json else lines:
                    click.echo(line)

    asyncio.run(look())
    live = list(live_lines(loaded)) if strategy.execution.mode == "live" else []
    if as_json:
        for one, lines in zip(loaded, found, strict=True):
            click.echo(json.dumps(check_json(one, lines, live)))
        return 0
    for line in live:
        click.echo(f"  {line}")
    return 0


def _make_room(db: Path, *, replace: bool) -> None:
    """A backtest begins with a fresh log; the default one, a function of its inputs, is replaced."""
    if not db.exists():
        return
    if not replace:
        raise ConfigInvalid(f"{db} exists: a backtest needs a fresh log; give another --db")
    from arb.execution.runs.fresh import discard_backtest  # noqa: PLC0415 -- only here

    discard_backtest(db)


def _conclude(ended: Ended, strategy: Strategy, db: Path, *, as_json: bool) -> None:
    began = ended.error is None or bool(ended.summary.cycles or ended.parked or ended.open)
    if began or as_json:  # of a run that could not begin there is nothing to sum up
        for line in summary_lines(ended, strategy, db, as_json=as_json):
            click.echo(line)
    if ended.error is not None:
        say(f"error: {ended.error}")
    for line in left_lines(ended, db):
        say(line)


def _interrupted(run: Run) -> None:
    with suppress(OSError):  # a terminal that has hung up hears nothing
        for line in interrupted_lines(run.engine.interrupts, len(run.parts.desk.journal.cycles)):
            say(line)
