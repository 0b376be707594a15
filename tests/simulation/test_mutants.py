"""The simulation has teeth: each mistake put into the engine is found, by the rule that is named for it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from arb.simulation import hunt as hunting
from arb.simulation.checker import RULES
from arb.simulation.hunt import fair_run, hunt
from arb.simulation.mutants import (
    MUTANTS,
    PACKAGE,
    Mutant,
    MutantOutdated,
    apply,
    as_markdown,
    changes,
)
from arb.simulation.mutants.mutant import changed
from tests.spec.pages import section

MUTANTS_MIN = 20
NAMES = [one.name for one in MUTANTS]
# A change that changes nothing: what is not a mistake must not be found.
HARMLESS = Mutant(
    "harmless",
    "nothing is wrong",
    "sent_twice",
    """
@ execution/orders/sending.py
-    order_id = order.client_order_id
+    order_id = str(order.client_order_id)
     estimate = desk.access.venue_time_estimate_ns()
""",
    3,
)
DEADLY = "@ limits.py\n-NOT_FOUND_MIN: Final = 3\n+NOT_FOUND_MIN: Final = 3 // 0\n"


def test_there_are_enough_mistakes_and_each_has_a_name() -> None:
    assert len(MUTANTS) >= MUTANTS_MIN
    assert len(set(NAMES)) == len(NAMES)
    assert {one.rule for one in MUTANTS} == set(RULES)


def test_every_mistake_still_fits_the_code_it_changes() -> None:
    for one in MUTANTS:
        found = list(changes(one))
        assert found, one.name
        for change in found:
            text = (PACKAGE / change.file).read_text()
            assert changed(one, change, text) != text, one.name


def test_a_mistake_that_fits_no_more_is_refused(tmp_path: Path) -> None:
    gone = Mutant("gone", "x", "sent_twice", "@ limits.py\n-no such line\n")
    with pytest.raises(MutantOutdated, match="0 times"):
        apply(gone, tmp_path)


def test_the_page_of_guarantees_lists_them() -> None:
    assert section("mutants").strip() == as_markdown()


def test_without_a_mistake_and_without_faults_nothing_is_found() -> None:
    assert fair_run() == []


def test_what_shows_without_any_fault_proves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = hunting.Violation("sent_twice", "x")
    monkeypatch.setattr(hunting, "fair_run", lambda: [wrong])
    assert not hunting.hunt_here("sent_twice", 1).by_its_rule


def test_a_mistake_is_found_in_a_copy_by_its_rule() -> None:
    (one,) = (one for one in MUTANTS if one.name == "retry on timeout")
    assert hunt(one).by_its_rule


def test_a_mutant_that_dies_proves_nothing() -> None:
    caught = hunt(Mutant("dead", "x", "sent_twice", DEADLY, 3))
    assert not caught.by_its_rule
    assert caught.error == "ZeroDivisionError: integer division or modulo by zero"


def test_what_is_no_mistake_is_not_found() -> None:
    caught = hunt(HARMLESS)
    assert (caught.fair, caught.seed, caught.others, caught.error) == ((), None, (), "")


@pytest.mark.long
@pytest.mark.parametrize("name", NAMES)
def test_the_simulation_finds_each_mistake(
    name: str, record_property: Callable[[str, object], None]
) -> None:
    (one,) = (one for one in MUTANTS if one.name == name)
    caught = hunt(one)
    assert caught.by_its_rule, caught
    record_property("proof", f"{one.rule} at seed {caught.seed}, after: {caught.others or 'none'}")
