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


def run(
    folder: Path, stderr: int, words: tuple[str, ...] = WORDS, columns: int = 60
) -> subprocess.Popen[bytes]:
    log = ("--db", str(folder / "log.db"))
    with (folder / "out").open("wb") as out:
        return subprocess.Popen(
            [sys.executable, "tools/run.py", *words, *log],
            cwd=ROOT,
            env=environment(folder, TERM="xterm", COLUMNS=str(columns)),
            stdout=out,
            stderr=stderr,
        )


def read(ours: int) -> bytes:
    """Everything that the terminal was told."""
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
    return shown


def test_a_narrow_terminal_sees_how_lightning_is_doing(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    lightning = ("--strategy", "strategies/lightning_paper.yaml", "--duration", "3")
    started = run(tmp_path, theirs, lightning, columns=40)
    os.close(theirs)
    shown = read(ours).decode()
    assert started.wait(timeout=60) == 0
    lines = [one for one in shown.split("\r\x1b[2K") if "best " in one]
    assert lines
    for line in lines:
        text, _, _ = line.partition("\r")
        assert "\x1b" not in text
        assert len(text) < 40
        assert text.startswith(tuple("0123456789"))
        assert "hits | " in text


def test_a_terminal_sees_a_bar_and_the_data_on_stdout_is_the_same(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    started = run(tmp_path / "a", theirs)
    os.close(theirs)
    shown = read(ours)
    assert started.wait(timeout=60) == 0
    _, said = run(tmp_path / "b", subprocess.PIPE).communicate(timeout=60)
    assert " s " in shown.decode(), "of the recording"
    assert "1 of 1 runs" in shown.decode() or "0 of 1 runs" in shown.decode()
    assert "\x1b[" in shown.decode(), "a bar moves"
    data = (tmp_path / "a" / "out").read_bytes()
    assert data == (tmp_path / "b" / "out").read_bytes() != b""
    assert "\x1b[" not in said.decode(), "no bar where nobody looks"
