"""A recorded run is decided once more: the same comes out, and what was forged is named."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from arb.errors import FeedInvalid, WrongLog
from arb.events import facts as f
from arb.events.envelope import Recorded
from arb.events.sqlite import LogReader
from arb.execution.analysis.retracing import Retraced, retrace, retrace_file
from arb.execution.runs.taping import Looked, Tap
from arb.feeds.book_recording import BookRecording
from arb.feeds.recording import read_recording
from arb.feeds.run_rows import BalancesRow, MomentRow, TermsRow
from arb.market.book import Book
from arb.market.scan import Scan
from arb.simulation.market import book
from arb.simulation.seeds import run_seed
from arb.simulation.world import World as AnyWorld
from arb.simulation.world import loaded
from tests.execution.test_handing_over import shared as shared  # noqa: PLC0414 -- the same fixture
from tests.execution.test_handing_over import trading
from tests.spec.world import World

FROM_FILE = """\
name: demo
exchange: binance
min_profit_bps: -100
max_slippage_bps: 20
capital_allocation: {{mode: fixed_amount, amount: 500}}
trading_pairs_file: {}
"""
LESS = ("ETH/USDT", [("1900", "90")], [("1901", "90")])


def tape(world: AnyWorld, number: int) -> Path:
    return world.folder / f"run{number}.rec.gz"


@pytest.fixture(autouse=True)
def _taped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every life is recorded."""

    def tap(world: AnyWorld, number: int) -> Tap:
        return Tap(tape(world, number), "binance", "generated", world.clock)

    monkeypatch.setattr(AnyWorld, "tap", tap)


def recording(world: AnyWorld, number: int = 1) -> BookRecording:
    read = read_recording(tape(world, number))
    assert isinstance(read, BookRecording)
    return read


@pytest.fixture
def lived(shared: Callable[..., World]) -> World:
    """A life in which two strategies share depth, the balance runs short, and a market stops paying."""
    world = shared(USDT="1500")
    trading(world)
    world.at(2.5, lambda _life: world.show(*LESS))
    assert world.run(cycles=None, duration_s=6) == 0
    world.check()
    return world


def declined(world: World) -> dict[str, int]:
    found: dict[str, int] = {}
    for fact in world.facts(f.OpportunitiesDeclined):
        for reason, count in fact.reasons.items():
            found[reason] = found.get(reason, 0) + count
    return found


def test_every_decision_of_a_recorded_run_comes_out_the_same(lived: World) -> None:
    again = retrace(lived.records(), recording(lived))
    assert again.differences == ()
    assert again.opened == len(lived.facts(f.CycleOpened)) > 1
    assert again.declined == declined(lived) != {}
    assert again.same == again.decisions
    assert again.moments > 2
    assert (again.untold, again.damage) == (0, None)


def test_each_run_of_a_log_has_its_own_recording_also_one_that_was_killed(world: World) -> None:
    world.at(3.4, lambda life: life.strike())
    assert world.run(cycles=None) is None
    assert world.run(cycles=2) == 0
    world.check()
    first, second = (retrace(world.records(), recording(world, one)) for one in (1, 2))
    assert (first.differences, second.differences) == ((), ())
    assert first.damage is not None
    assert second.damage is None
    assert first.opened == first.same > 0
    assert second.opened == second.same > 0


def spoilt(
    lived: World, spoil: Callable[[Any], Any], kind: type
) -> tuple[list[Recorded], BookRecording]:
    """The log with its first fact of a kind changed, or the recording with all such lines; None takes one away."""
    records, told = lived.records(), recording(lived)
    if issubclass(kind, f.Fact):
        at = next(n for n, one in enumerate(records) if isinstance(one.fact, kind))
        records[at] = structs.replace(records[at], fact=spoil(records[at].fact))
        return records, told
    for at, (row, one) in reversed(list(enumerate(told.asides))):
        if isinstance(one, kind):
            new = spoil(one)
            told.asides[at : at + 1] = [] if new is None else [(row, new)]
    return records, told


