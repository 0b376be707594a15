"""`tools/bench.py`: the budgets, measured on this machine in one run."""

import platform
import sys
import tempfile
from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path

import apsw
import click
from msgspec import structs

from arb.bench import (
    backtesting,
    doors,
    feeding,
    group,
    memory,
    moves,
    reacting,
    replaying,
    scanning,
    sizing,
    starting,
    streaming,
    trading,
)
from arb.bench.disk import AppendFile, OneRow
from arb.bench.lines import (
    HEADING,
    NS_PER_US,
    Line,
    Setting,
    as_json,
    as_text,
    middle,
    now_ns,
    number,
)
from arb.faces import exits
from arb.faces.folders import writable
from arb.faces.tool import tool

ROWS: dict[str, tuple[str, Callable[[Setting], list[Line]]]] = {
    "1": ("durable move, us; floor: append + fsync; baseline: one-row FULL commit", moves.measure),
    "2": ("group commit; baseline: one commit each", group.measure),
    "3": (
        "full replay, best of 5; floor: rows only read; baseline: `eventsourcing`",
        replaying.measure,
    ),
    "4": ("start with open cycles; floor: rows only read; baseline: legacy", starting.measure),
    "5": ("memory of a live cycle with three settled legs", memory.measure),
    "7": ("start-up of tools; floor: bare Python", doors.measure),
    "8": (
        "size of a three-leg cycle, best of 25, its books of 20 levels new; kept: one is; baseline: 50 quotes",
        sizing.measure,
    ),
    "9": (
        "reading a recorded feed, best of 5, rows/s; floor: lines split; baseline: csv, json",
        feeding.measure,
    ),
    "10": (
        "a backtest of 243 markets and 115 triangles, execution on; best of 3",
        backtesting.measure,
    ),
    "11": ("ready with 2,000 markets", backtesting.measure_start),
    "12": (
        "an order's way out of a live run, and what the client takes; floor: one row as often; crowd: 20 open at once",
        trading.measure,
    ),
    "13": ("a live run ready with 2,000 markets", trading.measure_ready),
    "14": (
        "an update to all cycles above, of 1,807 markets, best of 5; baseline: all multiplied out; read: rates",
        scanning.measure,
    ),
    "15": (
        "a stream's message to the cycles it moves, best of 5; baselines: json, ccxt, and aiohttp's socket",
        streaming.measure,
    ),
    "16": (
        "from a message on the socket to a cycle's first order on the socket",
        reacting.measure,
    ),
}
_PROBE_SAMPLES = 200
_PROBE_BYTES = 400


@tool()
@click.argument("rows", nargs=-1, metavar="[ROW]...")
@click.option("--json", "json_lines", is_flag=True, help="One line of JSON a result.")
@click.option("--quick", is_flag=True, help="Smaller logs and fewer repeats.")
@click.option(
    "--folder",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    default=Path(),
    help="Measure on this folder's disk [default: the working directory].",
)
@click.option("--scale", type=click.FloatRange(0, min_open=True), default=1.0, hidden=True)
def bench(
    rows: tuple[str, ...],
    json_lines: bool,  # noqa: FBT001 -- a flag of the command line
    quick: bool,  # noqa: FBT001 -- the same
    folder: Path,
    scale: float,
) -> None:
    """Measure rows 1 to 5 and 7 to 16 of the budgets, or the given ones.

    Where the same work is done several times, baseline included, its best time counts, as with
    `timeit`: what else a machine does can only add to it. What waits for a disk or another process
    is a median. Nothing fails for being slow: exit 0 says that it was measured.
    """
    setting = Setting(folder=folder, quick=quick, scale=scale)
    sys.exit(exits.ending(lambda: _measured(rows, setting, json_lines=json_lines)))


def _measured(rows: Sequence[str], asked: Setting, *, json_lines: bool) -> int:
    unknown = [row for row in rows if row not in ROWS]
    if unknown:
        raise click.UsageError(f"there is no row {', '.join(unknown)}; rows are {', '.join(ROWS)}")
    folder = writable(asked.folder)
    if not json_lines:
        click.echo(_machine(folder))
        click.echo(HEADING)
    chosen = [row for row in ROWS if row in rows or not rows]
    for row in chosen:
        with tempfile.TemporaryDirectory(prefix="bench-", dir=folder) as made:
            setting = structs.replace(asked, folder=Path(made).resolve())
            for line in ROWS[row][1](setting):
                click.echo(as_json(line) if json_lines else as_text(line))
                sys.stdout.flush()
    if not json_lines:
        for row in chosen:
            click.echo(f"{row}: {ROWS[row][0]}")
    return 0


def _machine(folder: Path) -> str:
    """What was measured on, with the disk's floor and how fast a core is just now."""
    with tempfile.TemporaryDirectory(prefix="bench-", dir=folder) as made:
        file = AppendFile(Path(made) / "floor.bin", _PROBE_BYTES)
        raw = OneRow(Path(made) / "floor.db", _PROBE_BYTES)
        appends, commits = [], []
        for _ in range(_PROBE_SAMPLES):
            appends.append(file.time_us())
            commits.append(raw.time_us())
        file.close()
        raw.close()
    return (
        f"python {platform.python_version()}, sqlite {apsw.sqlite_lib_version()},"
        f" {platform.machine()}; sha256 of {_PROBE_BYTES} B {number(_hash_us())} us\n"
        f"disk: append + fsync {number(middle(appends))} us,"
        f" one-row FULL commit {number(middle(commits))} us\n"
    )


def _hash_us() -> float:
    data = bytes(_PROBE_BYTES)
    samples = []
    for _ in range(_PROBE_SAMPLES):
        began = now_ns()
        for _ in range(_PROBE_SAMPLES):
            sha256(data).digest()
        samples.append((now_ns() - began) / NS_PER_US / _PROBE_SAMPLES)
    return middle(samples)
