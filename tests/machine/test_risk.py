"""What counts as a loss, when, and for how long: the fold that limits read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from arb.clock import NS_PER_DAY, NS_PER_S
from arb.events import facts as f
from arb.machine.evolve import evolve
from arb.machine.risk import (
    CONSECUTIVE_LOSSES,
    DAILY_LOSS,
    DAYS_KEPT,
    EVERY,
    RESULTS_KEPT,
    DayTotal,
    Limits,
    result_of,
    tripped_by,
)
from arb.machine.state import Cycle
from tests.machine.risk_book import DAY, FIVE, Book, completed, liquidated, parked
from tests.spec.given import D, opened, started, validated


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


def test_a_close_on_a_clock_far_ahead_takes_no_limit_out_of_force(book: Book) -> None:
    """The days of a clock that was set right would not have been kept until it got there again."""
    book.now += 30 * NS_PER_DAY
    book.close(1, "-1")
    book.now -= 30 * NS_PER_DAY
    for number in (2, 3):
        book.close(number, "-100")
        assert book.risk.day(DAY, "USDT").losses == 100 * (number - 1)
    assert len(book.risk.days) == 1
    limits = Limits(consecutive_losses=50, daily_loss=D(250))
    book.open(4)
    result = result_of(evolve(book.cycles[4].copy(), completed("-50"), book.now))
    assert result is not None
    assert set(tripped_by(book.account.risk, None, result, limits)) == {DAILY_LOSS}


def test_no_sum_gets_below_zero_by_what_a_clock_ahead_has_counted(book: Book) -> None:
    book.now += NS_PER_DAY
    book.close(1, "-5")
    book.now -= NS_PER_DAY
    book.close(2, "-3")
    book.now += NS_PER_DAY
    book.close(3, "-2")
    book.reopen(1)
    assert book.risk.days == (DayTotal(DAY, "USDT", D(0), D(3)),)


def test_a_result_taken_back_drops_no_later_day(book: Book) -> None:
    book.close(1, "-5")
    book.now += NS_PER_DAY
    book.close(2, "-3")
    book.reopen(1)
    assert book.risk.days == (DayTotal(DAY + 1, "USDT", D(0), D(3)),)


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


def test_a_cycle_that_took_what_it_did_not_have_has_no_result(book: Book) -> None:
    """It sold twice, and half of what that brought belongs to somebody else."""
    book.close(1, "-5")
    book.reopen(1)
    book.tell(1, replace(completed("390"), dust={"BTC": D("0.1"), "ETH": D("-0.19")}))
    reason = "demo-1 took 0.19 ETH that it did not have: its result is unknown"
    assert book.trips(1) == {CONSECUTIVE_LOSSES: reason}
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
