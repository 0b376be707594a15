"""Every flag of a command that a page names is one that the command has."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import click
import pytest

from arb.bench.cli import bench
from arb.faces.cli import monitor, replay
from arb.faces.practice_cli import practice_exchange
from arb.faces.prove_cli import prove
from arb.faces.record_cli import record
from arb.faces.run_cli import run

ROOT: Final = Path(__file__).parents[2]
COMMANDS: Final[dict[str, click.Command]] = {
    "bench": bench,
    "monitor": monitor,
    "practice": practice_exchange,
    "prove": prove,
    "record": record,
    "replay": replay,
    "run": run,
}
PAGES: Final = [*sorted((ROOT / "docs").glob("*.md")), ROOT / "README.md", ROOT / "CHANGELOG.md"]
_CALL: Final = re.compile(rf"\b({'|'.join(COMMANDS)})\.py((?: [^`\n|]+)?)")
_FLAG: Final = re.compile(r"(?<!\S)--[a-z][a-z-]*")


def told(text: str) -> Iterator[tuple[str, str]]:
    for name, words in _CALL.findall(text):
        for flag in _FLAG.findall(words):
            yield name, flag


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_names_flags_that_are_there(page: Path) -> None:
    wrong = []
    for name, flag in told(page.read_text()):
        known = {word for one in COMMANDS[name].params for word in (*one.opts, *one.secondary_opts)}
        if flag not in known | {"--help"}:
            wrong.append(f"{name}.py has no {flag}")
    assert wrong == []


def test_what_a_page_names_is_found() -> None:
    text = "`monitor.py --reset-risk NAME --reason WHY`, then `tools/run.py --db x | cat --shown`"
    assert list(told(text)) == [
        ("monitor", "--reset-risk"),
        ("monitor", "--reason"),
        ("run", "--db"),
    ]


def test_what_the_steps_of_the_readme_leave_behind_is_out_of_gits_sight() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    left = re.findall(r"--(?:db|out|record|report) ([a-z][\w.]*)", text)
    assert {"discovery.db", "books.rec.gz", "run.rec.gz", "report"} <= set(left)
    names = [*left, "report/", "trade_state.db", "trade_state.db.kill", ".env"]
    if not (ROOT / ".git").exists():
        pytest.skip("this is no checkout")
    asked = subprocess.run(
        ["git", "check-ignore", *names], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert set(names) - {"report"} <= set(asked.stdout.split())
