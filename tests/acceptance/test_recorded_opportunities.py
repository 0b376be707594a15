"""What recorded markets offered, found by a run, against figures that were computed without this engine."""

import csv
import gzip
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from arb.machine.risk import identity_of
from arb.market.book import Book, MarketRules
from arb.market.cycles import count_cycles, directed_cycles
from arb.market.scan import Scan, Watched
from arb.money import ONE
from tests.spec.command_line import Said, invoke
from tests.spec.processes import rows
from tests.spec.shared_data import shared_data

FEE = Decimal("0.001")
STRATEGY = """\
name: found
exchange: {exchange}
min_profit_bps: {bar}
max_slippage_bps: 50
capital_allocation: {{mode: fixed_fraction, fraction: 0.1}}
fees: {{taker_bps: {fee}, maker_bps: {fee}}}
execution:
  mode: backtest
  backtest:
    initial_balances: {{USDT: 10000, BTC: 1, ETH: 10, USDC: 10000, TRX: 100000}}
    {depth}
"""
ASSUMED = "assumed_depth: {USDT: 5000, BTC: 0.1, USDC: 5000, TRX: 50000, ETH: 2}"


def backtest(
    folder: Path, feed: Path, *, fee: int, depth: str = "", bar: str = "0", db: str = "log.db"
) -> Said:
    """Run the strategy that trades every triangle of a recording."""
    path = folder / "found.yaml"
    path.write_text(
        STRATEGY.format(exchange=feed.name.split("_")[0], fee=fee, depth=depth, bar=bar)
    )
    said = invoke(
        *("--strategy", path, "--data-file", feed, "--db", folder / db, "--json"),
    )
    assert said.code == 0, said.err
    return said


def counted(said: Said) -> tuple[int, int, int]:
    seen: dict[str, Any] = said.summary["opportunities"]
    return seen["paths"], seen["episodes"], seen["states"]


@pytest.mark.parametrize(("fee", "expected"), [(0, (1, 1, 3)), (10, (0, 0, 0))])
def test_geminis_recording(tmp_path: Path, fee: int, expected: tuple[int, int, int]) -> None:
    said = backtest(tmp_path, shared_data("legacy_feed", "gemini_20210417.csv.gz"), fee=fee)
    assert counted(said) == expected


@pytest.mark.parametrize(("fee", "expected"), [(0, (37, 104)), (10, (7, 11))])
def test_poloniexs_recording(tmp_path: Path, fee: int, expected: tuple[int, int]) -> None:
    said = backtest(tmp_path, shared_data("legacy_feed", "poloniex_all_20210405.csv.gz"), fee=fee)
    assert counted(said)[:2] == expected
    # The recording has no sizes, so nothing can be traded, and that is what is told.
    assert said.summary["opportunities"]["taken"] == 0
    assert said.summary["opportunities"]["declined"].keys() == {"no_depth"}


@pytest.fixture(scope="module")
def traded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Said]:
    folder = tmp_path_factory.mktemp("poloniex")
    feed = shared_data("legacy_feed", "poloniex_all_20210405.csv.gz")
    return folder, backtest(folder, feed, fee=10, depth=ASSUMED)


def test_with_an_assumed_depth_cycles_run_and_are_counted_as_before(
    traded: tuple[Path, Said],
) -> None:
    _, said = traded
    assert counted(said)[:2] == (7, 11)
    assert said.summary["outcomes"].get("completed", 0) > 0
    assert said.summary["unresolved"] == 0


def test_what_is_realised_is_what_was_expected_of_the_last_order(
    traded: tuple[Path, Said],
) -> None:
    """And what was expected at the beginning, where nothing moved since."""
    folder, said = traded
    planned: dict[str, Decimal] = {}
    expected: dict[str, Decimal] = {}
    completed, moved = 0, 0
    for event in said.events:
        data = event["data"]
        if event["type"] == "CycleValidated":
            planned[event["stream"]] = Decimal(data["expected"])
        if event["type"] == "OrderIntended":
            expected[event["stream"]] = Decimal(data["expected"])
        if event["type"] == "CycleCompleted":
            used = spent_first(said, event["stream"])
            assert Decimal(data["pnl"]) == expected[event["stream"]] - used
            completed += 1
            moved += expected[event["stream"]] != planned[event["stream"]]
    assert completed == said.summary["outcomes"]["completed"]
    assert moved < completed / 2
    assert rows(folder / "log.db", "SELECT count(*) FROM cycles")[0][0] >= completed


