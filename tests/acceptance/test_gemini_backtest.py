"""A backtest over a recorded market, computed again from the recording and the printed events alone.

Nothing of the engine is imported for it: a fill must stand in the recorded row, a fee follow from
the fill, and every holding, profit and total from the fills.
"""

import json
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from decimal import ROUND_DOWN, ROUND_UP, Decimal
from pathlib import Path
from typing import Any

import pytest

from arb.simulation.processes import ROOT, Finished, start
from tests.spec.command_line import Said, invoke
from tests.spec.processes import rows
from tests.spec.recording import EXACT, Recording
from tests.spec.shared_data import shared_data

UNIT = Decimal("1E-8")
FEE_RATE = Decimal("0.001")
BPS = Decimal(10_000)
SHORT_S = 6
NAMES = ("gemini_forward", "gemini_reverse")
FORWARD = [("BTC/USD", "buy"), ("ETH/BTC", "buy"), ("ETH/USD", "sell")]
REVERSE = [("ETH/USD", "buy"), ("ETH/BTC", "sell"), ("BTC/USD", "sell")]
ENDS = {"CycleCompleted": "completed", "CycleLiquidated": "liquidated", "CycleParked": "parked"}
EMPTY_ENDS = {
    "CycleMissed": "missed",
    "CycleRefused": "refused",
    "CycleDeclined": "declined",
    "CycleAbandoned": "abandoned",
}
STRATEGIES = [
    word for name in NAMES for word in ("--strategy", str(ROOT / "strategies" / f"{name}.yaml"))
]

Amounts = dict[str, Decimal]


@pytest.fixture(scope="module")
def feed() -> Path:
    return shared_data("streams", "gemini_bbo_20210417.csv.gz")


@pytest.fixture(scope="module")
def recording(feed: Path) -> Recording:
    return Recording(feed)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("gemini")


def flags(feed: Path, db: Path) -> list[str]:
    return ["--mode", "backtest", "--data-file", str(feed), "--db", str(db), "--json"]


@pytest.fixture(scope="module")
def finished(feed: Path, home: Path) -> Finished:
    """Both directions in one run, in a process of its own."""
    return start(home, "run", *STRATEGIES, *flags(feed, home / "log.db")).wait(timeout_s=300)


@pytest.fixture(scope="module")
def told(finished: Finished) -> Said:
    assert finished.code == 0, finished.err
    return Said(finished.code, finished.out, finished.err)


@dataclass
class Traded:
    """One cycle as its fills alone tell it."""

    start: Decimal = Decimal(0)
    holdings: Amounts = field(default_factory=lambda: defaultdict(Decimal))
    fees: Amounts = field(default_factory=lambda: defaultdict(Decimal))
    spent: Amounts = field(default_factory=lambda: defaultdict(Decimal))  # by order
    received: Amounts = field(default_factory=lambda: defaultdict(Decimal))  # by order
    legs: dict[str, int] = field(default_factory=dict)  # order -> leg, of the orders of the path
    end: dict[str, Any] | None = None

    def take(self, fill: dict[str, Any]) -> None:
        amount, cost = Decimal(fill["amount"]), Decimal(fill["cost"])
        fee, order = Decimal(fill["fee"]), fill["client_order_id"]
        buys = fill["side"] == "buy"
        paid, got = (cost, amount) if buys else (amount, cost)
        spent_asset = fill["quote"] if buys else fill["base"]
        got_asset = fill["base"] if buys else fill["quote"]
        self.holdings[spent_asset] -= paid
        self.holdings[got_asset] += got
        self.holdings[fill["fee_asset"]] -= fee
        self.fees[fill["fee_asset"]] += fee
        self.spent[order] += paid
        self.received[order] += got - fee

    def left(self, *targets: str) -> Amounts:
        """What is held beside the given assets."""
        return {
            asset: amount
            for asset, amount in self.holdings.items()
            if amount and asset not in targets
        }


