"""The commands as a user types them, and both processes struck dead: nothing is lost, nothing is doubled."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import pytest

from arb.simulation.practice_process import Exchange
from arb.simulation.processes import ROOT, Started, environment, start, until
from tests.live.trading import accounted_for, seen

KILLS = int(os.environ.get("ARB_LIVE_KILLS", "40"))
EXCHANGE_KILLS = int(os.environ.get("ARB_LIVE_EXCHANGE_KILLS", "5"))
SEED = 20261128
ORDER_LOOKS = 80  # tenths of a second


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


def struck(folder: Path, exchange: Exchange, rng: Random, *, kill_exchange: bool) -> None:
    """Let an engine trade for a while, then strike it, or the exchange, dead."""
    path = exchange.strategy()
    sent = _sent(exchange)
    engine = start(folder, "run", "--strategy", path, "--db", "log.db", "--cycles", "50")
    try:
        # Most lives die in the middle of trading, some before they began.
        until(engine.out.exists, "the engine")
        if rng.random() < 0.9:
            _wait_for_an_order(engine, exchange, sent)
        engine.pause(rng.uniform(0, 1.5))
        if kill_exchange:
            exchange.kill()
            engine.pause(rng.uniform(0, 1))
            exchange.start()
            engine.pause(rng.uniform(0, 2))
        engine.process.kill()
        engine.process.wait()
    finally:
        engine.end()


def _sent(exchange: Exchange) -> int:
    return exchange.state().creates_seen.total


def _wait_for_an_order(engine: Started, exchange: Exchange, before: int) -> None:
    """Give an engine time to send something; under faults a life may pass without."""
    for _ in range(ORDER_LOOKS):
        if engine.process.poll() is not None or _sent(exchange) > before:
            return
        engine.pause(0.1)


def at_rest(folder: Path, exchange: Exchange, *, least: int) -> dict[str, int]:
    """Recover without faults, and hold the log against the exchange's account."""
    exchange.set_faults("all=0")
    path = exchange.strategy()
    done = start(folder, "run", "--strategy", path, "--db", "log.db", "--cycles", "0").wait(200)
    assert done.code in {0, 1, 4}, done.err
    most = exchange.state().creates_seen.most_per_client_id
    assert most <= 1
    exchange.end()
    ended = seen(folder, done.code)
    accounted_for(ended)
    assert len(ended.truth.orders) >= least, "too little happened"
    return {**ended.states(), "orders": len(ended.truth.orders)}


def test_an_engine_that_is_killed_three_times_loses_nothing(folder: Path) -> None:
    exchange = Exchange(
        folder, "--faults", "reply_dropped=0.05,reply_500_unknown=0.05,order_hidden=0.1"
    )
    try:
        rng = Random(SEED)
        for _ in range(3):
            struck(folder, exchange, rng, kill_exchange=False)
        at_rest(folder, exchange, least=3)
    finally:
        exchange.end()


@pytest.mark.long
def test_real_kills_of_engine_and_exchange_under_faults_lose_nothing(
    folder: Path, record_property: Callable[[str, object], None]
) -> None:
    exchange = Exchange(
        folder, "--faults", "all=0.1", "--balance", "USDT", "1000000", "--balance", "BNB", "1"
    )
    try:
        rng = Random(SEED)
        killed = f"seed {SEED}: {KILLS} kills, {EXCHANGE_KILLS} of the exchange too"
        for number in range(KILLS):
            every = max(KILLS // max(EXCHANGE_KILLS, 1), 1)
            struck(folder, exchange, rng, kill_exchange=number % every == every - 1)
        states = at_rest(folder, exchange, least=KILLS // 2)
        record_property("proof", f"{killed}; cycles: {states}")
    finally:
        exchange.end()
