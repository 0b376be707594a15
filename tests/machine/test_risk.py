"""What counts as a loss, when, and for how long: the fold that limits read."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from arb.clock import NS_PER_DAY, NS_PER_S
from arb.events import facts as f
from arb.machine.account import Account, closed_part, follow, shift_closed
from arb.machine.evolve import evolve
from arb.machine.risk import (
    CONSECUTIVE_LOSSES,
    COOLDOWNS_KEPT,
    DAILY_LOSS,
    DAYS_KEPT,
    EVERY,
    OPENINGS_KEPT,
    RESULTS_KEPT,
    DayTotal,
    Limits,
    Risk,
    identity_of,
    result_of,
    tripped_by,
)
from arb.machine.state import Cycle
from tests.spec.given import D, opened, started, validated

NOON = 20_000 * NS_PER_DAY + NS_PER_DAY // 2
DAY = 20_000
FIVE = Limits(consecutive_losses=5, daily_loss=None)


class Book:
    """An account and its cycles, followed fact by fact as journal and tables do."""

    def __init__(self) -> None:
        self.account = Account()
        self.cycles: dict[int, Cycle] = {}
        self.now = NOON

    @property
    def risk(self) -> Risk:
        return self.account.risk["demo"]

    def tell(self, number: int, *facts: Any) -> None:
        """Append facts about a cycle in one batch."""
        cycle = self.cycles.get(number)
        before = closed_part(cycle)
        for fact in facts:
            cycle = evolve(cycle, fact, self.now)
            follow(self.account, fact, self.now)
        assert cycle is not None
        self.cycles[number] = cycle
        shift_closed(self.account, before, closed_part(cycle))

    def note(self, *facts: f.Fact) -> None:
        for fact in facts:
            follow(self.account, fact, self.now)

    def open(self, number: int) -> None:
        one = replace(opened(), cycle_id=f"demo-{number}", number=number)
        self.tell(number, one, started(), validated())

    def close(self, number: int, pnl: str, fee_value: str | None = "0") -> None:
        """Complete a cycle, opened where it is not yet."""
        if number not in self.cycles:
            self.open(number)
        self.tell(number, completed(pnl, fee_value))

    def reopen(self, number: int) -> None:
        self.tell(number, f.LateFillFound(client_order_id="x", trade_id="t9"))

    def trips(self, number: int, limits: Limits = FIVE, before: Any = None) -> dict[str, str]:
        """What the last close of a cycle would have tripped, had it not been folded yet."""
        result = result_of(self.cycles[number])
        assert result is not None
        return tripped_by(self.account.risk, before, result, limits)


def completed(pnl: str, fee_value: str | None = "0") -> f.CycleCompleted:
    value = None if fee_value is None else D(fee_value)
    return f.CycleCompleted(returned=D(1000) + D(pnl), pnl=D(pnl), dust={}, fees={}, fee_value=value)  # fmt: skip


def parked(pnl: str) -> f.CycleParked:
    return f.CycleParked(reason="no route", parked={"BTC": D("0.02")}, dust={}, returned={},
                         pnl=D(pnl), fees={}, fee_value=D(0))  # fmt: skip


def liquidated(pnl: str) -> f.CycleLiquidated:
    return f.CycleLiquidated(returned={"USDT": D(1000) + D(pnl)}, pnl=D(pnl), value=D(0), dust={},
                             fees={}, fee_value=D(0))  # fmt: skip


@pytest.fixture
def book() -> Book:
    return Book()


# --- what counts


def test_losses_in_a_row_are_counted_and_a_profit_ends_the_row(book: Book) -> None:
    for number, pnl in enumerate(["-1", "-2", "3", "-4", "-5"], 1):
        book.close(number, pnl)
    assert book.risk.streak() == 2
    assert book.risk.day(DAY, "USDT") == DayTotal(DAY, "USDT", D(3), D(12))


def test_no_loss_is_no_loss_and_ends_the_row(book: Book) -> None:
    book.close(1, "-1")
    book.close(2, "0.00")
    assert book.risk.streak() == 0


def test_fees_in_a_third_currency_can_make_a_profit_a_loss(book: Book) -> None:
    book.close(1, "1", fee_value="1.5")
    assert book.risk.results == (("demo-1", True),)
    assert book.risk.day(DAY, "USDT").losses == D("0.5")


@pytest.mark.parametrize(
    "end",
    [
        f.CycleMissed(reason="filled nothing"),
        f.CycleRefused(reason="balance"),
        f.CycleDeclined(reason="no_depth", detail=""),
        f.CycleAbandoned(reason="restart"),
    ],
    ids=lambda fact: type(fact).__name__,
)
def test_a_cycle_that_spent_nothing_is_no_loss_and_does_not_end_a_row(
    book: Book, end: f.CycleFact
) -> None:
    book.close(1, "-1")
    book.tell(2, replace(opened(), cycle_id="demo-2", number=2), started())
    if isinstance(end, f.CycleMissed | f.CycleRefused):
        book.tell(2, validated())
    book.tell(2, end)
    book.close(3, "-1")
    assert book.risk.streak() == 2
    assert [name for name, _ in book.risk.results] == ["demo-1", "demo-3"]


def test_an_open_cycle_counts_nothing(book: Book) -> None:
    book.open(1)
    assert (book.risk.results, book.risk.days) == ((), ())


# --- the last close counts


def test_a_late_fill_takes_the_result_back_and_the_new_close_counts(book: Book) -> None:
    book.close(1, "-10")
    book.reopen(1)
    assert (book.risk.results, book.risk.days) == ((), ())
    book.close(1, "4")
    assert book.risk.results == (("demo-1", False),)
    assert book.risk.day(DAY, "USDT") == DayTotal(DAY, "USDT", D(4), D(0))


def test_a_late_fill_and_its_close_in_one_batch_are_the_same(book: Book) -> None:
    book.close(1, "-10")
    late = f.LateFillFound(client_order_id="x", trade_id="t9")
    book.now += 7
    book.tell(1, late, completed("4"))
    assert book.risk.results == (("demo-1", False),)
    assert book.risk.day(DAY, "USDT") == DayTotal(DAY, "USDT", D(4), D(0))


def test_a_cycle_closed_again_counts_as_the_last_one(book: Book) -> None:
    book.close(1, "5")
    book.close(2, "-1")
    book.reopen(1)
    book.close(1, "-1")
    assert book.risk.results == (("demo-2", True), ("demo-1", True))
    assert book.risk.streak() == 2


def test_a_parked_cycle_counts_what_it_spent_until_it_is_unwound(book: Book) -> None:
    book.open(1)
    book.tell(1, f.RecoveryStarted(reason="r"), parked("-1000"))
    assert book.risk.day(DAY, "USDT").losses == 1000
    book.tell(1, f.UnwindRequested(reason="operator"))
    assert book.risk.days == ()
    unwind = f.UnwindStarted(reason="r", targets=("USDT",), liquidation=None, resume=None)
    book.tell(1, unwind, liquidated("-3"))
    assert book.risk.day(DAY, "USDT").losses == 3
    assert book.risk.streak() == 1


def test_releasing_what_was_parked_changes_no_result(book: Book) -> None:
    book.open(1)
    book.tell(1, f.RecoveryStarted(reason="r"), parked("-1000"))
    book.tell(1, f.HoldingsReleased(reason="sold by hand", released={"BTC": D("0.02")}))
    assert book.risk.results == (("demo-1", True),)
    assert book.risk.day(DAY, "USDT").losses == 1000


# --- days


def test_a_day_is_the_utc_day_of_the_close(book: Book) -> None:
    book.now = (DAY + 1) * NS_PER_DAY - 1
    book.open(2)
    book.close(1, "-1")
    book.now += 1
    book.close(2, "-5")
    assert book.risk.days == (
        DayTotal(DAY, "USDT", D(0), D(1)),
        DayTotal(DAY + 1, "USDT", D(0), D(5)),
    )


def test_a_result_is_taken_back_from_the_day_it_was_counted_in(book: Book) -> None:
    book.close(1, "-1")
    book.now += NS_PER_DAY
    book.close(2, "-5")
    book.reopen(1)
    book.close(1, "-2")
    assert book.risk.days == (DayTotal(DAY + 1, "USDT", D(0), D(7)),)


def test_only_some_days_are_kept_and_what_is_gone_is_not_taken_back(book: Book) -> None:
    for number in range(1, 2 * DAYS_KEPT):
        book.close(number, "-1")
        book.now += NS_PER_DAY
    assert len(book.risk.days) == DAYS_KEPT
    book.reopen(1)
    assert len(book.risk.days) == DAYS_KEPT
    assert {total.losses for total in book.risk.days} == {1}


def test_a_day_that_is_gone_does_not_come_back_below_zero(book: Book) -> None:
    for number in range(1, DAYS_KEPT + 2):
        book.close(number, "-1")
        book.now += NS_PER_DAY
    book.reopen(DAYS_KEPT + 1)
    book.reopen(1)
    assert [total.losses for total in book.risk.days] == [1] * (DAYS_KEPT - 1)


def test_start_currencies_are_never_added(book: Book) -> None:
    book.close(1, "-1")
    book.cycles[2] = replace_start(book, 2, "EUR")
    book.tell(2, completed("-7"))
    assert book.risk.days == (
        DayTotal(DAY, "EUR", D(0), D(7)),
        DayTotal(DAY, "USDT", D(0), D(1)),
    )


def replace_start(book: Book, number: int, asset: str) -> Cycle:
    book.open(number)
    cycle = book.cycles[number].copy()
    cycle.start_asset = asset
    return cycle


def test_results_are_bounded_and_the_newest_stay(book: Book) -> None:
    for number in range(1, RESULTS_KEPT + 10):
        book.close(number, "-1")
    assert len(book.risk.results) == RESULTS_KEPT
    assert book.risk.results[-1] == (f"demo-{RESULTS_KEPT + 9}", True)
    book.reopen(1)  # what is forgotten cannot be taken back
    assert len(book.risk.results) == RESULTS_KEPT


def test_a_row_is_as_long_as_it_is_however_few_results_are_kept(book: Book) -> None:
    story = ["1", *["-1"] * (RESULTS_KEPT + 10), "1", *["-1"] * 3]
    for number, pnl in enumerate(story, 1):
        book.close(number, pnl)
        if number == RESULTS_KEPT + 11:
            assert book.risk.streak() == RESULTS_KEPT + 10
    assert book.risk.streak() == 3
    book.reopen(RESULTS_KEPT + 12)  # the profit between the two rows is taken back
    assert book.risk.streak() == RESULTS_KEPT + 13
    book.note(reset(CONSECUTIVE_LOSSES))
    assert book.risk.streak() == 0


# --- what trips


def test_the_close_that_reaches_the_limit_trips_it(book: Book) -> None:
    for number in range(1, 5):
        book.close(number, "-1")
    book.open(5)
    draft = evolve(book.cycles[5].copy(), completed("-1"), book.now)
    result = result_of(draft)
    assert result is not None
    found = tripped_by(book.account.risk, None, result, FIVE)
    assert found == {CONSECUTIVE_LOSSES: "5 losses in a row, the limit is 5"}
    assert book.risk.streak() == 4  # asking changes nothing


def test_a_day_trips_on_losses_less_profits(book: Book) -> None:
    limits = Limits(consecutive_losses=50, daily_loss=D(10))
    book.close(1, "3")
    book.close(2, "-9")
    book.open(3)
    for pnl, reason in [
        ("-3.99", None),
        ("-4", "10 USDT lost in this UTC day (losses 13, profits 3), the limit is 10"),
    ]:
        result = result_of(evolve(book.cycles[3].copy(), completed(pnl), book.now))
        assert result is not None
        found = tripped_by(book.account.risk, None, result, limits)
        assert found.get(DAILY_LOSS) == reason


def test_a_close_that_replaces_a_loss_is_judged_without_it(book: Book) -> None:
    limits = Limits(consecutive_losses=2, daily_loss=D(10))
    book.close(1, "-8")
    before = result_of(book.cycles[1])
    book.close(2, "0")
    book.now += 5
    again = book.cycles[1].copy()
    for fact in (f.LateFillFound(client_order_id="x", trade_id="t9"), completed("-9")):
        again = evolve(again, fact, book.now)
    result = result_of(again)
    assert result is not None
    assert tripped_by(book.account.risk, before, result, limits) == {}


def test_fees_of_unknown_value_trip_every_limit_that_is_set(book: Book) -> None:
    book.close(1, "5", fee_value=None)
    reason = "the fees of demo-1 have no value in USDT: its result is unknown"
    assert book.trips(1) == {CONSECUTIVE_LOSSES: reason}
    daily = Limits(consecutive_losses=5, daily_loss=D(10))
    assert book.trips(1, daily) == {CONSECUTIVE_LOSSES: reason, DAILY_LOSS: reason}
    assert (book.risk.results, book.risk.days) == ((), ())


def test_a_limit_that_is_tripped_is_not_tripped_again(book: Book) -> None:
    book.note(trip(CONSECUTIVE_LOSSES))
    book.close(1, "-1", fee_value=None)
    assert book.trips(1) == {}


def trip(limit: str) -> f.RiskTripped:
    return f.RiskTripped(strategy="demo", limit=limit, reason="why", cycle_id="demo-1")


def reset(limit: str, strategy: str = "demo") -> f.RiskReset:
    return f.RiskReset(strategy=strategy, limit=limit, reason="looked")


def test_a_tripped_limit_stays_tripped_over_profits_and_days(book: Book) -> None:
    book.note(trip(DAILY_LOSS))
    book.now += 30 * NS_PER_DAY
    book.close(1, "1000")
    assert book.risk.tripped == {DAILY_LOSS: "why"}


def test_a_reset_is_of_one_limit_and_counts_from_nothing(book: Book) -> None:
    for number in range(1, 6):
        book.close(number, "-1")
    book.note(trip(CONSECUTIVE_LOSSES), trip(DAILY_LOSS))
    book.note(reset(CONSECUTIVE_LOSSES))
    assert book.risk.tripped == {DAILY_LOSS: "why"}
    assert book.risk.streak() == 0
    assert book.risk.day(DAY, "USDT").losses == 5
    book.note(reset(DAILY_LOSS))
    assert book.risk.tripped == {}
    assert book.risk.days == ()


def test_a_reset_for_all_strategies_reaches_each(book: Book) -> None:
    book.note(trip(DAILY_LOSS), replace(trip(DAILY_LOSS), strategy="other"))
    book.note(reset(DAILY_LOSS, EVERY))
    assert [risk.tripped for risk in book.account.risk.values()] == [{}, {}]


def test_what_ended_before_a_reset_is_not_taken_back_from_what_counts_after_it(book: Book) -> None:
    book.close(1, "-10")
    book.now += NS_PER_S
    book.note(reset(DAILY_LOSS))
    book.now += NS_PER_S
    book.close(2, "-3")
    book.reopen(1)
    assert book.risk.day(DAY, "USDT").losses == 3
    book.close(1, "-12")
    assert book.risk.day(DAY, "USDT").losses == 15


# --- cooldowns and openings


def cooldown(identity: str, until_ns: int) -> f.CooldownStarted:
    return f.CooldownStarted(
        strategy="demo", identity=identity, until_ns=until_ns, cause="latency", cycle_id="demo-1"
    )


def test_a_cooldown_runs_until_its_time_and_not_at_it(book: Book) -> None:
    book.note(cooldown("A>B>C", NOON + 10))
    assert book.risk.cools_until_ns("A>B>C", NOON + 9) == NOON + 10
    assert book.risk.cools_until_ns("A>B>C", NOON + 10) is None
    assert book.risk.cools_until_ns("A>C>B", NOON) is None


def test_expired_cooldowns_are_dropped_and_a_longer_one_is_never_shortened(book: Book) -> None:
    book.note(cooldown("A>B", NOON + 10), cooldown("A>C", NOON + 100))
    book.now += 20
    book.note(cooldown("A>C", NOON + 50))
    assert book.risk.cooldowns == {"A>C": NOON + 100}


@pytest.mark.parametrize(("identity", "left"), [("A>B", {"A>C"}), (EVERY, set())])
def test_a_cleared_cooldown_is_over(book: Book, identity: str, left: set[str]) -> None:
    book.note(cooldown("A>B", NOON + 10), cooldown("A>C", NOON + 10))
    book.note(f.CooldownCleared(strategy=EVERY, identity=identity, reason=""))
    assert set(book.risk.cooldowns) == left


def test_the_last_opening_of_a_path_is_remembered_with_its_books(book: Book) -> None:
    book.open(1)
    book.now += 5
    book.open(2)
    (opening,) = book.risk.openings.values()
    assert set(book.risk.openings) == {"BTC>ETH>USDT"}
    assert (opening.opened_ns, opening.books) == (NOON + 5, opened().books)


def test_openings_and_cooldowns_are_bounded_and_the_latest_stay(book: Book) -> None:
    for number in range(COOLDOWNS_KEPT + 3):
        book.now += 1
        path = (f"C{number}", "USDT")
        legs = (f.LegRoute("m", "buy", *path), f.LegRoute("m", "sell", *reversed(path)))
        book.note(replace(opened(), legs=legs), cooldown(f"C{number}", NOON + 10**9 + number))
    assert len(book.risk.openings) == OPENINGS_KEPT
    assert f"C{COOLDOWNS_KEPT + 2}>USDT" in book.risk.openings
    assert len(book.risk.cooldowns) == COOLDOWNS_KEPT
    assert "C2" not in book.risk.cooldowns


@given(st.permutations("ABCDE"), st.integers(0, 4))
def test_a_path_has_one_name_from_wherever_it_begins(path: list[str], turn: int) -> None:
    turned = [*path[turn:], *path[:turn]]
    assert identity_of(turned) == identity_of(path)
    assert identity_of(list(reversed(path))) != identity_of(path)


losses = st.lists(
    st.tuples(
        st.integers(1, 6), st.sampled_from(["-3", "-0.5", "0", "0.25", "7"]), st.booleans()
    ),
    max_size=25,
)  # fmt: skip


@given(losses)
def test_however_often_cycles_close_the_sums_are_those_of_their_last_closes(
    story: list[tuple[int, str, bool]],
) -> None:
    book = Book()
    last: dict[int, str] = {}
    for number, pnl, leap in story:
        book.now += NS_PER_DAY if leap else 1
        if number in last:
            book.reopen(number)
            del last[number]
        book.close(number, pnl)
        last[number] = pnl
    if not last:
        return
    recent = book.now // NS_PER_DAY - DAYS_KEPT
    counted = [
        D(pnl) for number, pnl in last.items()
        if book.cycles[number].ended_ns // NS_PER_DAY > recent
    ]  # fmt: skip
    sums = [total.profits - total.losses for total in book.risk.days]
    assert sum(sums, D(0)) == sum(counted, D(0))
    assert book.risk.results == tuple((f"demo-{n}", D(pnl) < 0) for n, pnl in last.items())