def exact(amounts: dict[str, str]) -> Amounts:
    return {asset: Decimal(amount) for asset, amount in amounts.items()}


def nonzero(amounts: Amounts) -> Amounts:
    return {asset: amount for asset, amount in amounts.items() if amount}


def fills_of(told: Said) -> list[dict[str, Any]]:
    return [event["data"] for event in told.events if event["type"] == "OrderFilled"]


def cycles_of(told: Said) -> dict[str, Traded]:
    """Fold the printed events into cycles, by their fills, checking what each settlement claims."""
    cycles: dict[str, Traded] = {}
    for event in told.events:
        if not event["stream"].startswith("cycle-"):
            continue
        data, cycle = event["data"], cycles.setdefault(event["stream"], Traded())
        match event["type"]:
            case "CycleOpened":
                cycle.start = Decimal(data["start_amount"])
                cycle.holdings[data["start_asset"]] = cycle.start
            case "OrderIntended":
                if data["purpose"] == "leg":
                    cycle.legs[data["client_order_id"]] = data["leg"]
            case "OrderFilled":
                cycle.take(data)
            case "LegSettled":
                own = [order for order, leg in cycle.legs.items() if leg == data["leg"]]
                assert Decimal(data["spent"]) == sum(cycle.spent[order] for order in own)
                assert Decimal(data["received"]) == sum(cycle.received[order] for order in own)
            case "HopSettled":
                order = data["client_order_id"]
                assert Decimal(data["spent"]) == cycle.spent[order]
                assert Decimal(data["received"]) == cycle.received[order]
            case kind if kind in ENDS or kind in EMPTY_ENDS:
                assert cycle.end is None
                cycle.end = {**data, "type": kind}
    return cycles


def test_every_fill_stands_in_the_row_in_force(told: Said, recording: Recording) -> None:
    fills = fills_of(told)
    assert len(fills) > 100
    for fill in fills:
        price, size = recording.in_force(fill["market"], fill["venue_ns"]).offer(fill["side"])
        assert Decimal(fill["price"]) == price
        assert 0 < Decimal(fill["amount"]) <= size


def test_no_row_gives_more_than_its_recorded_size(told: Said, recording: Recording) -> None:
    taken: dict[tuple[int, str], Decimal] = defaultdict(Decimal)
    for fill in fills_of(told):
        row = recording.in_force(fill["market"], fill["venue_ns"])
        taken[row.number, fill["side"]] += Decimal(fill["amount"])
    by_number = {row.number: row for row in recording.rows}
    for (number, side), amount in taken.items():
        assert amount <= by_number[number].offer(side)[1]


def test_every_fill_takes_all_that_the_order_wants_and_the_row_has_left(
    told: Said, recording: Recording
) -> None:
    """In the venue's order: the smaller of what is left of the order and of the recorded size."""
    wanted = {
        event["data"]["client_order_id"]: Decimal(event["data"]["amount"])
        for event in told.events
        if event["type"] == "OrderIntended"
    }
    left: dict[tuple[int, str], Decimal] = {}
    cut = 0
    # Two cycles whose orders meet the venue in one moment may hear of it in another order.
    for fill in sorted(fills_of(told), key=lambda one: int(one["trade_id"].removeprefix("t"))):
        row = recording.in_force(fill["market"], fill["venue_ns"])
        place, order = (row.number, fill["side"]), fill["client_order_id"]
        there = left.setdefault(place, row.offer(fill["side"])[1])
        amount = Decimal(fill["amount"])
        assert amount == min(wanted[order], there)
        cut += amount < wanted[order]
        wanted[order] -= amount
        left[place] -= amount
    assert cut > 0, "no size of this recording was ever the bound"


