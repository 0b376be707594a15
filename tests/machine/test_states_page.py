"""docs/states.md is what the table says."""

from __future__ import annotations

from pathlib import Path

from arb.machine import table as t
from arb.machine.diagram import states_page

PAGE = Path(__file__).parents[2] / "docs" / "states.md"


def test_the_page_is_generated_from_the_table() -> None:
    assert PAGE.read_text(encoding="utf-8") == states_page(), (
        "run: python -m arb.machine.diagram > docs/states.md"
    )


def test_the_page_shows_every_move_and_every_state() -> None:
    page = states_page()
    for (source, kind), destination in t.MOVES.items():
        assert f"| {source} | {kind.__name__} | {destination} |" in page
    for state in (*t.STATES, *t.ORDER_STATES):
        assert f"\n| {state} |" in page


def test_every_state_can_be_reached_and_every_open_one_left() -> None:
    reached = {t.PENDING}
    for _ in t.STATES:
        reached |= {to for (source, _kind), to in t.MOVES.items() if source in reached}
    assert reached == set(t.STATES)
    leaving = {source for (source, _kind), to in t.MOVES.items() if source != to}
    assert leaving == set(t.STATES)
