"""Which paths rest, and which were opened last: the fold that cooldowns and suppression read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from arb.events import facts as f
from arb.machine.risk import (
    COOLDOWNS_KEPT,
    EVERY,
    OPENINGS_KEPT,
    identity_of,
)
from tests.machine.risk_book import NOON, Book
from tests.spec.given import opened


@pytest.fixture
def book() -> Book:
    return Book()


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