def test_cost_and_fee_follow_from_price_and_amount(told: Said) -> None:
    for fill in fills_of(told):
        amount = Decimal(fill["amount"])
        cost = EXACT.multiply(Decimal(fill["price"]), amount).quantize(UNIT, rounding=ROUND_DOWN)
        assert Decimal(fill["cost"]) == cost
        got_asset, got = (fill["base"], amount) if fill["side"] == "buy" else (fill["quote"], cost)
        assert fill["fee_asset"] == got_asset
        fee = EXACT.multiply(got, FEE_RATE).quantize(UNIT, rounding=ROUND_UP)
        assert Decimal(fill["fee"]) == min(fee, got)


def test_what_each_cycle_ends_with_follows_from_its_fills(told: Said) -> None:
    for stream, cycle in cycles_of(told).items():
        assert cycle.end is not None, f"{stream} is not over"
        end, usd = cycle.end, cycle.holdings["USD"]
        if end["type"] in EMPTY_ENDS:
            assert not cycle.fees
            assert cycle.holdings == {"USD": cycle.start}
            continue
        # The dollars go back to the account; there is no other target currency in this market.
        returned = end["returned"]
        assert (exact(returned) if isinstance(returned, dict) else Decimal(returned)) == (
            {"USD": usd} if isinstance(returned, dict) else usd
        )
        assert Decimal(end["pnl"]) == usd - cycle.start
        assert exact(end["dust"]) == cycle.left("USD")
        assert exact(end["fees"]) == nonzero(cycle.fees)


def test_the_summary_is_the_sum_of_the_cycles(told: Said) -> None:
    cycles = cycles_of(told).values()
    pnl, fees, dust = Decimal(0), defaultdict(Decimal), defaultdict(Decimal)
    for cycle in cycles:
        assert cycle.end is not None
        if cycle.end["type"] in EMPTY_ENDS:
            continue
        pnl += cycle.holdings["USD"] - cycle.start
        for total, part in ((fees, cycle.fees), (dust, cycle.left("USD"))):
            for asset, amount in part.items():
                total[asset] += amount
    outcomes = Counter({**ENDS, **EMPTY_ENDS}[c.end["type"]] for c in cycles if c.end is not None)
    summary = told.summary
    assert exact(summary["pnl"]) == {"USD": pnl}
    assert exact(summary["fees"]) == nonzero(fees)
    assert exact(summary["dust"]) == nonzero(dust)
    assert summary["outcomes"] == outcomes
    completed = outcomes["completed"]
    assert summary["cycles"] == {"completed": completed, "failed": len(cycles) - completed}
    assert (summary["parked"], summary["unresolved"], summary["external_changes"]) == ({}, 0, {})
    assert summary["opportunities"]["taken"] == len(cycles)


def test_the_ledger_is_the_sum_of_the_fills(told: Said, home: Path) -> None:
    ledger: Amounts = defaultdict(Decimal)
    for asset, amount in rows(home / "log.db", "SELECT asset, amount FROM ledger"):
        ledger[asset] += Decimal(amount)
    changed: Amounts = defaultdict(Decimal)
    for cycle in cycles_of(told).values():
        changed["USD"] -= cycle.start
        for asset, amount in cycle.holdings.items():
            changed[asset] += amount
    assert nonzero(ledger) == nonzero(changed)
    kept = exact(told.summary["dust"])
    assert nonzero(ledger) == nonzero({**kept, "USD": Decimal(told.summary["pnl"]["USD"])})


def test_both_directions_trade_and_some_cycles_complete(told: Said) -> None:
    ends = {
        (stream.removeprefix("cycle-").rsplit("-", 1)[0], cycle.end["type"])
        for stream, cycle in cycles_of(told).items()
        if cycle.end is not None
    }
    assert {(name, "CycleCompleted") for name in NAMES} <= ends
    assert told.summary["opportunities"]["paths"] == 2


def test_no_order_takes_more_than_its_limit_allows(told: Said) -> None:
    intents = {
        event["data"]["client_order_id"]: event["data"]
        for event in told.events
        if event["type"] == "OrderIntended"
    }
    filled: Amounts = defaultdict(Decimal)
    for fill in fills_of(told):
        intent = intents[fill["client_order_id"]]
        worse = Decimal(fill["price"]) - Decimal(intent["limit"])
        assert worse <= 0 if fill["side"] == "buy" else worse >= 0
        filled[fill["client_order_id"]] += Decimal(fill["amount"])
    assert all(total <= Decimal(intents[order]["amount"]) for order, total in filled.items())


