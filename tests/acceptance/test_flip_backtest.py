"""Keys of a run that a whole command shows: its mode, and what of a recording a backtest plays."""

import json
from collections.abc import Iterable, Mapping
from decimal import Decimal
from pathlib import Path

import pytest

from arb.clock import NS_PER_S
from arb.money import is_multiple
from tests.spec.command_line import Said, invoke
from tests.spec.flipped import written
from tests.spec.scripted_feed import BEGIN_S, Moment, chance, end, feed, of, quiet

BACKTEST = "execution.backtest."
KEYS = {
    "execution.mode": "backtest",
    "min_profit_bps": 0,
    BACKTEST + "data_file": "feed.csv",
    BACKTEST + "initial_balances": "{USDT: 10000, BTC: 1, ETH: 10}",
}
CHANCES_S = (10, 40)
WHOLE = [*quiet(), *(moment for at_s in CHANCES_S for moment in chance(at_s)), *end()]


def run(folder: Path, keys: Mapping[str, object], *, moments: Iterable[Moment] = WHOLE) -> Said:
    """Run a backtest over a recording that the keys name."""
    feed(folder, moments)
    db = folder / f"{len(list(folder.glob('*.db')))}.db"
    path = written(folder, {**KEYS, **keys})
    said = invoke("--strategy", path, "--db", db, "--json")
    assert said.code == 0, said.err
    return said


def opened_s(said: Said) -> list[int]:
    """When cycles were opened, in whole seconds after the first row."""
    return [
        event["at_ns"] // NS_PER_S - BEGIN_S
        for event in said.events
        if event["type"] == "CycleOpened"
    ]


@pytest.mark.parametrize("mode", ["paper", "backtest"])
def test_the_mode_is_that_of_the_log_and_of_the_market(folder: Path, mode: str) -> None:
    feed(folder, WHOLE)
    path = written(folder, {**KEYS, "execution.mode": mode})
    said = invoke("--strategy", path, "--db", "log.db", "--json", "--cycles", "0")
    assert said.code == 0, said.err
    (created,) = of(said, "LogCreated")
    assert created["mode"] == mode
    # A backtest happens when it was recorded, everything else now.
    assert (said.events[0]["at_ns"] // NS_PER_S == BEGIN_S - 1) is (mode == "backtest")


def test_a_live_mode_in_the_file_asks_for_keys(folder: Path) -> None:
    path = written(folder, {"execution.mode": "live", "min_profit_bps": 1})
    said = invoke("--strategy", path, "--cycles", "0")
    assert said.code == 3
    assert "live mode needs keys for binance" in said.err


def test_a_backtest_plays_the_file_that_it_names(folder: Path) -> None:
    feed(folder, [*quiet(), *end()]).rename(folder / "quiet.csv")
    assert set(opened_s(run(folder, {}))) == set(CHANCES_S)
    assert opened_s(run(folder, {BACKTEST + "data_file": "quiet.csv"})) == []


def test_a_backtest_begins_at_its_start_time(folder: Path) -> None:
    # Every market needs a book after that.
    moments = [*WHOLE, *((20 + at_s, book, size) for at_s, book, size in quiet())]
    said = run(folder, {BACKTEST + "start_time": BEGIN_S + 20}, moments=moments)
    assert set(opened_s(said)) == set(CHANCES_S[1:])


def test_a_backtest_ends_before_its_end_time(folder: Path) -> None:
    for end_s, chances in ((CHANCES_S[1], CHANCES_S[:1]), (CHANCES_S[1] + 1, CHANCES_S)):
        said = run(folder, {BACKTEST + "end_time": BEGIN_S + end_s})
        assert set(opened_s(said)) == set(chances)


def test_the_filters_of_a_markets_file_are_those_of_the_venue(folder: Path) -> None:
    coarse = {"tick_size": "0.00001", "step_size": "0.001"}
    markets = dict.fromkeys(("BTC/USDT", "ETH/BTC", "ETH/USDT"), coarse)
    (folder / "markets.json").write_text(json.dumps(markets))
    # What rounds away is lost, so that cycles with such steps do not pay.
    losing = {"min_profit_bps": -900, "risk_controls.stop_after_consecutive_losses": 1000}
    fine, rough = (
        of(run(folder, {**losing, BACKTEST + "markets_file": file}), "OrderIntended")
        for file in (None, "markets.json")
    )
    whole = [
        [is_multiple(Decimal(str(order["amount"])), Decimal("0.001")) for order in orders]
        for orders in (fine, rough)
    ]
    assert not all(whole[0])
    assert rough
    assert all(whole[1])


def test_a_recording_without_sizes_is_traded_up_to_an_assumed_depth(folder: Path) -> None:
    prices = {
        "BTC/USDT": (49_990, 50_000),
        "ETH/BTC": ("0.04999", "0.05"),
        "ETH/USDT": (2510, 2511),
    }
    rows = [
        f"{BEGIN_S + at_s},{market},{bid},{ask},{bid},1"
        for at_s in (0, 5)
        for market, (bid, ask) in prices.items()
    ]
    legacy = folder / "legacy.csv"
    legacy.write_text("\n".join(["timestamp,symbol,bid,ask,last,volume", *rows]) + "\n")
    began: dict[str, list[Decimal]] = {}
    for depth in ("{}", "{USDT: 500, BTC: 0.01}", "{USDT: 250, BTC: 0.005}"):
        keys = {BACKTEST + "data_file": "legacy.csv", BACKTEST + "assumed_depth": depth}
        opened = of(run(folder, keys), "CycleOpened")[:1]
        began[depth] = [Decimal(str(cycle["start_amount"])) for cycle in opened]
    none, (more,), (less,) = began.values()
    assert none == []
    assert 240 < less <= 250
    assert 490 < more <= 500


def test_the_seed_of_a_backtest_makes_its_order_ids(folder: Path) -> None:
    one, again, other = (run(folder, {BACKTEST + "random_seed": seed}) for seed in (1, 1, 2))
    assert one.out == again.out
    ids = [
        {order["client_order_id"] for order in of(said, "OrderIntended")} for said in (one, other)
    ]
    assert ids[0] & ids[1] == set()