def test_no_order_trades_for_nothing_and_no_crumb_keeps_a_cycle_from_its_end(
    tmp_path: Path,
) -> None:
    """Without smallest notionals 0.00000001 BTC bought TRX for nothing until the orders were used up."""
    feed = shared_data("legacy_feed", "poloniex_all_20210405.csv.gz")
    depth = f"latency_sim_ms: 10\n    {ASSUMED}"
    said = backtest(tmp_path, feed, fee=2, depth=depth)
    intended = [event["data"] for event in said.events if event["type"] == "OrderIntended"]
    assert len(intended) > 100
    unit = Decimal("1E-8")  # what costs are booked in
    assert min(Decimal(one["amount"]) * Decimal(one["best"]) for one in intended) >= unit
    assert said.summary["outcomes"]["completed"] > 50
    assert said.summary["parked"] == {}


def spent_first(said: Said, stream: str) -> Decimal:
    """What the first leg's fills took of the start currency."""
    spent = Decimal(0)
    start = ""
    for event in said.events:
        if event["stream"] != stream:
            continue
        data = event["data"]
        if event["type"] == "CycleOpened":
            start = data["start_asset"]
        if event["type"] == "OrderFilled":
            if data["side"] == "buy" and data["quote"] == start:
                spent += Decimal(data["cost"])
            if data["side"] == "sell" and data["base"] == start:
                spent += Decimal(data["amount"])
    return spent


def test_the_same_file_and_seed_give_the_same_bytes(
    traded: tuple[Path, Said], tmp_path: Path
) -> None:
    feed = shared_data("legacy_feed", "poloniex_all_20210405.csv.gz")
    again = backtest(tmp_path, feed, fee=10, depth=ASSUMED)
    assert again.out == traded[1].out


def test_kucoins_snapshot_pays_thirteen_times_before_fees_and_never_after() -> None:
    books: list[Book] = []
    markets: dict[str, MarketRules] = {}
    with gzip.open(shared_data("snapshots", "kucoin_bbo_20220228T201745.csv.gz"), "rt") as file:
        for row in csv.DictReader(file):
            name = f"{row['base']}/{row['quote']}"
            unit = Decimal("1E-8")
            markets[name] = MarketRules(
                market=name, base=row["base"], quote=row["quote"], tick_size=unit, step_size=unit,
                amount_min=unit, amount_max=Decimal(10**9), notional_min=Decimal(0),
            )  # fmt: skip
            bid, ask = Decimal(row["bid"]), Decimal(row["ask"])
            books.append(
                Book(
                    name, ((bid, Decimal(row["bid_size"])),), ((ask, Decimal(row["ask_size"])),), 1
                )
            )
    assert count_cycles(markets, 3) == 295
    triangles = [legs for legs in directed_cycles(markets, 3) if len(legs) == 3]
    for keep, above in ((ONE, 13), (ONE - FEE, 0)):
        scan = Scan()
        numbers = scan.watch_all(Watched(legs, keep**3, Decimal(0)) for legs in triangles)
        for one in books:
            scan.take(one)
        # Two markets join USDC and USDT: the published figures count currencies, by the better one.
        edges: dict[str, Decimal] = {}
        for number in numbers:
            path = identity_of([leg.spend_asset for leg in scan.cycles[number].legs])
            edge = scan.edge_bps(number)
            assert edge is not None
            edges[path] = max(edge, edges.get(path, edge))
        assert len(edges) == 590
        paying = {path: edge for path, edge in edges.items() if edge > 0}
        assert len(paying) == above
        if above:
            best = max(paying, key=lambda path: paying[path])
            assert paying[best].quantize(Decimal("0.1")) == Decimal("13.1")
            assert set(best.split(">")) == {"ETH", "LABS", "USDT"}


def test_net_positive_episodes_are_the_published_ones(tmp_path: Path) -> None:
    """Each of the seven cycles that paid after 10 bps a leg, by name."""
    feed = shared_data("legacy_feed", "poloniex_all_20210405.csv.gz")
    said = backtest(tmp_path, feed, fee=10, depth=ASSUMED)
    opened = {
        frozenset(leg["spend_asset"] for leg in event["data"]["legs"])
        for event in said.events
        if event["type"] == "CycleOpened"
    }
    published = [
        "ETC ETH USDT", "BTC ETC ETH", "BRG USDT TRX", "BTC USDT LPT", "TRX WIN USDT",
        "BTC TRX FUND", "ETC ETH USDC",
    ]  # fmt: skip
    assert opened <= {frozenset(name.split()) for name in published}
    assert len(opened) >= 5
