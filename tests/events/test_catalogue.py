"""The event catalogue says what the code says."""

from pathlib import Path

from arb.events.catalogue import catalogue
from arb.events.facts import ALL_FACTS

PAGE = Path(__file__).parents[2] / "docs" / "events.md"


def test_the_page_is_what_the_facts_say() -> None:
    fresh = (
        "PYTHONPATH=. python -c 'from arb.events.catalogue import *; print(catalogue(), end=\"\")'"
    )
    assert PAGE.read_text() == catalogue(), f"write it again: {fresh} > docs/events.md"


def test_every_fact_is_listed_once_with_its_fields_and_its_sentence() -> None:
    page = catalogue()
    for fact in ALL_FACTS:
        title = f"### {fact.__name__}, shape {fact.SHAPE}\n"
        assert page.count(title) == 1
        entry = page.split(title)[1].split("###")[0]
        assert fact.__doc__
        assert fact.__doc__.splitlines()[0] in entry
        for name in fact.__struct_fields__:
            assert f"| `{name}` | " in entry


def test_what_a_field_holds_is_said_in_words() -> None:
    page = catalogue()
    assert "| `legs` | list of LegRoute |" in page
    assert "| `fee_reserve` | text -> decimal |" in page
    assert "| `liquidation` | decimal or null |" in page
    assert "### LegRoute\n" in page
