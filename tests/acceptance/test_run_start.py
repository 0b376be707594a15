"""What `run.py` says before it trades: a check, or why it cannot begin."""

import json
from pathlib import Path

from tests.spec.command_line import files, invoke, paper_strategy


def test_a_cycle_without_markets_is_one_error_and_leaves_no_log(tmp_path: Path) -> None:
    path = paper_strategy(tmp_path)
    path.write_text(path.read_text().replace("[USDT, BTC, ETH]", "[USDT, FOO, ETH]"))
    said = invoke("--strategy", path, "--db", tmp_path / "x.db")
    assert (said.code, said.out) == (3, "")
    assert said.err.splitlines()[-1].startswith("error: no market joins USDT and FOO; markets with")
    assert said.err.endswith("[ARB-401]\n")
    assert list(files(tmp_path)) == ["s.yaml"]


def test_a_run_that_cannot_go_on_with_its_log_has_nothing_to_sum_up(tmp_path: Path) -> None:
    path = paper_strategy(tmp_path)
    assert invoke("--strategy", path, "--db", tmp_path / "x.db", "--cycles", "0").code == 0
    path.write_text(path.read_text().replace("[USDT, BTC, ETH]", "[USDT, FOO, ETH]"))
    said = invoke("--strategy", path, "--db", tmp_path / "x.db")
    assert (said.code, said.out) == (3, "")
    assert "error: no market joins USDT and FOO" in said.err


def test_a_check_says_the_same_as_json(tmp_path: Path) -> None:
    path = paper_strategy(tmp_path)
    words = ("--strategy", path, "--check")
    told = json.loads(invoke(*words, "--json").out)
    said = [line.strip() for line in invoke(*words).out.splitlines()]
    assert (told["strategy"], told["mode"], told["missing"]) == ("demo", "paper", [])
    assert told["lines"] == said[1:]
    assert any(line.startswith("cycle: USDT > BTC > ETH > USDT") for line in told["lines"])
