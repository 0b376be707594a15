"""Wherever people look, a result is what is left after every fee, also after those in another currency."""

import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from click import Command

from arb.faces.cli import monitor, replay
from arb.faces.text import result
from arb.machine.net import Net, net_of
from tests.faces.commands import ROOT, call
from tests.golden.folded import unpack
from tests.spec.command_line import Said, invoke, paper_strategy

D = Decimal


def test_a_fee_beside_the_path_turns_a_profit_into_the_loss_that_it_is() -> None:
    net = net_of(D("0.30"), D("13.48"), {"BNB": D("0.02"), "BTC": D(1)}, ("USDT", "BTC"), {})
    assert net.after == D("-13.18")
    assert result(net, "USDT") == "-13.18 USDT after fees in BNB worth 13.48 USDT"


def test_without_such_fees_there_is_nothing_to_say_of_them() -> None:
    net = net_of(D("0.30"), D(0), {"BTC": D(1), "BNB": D(0)}, ("USDT", "BTC"), {})
    assert result(net, "USDT") == "+0.3 USDT"


def test_fees_that_nothing_values_are_named_and_never_counted_as_none() -> None:
    net = net_of(D("0.30"), None, {"BNB": D(1)}, ("USDT", "BTC"), {})
    assert net.after is None
    assert result(net, "USDT") == "+0.3 USDT before fees in BNB, whose worth is unknown"
    assert (net + Net(D(1))).after is None


def test_what_a_sale_of_more_than_there_was_brought_is_no_profit() -> None:
    """The venue told an order's end too early: what it sold afterwards was the account's own."""
    dust = {"BTC": D("-0.0034"), "ETH": D("0.001")}
    net = net_of(D("197.75"), D(0), {}, ("USDT", "BTC", "ETH"), dust)
    assert net.after is None
    said = "unknown: 0.0034 BTC was sold without having it, for a part of +197.75 USDT"
    assert result(net, "USDT") == said
    assert (net + Net(D(1))).after is None
    assert result(net + Net(D(1)), "USDT").endswith("a part of +198.75 USDT")


def test_results_add_up_with_their_fees() -> None:
    total = Net(D(1), D("0.5"), ("BNB",)) + Net(D(2)) + Net(D(1), D("0.25"), ("OKB",))
    assert result(total, "USDT") == "+3.25 USDT after fees in BNB and OKB worth 0.75 USDT"


def test_a_worth_of_many_digits_is_shown_to_the_eighth() -> None:
    assert result(Net(D(1), D(1) / 3, ("BNB",)), "USDT").startswith(
        "+0.66666667 USDT after fees in BNB worth 0.3333"
    )


# --- commands


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """A log with a cycle that lost 5.81 before fees in BNB, and one without such fees."""
    path = unpack("third-currency", tmp_path)
    assert call(replay, "--rebuild", "--db", path).exit_code == 0
    return path


LOST = "-7.416271 USDT after fees in BNB worth 1.6025 USDT"


def test_history_tells_it_of_each_cycle_and_of_their_sum(kept: Path) -> None:
    shown = call(monitor, "--history", "--db", kept).stdout
    assert LOST in shown
    assert "P/L -6.032307 USDT after fees in BNB worth 1.6025 USDT" in shown


def test_details_and_a_story_tell_it_too(kept: Path) -> None:
    assert LOST in call(monitor, "--details", "demo-1", "--db", kept).stdout
    assert f"P/L {LOST}" in call(replay, "demo-1", "--db", kept).stdout


def test_json_keeps_profit_loss_and_tells_the_net_beside_it(kept: Path) -> None:
    cycles = json.loads(call(monitor, "--history", "--json", "--db", kept).stdout)
    told = {one["id"]: (one["profit_loss"], one["net"]) for one in cycles}
    assert told == {"demo-1": ("-5.813771", "-7.416271"), "demo-2": ("1.383964", "1.383964")}


def run(folder: Path, *more: str) -> Said:
    path = paper_strategy(folder, fee="7.5", fee_currency=", fee_currency: BNB", min_profit="-40")
    said = invoke("--strategy", path, "--cycles", "2", "--db", folder / "log.db", *more)
    assert said.code == 0
    return said


def worth(event: dict[str, Any]) -> Decimal:
    return D(event["data"].get("fee_value", 0))


def test_a_run_sums_its_fees_up_as_its_own_events_value_them(tmp_path: Path) -> None:
    said = run(tmp_path, "--json")
    fees = sum(map(worth, said.events), D(0))
    pnl, net = D(said.summary["pnl"]["USDT"]), D(said.summary["net"]["USDT"])
    assert fees > 0
    assert net == pnl - fees


def test_a_run_tells_the_loss_of_each_cycle_and_of_all(tmp_path: Path) -> None:
    lines = run(tmp_path).out.splitlines()
    told = [line for line in lines if "P/L" in line]
    assert len(told) == 3
    for line in told:
        assert " USDT after " in line
        assert "after fees in BNB worth" in line


def test_no_view_of_a_log_shows_an_exponent(kept: Path) -> None:
    """Rounding left 0.0000009 ETH behind, which is 9E-7 in the log's own bytes."""
    asked: list[tuple[Command, list[str]]] = [
        (monitor, ["--history", "--json"]),
        (monitor, ["--details", "demo-2"]),
        (replay, ["demo-2"]),
        (replay, ["demo-2", "--at", "19", "--json"]),
    ]
    for command, words in asked:
        text = call(command, *words, "--db", kept).stdout
        assert "0.0000009" in text
        assert re.findall(r"\dE[+-]\d", text) == []


def test_no_summary_of_a_run_shows_an_exponent(tmp_path: Path) -> None:
    path = ROOT / "strategies" / "legacy_backtest.yaml"
    said = invoke("--strategy", path, "--cycles", "20", "--db", tmp_path / "l.db", "--json")
    assert said.summary["dust"] == {"BTC": "0.00000020"}
    assert re.findall(r"\dE[+-]\d", said.out.splitlines()[-1]) == []
