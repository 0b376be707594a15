"""`run --report`: what is missing of the recording, or of the comparisons, is told on the page."""

import gzip
import os
import re
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from arb.faces.progress import Progress
from tests.spec.command_line import Said, invoke
from tests.spec.scripted_feed import BTC, SIZE, chance, end, feed, quiet, strategy

CHANCES = [*quiet(), *chance(10), *chance(40), *end()]
LATER = [(200 + at, BTC, SIZE) for at in range(300)]


def test_what_of_the_recording_was_not_played_stands_on_the_page(folder: Path) -> None:
    rows = feed(folder, [*CHANCES, *LATER]).read_bytes()
    cut = folder / "cut.csv.gz"
    cut.write_bytes(gzip.compress(rows.replace(b"49990.00,", b"50001.00,", 1))[:-300])
    said = invoke(
        *("--strategy", strategy(folder), "--data-file", cut, "--db", folder / "log.db"),
        *("--report", folder / "report", "--sweep", "fees.taker_bps=10"),
    )
    assert said.code == 0, said.err
    told = (folder / "report" / "report.md").read_text().replace("\\", "")
    head, _, missing = told.partition("**Not all of the recording was played:**")
    assert head.rstrip().endswith("It ended: end of the data.")
    damage = r"^- feed: cut.csv.gz:\d+: the compressed data ends in the middle"
    assert re.search(damage, missing, re.MULTILINE)
    assert "- rows of the feed left out: 1 crossed" in missing
    assert "- cut.csv.gz:2: " in missing


@pytest.fixture
def cut_off(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Said]:
    """Run a backtest that Ctrl-C strikes when the first of its comparisons was played."""

    def count(_progress: Progress, _what: str, _total: int) -> Callable[[int], None]:
        return lambda _done: os.kill(os.getpid(), signal.SIGINT)

    def run(*flags: object) -> Said:
        monkeypatch.setattr(Progress, "count", count)
        return invoke(
            *("--strategy", strategy(folder), "--data-file", feed(folder, CHANCES)),
            *("--db", folder / "log.db", "--jobs", "1", *flags),
        )

    return run


def test_an_interrupt_of_the_comparisons_leaves_the_report_of_the_backtest(
    folder: Path, cut_off: Callable[..., Said]
) -> None:
    said = cut_off("--report", folder / "report")
    assert said.code == 130
    assert "interrupted: nothing was compared, the curves are missing" in said.err
    assert "report: " in said.err
    text = (folder / "report" / "report.md").read_text()
    assert "**The curves are missing: the backtests for them were interrupted.**" in text
    assert "2 of 2 opportunities taken" in text
    assert len((folder / "report" / "cycles.csv").read_text().splitlines()) == 3
    assert not list((folder / "report").glob("pnl-by-*"))


def test_an_interrupt_of_a_sweep_leaves_the_summary_of_the_backtest(
    cut_off: Callable[..., Said],
) -> None:
    said = cut_off("--json", "--sweep", "fees.taker_bps=5,6,7")
    assert said.code == 130
    assert said.summary["type"] == "summary"
    assert all(line.get("type") != "point" for line in said.events)
