"""What `pip install` puts on the path starts, and is what stands in `tools/`."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.faces.commands import ROOT, door

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
SCRIPTS = sorted(PROJECT["scripts"])
# Strikes in the middle of the imports, as `tests/faces/test_interrupts.py` does with the doors.
STRIKER = """
import os, runpy, signal, sys

class Strike:
    def find_spec(self, name, path=None, target=None):
        if name == "click":
            os.kill(os.getpid(), signal.SIGTERM)
            for _ in range(1000):
                pass

sys.meta_path.insert(0, Strike())
sys.argv = [sys.argv[1], "--help"]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def installed(name: str) -> Path:
    return Path(sys.executable).parent / name


@pytest.mark.parametrize("name", SCRIPTS)
def test_an_installed_command_is_the_tool_of_its_name(name: str, tmp_path: Path) -> None:
    said = subprocess.run(
        [installed(name), "--help"], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    tool = name.removeprefix("arb-")
    assert (said.returncode, said.stderr) == (0, "")
    assert said.stdout.startswith(f"Usage: {name} ")
    *_, told = said.stdout.partition("Options:")
    assert told == door(tool, "--help").stdout.partition("Options:")[2]


@pytest.mark.parametrize("name", SCRIPTS)
def test_an_installed_command_that_is_interrupted_while_it_loads_ends_with_130(name: str) -> None:
    said = subprocess.run(
        [sys.executable, "-c", STRIKER, str(installed(name))],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert (said.returncode, said.stdout, said.stderr) == (130, "", "")


def test_an_installed_run_trades(tmp_path: Path) -> None:
    strategy = ROOT / "strategies" / "demo.yaml"
    said = subprocess.run(
        [installed("arb-run"), "--strategy", strategy, "--cycles", "0", "--db", "x.db"],
        capture_output=True, text=True, check=False, cwd=tmp_path, timeout=60,
        env={**os.environ, "XDG_STATE_HOME": str(tmp_path / "state")},
    )  # fmt: skip
    assert said.returncode == 0, said.stderr
    assert (tmp_path / "x.db").exists()
