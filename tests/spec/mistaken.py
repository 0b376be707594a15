"""Run tests against a copy of the project with a mistake in it."""

import os
import subprocess
import sys
from pathlib import Path
from shutil import copytree, ignore_patterns
from typing import Final

from arb.simulation.mutants import Mutant, apply
from tests.spec.cases import Case
from tests.spec.pages import ROOT

TIMEOUT_S: Final = 300
FAILED: Final = 1  # pytest's exit code where tests ran and some failed


def project(mistake: Mutant, folder: Path) -> Path:
    """Copy what tests need into a folder, the package with the mistake."""
    apply(mistake, folder)
    for name in ("tests", "tools", "strategies"):
        copytree(ROOT / name, folder / name, ignore=ignore_patterns("__pycache__"))
    (folder / "pyproject.toml").write_bytes((ROOT / "pyproject.toml").read_bytes())
    return folder


def ends(case: Case, root: Path) -> int:
    """Run a case's tests in such a copy, until one fails; the exit code of pytest."""
    file, _, name = case.tests.partition("::")
    environment = {key: value for key, value in os.environ.items() if "PYTEST" not in key}
    said = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:xdist", "-m", "not long"),
            *("-c", str(root / "pyproject.toml"), "--rootdir", str(root)),
            # A place of its own: sessions that share one tidy up after each other, and may trip over it.
            f"--basetemp={root / 'inner'}",
            *(str(root / "tests" / file), "-k", name),
        ],
        cwd=root,
        env={**environment, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    if said.returncode not in {0, FAILED} or "error" in said.stdout.rsplit("\n", 2)[-2]:
        raise AssertionError(said.stdout[-2_000:] + said.stderr[-2_000:])
    return said.returncode
