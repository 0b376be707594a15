"""Each case of failure and each defect of the legacy engine: its tests, and the mistake that they would notice."""

from typing import Final, NamedTuple


class Case(NamedTuple):
    """What may go wrong; where its tests are, for all whose names begin so; a mistake that one of them fails on."""

    what: str
    tests: str
    mistake: str


CRASH: Final = "execution/test_crash_points.py::test_"
SENDING: Final = "execution/test_sending.py::test_"
TROUBLE: Final = "execution/test_venue_trouble.py::test_"
BALANCES: Final = "execution/test_balances.py::test_"
STARTING: Final = "execution/test_starting.py::test_"
KILLS: Final = "legacy/test_legacy_crashes.py::test_"
DEFECTS: Final = "legacy/test_legacy_defects.py::test_"
WAITS: Final = "legacy/test_legacy_waits.py::test_"
BIT: Final = (
    "events/test_witness.py::test_one_flipped_bit_in_the_wal_cannot_cut_acknowledged_events"
)

CASES: Final = {
    1: Case("a kill before the intent is durable", CRASH + "case_01_", "intent after the send"),
    2: Case("after the intent, before the send", CRASH + "case_02_", "resend instead of resolve"),
    3: Case("after the send, before the answer", CRASH + "case_03_", "not sent, says a restart"),
    4: Case(
        "after the answer, before it is stored", CRASH + "case_04_", "not sent, says a restart"
    ),
    5: Case("the answer is lost or unreadable", SENDING + "case_05_", "silence is a refusal"),
    6: Case("never a second time", SENDING + "case_06_", "retry on timeout"),
    7: Case("not found", SENDING + "case_07_", "absent before T_dead"),
    8: Case("a partial fill", SENDING + "case_08_", "partial fill dropped"),
    9: Case("a cancel races a fill", SENDING + "case_09_", "a cancel is the end"),
    10: Case(
        "a fill after the end", "execution/test_late_words.py::test_case_10_", "late fill dropped"
    ),
    11: Case("fees in a third currency", TROUBLE + "case_11_", "fees in what is received"),
    12: Case("dust", TROUBLE + "case_12_", "dust is nothing"),
    13: Case("refused by a filter", TROUBLE + "case_13_", "the old rules"),
    14: Case("a stale book", TROUBLE + "case_14_", "silence is fresh"),
    15: Case("maintenance", TROUBLE + "cases_15_17_", "an outage is the end"),
    16: Case("the venue's clock", TROUBLE + "case_16_", "the old clock"),
    17: Case("bans", TROUBLE + "case_17_", "a ban is forgotten"),
    18: Case("it never left", SENDING + "case_18_", "everything is unknown"),
    19: Case("a gap, or silence", TROUBLE + "case_19_", "others do not trade"),
    20: Case("out of order", SENDING + "cases_20_21_22_", "open is over"),
    21: Case("told twice", SENDING + "case_21_", "copies are booked"),
    22: Case("fields that are missing or nonsense", SENDING + "cases_20_21_22_", "no fee is none"),
    23: Case("fills that do not add up", SENDING + "case_23_", "settled by its summary"),
    24: Case("a halted or delisted market", TROUBLE + "case_24_", "no patience"),
    25: Case("the user moved money", BALANCES + "case_25_", "nobody moves money"),
    26: Case("another client trades", BALANCES + "case_26_", "others do not trade"),
    27: Case("a kill while unwinding", CRASH + "case_27_", "resend instead of resolve"),
    28: Case("a full or failing disk", STARTING + "case_28_", "a failed append is good enough"),
    29: Case("two engines", STARTING + "case_29_", "room for another"),
    # A tail that is gone is damage: nothing is cut off and gone on from.
    30: Case("a damaged last record", BIT, "witness not checked"),
    31: Case(
        "no hedge while an order is unknown", TROUBLE + "case_31_", "on beside an unknown order"
    ),
    32: Case("trades that the venue takes back", BALANCES + "case_32_", "what differs is ours"),
    33: Case("a revoked key", "execution/test_revoked_key.py::test_case_33_", "a key is a key"),
    34: Case("a long downtime", TROUBLE + "case_34_", "on at any price"),
}

# Beyond row 24 the table names what has no counterpart here: an optimizer that was a dictionary of averages,
# tests that never imported the engine, and a performance suite that was not there.
ROWS: Final = {
    1: Case("the first order is not recorded", KILLS + "row_01_", "intent after the send"),
    2: Case("recovery sends it again, or drops it", KILLS + "row_02_", "resend instead of resolve"),
    3: Case("what is to be spent is bought", DEFECTS + "row_03_", "spend is amount"),
    4: Case("a timeout makes a second order", KILLS + "row_04_", "retry on timeout"),
    5: Case("a kill forgets an order", KILLS + "row_05_", "resend instead of resolve"),
    6: Case("recovery sells the wrong thing", KILLS + "row_06_", "not sent, says a restart"),
    7: Case("a slippage stop sells the wrong thing", DEFECTS + "row_07_", "holdings before fees"),
    8: Case("a latency stop does", KILLS + "row_08_", "all that is there"),
    9: Case("a partial fill is orphaned", DEFECTS + "row_09_", "partial fill dropped"),
    10: Case("an order is left open", KILLS + "row_10_", "orders rest"),
    11: Case("panic sells never end", DEFECTS + "row_11_", "room is never made"),
    12: Case("a wrong P/L", DEFECTS + "row_12_", "P/L before fees"),
    13: Case("polling stalls", WAITS + "row_13_", "rations in thousandths"),
    14: Case("news waits for a cache", WAITS + "row_14_", "a slow look"),
    15: Case("ways out without prices", DEFECTS + "row_15_", "one hop is enough"),
    16: Case("views that show nothing", KILLS + "row_16_", "an empty history"),
    17: Case("float money, no steps", DEFECTS + "row_17_", "any step"),
    18: Case("ids that collide", DEFECTS + "row_18_", "names without numbers"),
    19: Case("pauses die with the process", KILLS + "row_19_", "a pause ends with the process"),
    20: Case("the exchange is not asked", KILLS + "row_20_", "not sent, says a restart"),
    21: Case("the newest trade only", KILLS + "row_21_", "the newest trade"),
    22: Case("one direction of each triangle", DEFECTS + "row_22_", "one way round"),
    23: Case("failed trades counted", DEFECTS + "row_23_", "missed is refused"),
    24: Case("limits and lifetimes ignored", DEFECTS + "row_24_", "twice the price"),
}


def as_markdown() -> str:
    """The tables of the page of guarantees."""
    lines = ["| case | what | tests | fails with the mistake |", "|---|---|---|---|"]
    lines += [_line(str(number), case) for number, case in CASES.items()]
    lines += [
        "",
        "| defect | what the legacy engine did | tests | fails with the mistake |",
    ]
    lines += ["|---|---|---|---|"]
    lines += [_line(str(number), row) for number, row in ROWS.items()]
    return "\n".join(lines) + "\n"


def _line(number: str, case: Case) -> str:
    return f"| {number} | {case.what} | `tests/{case.tests}*` | {case.mistake} |"


if __name__ == "__main__":
    print(as_markdown(), end="")  # noqa: T201 -- this is its output
