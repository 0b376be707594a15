"""`tools/monitor.py`: look at cycles, and act on them."""

import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

import click

from arb.clock import NS_PER_DAY
from arb.events.sqlite import LogReader
from arb.faces import cycle_json, cycle_text, exits, risk_text
from arb.faces.legacy_flags import REPORT, SNAPSHOT, understood
from arb.faces.standing import standing_json, standing_lines
from arb.faces.text import counted, say, table
from arb.faces.tool import EXIT_CODES, tool
from arb.limits import ORDERS_PER_CYCLE_MAX
from arb.projections import queries

DB_DEFAULT: Final = "trade_state.db"
HISTORY_DEFAULT: Final = 20
CLEANUP_DAYS_DEFAULT: Final = 7
CLEANUP_DAYS_MAX: Final = 36_500  # beyond, a moment is no number of nanoseconds
HISTORY_MAX: Final = 1_000_000
RISK_HOURS_DEFAULT: Final = 24
EVERY_CYCLE: Final = "*"
EVERY_COOLDOWN: Final = "all"
REFRESH_S: Final = 1.0


class Flags:
    """The command line, as click read it."""

    active: bool
    history: int | None
    hidden: bool
    details: str | None
    cleanup: int | None
    watch: bool
    declined: bool
    cooldowns: bool
    risk_stats: int | None
    mode: str | None
    db: Path
    as_json: bool
    panic: str | None
    pause: bool
    unpause: bool
    unwind: str | None
    release: str | None
    reset_risk: str | None
    clear_cooldown: str | None
    clear_all_cooldowns: bool
    attest: tuple[str, str] | None
    reason: str | None
    words: tuple[str, ...]

    def __init__(self, **values: object) -> None:
        for name, value in values.items():
            setattr(self, name, value)

    def chosen(self) -> list[str]:
        """The names of what was asked for: views and actions."""
        values = ((name, getattr(self, name, None)) for name in (*_VIEWS, *_ACTIONS))
        asked = [name for name, value in values if value is not None and value is not False]
        return asked + list(self.words)


@tool(epilog=EXIT_CODES)
@click.option("--active", is_flag=True, help="Cycles at work, and parked ones (the default).")
@click.option(
    "--history",
    is_flag=False,
    flag_value=HISTORY_DEFAULT,
    type=click.IntRange(1, HISTORY_MAX),
    metavar="[N]",
    help=f"The last N cycles [default: {HISTORY_DEFAULT}] and their P/L per currency.",
)
@click.option("--hidden", is_flag=True, help="With --history: also show cycles that --cleanup hid.")
@click.option(
    "--details", metavar="ID", help="Everything about one cycle; a unique prefix is enough."
)
@click.option(
    "--cleanup",
    is_flag=False,
    flag_value=CLEANUP_DAYS_DEFAULT,
    type=click.IntRange(0, CLEANUP_DAYS_MAX),
    metavar="[DAYS]",
    help="Hide cycles that ended more than DAYS ago "
    f"[default: {CLEANUP_DAYS_DEFAULT}] from the lists; the log stays whole.",
)
@click.option(
    "--declined", is_flag=True, help="Why opportunities and cycles were declined, and how often."
)
@click.option("--cooldowns", is_flag=True, help="Paths in cooldown, and for how long.")
@click.option(
    "--risk-stats",
    is_flag=False,
    flag_value=RISK_HOURS_DEFAULT,
    type=click.IntRange(0),
    metavar="[HOURS]",
    help="Counters per strategy since the log began (HOURS is accepted for old scripts).",
)
@click.option("--watch", is_flag=True, help="Refresh the view every second until interrupted.")
@click.option(
    "--panic",
    is_flag=False,
    flag_value=EVERY_CYCLE,
    metavar="[CYCLE]",
    help="Liquidate one open cycle, or all of them; new ones may open, --pause stops that.",
)
@click.option("--pause", is_flag=True, help="Open no new cycles; open ones go on.")
@click.option("--unpause", is_flag=True, help="Lift a pause, or a halt (with --reason).")
@click.option(
    "--unwind",
    metavar="CYCLE",
    help=f"Sell what a failed cycle parked (a cycle may send {ORDERS_PER_CYCLE_MAX} orders in all).",
)
@click.option(
    "--release",
    metavar="CYCLE",
    help="Give a cycle's parked holdings and dust back to the account.",
)
@click.option(
    "--reset-risk",
    metavar="NAME",
    help="Reset a tripped limit: consecutive_losses, daily_loss, STRATEGY:LIMIT or all.",
)
@click.option(
    "--clear-cooldown", metavar="PATH", help="End a path's cooldown, such as BTC>ETH>USDT."
)
@click.option("--clear-all-cooldowns", is_flag=True, help="End every cooldown.")
@click.option(
    "--attest",
    type=(str, click.Choice(["absent", "filled"])),
    default=None,
    metavar="ORDER absent|filled",
    help="Declare what became of an order that the venue no longer knows (with --reason).",
)
@click.option("--reason", metavar="TEXT", help="Why; recorded with the action.")
@click.option("--mode", type=click.Choice(["live", "paper", "backtest"]), hidden=True)
@click.option(
    "--db", type=click.Path(path_type=Path), default=DB_DEFAULT, show_default=True, help="The log."
)
@click.option("--json", "as_json", is_flag=True, help="Data as JSON.")
@click.argument("words", nargs=-1, metavar="")
@understood
def monitor(**values: object) -> None:
    """Look at the cycles of a log, and act on them.

    `monitor.py health` says whether new cycles may open, and what stands in the way: a halt, a
    pause, a tripped limit, parked amounts. Then it ends with exit code 1.
    """
    flags = Flags(**values)
    sys.exit(exits.ending(lambda: _monitor(flags)))


