"""A recording that says the same more often holds no more money: depth that was taken does not come back."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from arb.simulation.processes import ROOT
from tests.spec.command_line import invoke

EXAMPLES = ROOT / "strategies"
PATIENT = """
name: patient
exchange: gemini
cycle: [USD, BTC, ETH]
min_profit_bps: 5
max_slippage_bps: 20
capital_allocation: {mode: fixed_amount, amount: AMOUNT}
fees: {taker_bps: 10, maker_bps: 10}
execution:
  mode: backtest
  backtest: {initial_balances: {USD: 10000}}
"""


def played(strategy: Path, feed: Path, db: Path) -> tuple[dict[str, Any], list[tuple[Any, ...]]]:
    """Play a feed: the summary, and every trade in its order."""
    said = invoke("--strategy", strategy, "--data-file", feed, "--db", db, "--json")
    assert said.code in {0, 1}, said
    lines = [json.loads(line) for line in said.out.splitlines()]
    trades = [
        tuple(line["data"][key] for key in ("market", "side", "price", "amount", "fee"))
        for line in lines
        if line["type"] == "OrderFilled"
    ]
    return lines[-1], trades


def outcome(played_: tuple[dict[str, Any], list[tuple[Any, ...]]]) -> list[object]:
    summary, trades = played_
    keys = ("cycles", "outcomes", "pnl", "net", "fees", "dust", "slippage_bps")
    seen = dict(summary["opportunities"])
    del seen["states"]  # one a row
    return [*(summary[key] for key in keys), seen, trades]


@pytest.mark.parametrize(
    ("strategy", "feed"),
    [
        ("legacy_backtest.yaml", "sample_legacy_feed.csv"),
        ("gemini_forward.yaml", "sample_feed.csv"),
    ],
)
def test_rows_that_are_told_three_times_change_nothing(
    strategy: str, feed: str, folder: Path
) -> None:
    header, *rows = (EXAMPLES / feed).read_text().splitlines(keepends=True)
    threefold = folder / "threefold.csv"
    threefold.write_text("".join([header, *(row for row in rows for _ in range(3))]))
    once = played(EXAMPLES / strategy, EXAMPLES / feed, folder / "once.db")
    assert once[1]
    assert outcome(played(EXAMPLES / strategy, threefold, folder / "thrice.db")) == outcome(once)


def flickering(path: Path, rounds: int) -> Path:
    """One opportunity that stands, 0.02 BTC of it, while the other sides of its books flicker."""
    rows = ["recv_ts,base,quote,bid,bid_size,ask,ask_size"]
    for n in range(rounds):
        at_s = 1_618_677_900 + n / 5
        rows += [
            f"{at_s:.1f},BTC,USD,59999,{1 + n % 2},60000,0.02000000",
            f"{at_s:.1f},ETH,BTC,0.0399,{1 + n % 2},0.0400,1.0000",
            f"{at_s:.1f},ETH,USD,2420,1.0000,2421,{1 + n % 2}",
        ]
    path.write_text("\n".join([*rows, ""]))
    return path


@pytest.mark.parametrize("amount", [1_500, 500])
def test_of_what_stands_no_more_is_taken_however_the_other_sides_flicker(
    amount: int, folder: Path
) -> None:
    strategy = folder / "patient.yaml"
    strategy.write_text(PATIENT.replace("AMOUNT", str(amount)))
    seen = []
    for rounds in (20, 100):
        feed = flickering(folder / f"{rounds}.csv", rounds)
        summary, trades = played(strategy, feed, folder / f"{rounds}.db")
        bought = sum(Decimal(one[3]) for one in trades if one[:2] == ("BTC/USD", "buy"))
        assert Decimal("0.0199") < bought <= Decimal("0.02")
        assert summary["opportunities"]["episodes"] == 1
        seen.append((summary["cycles"], summary["pnl"], trades))
    assert seen[0] == seen[1]
