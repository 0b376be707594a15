"""Each case of failure that the engine answers for, with the tests that prove its answer and a mistake that they notice."""

import re
from pathlib import Path
from typing import Final

import pytest

from arb.simulation.mutants import PACKAGE, changes
from arb.simulation.mutants.mutant import changed
from tests.spec.cases import CASES, ROWS, Case, as_markdown
from tests.spec.mistaken import ends, project
from tests.spec.mistakes import ALL, OWN
from tests.spec.pages import section

TESTS: Final = Path(__file__).resolve().parent.parent
TEST: Final = re.compile(r"^(?:async )?def (test_\w+)", re.MULTILINE)
NAMED: Final = re.compile(r"^test_cases?_(\d\d(?:_\d\d)*)_")
NAMED_ROW: Final = re.compile(r"^test_row_(\d\d)_")
CASES_MAX: Final = 34
ROWS_MAX: Final = 24
EVERY: Final = {
    **{f"case {number}": case for number, case in CASES.items()},
    **{f"row {number}": row for number, row in ROWS.items()},
}


def names(case: Case) -> list[str]:
    """The tests of a case."""
    file, _, name = case.tests.partition("::")
    return [one for one in TEST.findall((TESTS / file).read_text()) if one.startswith(name)]


def numbers(pattern: re.Pattern[str]) -> set[int]:
    """Every number that some test bears."""
    return {
        int(number)
        for path in TESTS.rglob("test_*.py")
        for name in TEST.findall(path.read_text())
        if (found := pattern.match(name)) is not None
        for number in found[1].split("_")
    }


def test_every_case_and_every_row_is_named() -> None:
    assert sorted(CASES) == list(range(1, CASES_MAX + 1))
    assert sorted(ROWS) == list(range(1, ROWS_MAX + 1))


@pytest.mark.parametrize("case", CASES)
def test_the_tests_of_a_case_are_there(case: int) -> None:
    found = names(CASES[case])
    assert found != []
    number = NAMED.match(found[0])
    assert number is None or f"{case:02}" in number[1].split("_")


@pytest.mark.parametrize("row", ROWS)
def test_the_tests_of_a_row_are_there(row: int) -> None:
    found = names(ROWS[row])
    assert found != []
    assert all(one.startswith(f"test_row_{row:02}_") for one in found)


def test_no_test_names_a_case_or_a_row_that_is_not_listed() -> None:
    assert numbers(NAMED) <= set(CASES)
    assert numbers(NAMED_ROW) == set(ROWS)


def test_each_has_a_mistake_that_it_notices_and_each_mistake_has_its_use() -> None:
    used = {case.mistake for case in EVERY.values()}
    assert used <= ALL.keys()
    assert {one.name for one in OWN} <= used


def test_every_mistake_still_fits_the_code_it_changes() -> None:
    for one in OWN:
        for change in changes(one):
            text = (PACKAGE / change.file).read_text()
            assert changed(one, change, text) != text, one.name


def test_the_page_of_guarantees_lists_them() -> None:
    fresh = "python -m tests.spec.cases | python -m tests.spec.pages cases"
    assert section("cases").strip() == as_markdown().strip(), f"write it again: {fresh}"


@pytest.mark.long
@pytest.mark.parametrize("name", EVERY)
def test_a_case_fails_with_its_mistake_in_the_engine(name: str, tmp_path: Path) -> None:
    """Its tests run in a copy of the project."""
    case = EVERY[name]
    assert ends(case, project(ALL[case.mistake], tmp_path)) == 1