def dearer(terms: TermsRow) -> TermsRow:
    return structs.replace(terms, fees=structs.replace(terms.fees, taker=2 * terms.fees.taker))


def poorer(row: BalancesRow) -> BalancesRow:
    return structs.replace(
        row, amounts={asset: (one / 2, two) for asset, (one, two) in row.amounts.items()}
    )


def larger(fact: f.CycleOpened) -> f.CycleOpened:
    return structs.replace(fact, start_amount=fact.start_amount + 1)


def fewer(fact: f.OpportunitiesDeclined) -> f.OpportunitiesDeclined:
    return structs.replace(fact, reasons={name: count - 1 for name, count in fact.reasons.items()})


@pytest.mark.parametrize(
    ("spoil", "kind", "what"),
    [
        (dearer, TermsRow, "sol-1: edge_bps was "),
        (lambda one: structs.replace(one, cycles_max=1), TermsRow, "now nothing is seen that pays"),
        (poorer, BalancesRow, "sol-1: available was 1500, now it is 750"),
        (lambda _: None, MomentRow, "2 cycles paid, and nothing was decided"),
        (lambda one: structs.replace(one, paused="breaker"), MomentRow, "declined: breaker ("),
        (lambda one: structs.replace(one, banned=True), MomentRow, "declined: banned ("),
        (lambda one: structs.replace(one, space_low=True), MomentRow, "declined: disk_space ("),
        (lambda one: structs.replace(one, closing=1), MomentRow, "declined: halted ("),
        (
            lambda one: structs.replace(one, cooling=(("sol", "BTC>SOL>USDT"),)),
            MomentRow,
            "sol-1: it was opened, now it is declined: cooldown (",
        ),
        (lambda one: structs.replace(one, venue_ns=None), MomentRow, "declined: no_clock ("),
        (lambda one: structs.replace(one, sent=50), MomentRow, "declined: order_rate ("),
        (
            lambda one: structs.replace(one, heard={}),
            MomentRow,
            "SOL/USDT: looked at now, and not then",
        ),
        (larger, f.CycleOpened, "sol-1: start_amount was "),
        (fewer, f.OpportunitiesDeclined, " times, now it is "),
    ],
)
def test_what_is_not_as_it_was_is_named(
    lived: World, spoil: Callable[[Any], Any], kind: type, what: str
) -> None:
    again = retrace(*spoilt(lived, spoil, kind))
    assert any(what in one for one in again.differences), again.differences


def test_a_cycle_that_the_log_does_not_tell_of_is_named(lived: World) -> None:
    records = lived.records()
    (gone,) = {one.stream for one in records if one.stream == "cycle-sol-1"}
    again = retrace([one for one in records if one.stream != gone], recording(lived))
    assert any("it would open USDT > BTC > SOL with" in one for one in again.differences)


class Restless:
    """Books of a market that goes on while it is looked at."""

    def __init__(self) -> None:
        self.looks = 0

    def book(self, market: str) -> Book | None:
        self.looks += 1
        return book(market, [("1", "1")], [("2", "1")], sequence=self.looks)

    def heard_ns(self, _market: str) -> int | None:
        self.looks += 1
        return self.looks


def test_a_book_that_moves_while_it_is_decided_stands_as_it_was_first_looked_at() -> None:
    looked, row = Looked({}), moment()
    looked.books = Restless()
    with looked.at(row):
        first = [(looked.heard_ns("A/B"), looked.book("A/B")) for _ in range(3)]
    assert first == [(1, book("A/B", [("1", "1")], [("2", "1")], sequence=2))] * 3
    assert row.heard == {"A/B": 1}
    assert {market: ahead and ahead[0] for market, ahead in row.ahead.items()} == {"A/B": 2}
    after = looked.book("A/B")
    assert after is not None
    assert after.sequence == 3


