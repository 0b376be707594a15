"""Looking at a log loads little: never the exchange library, and the engine only to act."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faces.commands import ROOT, door

HEAVY = (
    "ccxt",
    "rich",
    "transitions",
    "structlog",
    "yaml",
    "arb.execution.runs.engine",
    "arb.exchange",
)
LOADED = """
import sys
from arb.faces.cli import {name}
try:
    {name}({arguments!r})
except SystemExit:
    pass
print(*sorted(set({heavy!r}) & set(sys.modules)), file=sys.stderr)
"""


@pytest.mark.parametrize(
    ("name", "arguments"),
    [("monitor", []), ("monitor", ["--history"]), ("replay", ["demo-2"]), ("replay", ["--verify"])],
)
def test_looking_at_a_log_loads_nothing_heavy(db: Path, name: str, arguments: list[str]) -> None:
    code = LOADED.format(name=name, arguments=["--db", str(db), *arguments], heavy=HEAVY)
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stdout
    assert done.stderr.splitlines()[-1] == ""


@pytest.mark.parametrize("name", ["monitor", "replay"])
def test_a_door_opens_from_any_folder(db: Path, tmp_path: Path, name: str) -> None:
    result = door(name, "--db", db, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert door(name, "--help", cwd=tmp_path).stdout.startswith(f"Usage: {name}.py")


@pytest.mark.parametrize("name", ["monitor", "replay"])
def test_a_reader_that_goes_away_is_no_error_message(db: Path, name: str) -> None:
    view = ["--history", "1000", "--json"] if name == "monitor" else ["demo-2", "--json"]
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as gone:
        done = subprocess.run(
            [sys.executable, str(ROOT / "tools" / f"{name}.py"), "--db", str(db), *view],
            stdout=gone, stderr=subprocess.PIPE, text=True, check=False, cwd=ROOT,
        )  # fmt: skip
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "Exception" not in done.stderr


def test_watching_ends_with_130_on_an_interrupt(db: Path) -> None:
    with subprocess.Popen(
        [sys.executable, str(ROOT / "tools" / "monitor.py"), "--db", str(db), "--watch"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT,
    ) as watching:  # fmt: skip
        assert watching.stdout is not None
        assert watching.stdout.readline()
        watching.send_signal(signal.SIGINT)
        watching.communicate(timeout=30)
    assert watching.returncode == 130
