"""The tests that flip a key fail where the key is ignored: otherwise they would prove nothing."""

import os
import sys
from pathlib import Path
from subprocess import run
from typing import Final

import pytest

from tests.strategy.flip_table import FLIPS

ROOT: Final = Path(__file__).parents[2]
SOME_TESTS_FAILED: Final = 1
PATIENCE_S: Final = 120

pytestmark = pytest.mark.long


@pytest.mark.parametrize("path", FLIPS)
def test_a_key_that_is_ignored_is_noticed(path: str, tmp_path: Path) -> None:
    pytest_s = [sys.executable, "-m", "pytest", "-q", "-x", f"--basetemp={tmp_path / 'inner'}"]
    done = run(
        [*pytest_s, "-p", "tests.spec.ignoring", *FLIPS[path]],
        cwd=ROOT,
        env={**os.environ, "ARB_IGNORED_KEY": path, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == SOME_TESTS_FAILED, done.stdout + done.stderr
