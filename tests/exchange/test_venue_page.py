"""The page of venues says what the code says."""

from pathlib import Path

from arb.exchange.dialects.table import DIALECTS
from arb.exchange.dialects.venue_page import venue_page

PAGE = Path(__file__).parents[2] / "docs" / "venues.md"


def test_the_page_is_what_the_dialects_say() -> None:
    fresh = (
        "python -c 'from arb.exchange.dialects.venue_page import *; print(venue_page(), end=\"\")'"
    )
    assert PAGE.read_text() == venue_page(), f"write it again: {fresh} > docs/venues.md"


def test_every_venue_has_its_row_and_who_is_refused_has_a_reason() -> None:
    page = venue_page()
    for name, row in DIALECTS.items():
        assert f"| {name} |" in page
        if not row.proven:
            assert f"- {name} " in page
