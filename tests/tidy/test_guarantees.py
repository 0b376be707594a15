"""docs/guarantees.md promises what is tested: each test, page and command that it names is there."""

import re
import shlex
import subprocess
import sys
from functools import lru_cache

import pytest

from tests.spec.pages import PAGE, ROOT, section

TEXT = PAGE.read_text(encoding="utf-8")
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py)::(\w+\*?)`", TEXT)))
COMMANDS = [
    line
    for block in re.findall(r"^```\n(.*?)^```$", TEXT, flags=re.MULTILINE | re.DOTALL)
    for line in block.splitlines()
]
SECTIONS = re.findall(r"<!-- generated: ([\w ]+) -->", TEXT)


@lru_cache
def names_in(file: str) -> list[str]:
    return re.findall(r"^(?:async )?def (test_\w+)", (ROOT / file).read_text(), re.MULTILINE)


def test_every_test_that_is_named_is_there() -> None:
    assert NAMED
    for file, name in NAMED:
        start, some, _ = name.partition("*")
        found = [one for one in names_in(file) if one == name or (some and one.startswith(start))]
        assert found, f"{file}::{name}"


def test_nothing_that_looks_like_a_test_escapes_the_check() -> None:
    spans = [span for span in re.findall(r"`([^`\n]+)`", TEXT) if "test_" in span]
    assert [one for one in spans if tuple(one.split("::")) not in NAMED] == []


def test_every_guarantee_is_tested() -> None:
    rows = re.findall(r"^\| (\d+) \| (.+) \| (.+) \|$", TEXT.split("## Under")[0], re.MULTILINE)
    assert [int(number) for number, _, _ in rows] == list(range(1, len(rows) + 1))
    assert [number for number, _, tests in rows if "::" not in tests] == []


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_one(command: str) -> None:
    words = shlex.split(command)
    if words[0] == "make":
        assert re.search(rf"^{words[1]}:", (ROOT / "Makefile").read_text(), re.MULTILINE)
        return
    assert words[0] == ".venv/bin/python"
    said = subprocess.run(
        [sys.executable, words[1], "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    known = set(re.findall(r"--[a-z][a-z-]*", said.stdout))
    assert {word for word in words if word.startswith("--")} <= known


def test_every_link_leads_to_a_page() -> None:
    links = set(re.findall(r"\]\(([^)]+)\)", TEXT))
    assert [link for link in links if not (PAGE.parent / link).is_file()] == []


def test_each_generated_section_stands_there_once() -> None:
    assert sorted(SECTIONS) == ["cases", "kill matrix", "mutants"]
    for name in SECTIONS:
        assert "generated" not in section(name)
    assert TEXT.count("<!-- end -->") == len(SECTIONS)
