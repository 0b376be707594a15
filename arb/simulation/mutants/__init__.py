"""Mistakes that somebody could make in the engine, each a change of a few lines, and the rule that has to find it."""

from typing import Final

from arb.simulation.mutants.books import BOOKS
from arb.simulation.mutants.money import MONEY
from arb.simulation.mutants.mutant import PACKAGE, Mutant, MutantOutdated, apply, changes
from arb.simulation.mutants.permission import PERMISSION
from arb.simulation.mutants.protocol import PROTOCOL

__all__ = [
    "MUTANTS",
    "PACKAGE",
    "Mutant",
    "MutantOutdated",
    "apply",
    "as_markdown",
    "changes",
]

MUTANTS: Final = (*PROTOCOL, *MONEY, *PERMISSION, *BOOKS)


def as_markdown() -> str:
    """Write the list as a table of the documentation."""
    lines = [
        "| mistake in the engine | found by rule | within seeds |",
        "|---|---|---|",
        *(f"| {one.name}: {one.mistake} | `{one.rule}` | {one.seeds} |" for one in MUTANTS),
    ]
    return "\n".join(lines)
