"""The line that says how lightning is doing: on a terminal, however narrow it is."""

from decimal import Decimal
from pathlib import Path

import pytest

from arb.execution.runs.assembling import Options
from arb.execution.runs.running import run_engine
from arb.faces.live_line import WIPE, LiveLine, Now, line
from arb.strategy.loader import load

NOW = Now(1234, 4514, 3, 12, Decimal("-30.44"))
STRATEGY = """\
name: lightning
exchange: binance
lightning: {enabled: true, start_currencies: [USDT]}
min_profit_bps: 5
max_slippage_bps: 20
capital_allocation: {mode: fixed_amount, amount: 100}
"""


def test_it_tells_updates_cycles_hits_age_and_the_best_edge() -> None:
    assert line(NOW, 80) == "1,234 updates/s | 4,514 cycles | 3 hits | 12 ms old | best -30.4 bps"
    assert line(NOW._replace(age_ms=None, best_bps=None), 80).endswith("3 hits | - | best -")


@pytest.mark.parametrize("columns", range(1, 90))
def test_it_fits_and_what_matters_most_stays_longest(columns: int) -> None:
    text = line(NOW, columns)
    assert len(text) < columns
    if columns > len("best -30.4 bps"):
        assert text.endswith("best -30.4 bps")


def test_it_follows_a_run_and_is_gone_at_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    path = tmp_path / "s.yaml"
    path.write_text(STRATEGY)
    written: list[str] = []
    with LiveLine(written.append) as live:
        ended = run_engine([load(path)], Options(db=tmp_path / "l.db", duration_s=2), live.follow)
    assert ended.exit_code == 0
    shown = [text for text in written if text != WIPE]
    assert shown
    assert "| 10 cycles |" in shown[-1]
    assert "updates/s" in shown[-1]  # five triangles of the six currencies go through USDT
    assert written[-1] == WIPE


def test_it_tells_how_far_below_the_bar_the_best_is() -> None:
    short = NOW._replace(bar_bps=Decimal(5))
    assert line(short, 100).endswith("best -30.4 bps | 35.4 below the threshold")
    assert line(short, 70).endswith("best -30.4 bps | 35.4 below the threshold")
    paying = NOW._replace(best_bps=Decimal(9), bar_bps=Decimal(5))
    assert "below" not in line(paying, 100)


def test_it_says_first_that_new_cycles_are_paused() -> None:
    paused = NOW._replace(paused=True)
    assert line(paused, 120).startswith("PAUSED, opens nothing new | 1,234 updates/s | ")
    assert line(paused, 30) == "PAUSED, opens nothing new"
    assert line(paused, 50) == "PAUSED, opens nothing new | best -30.4 bps"


def test_a_run_of_one_path_is_told_too_and_nothing_without_a_terminal(tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    path.write_text(
        STRATEGY.replace("lightning: {enabled: true, start", "start").replace("]}", "]")
    )
    written: list[str] = []
    with LiveLine(written.append) as live:
        run_engine([load(path)], Options(db=tmp_path / "l.db", duration_s=1), live.follow)
    assert "best " in "".join(written)
    before = len(written)
    with LiveLine() as unseen:
        run_engine([load(path)], Options(db=tmp_path / "l.db", duration_s=1), unseen.follow)
    assert len(written) == before
