"""`tools/prove.py --matrix`: a death at every step of every order's way, as a table of N of N."""

from contextlib import closing
from typing import Final

import click
import msgspec

from arb.faces.bar import Bar
from arb.faces.text import say, table
from arb.faces.workers import spread
from arb.simulation.matrix import CellResult, cells, run_cell, shares
from arb.simulation.matrix_world import STEPS, Cell

AT_ONCE: Final = 8  # cells that a process is given


def prove_matrix(jobs: int, *, as_json: bool) -> int:
    """Run the whole matrix; 0 when every run held."""
    say("living through every fate once, to see which steps it comes to")
    every = list(cells())
    results: list[CellResult] = []
    with (
        Bar("runs", len(every)) as bar,
        closing(spread(run_cell, every, jobs, at_once=AT_ONCE)) as made,
    ):
        for result in made:
            results.append(result)
            bar.step()
    failed = [one for one in results if one.violations]
    if as_json:
        told = {
            "runs": len(results),
            "held": len(results) - len(failed),
            "shares": shares(results),
            "failed": failed,
        }
        click.echo(msgspec.json.encode(told).decode())
        return 1 if failed else 0
    rows = [[fate, *(str(row[step]) for step in STEPS)] for fate, row in shares(results).items()]
    for line in table(["what becomes of the order", *STEPS], rows):
        click.echo(line)
    for one in failed:
        for violation in one.violations:
            click.echo(f"{_where(one.cell)}: {violation.rule}: {violation.what}")
    click.echo(f"{len(results) - len(failed)} of {len(results)}")
    return 1 if failed else 0


def _where(cell: Cell) -> str:
    return f"order {cell.leg + 1}, {cell.fate.name}, {cell.death.name} {cell.side} {cell.step}"
