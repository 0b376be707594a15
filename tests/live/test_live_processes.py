"""The commands as a user types them, against the practice exchange as a process of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from arb.events import facts as f
from arb.simulation.practice_process import Exchange
from arb.simulation.processes import ROOT, start, until
from tests.live.trading import accounted_for, seen


@pytest.fixture
def exchange(folder: Path) -> Iterator[Exchange]:
    """A practice exchange with fees in BNB while they last."""
    running = Exchange(folder, "--balance", "USDT", "10000", "--balance", "BNB", "0.003")
    yield running
    running.end()


def example(folder: Path, exchange: Exchange, name: str) -> Path:
    """Copy an example strategy, set to this exchange."""
    text = (ROOT / "strategies" / name).read_text()
    path = folder / name
    path.write_text(
        text.replace("127.0.0.1:8443", f"127.0.0.1:{exchange.port}").replace(
            ".practice/ca.pem", "practice/ca.pem"
        )
    )
    return path


@pytest.mark.long
def test_twenty_cycles_of_the_example_end_with_the_ledger_equal_to_the_balances(
    folder: Path, exchange: Exchange
) -> None:
    path = example(folder, exchange, "practice_binance.yaml")
    run = start(folder, "run", "--strategy", path, "--cycles", "20", "--db", "log.db")
    done = run.wait(timeout_s=120)
    assert done.code == 0, done.err
    assert f"LIVE on binance at 127.0.0.1:{exchange.port}" in done.err
    assert exchange.state().creates_seen.most_per_client_id == 1
    secrets = (folder / "practice" / "keys.env").read_text().split()
    for secret in (line.partition("=")[2] for line in secrets):
        assert secret not in done.out + done.err
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


def test_the_lightning_example_trades_a_market_that_is_pushed_off_its_price(
    folder: Path, exchange: Exchange
) -> None:
    path = example(folder, exchange, "lightning_practice.yaml")
    run = start(folder, "run", "--strategy", path, "--cycles", "2", "--db", "log.db")

    def ended() -> bool:
        """Push one market off whenever it stands right again, until the cycles asked for are over."""
        exchange.act("dislocate", market="ETH/BTC", amount="80", ms=1000)
        run.pause(1.2)
        return run.process.poll() is not None

    try:
        until(ended, "two cycles through a market that is pushed off")
        done = run.wait()
    finally:
        run.end()
    assert done.code == 0, done.err
    exchange.end()
    result = seen(folder, 0)
    accounted_for(result)
    assert result.states().get("completed", 0) >= 1
    opened = result.of(f.CycleOpened)
    assert any("ETH/BTC" in {leg.market for leg in one.legs} for one in opened)
    assert any(one.pnl > 0 for one in result.of(f.CycleCompleted))
