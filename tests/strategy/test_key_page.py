"""Every key is explained once, for editors and on the page."""

import re
from pathlib import Path

from arb.strategy.key_page import key_page
from tests.strategy.key_table import KEYS

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "strategies.md"


def test_the_page_of_keys_is_the_schemas_own() -> None:
    fresh = "python -m arb.strategy.key_page"
    assert PAGE.read_text() == key_page(), f"write it again: {fresh} > docs/strategies.md"


def test_every_key_that_the_loader_takes_stands_on_the_page() -> None:
    names = {path.rpartition(".")[2] for path in KEYS}
    rows = set(re.findall(r"(?m)^\| `(\w+)` \|", PAGE.read_text()))
    assert names <= rows
    assert len(rows) > 60


def test_what_stands_twice_is_told_once() -> None:
    assert key_page().count("`random_bps`") == 1


def test_the_readme_leads_to_it() -> None:
    assert "(docs/strategies.md)" in (ROOT / "README.md").read_text()