def test_the_same_file_and_seed_give_the_same_bytes(
    finished: Finished, feed: Path, home: Path
) -> None:
    again = home / "again"
    again.mkdir()
    second = start(again, "run", *STRATEGIES, *flags(feed, again / "log.db")).wait(timeout_s=300)
    assert second.out == finished.out
    query = "SELECT position, stream, version, type, shape, at_ns, data, meta, hash FROM events"
    assert rows(again / "log.db", query) == rows(home / "log.db", query)
    last = rows(home / "log.db", "SELECT lower(hex(hash)) FROM events ORDER BY position DESC")[0][0]
    assert json.loads(finished.out.splitlines()[-1])["last_hash"] == last


def test_another_seed_changes_ids_and_nothing_else(
    feed: Path, recording: Recording, folder: Path
) -> None:
    end = ["--end-time", str(recording.rows[0].at_ns // 10**9 + SHORT_S)]
    runs = [
        invoke(*STRATEGIES, *flags(feed, folder / f"{seed}.db"), *end, "--random-seed", seed)
        for seed in ("42", "7")
    ]
    assert runs[0].summary["opportunities"]["taken"] > 0
    assert runs[0].out != runs[1].out
    assert without_ids(runs[0]) == without_ids(runs[1])


def without_ids(told: Said) -> list[object]:
    """Events and summary, with each order's id replaced by its place, and no hash."""
    places: dict[str, str] = {}
    shown: list[object] = [{**told.summary, "last_hash": ""}]
    for event in told.events:
        data = dict(event["data"])
        for key in {"instance", "config", "text"} & set(data):
            del data[key]
        for key in {"client_order_id", "subject"} & set(data):
            data[key] = places.setdefault(data[key], str(len(places)))
        shown.append({**event, "data": data, "hash": ""})
    return shown


# --- what the market offered


def strategies_at(folder: Path, *, fee_bps: str) -> list[str]:
    """Both directions at a threshold of 0."""
    words = []
    for name in NAMES:
        text = (ROOT / "strategies" / f"{name}.yaml").read_text()
        text = text.replace("min_profit_bps: -200", "min_profit_bps: 0")
        text = text.replace("_bps: 10\n", f"_bps: {fee_bps}\n")
        path = folder / f"{name}.yaml"
        path.write_text(text)
        words += ["--strategy", str(path)]
    return words


def test_the_recording_paid_three_times_before_fees(recording: Recording) -> None:
    """The published figures of this recording: 338 states, 3 of them above 0, at best +0.16 bps."""
    edges = {
        name: [(rate - 1) * BPS for rate in recording.rates(legs)]
        for name, legs in (("forward", FORWARD), ("reverse", REVERSE))
    }
    assert {len(each) for each in edges.values()} == {338}
    above = [edge for each in edges.values() for edge in each if edge > 0]
    assert len(above) == 3
    assert max(above).quantize(Decimal("0.01")) == Decimal("0.16")


def test_without_fees_the_detector_finds_exactly_those(feed: Path, folder: Path) -> None:
    strategies = strategies_at(folder, fee_bps="0")
    seen = invoke(*strategies, *flags(feed, folder / "log.db")).summary["opportunities"]
    assert (seen["paths"], seen["states"]) == (1, 3)


def test_after_fees_the_recording_never_paid(feed: Path, folder: Path) -> None:
    strategies = strategies_at(folder, fee_bps="10")
    said = invoke(*strategies, *flags(feed, folder / "log.db"))
    seen = said.summary["opportunities"]
    assert (seen["paths"], seen["episodes"], seen["states"], seen["taken"]) == (0, 0, 0, 0)
    assert said.summary["cycles"] == {}
