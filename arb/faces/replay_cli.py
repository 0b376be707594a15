"""`tools/replay.py`: what the log says, event by event, and whether it is whole."""

import sys
from collections.abc import Iterator
from pathlib import Path

import click

from arb.errors import LogDamaged
from arb.events.sqlite import LogReader
from arb.faces import cycle_json, cycle_text, exits
from arb.faces.cycle_json import JsonValue
from arb.faces.difference import changes
from arb.faces.monitor_cli import DB_DEFAULT
from arb.faces.story import event_json, story_lines
from arb.faces.text import counted, say, when
from arb.faces.tool import EXIT_CODES, tool
from arb.projections import queries, tables
from arb.projections.replay import find_cycle, fold_cycle, steps


class Flags:
    """The command line, as click read it."""

    cycle: str | None
    at: int | None
    diff: tuple[int, int] | None
    verify: bool
    rebuild: bool
    retrace: Path | None
    accept_head: bool
    reason: str | None
    db: Path
    as_json: bool

    def __init__(self, **values: object) -> None:
        for name, value in values.items():
            setattr(self, name, value)


@tool(epilog=EXIT_CODES)
@click.argument("cycle", required=False)
@click.option(
    "--at", type=click.IntRange(1), metavar="VERSION", help="The cycle as it was at a version."
)
@click.option(
    "--diff",
    nargs=2,
    type=click.IntRange(1),
    default=None,
    metavar="A B",
    help="What changed in the cycle between two versions.",
)
@click.option(
    "--verify",
    is_flag=True,
    help="Check chain, versions, witness, moves, conservation and every table; changes nothing.",
)
@click.option(
    "--rebuild",
    is_flag=True,
    help="Rebuild the tables from the events; the events stay as they are.",
)
@click.option(
    "--retrace",
    type=click.Path(path_type=Path),
    metavar="RECORDING",
    help="Make every decision of a run that `run.py --record` recorded again, and compare it with the log.",
)
@click.option(
    "--accept-head",
    is_flag=True,
    help="Go on with a log that its witness disagrees with, after restoring a backup (with --reason).",
)
@click.option("--reason", metavar="TEXT", help="Why the head is accepted; recorded.")
@click.option(
    "--db", type=click.Path(path_type=Path), default=DB_DEFAULT, show_default=True, help="The log."
)
@click.option("--json", "as_json", is_flag=True, help="Data as JSON; a cycle's events one a line.")
def replay(**values: object) -> None:
    """Replay the log: its summary, or the story of one CYCLE (a unique prefix of its id is enough)."""
    flags = Flags(**values)
    sys.exit(exits.ending(lambda: _replay(flags)))


def _replay(flags: Flags) -> int:
    names = ("verify", "rebuild", "retrace", "accept_head")
    whole = [name for name in names if getattr(flags, name)]
    if len(whole) > 1 or (whole and flags.cycle is not None):
        raise click.UsageError(
            "--verify, --rebuild, --retrace, --accept-head and CYCLE: one at a time"
        )
    if flags.cycle is None and (flags.at is not None or flags.diff is not None):
        raise click.UsageError("--at and --diff need a CYCLE")
    if flags.at is not None and flags.diff is not None:
        raise click.UsageError("--at and --diff: one at a time")
    if flags.reason is not None and not flags.accept_head:
        raise click.UsageError("--reason goes with --accept-head")
    if flags.verify:
        return _verify(flags)
    if flags.rebuild:
        return _rebuild(flags)
    if flags.retrace is not None:
        return _retrace(flags, flags.retrace)
    if flags.accept_head:
        return _accept_head(flags)
    with LogReader(flags.db) as reader:
        if flags.cycle is None:
            return _summary(flags, reader)
        cycle_id = find_cycle(reader, flags.cycle)
        if flags.at is not None:
            return _at(flags, reader, cycle_id, flags.at)
        if flags.diff is not None:
            return _diff(flags, reader, cycle_id, flags.diff)
        return _story(flags, reader, cycle_id)


def _echo_json(value: JsonValue) -> None:
    click.echo(cycle_json.line(value))


# --- one cycle


def _story(flags: Flags, reader: LogReader, cycle_id: str) -> int:
    if flags.as_json:
        for step in steps(reader, cycle_id):
            _echo_json(event_json(step.event, step.cycle.state))
    else:
        for line in story_lines(reader, steps(reader, cycle_id)):
            click.echo(line)
    return 0


def _at(flags: Flags, reader: LogReader, cycle_id: str, version: int) -> int:
    cycle = fold_cycle(reader, cycle_id, version)
    if flags.as_json:
        _echo_json(cycle_json.cycle_json(cycle))
    else:
        for line in cycle_text.details_lines(
            cycle_json.as_view(cycle), cycle_json.order_rows(cycle)
        ):
            click.echo(line)
    return 0