def _monitor(flags: Flags) -> int:
    chosen = flags.chosen() or ["active"]
    for word in flags.words:
        if word not in {*_VIEWS, *_ACTIONS, "snapshot"}:
            raise click.UsageError(
                REPORT if word == "report" else f"unknown word {word!r}; see --help"
            )
    if len(chosen) > 1:
        raise click.UsageError(f"one at a time: {', '.join(_flag(name) for name in chosen)}")
    (name,) = chosen
    if flags.hidden and name != "history":
        raise click.UsageError("--hidden goes with --history")
    if name in _ACTIONS:
        return _act(flags, name)
    if flags.reason is not None:
        raise click.UsageError("--reason goes with an action, such as --pause")
    view = _VIEWS.get(name)
    if view is None:
        raise click.UsageError(SNAPSHOT)
    if not flags.watch:
        return _show(flags, view)
    while True:
        click.clear()
        _show(flags, view)
        sys.stdout.flush()
        time.sleep(REFRESH_S)


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}" if name in (*_VIEWS, *_ACTIONS) else name


def _show(flags: Flags, view: Callable[[Flags, LogReader], int]) -> int:
    with LogReader(flags.db) as reader:
        queries.check(reader.connection)
        account = queries.load_account(reader.connection)
        if flags.mode is not None and flags.mode != account.mode:
            raise click.UsageError(
                f"{flags.db} is a log of mode {account.mode}, and one log serves one mode; use another --db"
            )
        if view is _health:  # it says the same as what is said beside other views
            return view(flags, reader)
        code = view(flags, reader)
        lines = [*standing_lines(account), *risk_text.cooldown_note(account, _now_ns())]
        for line in lines:
            say(line)
        return code


def _now_ns() -> int:
    from arb.execution.process.real_clock import RealClock  # noqa: PLC0415 -- only for what runs out

    return RealClock().now_ns()


# --- views


def _whole(reader: LogReader, view: queries.CycleView) -> dict[str, cycle_json.JsonValue]:
    return cycle_json.view_json(view, queries.orders_of(reader.connection, str(view.columns["id"])))


def _active(flags: Flags, reader: LogReader) -> int:
    views = queries.active(reader.connection)
    if flags.as_json:
        click.echo(cycle_json.lines([_whole(reader, view) for view in views]))
    else:
        _echo(cycle_text.active_lines(views, queries.parked(reader.connection)))
    return 0


def _history(flags: Flags, reader: LogReader) -> int:
    views = queries.history(
        reader.connection, flags.history or HISTORY_DEFAULT, hidden=flags.hidden
    )
    if flags.as_json:
        click.echo(cycle_json.lines([_whole(reader, view) for view in views]))
    else:
        _echo(cycle_text.history_lines(views))
        hidden = 0 if flags.hidden else queries.hidden_count(reader.connection)
        if hidden:
            say(f"{counted(hidden, 'cycle')} hidden by --cleanup: `--history --hidden` shows them")
    return 0


def _details(flags: Flags, reader: LogReader) -> int:
    cycle_id = queries.resolve_prefix(reader.connection, flags.details or "")
    view = queries.cycle(reader.connection, cycle_id)
    assert view is not None, cycle_id
    if flags.as_json:
        click.echo(cycle_json.line(_whole(reader, view)))
    else:
        _echo(cycle_text.details_lines(view, queries.orders_of(reader.connection, cycle_id)))
    return 0


