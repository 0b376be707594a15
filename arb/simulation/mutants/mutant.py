"""A mistake, written as the lines that it changes, and how it gets into a copy of the package."""

from collections.abc import Iterator
from pathlib import Path
from shutil import copytree
from typing import Final

from msgspec import Struct

import arb

PACKAGE: Final = Path(arb.__file__).parent
SEEDS_MAX: Final = (
    100  # within so many seeds a mistake has to be found, if it does not say otherwise
)


class MutantOutdated(Exception):
    """The lines that a mutant changes are not there any more, or not once: write the mutant anew."""


class Mutant(Struct, frozen=True):
    """One mistake.

    `change` is written as people read a patch: a file of the package after `@`, then its lines, in
    front of each a blank where it stays, `-` where it goes and `+` where it comes.
    """

    name: str
    mistake: str  # in a sentence
    rule: str  # of the checker: what has to find it
    change: str
    seeds: int = SEEDS_MAX


class Change(Struct, frozen=True):
    """Lines of one file, and what stands there instead."""

    file: str
    before: str
    after: str


def changes(mutant: Mutant) -> Iterator[Change]:
    """Read a mutant's change."""
    for part in f"\n{mutant.change.strip()}".split("\n@ ")[1:]:
        file, *lines = part.splitlines()
        kept = [(line[:1] or " ", line[1:]) for line in lines]
        yield Change(
            file,
            "".join(f"{text}\n" for mark, text in kept if mark in " -"),
            "".join(f"{text}\n" for mark, text in kept if mark in " +"),
        )


def apply(mutant: Mutant, folder: Path) -> None:
    """Copy the package into a folder, with the mistake in it; raises MutantOutdated."""
    copy = folder / PACKAGE.name
    copytree(PACKAGE, copy)
    for one in changes(mutant):
        path = copy / one.file
        path.write_text(changed(mutant, one, path.read_text(encoding="utf-8")), encoding="utf-8")


def changed(mutant: Mutant, change: Change, text: str) -> str:
    """Change a file's text; raises MutantOutdated."""
    times = f"\n{text}".count(f"\n{change.before}")
    if times != 1:
        raise MutantOutdated(f"{mutant.name}: {change.file} holds {times} times {change.before!r}")
    return f"\n{text}".replace(f"\n{change.before}", f"\n{change.after}")[1:]