def moment() -> MomentRow:
    return MomentRow(
        at_ns=0,
        seen_ns=0,
        venue_ns=None,
        paused=None,
        banned=False,
        revoked=False,
        closing=0,
        cooling=(),
        space_low=False,
        sent=0,
        promised=0,
        waits={},
        heard={},
        ahead={},
    )


def test_what_a_skewed_connection_declined_is_declined_again(shared: Callable[..., World]) -> None:
    world = shared()
    trading(world)
    now = world.now_ns()
    world.stage.silence("SOL/BTC", now - 4 * 10**9, now + 10**11)
    assert world.run(cycles=None, duration_s=0.7) == 0
    again = retrace(world.records(), recording(world))
    assert (again.differences, again.declined["skew"] > 0) == ((), True)


def test_the_rows_of_a_file_of_cycles_are_in_the_recording(world: World, tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("path,fee_bps\nUSDT>BTC>ETH,12\n")
    world.strategies = [loaded(FROM_FILE.format(path))]
    assert world.run(cycles=2) == 0
    world.check()
    again = retrace(world.records(), recording(world))
    assert (again.differences, again.opened) == ((), 2)


def test_a_recording_of_another_log_or_of_no_run_is_refused(lived: World, tmp_path: Path) -> None:
    records, told = spoilt(lived, lambda fact: structs.replace(fact, instance="zzzz"), f.LogCreated)
    with pytest.raises(WrongLog, match="another log"):
        retrace(records, told)
    told.asides.clear()
    with pytest.raises(FeedInvalid, match="does not tell when something was decided"):
        retrace(lived.records(), told)
    plain = tmp_path / "plain.csv"
    plain.write_text("recv_ts,base,quote,bid,bid_size,ask,ask_size\n1,BTC,USDT,1,1,2,1\n")
    with pytest.raises(FeedInvalid, match="no recording of a run"):
        retrace_file(lived.records(), plain)


def stormy(seeds: range) -> tuple[int, int]:
    """Live through some seeds; gives how many lives were retraced, and how many decisions."""
    lives = decisions = 0

    def look(db: Path) -> None:
        nonlocal lives, decisions
        with LogReader(db) as reader:
            records = list(reader.read())
        for path in sorted(db.parent.glob("*.rec.gz")):
            again = _of_a_life(records, path)
            if again is not None:
                assert again.differences == (), f"seed {seed}, {path.name}"
                lives, decisions = lives + 1, decisions + again.decisions

    for seed in seeds:
        assert run_seed(seed, look=look).violations == ()
    return lives, decisions


def _of_a_life(records: list[Recorded], path: Path) -> Retraced | None:
    """None: it died before there was anything in its recording."""
    try:
        return retrace_file(records, path)
    except FeedInvalid:
        return None


def test_in_storms_with_deaths_and_people_every_decision_comes_out_the_same() -> None:
    lives, decisions = stormy(range(100, 108))
    assert lives > 20
    assert decisions > 100


@pytest.mark.long
def test_in_many_storms_every_decision_comes_out_the_same() -> None:
    lives, decisions = stormy(range(600))
    assert lives > 2_000
    assert decisions > 15_000


def test_those_of_a_crowd_that_nobody_looked_at_are_counted_again(
    worlds: Callable[..., World], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("arb.execution.opportunities.detector.Scan", partial(Scan, held_max=4))
    world = worlds()
    lightning = "lightning: {enabled: true, max_hops: 5, top: 1}\n"
    text = FROM_FILE.format("").replace("trading_pairs_file: \n", lightning)
    text = text.replace("fixed_amount, amount: 500", "fixed_fraction, fraction: 0.1")
    world.strategies = [loaded(text.replace("-100", "-1000"))]
    assert world.run(cycles=None, duration_s=3) == 0
    world.check()
    samples = [fact.samples["crowded"] for fact in world.facts(f.OpportunitiesDeclined)]
    assert all("more paid at once than the" in sample for sample in samples)
    again = retrace(world.records(), recording(world))
    assert again.differences == ()
    assert again.same == again.decisions
    assert again.declined == declined(world)
