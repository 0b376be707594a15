"""The demonstration shows what it promises: a strike in the middle of a leg, and the proof."""

import json
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import pytest

from tests.crash.kills import ROOT, audit

SEEDS: Final = 20
AT_ONCE: Final = 2


def show(folder: Path, seed: int, *more: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [
            sys.executable,
            str(ROOT / "tools" / "demo.py"),
            "--seed",
            str(seed),
            "--folder",
            folder,
            *more,
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=180,
        env={**os.environ, "NO_COLOR": "1"},
    )


def check(folder: Path, seed: int) -> None:
    shown = show(folder, seed)
    assert shown.returncode == 0, (seed, shown.stdout, shown.stderr)
    told = shown.stdout
    struck = re.search(r"The log alone says: (\S+) was in leg", told)
    assert struck is not None, told
    assert f"The story of {struck[1]}" in told
    story = told.split("4. The story of", 1)[1].split("5. All cycles", 1)[0]
    assert "next run" in story, story  # the gap is marked
    assert "OrderIntended" in story or "intended" in story
    assert "P/L" in told
    assert "verify: ok" in told
    assert audit(folder / "trade_state.db").clean


def test_the_demonstration_strikes_recovers_and_proves(tmp_path: Path) -> None:
    check(tmp_path / "demo", 42)


def test_a_program_is_told_the_result_in_one_line(tmp_path: Path) -> None:
    shown = show(tmp_path / "demo", 42, "--json")
    assert shown.returncode == 0, shown.stderr
    told = json.loads(shown.stdout)
    assert (told["seed"], told["recovered"], told["verified"]) == (42, True, True)
    assert f"The story of {told['struck']['cycle_id']}" in shown.stderr


@pytest.mark.long
def test_twenty_demonstrations(tmp_path: Path) -> None:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        done = [pool.submit(check, tmp_path / f"demo{seed}", seed) for seed in range(SEEDS)]
        for one in done:
            one.result()
