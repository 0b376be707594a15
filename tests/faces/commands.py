"""Calling the commands: in this process, and as the doors that users open."""

import os
import subprocess
import sys
from pathlib import Path

from click import Command
from click.testing import CliRunner, Result

ROOT = Path(__file__).parents[2]


def call(command: Command, *arguments: str | Path) -> Result:
    return CliRunner().invoke(command, [str(one) for one in arguments], catch_exceptions=False)


def door(
    name: str, *arguments: str | Path, cwd: Path = ROOT, **environment: str
) -> "subprocess.CompletedProcess[str]":
    """Run `tools/NAME.py` in a process of its own, with its output in pipes."""
    return subprocess.run(
        [sys.executable, str(ROOT / "tools" / f"{name}.py"), *map(str, arguments)],
        capture_output=True, text=True, check=False, cwd=cwd, timeout=60,
        env={**os.environ, **environment},
    )  # fmt: skip
