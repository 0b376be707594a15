"""`tools/prove.py`: the engine's promises, tried in as many simulated worlds as one likes."""

import json
import os
import random
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

import click
from msgspec import structs

from arb.faces import exits
from arb.faces.bar import Bar
from arb.faces.folders import made_empty
from arb.faces.log_lines import configure_log
from arb.faces.seed_story import Line, events, story
from arb.faces.text import say, table
from arb.faces.tool import tool
from arb.faces.workers import spread
from arb.simulation.seeds import SeedResult, run_seed
from arb.simulation.sights import OUTCOMES
from arb.simulation.tally import FLOORS, Tally

SEEDS_DEFAULT: Final = 200
KILLS: Final = 40
SECONDS: Final = 300.0
FRESH_BELOW: Final = 2**40  # where seeds that nobody chose come from
FAILED_SHOWN_MAX: Final = 20
AT_ONCE_MAX: Final = 20  # seeds that a process is given
_CPU_S_MIN: Final = 0.001
_NAMES: Final = {
    name: "--from" if name == "first" else f"--{name}"
    for name in (
        *("mutants", "real", "matrix", "seed", "fresh", "seeds"),
        *("first", "kills", "seconds", "folder", "jobs"),
    )
}
# Each proof and the flags that it heeds; where several are named, the first one is what is meant.
_HEEDS: Final = {
    "mutants": {"jobs"},
    "real": {"seed", "kills", "seconds", "folder"},
    "matrix": {"jobs"},
    "seed": {"folder"},
    "fresh": {"jobs"},
    "seeds": {"first", "jobs"},
}


class Flags:
    """The command line, as click read it; None and False where nothing was said."""

    seeds: int | None
    first: int | None
    fresh: int | None
    seed: int | None
    mutants: bool
    real: bool
    matrix: bool
    kills: int | None
    seconds: float | None
    folder: Path | None
    jobs: int | None
    as_json: bool

    def __init__(self, **values: object) -> None:
        for name, value in values.items():
            setattr(self, name, value)


@tool()
@click.option("--seeds", type=click.IntRange(1), help=f"How many seeds to run. [{SEEDS_DEFAULT}]")
@click.option("--from", "first", type=click.IntRange(0), help="The first seed. [0]")
@click.option("--fresh", type=click.IntRange(1), help="Run this many random seeds.")
@click.option("--seed", type=click.IntRange(0), help="Run one seed and tell its story.")
@click.option(
    "--mutants",
    is_flag=True,
    help="Put known mistakes into copies of the engine, and check that each is found.",
)
@click.option(
    "--real",
    is_flag=True,
    help="Strike real processes: kill -9 of engine and exchange, stops, full disks, wrong clocks.",
)
@click.option(
    "--matrix", is_flag=True, help="Die at every step of every order's way, one run each."
)
@click.option("--kills", type=click.IntRange(1), help=f"Of --real: end after so many. [{KILLS}]")
@click.option(
    "--seconds",
    type=click.FloatRange(0, min_open=True),
    help=f"Of --real: strike for no longer than this. [{SECONDS}]",
)
@click.option(
    "--folder", type=click.Path(path_type=Path), help="Keep the log of --seed or --real here."
)
@click.option("--jobs", type=click.IntRange(1), help="Processes at once. [cores]")
@click.option("--json", "as_json", is_flag=True, help="One line of JSON instead of a table.")
def prove(**flags: object) -> None:
    """Kill the engine in simulated worlds, and check what it left.

    A seed decides everything: market, faults, people, deaths, and the order of every step. The exit
    code is 0 when every promise was kept, 1 when one was not; a seed that failed tells its story
    with --seed.
    """
    sys.exit(exits.ending(lambda: _prove(Flags(**flags))))


def _prove(flags: Flags) -> int:
    way = _way(flags)
    configure_log("WARNING")
    jobs = flags.jobs or os.cpu_count() or 1
    match way:
        case "mutants":
            from arb.faces.prove_mutants import prove_mutants  # noqa: PLC0415 -- few want it

            return prove_mutants(jobs=jobs, as_json=flags.as_json)
        case "real":
            from arb.faces.prove_real import prove_real  # noqa: PLC0415 -- it loads much of its own

            return prove_real(
                seed=flags.seed,
                kills=flags.kills or KILLS,
                seconds=flags.seconds or SECONDS,
                folder=flags.folder,
                as_json=flags.as_json,
            )
        case "matrix":
            from arb.faces.prove_matrix import prove_matrix  # noqa: PLC0415 -- the same

            return prove_matrix(jobs, as_json=flags.as_json)
    if flags.seed is not None:
        return _one(flags.seed, flags.folder, as_json=flags.as_json)
    first, seeds = flags.first or 0, flags.seeds or SEEDS_DEFAULT
    if flags.fresh is not None:
        first, seeds = random.SystemRandom().randrange(FRESH_BELOW), flags.fresh
        say(f"fresh seeds from {first}")
    return _many(range(first, first + seeds), jobs, as_json=flags.as_json)


