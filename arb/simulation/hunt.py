"""Hunt a mistake: put it into a copy of the package, run it without faults, then by seeds until its rule finds it.

`python -m arb.simulation.hunt RULE SEEDS` is what runs within the copy; it prints a `Caught` as JSON.
"""

import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from arb.simulation.checker import Violation
from arb.simulation.mutants import PACKAGE, Mutant, apply
from arb.simulation.people import WORLD_S
from arb.simulation.scratch import scratch
from arb.simulation.seeds import SeedWorld, check_all, quiet, run_seed

FAIR_SEED: Final = 1
HUNT_S_MAX: Final = 900  # by the clock: what hangs was not found by a rule


class Caught(Struct, frozen=True, kw_only=True):
    """How a hunt ended."""

    package: str  # which copy was run
    fair: tuple[
        str, ...
    ] = ()  # what is wrong without any fault: a mistake that shows there proves nothing
    seed: int | None = None  # that found it
    what: str = ""  # it found
    others: tuple[str, ...] = ()  # rules that found something before
    error: str = ""  # of the process

    @property
    def by_its_rule(self) -> bool:
        """Whether the mistake passed the fair run, and the rule named for it found it then."""
        return not self.fair and not self.error and self.seed is not None


def fair_run() -> list[Violation]:
    """Trade without any fault, over three lives that end in order, and judge that."""
    with quiet(), scratch("fair") as folder:
        world = SeedWorld(folder, FAIR_SEED)
        try:
            world.wait(WORLD_S)  # the moods of its market are over
            world.rest()
            return [*world.violations, *check_all(world.db, world.truth())]
        finally:
            world.close()
            world.disk.close()


def _violations(seed: int) -> Iterable[Violation]:
    try:
        return run_seed(seed).violations
    except Exception as error:  # noqa: BLE001 -- a mistake may end in anything, and that is not its rule
        return (Violation("stopped", repr(error)),)


def hunt_here(rule: str, seeds: int) -> Caught:
    """Hunt in the package that is running."""
    fair = [f"{one.rule}: {one.what}" for one in fair_run()]
    others: set[str] = set()
    if not fair:
        for seed in range(seeds):
            for one in _violations(seed):
                if one.rule == rule:
                    return Caught(
                        package=str(PACKAGE), seed=seed, what=one.what, others=tuple(sorted(others))
                    )
                others.add(one.rule)
    return Caught(package=str(PACKAGE), fair=tuple(fair), others=tuple(sorted(others)))


def hunt(mutant: Mutant) -> Caught:
    """Hunt one mistake in a process of its own."""
    with scratch("mutant") as folder:
        apply(mutant, folder)
        command = [sys.executable, "-m", "arb.simulation.hunt", mutant.rule, str(mutant.seeds)]
        environment = {**os.environ, "PYTHONPATH": str(folder), "PYTHONHASHSEED": "0"}
        try:
            done = subprocess.run(  # noqa: S603 -- ourselves
                command,
                cwd=folder,
                env=environment,
                capture_output=True,
                text=True,
                timeout=HUNT_S_MAX,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return Caught(package=str(folder), error=f"it did not end within {HUNT_S_MAX} s")
        if done.returncode:
            return Caught(package=str(folder), error=done.stderr.strip().rpartition("\n")[2])
        caught = msgspec.json.decode(done.stdout, type=Caught)
        assert Path(caught.package).parent == folder.resolve(), caught.package
        return caught


if __name__ == "__main__":
    sys.stdout.write(msgspec.json.encode(hunt_here(sys.argv[1], int(sys.argv[2]))).decode())
