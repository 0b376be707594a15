"""A terminal sees how far a backtest is; a file or a pipe sees nothing of it."""

import os
import pty
import subprocess
import sys
from pathlib import Path

from arb.simulation.processes import ROOT, environment

# A sweep of what is as configured plays nothing more; the other value does.
SWEEP = ("--sweep", "fees.taker_bps=5,20")
SHORT = ("--end-time", "1618677905")
WORDS = ("--strategy", "strategies/legacy_backtest.yaml", "--json", *SHORT, *SWEEP)


def run(folder: Path, stderr: int) -> subprocess.Popen[bytes]:
    log = ("--db", str(folder / "log.db"))
    with (folder / "out").open("wb") as out:
        return subprocess.Popen(
            [sys.executable, "tools/run.py", *WORDS, *log],
            cwd=ROOT,
            env=environment(folder, TERM="xterm", COLUMNS="60"),
            stdout=out,
            stderr=stderr,
        )


def test_a_terminal_sees_a_bar_and_the_data_on_stdout_is_the_same(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    started = run(tmp_path / "a", theirs)
    os.close(theirs)
    shown = b""
    while True:
        try:
            more = os.read(ours, 65536)
        except OSError:  # the other end is closed
            break
        if not more:
            break
        shown += more
    os.close(ours)
    assert started.wait(timeout=60) == 0
    _, said = run(tmp_path / "b", subprocess.PIPE).communicate(timeout=60)
    assert " s " in shown.decode(), "of the recording"
    assert "1 of 1 runs" in shown.decode() or "0 of 1 runs" in shown.decode()
    assert "\x1b[" in shown.decode(), "a bar moves"
    data = (tmp_path / "a" / "out").read_bytes()
    assert data == (tmp_path / "b" / "out").read_bytes() != b""
    assert "\x1b[" not in said.decode(), "no bar where nobody looks"
