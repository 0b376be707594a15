"""`tools/prove.py --real`: real processes, real kills, and what the checker says of them."""

import random
import sys
import tempfile
from pathlib import Path
from typing import Final, Self

import click
import msgspec

from arb.faces.text import say, table
from arb.simulation.real import RealResult, run_real

KILLS_DEFAULT: Final = 40
SECONDS_DEFAULT: Final = 300.0
SEEDS: Final = 1 << 31


def prove_real(
    *,
    seed: int | None,
    kills: int | None,
    seconds: float | None,
    folder: Path | None,
    as_json: bool,
) -> int:
    """Strike, let rest, check, and tell; 0 when nothing was found. What was wrong stays to be looked at."""
    if seed is None:
        seed = random.SystemRandom().randrange(SEEDS)
    if folder is None:
        folder = Path(tempfile.mkdtemp(prefix="arb-real-"))
    say(f"seed {seed}; everything is in {folder}")
    with _Bar(kills or KILLS_DEFAULT) as bar:
        result = run_real(
            folder.resolve(),
            seed=seed,
            kills=kills or KILLS_DEFAULT,
            seconds=seconds or SECONDS_DEFAULT,
            tell=bar.show,
        )
    click.echo(msgspec.json.encode(result).decode() if as_json else _told(result))
    return 1 if result.violations else 0


def _told(result: RealResult) -> str:
    rows = [(name, str(times)) for name, times in sorted(result.blows.items())]
    rows += [(name, f"skipped: {why}") for name, why in result.skipped.items()]
    states = ", ".join(f"{n} {state}" for state, n in sorted(result.states.items())) or "none"
    lines = [
        *table(("blow", "struck"), rows),
        (
            f"{result.kills} kills in {result.lives} lives, {result.seconds:.0f} s, "
            f"faults of the exchange: {result.faults}"
        ),
        f"orders {result.orders}, fills {result.fills}; cycles: {states}; halts lifted: {result.halts}",
        *(f"VIOLATION {one.rule}: {one.what}" for one in result.violations),
        f"violations: {len(result.violations)}",
    ]
    return "\n".join(lines)


class _Bar:
    """A bar over the kills, on a terminal alone."""

    def __init__(self, kills: int) -> None:
        self._bar = None
        if sys.stderr.isatty():
            from rich.console import Console  # noqa: PLC0415 -- only where there is a terminal
            from rich.progress import BarColumn, Progress, TextColumn  # noqa: PLC0415

            self._bar = Progress(
                TextColumn("{task.completed:.0f} of {task.total:.0f} kills"),
                BarColumn(),
                TextColumn("{task.description}"),
                console=Console(stderr=True),
                transient=True,
            )
            self._task = self._bar.add_task("", total=kills)

    def __enter__(self) -> Self:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def show(self, what: str, result: RealResult) -> None:
        """Say what comes next."""
        if self._bar is not None:
            self._bar.update(self._task, completed=result.kills, description=what)
