"""What a table holds of a log changes with its code alone: else tables of before would pass for those of now."""

from tests.golden.tables import held, kept, unsaid


def test_the_tables_of_kept_logs_change_with_their_code_alone() -> None:
    now, then = held(), kept()
    assert unsaid(now, then) == [], "raise their _REVISION in arb/projections/tables.py"
    assert now == then, "a code changed: run `python -m tests.golden.tables`"


def test_other_rows_by_the_same_code_are_named_and_by_another_are_not() -> None:
    then = {"cycles": {"code": "1-a", "rows": "x"}, "ledger": {"code": "1-b", "rows": "y"}}
    assert unsaid(then, then) == []
    assert unsaid({**then, "cycles": {"code": "1-a", "rows": "z"}}, then) == ["cycles"]
    assert unsaid({**then, "cycles": {"code": "2-a", "rows": "z"}}, then) == []