def _declined(flags: Flags, reader: LogReader) -> int:
    found = queries.declined(reader.connection)
    if flags.as_json:
        click.echo(cycle_json.lines(risk_text.declined_json(found)))
    else:
        _echo(risk_text.declined_lines(found))
    return 0


def _cooldowns(flags: Flags, reader: LogReader) -> int:
    account, now_ns = queries.load_account(reader.connection), _now_ns()
    if flags.as_json:
        click.echo(cycle_json.lines(risk_text.cooldowns_json(account, now_ns)))
    else:
        _echo(risk_text.cooldown_lines(account, now_ns))
    return 0


def _risk_stats(flags: Flags, reader: LogReader) -> int:
    found = queries.risk(reader.connection)
    if flags.as_json:
        rows: list[dict[str, cycle_json.JsonValue]] = [
            {"strategy": strategy, "name": name, "count": count} for strategy, name, count in found
        ]
        click.echo(cycle_json.lines(rows))
    elif found:
        shown = [(name, strategy or "(account)", str(count)) for strategy, name, count in found]
        _echo(table(("COUNTER", "STRATEGY", "COUNT"), shown))
    else:
        click.echo("nothing was counted yet")
    return 0


def _health(flags: Flags, reader: LogReader) -> int:
    """Whether anything stands in the way of new cycles: OK, or FAIL with reasons and exit code 1."""
    account, now_ns = queries.load_account(reader.connection), _now_ns()
    parked = [view.id for view in queries.parked(reader.connection)]
    wrong = [*standing_lines(account), *(f"{name} holds parked amounts" for name in parked)]
    if flags.as_json:
        told: dict[str, cycle_json.JsonValue] = {
            "ok": not wrong,
            "reasons": [*wrong],
            **standing_json(account, now_ns),
            "cooldowns": [*risk_text.cooldowns_json(account, now_ns)],
            "parked": [*parked],
        }
        click.echo(cycle_json.line(told))
    else:
        click.echo("OK" if not wrong else f"FAIL: {'; '.join(wrong)}")
    return exits.FAILED if wrong else 0


def _echo(lines: Iterable[str]) -> None:
    for line in lines:
        click.echo(line)


# --- actions


def _act(flags: Flags, name: str) -> int:
    if flags.watch:
        raise click.UsageError("--watch goes with a view, not with an action")
    from arb.execution.operating.acting import act  # noqa: PLC0415 -- the engine is loaded only to act
    from arb.faces.log_lines import configure_log  # noqa: PLC0415 -- which talks then

    configure_log("WARNING")
    target, verdict = _target(flags, name)
    action = "clear-cooldown" if name == "clear_all_cooldowns" else name.replace("_", "-")
    result = act(flags.db, action, target=target, reason=flags.reason, verdict=verdict)
    if flags.as_json:
        click.echo(cycle_json.line({"ok": result.ok, "message": result.message}))
    elif result.ok:
        click.echo(result.message)
        if name == "cleanup":
            click.echo(_hidden_now(flags.db))
    else:
        say(f"error: {result.message}")
    return 0 if result.ok else result.exit_code or exits.FAILED


def _target(flags: Flags, name: str) -> tuple[str | None, str | None]:
    """What an action is about, ids in full: (target, verdict)."""
    match name:
        case "panic" | "unwind" | "release":
            asked = str(getattr(flags, name))
            return (None if asked == EVERY_CYCLE else _full_id(flags.db, asked)), None
        case "cleanup":
            return str(_now_ns() - (flags.cleanup or 0) * NS_PER_DAY), None
        case "attest":
            assert flags.attest is not None
            return flags.attest
        case "reset_risk":
            return flags.reset_risk, None
        case "clear_cooldown":
            return flags.clear_cooldown, None
        case "clear_all_cooldowns":
            return EVERY_COOLDOWN, None
    return None, None


def _hidden_now(db: Path) -> str:
    with LogReader(db) as reader:
        hidden = queries.hidden_count(reader.connection)
    return f"hidden now: {counted(hidden, 'cycle')}; `--history --hidden` shows them"


def _full_id(db: Path, text: str) -> str:
    with LogReader(db) as reader:
        queries.check(reader.connection)
        return queries.resolve_prefix(reader.connection, text)


_VIEWS: Final[dict[str, Callable[[Flags, LogReader], int]]] = {
    "active": _active,
    "history": _history,
    "details": _details,
    "declined": _declined,
    "cooldowns": _cooldowns,
    "risk_stats": _risk_stats,
    "health": _health,
}
_ACTIONS: Final = (
    *("cleanup", "panic", "pause", "unpause", "unwind", "release", "reset_risk", "attest"),
    *("clear_cooldown", "clear_all_cooldowns"),
)
