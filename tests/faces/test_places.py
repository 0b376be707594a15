"""What cannot be written to: one line says where, what was found, and what to do."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from arb.simulation.processes import ROOT
from tests.spec.command_line import files, invoke, paper_strategy


@pytest.mark.parametrize("beside", ["witness", "paper", "ballast", "lock", "kill"])
def test_a_folder_where_a_file_of_the_log_belongs(tmp_path: Path, beside: str) -> None:
    (tmp_path / f"x.db.{beside}").mkdir()
    said = invoke("--strategy", paper_strategy(tmp_path), "--db", tmp_path / "x.db")
    assert said.code == 3
    assert f"x.db.{beside} is a folder" in said.err.splitlines()[-1]
    assert list(files(tmp_path)) == ["s.yaml"]


def test_a_log_in_a_folder_that_cannot_be_written_to(tmp_path: Path) -> None:
    said = invoke("--strategy", paper_strategy(tmp_path), "--db", "/proc/x.db")
    assert (said.code, said.out) == (3, "")
    assert "--db /proc/x.db: its folder /proc cannot be written to" in said.err.splitlines()[-1]


def tool(folder: Path, redirected: str, *words: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, str(ROOT / "tools" / f"{words[0]}.py"), *words[1:]]
    return subprocess.run(
        ["/bin/sh", "-c", f'exec "$@" {redirected}', "sh", *command],
        cwd=folder, capture_output=True, text=True, check=False, timeout=60,
        env={**os.environ, "XDG_STATE_HOME": str(folder / "state")},
    )  # fmt: skip


RUN = ("run", "--strategy", "s.yaml", "--db", "x.db", "--cycles", "0")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no disk that is always full")
@pytest.mark.parametrize("words", [(*RUN[:3], "--check"), RUN, (*RUN, "--json")])
def test_a_disk_that_is_full_under_what_is_said(tmp_path: Path, words: tuple[str, ...]) -> None:
    paper_strategy(tmp_path)
    done = tool(tmp_path, "> /dev/full", *words)
    assert done.returncode == 1, done.stderr
    last = "error: cannot write to standard output: No space left on device; "
    assert done.stderr.splitlines()[-1].startswith(last)
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("redirected", ["2>&-", ">&-", "<&- >&- 2>&-"])
def test_nobody_listens(tmp_path: Path, redirected: str) -> None:
    """A stream that is closed would be the next file that is opened, such as the log."""
    paper_strategy(tmp_path)
    for words in (RUN, ("monitor", "--db", "x.db"), ("replay", "--verify", "--db", "x.db")):
        done = tool(tmp_path, redirected, *words)
        assert (done.returncode, done.stderr.count("Traceback")) == (0, 0), (words, done.stderr)
    assert done.stdout == ("verify: ok\n" if redirected == "2>&-" else "")