def _diff(flags: Flags, reader: LogReader, cycle_id: str, versions: tuple[int, int]) -> int:
    one, other = (fold_cycle(reader, cycle_id, version) for version in versions)
    found = changes(one, other)
    if flags.as_json:
        rows: list[JsonValue] = [
            {"what": change.what, "was": change.was, "now": change.now} for change in found
        ]
        _echo_json({"id": cycle_id, "from": versions[0], "to": versions[1], "changes": rows})
        return 0
    for change in found:
        if change.was is None:
            click.echo(f"+ {change.what}: {change.now}")
        elif change.now is None:
            click.echo(f"- {change.what}: {change.was}")
        else:
            click.echo(f"  {change.what}: {change.was} -> {change.now}")
    if not found:
        click.echo("nothing changed")
    return 0


# --- the whole log


def _summary(flags: Flags, reader: LogReader) -> int:
    summary = dict(_facts_of(reader))
    if flags.as_json:
        _echo_json(summary)
        return 0
    for name, value in summary.items():
        text = str(value)
        if isinstance(value, dict):
            text = ", ".join(f"{count} {what}" for what, count in value.items()) or "none"
        click.echo(f"{name:<8} {text}")
    say("a cycle's story: tools/replay.py CYCLE; the ids: tools/monitor.py --history")
    return 0


def _facts_of(reader: LogReader) -> Iterator[tuple[str, JsonValue]]:
    identity, head = reader.identity(), reader.head()
    if identity is not None:
        yield "log", f"{identity.mode} on {identity.venue}, account {identity.account}"
        yield "instance", identity.instance
    yield "events", head.position
    yield "hash", head.hash.hex()
    first = next(iter(reader.read(0, 1)), None)
    last = next(iter(reader.read(head.position - 1, 1)), None) if head.position else None
    if first is not None and last is not None:
        yield "began", when(first.at_ns)
        yield "last", when(last.at_ns)
    reason = tables.stale(reader.connection)
    if reason is not None:
        say(f"{reason}; `tools/replay.py --rebuild` writes the tables anew")
        return
    counted: dict[str, dict[str, JsonValue]] = {"cycles": {}, "orders": {}, "trades": {}}
    for (name, what), count in queries.counts(reader.connection).items():
        counted[name][what] = count
    yield from counted.items()


def _verify(flags: Flags) -> int:
    from arb.projections.audit import verify  # noqa: PLC0415 -- only here

    findings = verify(flags.db)
    if flags.as_json:
        rows: list[JsonValue] = [
            {"position": one.position, "column": one.column, "text": one.text} for one in findings
        ]
        _echo_json({"ok": not findings, "findings": rows})
    else:
        for one in findings:
            click.echo(one.text)
        click.echo("verify: ok" if not findings else f"verify: {counted(len(findings), 'finding')}")
    return LogDamaged.exit_code if findings else 0


def _rebuild(flags: Flags) -> int:
    from arb.projections.rebuilding import rebuild  # noqa: PLC0415 -- only here

    events = rebuild(flags.db)
    if flags.as_json:
        _echo_json({"ok": True, "events": events})
    else:
        click.echo(f"the tables were written anew from {counted(events, 'event')}")
    return 0


def _retrace(flags: Flags, path: Path) -> int:
    from arb.execution.analysis.retracing import retrace_file  # noqa: PLC0415 -- only here
    from arb.faces.log_lines import configure_log  # noqa: PLC0415 -- the engine talks
    from arb.faces.retraced_text import retraced_json, retraced_lines  # noqa: PLC0415 -- the same

    configure_log("WARNING")
    with LogReader(flags.db) as reader:
        retraced = retrace_file(reader.read(), path)
    if flags.as_json:
        _echo_json(retraced_json(retraced))
    else:
        for line in retraced_lines(retraced):
            click.echo(line)
    return 0 if retraced.ok else 1


def _accept_head(flags: Flags) -> int:
    if not flags.reason:
        raise click.UsageError("--accept-head needs --reason TEXT")
    import secrets  # noqa: PLC0415 -- only here, as the writing side of the log is

    from arb.events.sqlite import accept_head  # noqa: PLC0415
    from arb.execution.process.real_clock import RealClock  # noqa: PLC0415
    from arb.ids import INSTANCE_MAX, instance_from  # noqa: PLC0415
    from arb.projections.projector import Projections  # noqa: PLC0415

    instance = instance_from(secrets.randbelow(INSTANCE_MAX + 1))
    accepted = accept_head(
        flags.db,
        reason=flags.reason,
        instance=instance,
        at_ns=RealClock().now_ns(),
        projector=Projections(),
    )
    if flags.as_json:
        _echo_json({"ok": True, "position": accepted.last, "instance": instance})
    else:
        click.echo(f"accepted at position {accepted.last}; new orders carry instance {instance}")
    return 0
