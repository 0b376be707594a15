"""`tools/prove.py --real`: real processes, real kills, and what the checker says of them."""

import random
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import click
import msgspec

from arb.faces.bar import Bar
from arb.faces.folders import made_empty
from arb.faces.text import say, table
from arb.simulation.real import RealResult, run_real

SEEDS: Final = 1 << 31


def prove_real(
    *, seed: int | None, kills: int, seconds: float, folder: Path | None, as_json: bool
) -> int:
    """Strike, let rest, check, and tell; 0 when nothing was found. What was left stays to be looked at."""
    if seed is None:
        seed = random.SystemRandom().randrange(SEEDS)
    folder = Path(tempfile.mkdtemp(prefix="arb-real-")) if folder is None else made_empty(folder)
    say(f"seed {seed}; everything is in {folder}")
    shown = 0
    with Bar("kills", kills) as bar:

        def tell(what: str, result: RealResult) -> None:
            nonlocal shown
            say(f"{result.kills:>4} kills, {what}")
            while shown < min(result.kills, kills):
                bar.step()
                shown += 1

        result = run_real(folder.resolve(), seed=seed, kills=kills, seconds=seconds, tell=tell)
    if as_json:
        click.echo(msgspec.json.encode(result).decode())
    else:
        for line in _told(result):
            click.echo(line)
    return 1 if result.violations else 0


def _told(result: RealResult) -> Iterator[str]:
    rows = [
        (name, str(times), str(result.blows.get(name, 0)))
        for name, times in sorted(result.tried.items())
    ]
    rows += [(name, "-", f"skipped: {why}") for name, why in result.skipped.items()]
    yield from table(("blow", "tried", "struck"), rows)
    states = ", ".join(f"{n} {state}" for state, n in sorted(result.states.items())) or "none"
    yield (
        f"{result.kills} kills in {result.lives} lives, {result.seconds:.0f} s, "
        f"{result.venue}, faults of the exchange: {result.faults}"
    )
    yield (
        f"orders {result.orders}, fills {result.fills}; cycles: {states}; halts lifted: {result.lifts}"
    )
    for one in result.violations:
        yield f"VIOLATION {one.rule}: {one.what}"
    yield f"violations: {len(result.violations)}"
