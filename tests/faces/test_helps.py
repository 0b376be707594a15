"""Every command takes `-h`, `--help`, `--version` and `--json`, and says how it ends."""

import tomllib

import pytest

from arb.faces.tool import EXIT_CODES
from arb.simulation.processes import ROOT
from tests.faces.commands import door

TOOLS = sorted(path.stem for path in (ROOT / "tools").glob("*.py"))


@pytest.mark.parametrize("name", TOOLS)
def test_a_command_helps(name: str) -> None:
    short = door(name, "-h")
    assert (short.returncode, short.stderr) == (0, "")
    assert "--json" in short.stdout
    assert door(name, "--help").stdout == short.stdout


@pytest.mark.parametrize("name", TOOLS)
def test_a_command_tells_the_version_of_what_is_installed(name: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    said = door(name, "--version")
    told = f"{project['name']} {project['version']}\n"
    assert (said.returncode, said.stdout, said.stderr) == (0, told, "")


@pytest.mark.parametrize("name", ["run", "monitor", "replay", "record", "practice"])
def test_a_command_tells_its_exit_codes_as_the_readme_does(name: str) -> None:
    helped = " ".join(door(name, "--help").stdout.split())
    assert helped.endswith(EXIT_CODES)
    assert EXIT_CODES in " ".join((ROOT / "README.md").read_text().split())
