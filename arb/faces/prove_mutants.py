"""`tools/prove.py --mutants`: mistakes put into copies of the engine, and how long each stays hidden."""

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import click

from arb.faces.bar import Bar
from arb.faces.text import table
from arb.simulation.hunt import Caught, hunt
from arb.simulation.mutants import MUTANTS, Mutant


def prove_mutants(mutants: Sequence[Mutant] = MUTANTS, *, jobs: int, as_json: bool) -> int:
    """Hunt every mistake, each in a process of its own; 1 when one was not found by its rule."""
    with ThreadPoolExecutor(jobs) as pool, Bar("mistakes", len(mutants)) as bar:
        found: list[Caught] = []
        for caught in pool.map(hunt, mutants):
            found.append(caught)
            bar.step()
    pairs = list(zip(mutants, found, strict=True))
    missed = sum(not caught.by_its_rule for caught in found)
    if as_json:
        click.echo(
            json.dumps({"mistakes": len(pairs), "missed": missed, "list": [*map(_as_json, pairs)]})
        )
        return 1 if missed else 0
    click.echo(
        f"{len(pairs) - missed} of {len(pairs)} mistakes are found by the rule named for them"
    )
    click.echo("")
    rows = [[one.name, one.rule, _ended(caught)] for one, caught in pairs]
    for line in table(["mistake", "rule", "found"], rows):
        click.echo(line)
    return 1 if missed else 0


def _ended(caught: Caught) -> str:
    if caught.error:
        return f"no: {caught.error}"
    if caught.fair:
        return f"no: it shows without any fault, {caught.fair[0]}"
    return "no" if caught.seed is None else f"by seed {caught.seed}"


def _as_json(pair: tuple[Mutant, Caught]) -> dict[str, object]:
    one, caught = pair
    return {
        "name": one.name,
        "mistake": one.mistake,
        "rule": one.rule,
        "found": caught.by_its_rule,
        "seed": caught.seed,
        "what": caught.what,
        "fair": caught.fair,
        "error": caught.error,
    }
