"""Each case of failure that the engine answers for, with the tests that prove its answer."""

import re
from pathlib import Path
from typing import Final

import pytest

TESTS: Final = Path(__file__).resolve().parent.parent
TEST: Final = re.compile(r"^(?:async )?def (test_\w+)", re.MULTILINE)
NAMED: Final = re.compile(r"^test_cases?_(\d\d(?:_\d\d)*)_")
CASES_MAX: Final = 34

# Case -> where its tests are; a name may be cut short, and stands for all that begin with it.
CASES: Final = {
    1: "execution/test_crash_points.py::test_case_01_",  # a kill before the intent is durable
    2: "execution/test_crash_points.py::test_case_02_",  # after the intent, before the send
    3: "execution/test_crash_points.py::test_case_03_",  # after the send, before the answer
    4: "execution/test_crash_points.py::test_case_04_",  # after the answer, before it is stored
    5: "execution/test_sending.py::test_case_05_",  # the answer is lost or unreadable
    6: "execution/test_sending.py::test_case_06_",  # never a second time
    7: "execution/test_sending.py::test_case_07_",  # not found
    8: "execution/test_sending.py::test_case_08_",  # a partial fill
    9: "execution/test_sending.py::test_case_09_",  # a cancel races a fill
    10: "execution/test_late_words.py::test_case_10_",  # a fill after the end
    11: "execution/test_venue_trouble.py::test_case_11_",  # fees in a third currency
    12: "execution/test_venue_trouble.py::test_case_12_",  # dust
    13: "execution/test_venue_trouble.py::test_case_13_",  # refused by a filter
    14: "execution/test_venue_trouble.py::test_case_14_",  # a stale book
    15: "execution/test_venue_trouble.py::test_cases_15_17_",  # maintenance
    16: "execution/test_venue_trouble.py::test_case_16_",  # the venue's clock
    17: "execution/test_venue_trouble.py::test_case_17_",  # bans
    18: "execution/test_sending.py::test_case_18_",  # it never left
    19: "execution/test_venue_trouble.py::test_case_19_",  # a gap, or silence
    20: "execution/test_sending.py::test_cases_20_21_22_",  # out of order
    21: "execution/test_sending.py::test_case_21_",  # told twice
    22: "execution/test_sending.py::test_cases_20_21_22_",  # fields that are missing or nonsense
    23: "execution/test_sending.py::test_case_23_",  # fills that do not add up
    24: "execution/test_venue_trouble.py::test_case_24_",  # a halted or delisted market
    25: "execution/test_balances.py::test_case_25_",  # the user moved money
    26: "execution/test_balances.py::test_case_26_",  # another client trades
    27: "execution/test_crash_points.py::test_case_27_",  # a kill while unwinding
    28: "execution/test_starting.py::test_case_28_",  # a full or failing disk
    29: "execution/test_starting.py::test_case_29_",  # two engines
    # A tail that is gone is damage: nothing is cut off and gone on from.
    30: "events/test_witness.py::test_one_flipped_bit_in_the_wal_cannot_cut_acknowledged_events",
    31: "execution/test_venue_trouble.py::test_case_31_",  # no hedge while an order is unknown
    32: "execution/test_balances.py::test_case_32_",  # trades that the venue takes back
    33: "execution/test_revoked_key.py::test_case_33_",  # a revoked key
    34: "execution/test_venue_trouble.py::test_case_34_",  # a long downtime
}


def test_every_case_is_named() -> None:
    assert sorted(CASES) == list(range(1, CASES_MAX + 1))


@pytest.mark.parametrize("case", CASES)
def test_the_tests_of_a_case_are_there(case: int) -> None:
    file, _, name = CASES[case].partition("::")
    found = TEST.findall((TESTS / file).read_text())
    assert [one for one in found if one.startswith(name)] != []
    number = NAMED.match(name)
    assert number is None or f"{case:02}" in number[1].split("_")


def test_no_test_names_a_case_that_is_not_listed() -> None:
    named = {
        int(number)
        for path in TESTS.rglob("test_*.py")
        for name in TEST.findall(path.read_text())
        if (found := NAMED.match(name)) is not None
        for number in found[1].split("_")
    }
    assert named <= set(CASES)
