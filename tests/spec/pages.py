"""Sections of docs/guarantees.md that are generated: read one, or write it anew.

`python -m tests.spec.pages "kill matrix" < table.md` writes what it reads between the section's marks.
"""

import re
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
PAGE: Final = ROOT / "docs" / "guarantees.md"


def section(name: str) -> str:
    """What stands between a section's marks, with the newline at its end; '' where nothing does."""
    (found,) = _marks(name).findall(PAGE.read_text(encoding="utf-8"))
    return str(found)


def write_section(name: str, body: str) -> None:
    """Put something else between a section's marks."""
    section(name)  # there is one
    text = PAGE.read_text(encoding="utf-8")
    body = body.strip("\n") + "\n" if body.strip() else ""
    fresh = f"<!-- generated: {name} -->\n{body}<!-- end -->"
    PAGE.write_text(_marks(name).sub(lambda _found: fresh, text), encoding="utf-8")


def _marks(name: str) -> re.Pattern[str]:
    return re.compile(rf"<!-- generated: {re.escape(name)} -->\n(.*?)<!-- end -->", re.DOTALL)


if __name__ == "__main__":
    write_section(sys.argv[1], sys.stdin.read())
