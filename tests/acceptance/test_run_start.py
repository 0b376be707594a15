"""What `run.py` says before it trades: a check, or why it cannot begin."""

import json
from pathlib import Path

import pytest

from arb.events.sqlite import storage
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


@pytest.mark.parametrize(("kind", "warned"), [("tmpfs", 1), ("ramfs", 1), ("ext4", 0)])
def test_a_live_run_warns_once_of_a_log_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, warned: int
) -> None:
    monkeypatch.delenv("ARB_BINANCE_API_KEY", raising=False)
    mounts = tmp_path / "mounts"
    mounts.write_text(f"1 1 0:1 / / rw - ext4 x rw\n2 1 0:2 / {tmp_path}/there rw - {kind} x rw\n")
    monkeypatch.setattr(storage, "_MOUNTINFO", mounts)
    (tmp_path / "there").mkdir()
    by_link = tmp_path / "linked"
    by_link.symlink_to(tmp_path / "there")
    path = paper_strategy(tmp_path, min_profit="5")
    said = invoke("--strategy", path, "--db", by_link / "x.db", "--mode", "live")
    assert said.code == 3  # it has no keys
    assert said.err.count("a power loss or a reboot loses it") == warned
    assert (f"is on {kind}, which is memory" in said.err) is bool(warned)
    on_paper = invoke("--strategy", path, "--db", by_link / "y.db", "--cycles", "0")
    assert "memory" not in on_paper.err


def test_a_run_without_a_fill_tells_no_slippage(tmp_path: Path) -> None:
    path = paper_strategy(tmp_path)
    words = ("--strategy", path, "--db", tmp_path / "x.db")
    assert "slippage" not in invoke(*words, "--cycles", "0").out
    assert invoke(*words, "--cycles", "0", "--json").summary["slippage_bps"] == "0"
    assert "mean slippage: " in invoke(*words, "--cycles", "1").out
