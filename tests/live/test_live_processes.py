"""The commands as a user types them, against the practice exchange as a process of its own."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from arb.simulation.practice_process import Exchange
from arb.simulation.processes import ROOT, environment, start
from tests.live.trading import accounted_for, seen


@pytest.fixture
def exchange(folder: Path) -> Iterator[Exchange]:
    """A practice exchange with fees in BNB while they last."""
    running = Exchange(folder, "--balance", "USDT", "10000", "--balance", "BNB", "0.003")
    yield running
    running.end()


def test_twenty_cycles_of_the_example_end_with_the_ledger_equal_to_the_balances(
    folder: Path, exchange: Exchange
) -> None:
    example = (ROOT / "strategies" / "practice_binance.yaml").read_text()
    path = folder / "practice_binance.yaml"
    path.write_text(
        example.replace("127.0.0.1:8443", f"127.0.0.1:{exchange.port}").replace(
            ".practice/ca.pem", "practice/ca.pem"
        )
    )
    done = subprocess.run(
        [
            sys.executable,
            str(ROOT / "tools" / "run.py"),
            "--strategy",
            path,
            "--cycles",
            "20",
            "--db",
            "log.db",
        ],
        cwd=folder,
        env=environment(folder),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert f"LIVE on binance at 127.0.0.1:{exchange.port}" in done.stderr
    assert exchange.state().creates_seen.most_per_client_id == 1
    secrets = (folder / "practice" / "keys.env").read_text().split()
    for secret in (line.partition("=")[2] for line in secrets):
        assert secret not in done.stdout + done.stderr
        assert secret.encode() not in (folder / "log.db").read_bytes()
    exchange.end()
    ended = seen(folder, 0)
    accounted_for(ended)
    assert sum(ended.truth.states.values()) >= 20
    assert {fill.fee_asset for fill in ended.truth.fills} >= {"BNB"}


def test_paper_trades_on_the_live_books_of_a_venue_without_any_key(
    folder: Path, exchange: Exchange
) -> None:
    (folder / "practice" / "keys.env").unlink()
    path = exchange.strategy()
    text = path.read_text().replace(
        "{mode: live}", "{mode: paper, paper: {feed: live, latency_sim_ms: 4}}"
    )
    path.write_text(text.replace(", dialect: practice", ""))
    done = start(folder, "run", "--strategy", path, "--db", "paper.db", "--cycles", "3").wait()
    assert done.code == 0, done.err
    assert "feed: live books of binance" in done.err
    assert "3 completed" in done.out or "cycles: " in done.out
    assert exchange.state().orders == []
