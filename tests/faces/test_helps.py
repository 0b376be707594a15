"""Every command takes `-h`, `--help` and `--json`."""

import pytest

from arb.simulation.processes import ROOT
from tests.faces.commands import door

TOOLS = sorted(path.stem for path in (ROOT / "tools").glob("*.py"))


@pytest.mark.parametrize("name", TOOLS)
def test_a_command_helps(name: str) -> None:
    short = door(name, "-h")
    assert (short.returncode, short.stderr) == (0, "")
    assert "--json" in short.stdout
    assert door(name, "--help").stdout == short.stdout
