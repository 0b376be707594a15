"""`tools/prove.py`: the engine's promises, tried in as many simulated worlds as one likes."""

import json
import os
import random
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Final

import click
from msgspec import structs

from arb.faces.bar import Bar
from arb.faces.log_lines import configure_log
from arb.faces.seed_story import Line, events, story
from arb.faces.text import say, table
from arb.simulation.seeds import SeedResult, run_seed
from arb.simulation.sights import OUTCOMES
from arb.simulation.tally import FLOORS, Tally

SEEDS_DEFAULT: Final = 200
KILLS: Final = 40
SECONDS: Final = 300.0
FRESH_BELOW: Final = 2**40  # where seeds that nobody chose come from
FAILED_SHOWN_MAX: Final = 20
_CPU_S_MIN: Final = 0.001


@click.command()
@click.option("--seeds", type=click.IntRange(1), help=f"How many seeds to run. [{SEEDS_DEFAULT}]")
@click.option("--from", "first", type=click.IntRange(0), default=0, help="The first of them. [0]")
@click.option("--fresh", type=click.IntRange(1), help="Run this many seeds that nobody chose.")
@click.option("--seed", type=click.IntRange(0), help="Run one seed and tell its story.")
@click.option(
    "--mutants", is_flag=True, help="Put mistakes into copies of the engine, and find each of them."
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
@click.option(
    "--jobs", type=click.IntRange(1), default=os.cpu_count() or 1, help="Processes at once. [cores]"
)
@click.option("--json", "as_json", is_flag=True, help="One line of JSON instead of a table.")
def prove(
    *,
    seeds: int | None,
    first: int,
    fresh: int | None,
    seed: int | None,
    mutants: bool,
    real: bool,
    matrix: bool,
    kills: int | None,
    seconds: float | None,
    folder: Path | None,
    jobs: int,
    as_json: bool,
) -> None:
    """Kill the engine in simulated worlds, and check what it left.

    A seed decides everything: market, faults, people, deaths, and the order of every step. The exit
    code is 0 when every promise was kept, 1 when one was not; a seed that failed tells its story
    with --seed.
    """
    configure_log("WARNING")
    if mutants:
        from arb.faces.prove_mutants import prove_mutants  # noqa: PLC0415 -- few want it

        sys.exit(prove_mutants(jobs=jobs, as_json=as_json))
    if real:
        from arb.faces.prove_real import prove_real  # noqa: PLC0415 -- it loads much of its own

        sys.exit(
            prove_real(
                seed=seed,
                kills=kills or KILLS,
                seconds=seconds or SECONDS,
                folder=folder,
                as_json=as_json,
            )
        )
    if matrix:
        from arb.faces.prove_matrix import prove_matrix  # noqa: PLC0415 -- the same

        sys.exit(prove_matrix(jobs, as_json=as_json))
    if kills is not None or seconds is not None:
        raise click.UsageError("--kills and --seconds are of --real")
    if seed is not None:
        sys.exit(_one(seed, folder, as_json=as_json))
    if fresh is not None:
        first = random.SystemRandom().randrange(FRESH_BELOW)
        seeds = fresh
        say(f"fresh seeds from {first}")
    sys.exit(_many(range(first, first + (seeds or SEEDS_DEFAULT)), jobs, as_json=as_json))


def _many(seeds: range, jobs: int, *, as_json: bool) -> int:
    tally = Tally()
    cpu_s = 0.0
    began = time.monotonic()
    with Bar("seeds", len(seeds)) as bar:
        for result, took in _results(seeds, jobs):
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


def _results(seeds: range, jobs: int) -> Iterator[tuple[SeedResult, float]]:
    if jobs == 1 or len(seeds) == 1:
        yield from map(_timed, seeds)
        return
    with ProcessPoolExecutor(jobs) as pool:
        yield from pool.map(_timed, seeds, chunksize=max(1, min(20, len(seeds) // jobs)))


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
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise click.UsageError(f"{folder} is not empty")
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
