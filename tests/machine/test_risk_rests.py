"""Which paths rest, and which were opened last: the fold that cooldowns and suppression read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from arb.clock import NS_PER_S
from arb.events import facts as f
from arb.limits import SUPPRESSION_S_MAX
from arb.machine.risk import (
    COOLDOWNS_KEPT,
    EARLIER_KEPT,
    EVERY,
    FAILURES_KEPT,
    OPENINGS_KEPT,
    cooldown_s,
    identity_of,
)
from tests.machine.risk_book import NOON, Book, liquidated, parked
from tests.spec.given import D, opened, unwinding


@pytest.fixture
def book() -> Book:
    return Book()


# --- cooldowns and openings


def cooldown(identity: str, until_ns: int, number: int = 1) -> f.CooldownStarted:
    return f.CooldownStarted(
        strategy="demo",
        identity=identity,
        until_ns=until_ns,
        cause="latency",
        cycle_id=f"demo-{number}",
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


def open_path(book: Book, number: int) -> str:
    """Open a path of its own, a nanosecond after whatever was before; gives its identity."""
    book.now += 1
    path = (f"C{number}", "USDT")
    legs = (f.LegRoute("m", "buy", *path), f.LegRoute("m", "sell", *reversed(path)))
    book.note(replace(opened(), legs=legs))
    return identity_of(path)


def test_when_a_path_was_opened_is_remembered_longer_than_its_books(book: Book) -> None:
    paths = [open_path(book, number) for number in range(OPENINGS_KEPT + EARLIER_KEPT + 2)]
    assert (len(book.risk.openings), len(book.risk.earlier)) == (OPENINGS_KEPT, EARLIER_KEPT)
    known = [book.risk.opened_ns(path) for path in paths]
    assert known[:2] == [None, None]
    assert known[2:] == [NOON + 3 + number for number in range(OPENINGS_KEPT + EARLIER_KEPT)]
    assert book.risk.forgotten_ns == NOON + 2


def test_a_path_that_is_opened_again_is_remembered_with_its_last_time(book: Book) -> None:
    paths = [open_path(book, number) for number in range(OPENINGS_KEPT + 2)]
    assert set(book.risk.earlier) == set(paths[:2])
    open_path(book, 0)
    assert book.risk.opened_ns(paths[0]) == book.now
    assert set(book.risk.earlier) == set(paths[1:3])
    assert book.risk.forgotten_ns == 0


def test_openings_of_before_the_longest_window_are_let_go(book: Book) -> None:
    for number in range(OPENINGS_KEPT + 2):
        open_path(book, number)
    book.now += SUPPRESSION_S_MAX * NS_PER_S
    last = open_path(book, OPENINGS_KEPT + 2)
    assert list(book.risk.earlier) == ["C2>USDT"]  # pushed out just now
    assert last in book.risk.openings
    assert book.risk.forgotten_ns == 0


def test_openings_and_cooldowns_are_bounded_and_the_latest_stay(book: Book) -> None:
    for number in range(COOLDOWNS_KEPT + 3):
        open_path(book, number)
        book.note(cooldown(f"C{number}", NOON + 10**9 + number))
    assert len(book.risk.openings) == OPENINGS_KEPT
    assert f"C{COOLDOWNS_KEPT + 2}>USDT" in book.risk.openings
    assert len(book.risk.cooldowns) == COOLDOWNS_KEPT
    assert "C2" not in book.risk.cooldowns


# --- failures in a row

ITS_PATH = "BTC>ETH>USDT"


def fail(book: Book, number: int) -> int:
    """Open a cycle and let it leave its path; gives how many failed before it."""
    if number not in book.cycles:
        book.now += 1
        book.open(number)
    book.now += 1
    before = book.risk.failures_before(ITS_PATH, f"demo-{number}")
    book.note(cooldown(ITS_PATH, book.now + 5, number))
    return before


def test_each_cycle_that_leaves_a_path_in_a_row_counts_once(book: Book) -> None:
    assert [fail(book, number) for number in (1, 1, 2, 3, 3)] == [0, 0, 1, 2, 2]
    assert book.risk.failures_before("BTC>USDT>ETH", "demo-4") == 0


def test_a_cycle_that_goes_the_path_to_its_end_sets_it_back(book: Book) -> None:
    assert [fail(book, 1), fail(book, 2)] == [0, 1]
    book.now += 1
    book.close(3, "-1")  # at a loss that its threshold allows
    assert book.risk.failures == {}
    assert fail(book, 4) == 0


def test_a_cycle_that_was_begun_before_the_last_failure_or_is_it_sets_nothing_back(
    book: Book,
) -> None:
    book.open(1)
    assert fail(book, 2) == 0
    book.now += 1
    book.close(1, "5")
    book.close(2, "5")  # it left, was resumed, and got through
    assert fail(book, 3) == 1


@pytest.mark.parametrize("end", [(unwinding(), liquidated("-2")), (parked("-2"),)])
def test_a_cycle_that_was_sold_or_parked_sets_nothing_back(
    book: Book, end: tuple[f.Fact, ...]
) -> None:
    assert fail(book, 1) == 0
    book.now += 1
    book.open(2)
    book.tell(2, f.RecoveryStarted(reason="r"), *end)
    assert fail(book, 3) == 1


def test_a_cooldown_that_an_operator_ends_is_forgotten_with_its_failures(book: Book) -> None:
    assert fail(book, 1) == 0
    book.note(f.CooldownCleared(strategy="demo", identity=ITS_PATH, reason="looked"))
    assert fail(book, 2) == 0
    book.note(f.CooldownCleared(strategy=EVERY, identity=EVERY, reason="looked"))
    assert fail(book, 3) == 0


def test_failures_outlast_their_cooldowns_and_are_bounded(book: Book) -> None:
    fail(book, 1)
    for number in range(FAILURES_KEPT):
        book.now += 100
        book.note(cooldown(f"C{number}>USDT", book.now + 1))
    assert len(book.risk.failures) == FAILURES_KEPT
    assert ITS_PATH not in book.risk.failures  # the longest ago
    assert book.risk.failures_before("C0>USDT", "demo-2") == 1


@pytest.mark.parametrize(
    ("first", "rests"),
    [
        ("300", ["300", "600", "1200", "2400", "3600", "3600"]),
        ("0.5", ["0.5", "1", "2", "4", "8", "16"]),
        ("3600", ["3600"] * 6),
        ("86400", ["86400"] * 6),
        ("0", ["0"] * 6),
    ],
)
def test_each_failure_doubles_the_rest_up_to_an_hour_and_never_cuts_what_was_asked_for(
    first: str, rests: list[str]
) -> None:
    assert [cooldown_s(D(first), failures) for failures in range(6)] == [D(one) for one in rests]
    assert cooldown_s(D("0.001"), 10**6) == D(3_600)


@given(st.permutations("ABCDE"), st.integers(0, 4))
def test_a_path_has_one_name_from_wherever_it_begins(path: list[str], turn: int) -> None:
    turned = [*path[turn:], *path[:turn]]
    assert identity_of(turned) == identity_of(path)
    assert identity_of(list(reversed(path))) != identity_of(path)