def _way(flags: Flags) -> str:
    """Which of the proofs is wanted; raises UsageError for a flag that it would ignore."""
    told = {name: getattr(flags, name) for name in _NAMES}
    given = {name for name, value in told.items() if value is not None and value is not False}
    way = next((way for way in _HEEDS if way in given), "seeds")
    for name in _NAMES:
        if name in given - _HEEDS[way] - {way}:
            other = " or ".join(_NAMES[one] for one in _HEEDS if one == name or name in _HEEDS[one])
            fits = "" if name in _HEEDS else f" goes with {other}"
            if way not in given:
                raise click.UsageError(f"{_NAMES[name]}{fits}")
            raise click.UsageError(
                f"{_NAMES[name]} does not go with {_NAMES[way]}" + (fits and f"; it{fits}")
            )
    return way


def _many(seeds: range, jobs: int, *, as_json: bool) -> int:
    tally = Tally()
    cpu_s = 0.0
    began = time.monotonic()
    at_once = max(1, min(AT_ONCE_MAX, len(seeds) // jobs))
    with (
        Bar("seeds", len(seeds)) as bar,
        closing(spread(_timed, seeds, jobs, at_once=at_once)) as results,
    ):
        for result, took in results:
            tally.add(result)
            if result.violations:  # at once: there may be hours to go
                say(f"seed {result.seed} broke {', '.join(_rules(result))}")
            cpu_s += took
            bar.step()
    took_s = time.monotonic() - began
    missing = list(tally.missing())
    if as_json:
        click.echo(json.dumps(_as_json(tally, seeds, took_s, cpu_s, missing)))
    else:
        for line in _as_text(tally, seeds, took_s, cpu_s, missing):
            click.echo(line)
    return 1 if tally.failed or missing else 0


def _rules(result: SeedResult) -> list[str]:
    return sorted({one.rule for one in result.violations})


def _timed(seed: int) -> tuple[SeedResult, float]:
    """Run a seed; without its story, and with the seconds of processor time that it took."""
    began = time.process_time()
    result = run_seed(seed)
    return structs.replace(result, story=()), time.process_time() - began


def _as_text(
    tally: Tally, seeds: range, took_s: float, cpu_s: float, missing: list[str]
) -> Iterator[str]:
    kept = tally.seeds - len(tally.failed)
    yield f"{kept} of {tally.seeds} seeds kept every promise ({seeds.start} to {seeds.stop - 1})"
    per_core = 60 * tally.crashes / max(cpu_s, _CPU_S_MIN)
    yield (
        f"{tally.lives} engine runs, {tally.crashes} of them killed, in {tally.virtual_s / 3600:.0f}"
        f" hours of their time and {took_s:.0f} s of ours: {per_core:.0f} kills a minute of one core"
    )
    yield ""
    rows = [
        [OUTCOMES[name], f"{tally.share(name):.1f} %", f"{FLOORS[name]} %"] for name in OUTCOMES
    ]
    yield from table(["in the runs", "share", "at least"], rows)
    yield ""
    deaths = {
        name.removeprefix("crash "): n for name, n in tally.counts.items() if "crash " in name
    }
    yield from table(["killed at", "times"], [[name, str(n)] for name, n in sorted(deaths.items())])
    yield ""
    faults = {
        name.removeprefix("fault "): n for name, n in tally.counts.items() if "fault " in name
    }
    yield from table(["fault", "times"], [[name, str(n)] for name, n in sorted(faults.items())])
    for line in missing:
        yield f"too little: {line}"
    for result in tally.failed[:FAILED_SHOWN_MAX]:
        for one in result.violations:
            yield f"seed {result.seed}: {one.rule}: {one.what}"
    if tally.failed:
        yield f"its story: tools/prove.py --seed {tally.failed[0].seed}"


def _as_json(
    tally: Tally, seeds: range, took_s: float, cpu_s: float, missing: list[str]
) -> dict[str, object]:
    return {
        "first": seeds.start,
        "seeds": tally.seeds,
        "kept": tally.seeds - len(tally.failed),
        "runs": tally.lives,
        "killed": tally.crashes,
        "virtual_s": round(tally.virtual_s),
        "took_s": round(took_s, 1),
        "cpu_s": round(cpu_s, 1),
        "shares": {name: round(tally.share(name), 1) for name in OUTCOMES},
        "counts": dict(sorted(tally.counts.items())),
        "missing": missing,
        "failed": [_violations(result) for result in tally.failed],
    }


def _violations(result: SeedResult) -> dict[str, object]:
    told = [{"rule": one.rule, "what": one.what} for one in result.violations]
    return {"seed": result.seed, "violations": told}


def _one(seed: int, folder: Path | None, *, as_json: bool) -> int:
    if folder is not None:
        folder = made_empty(folder)
    lines: list[Line] = []
    result = run_seed(seed, folder=folder, look=lambda db: lines.extend(events(db)))
    if as_json:
        click.echo(json.dumps({**_violations(result), "virtual_s": result.virtual_s}))
        return 1 if result.violations else 0
    for text in story(lines, result.story):
        click.echo(text)
    for one in result.violations:
        click.echo(f"{one.rule}: {one.what}")
    kept = "every promise was kept" if not result.violations else "a promise was broken"
    click.echo(f"seed {seed}: {result.lives} lives, {result.crashes} killed; {kept}")
    return 1 if result.violations else 0
