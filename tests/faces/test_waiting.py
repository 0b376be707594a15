"""A venue that does not answer is told in plain words, once, with what to check."""

from pathlib import Path

import pytest

from arb.execution.runs import live
from arb.faces.standing import waiting_line
from arb.machine.account import Account
from tests.spec.command_line import invoke, paper_strategy


@pytest.mark.parametrize("words", [["--check"], []], ids=["check", "run"])
def test_nobody_listens_where_the_strategy_leads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    monkeypatch.setattr(live.limits, "START_PATIENCE_S", 1.0)
    path = paper_strategy(tmp_path, feed="live")
    text = path.read_text()
    path.write_text(
        text.replace("exchange: binance", 'exchange: {id: binance, connect_to: "127.0.0.1:1"}')
    )
    said = invoke("--strategy", path, "--db", tmp_path / "x.db", *words)
    assert (said.code, said.out) == (1, "")
    lines = said.err.splitlines()
    told = [line for line in lines if line.startswith("waiting for the venue, for up to 1 s: ")]
    assert len(told) == 1, said.err
    place = "127.0.0.1:1, where `connect_to` leads instead of api.binance.com:443"
    assert place in told[0]
    assert "tools/practice.py" in told[0]
    assert sum('"venue.retry"' in line for line in lines) == 1
    assert lines[-1].startswith(f"error: binance: no connection to {place}")
    assert not (tmp_path / "x.db").exists()


def test_the_practice_dialect_without_an_authority_has_no_keys(tmp_path: Path) -> None:
    path = paper_strategy(tmp_path)
    place = 'exchange: {id: binance, connect_to: "127.0.0.1:1", dialect: practice}'
    path.write_text(path.read_text().replace("exchange: binance", place))
    said = invoke("--strategy", path, "--db", tmp_path / "x.db", "--mode", "live")
    assert said.code == 3
    assert "`ca_file`, and the strategy names none" in said.err
    assert "None" not in said.err


def test_a_run_without_an_end_that_is_paused_says_what_ends_the_wait() -> None:
    account = Account(paused="paused by an operator: holiday")
    told = waiting_line(account, Path("x.db"), None)
    assert told == (
        "waiting, until Ctrl-C ends it: this run opens nothing new until "
        "`tools/monitor.py --unpause --db x.db` lifts the pause"
    )
    account.halts["BTC"] = "a difference"  # lifted by the same word, which then needs a reason
    assert "--unpause --reason TEXT --db x.db" in waiting_line(account, Path("x.db"), None)
