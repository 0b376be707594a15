"""Words that people read: numbers with their nouns, and colours that leave nothing behind."""

from pathlib import Path

import pytest

from arb.execution.cycles.cooling import CAUSES
from arb.faces import text
from arb.faces.run_text import CAUSE_WORDS
from tests.spec.command_line import invoke, paper_strategy


@pytest.mark.parametrize(("number", "said"), [(0, "0 cycles"), (1, "1 cycle"), (2, "2 cycles")])
def test_one_is_one_and_not_several(number: int, said: str) -> None:
    assert text.counted(number, "cycle") == said


def test_another_plural_is_given() -> None:
    assert text.counted(3, "opportunity", "opportunities") == "3 opportunities"


def test_a_state_without_a_colour_leaves_no_escape_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert text.coloured("pending") == "pending"
    assert text.coloured("failed") != "failed"


def test_every_cause_of_a_cooldown_has_words() -> None:
    assert set(CAUSE_WORDS) == set(CAUSES)


def test_a_run_that_opened_nothing_says_what_came_closest(tmp_path: Path) -> None:
    path = paper_strategy(tmp_path, min_profit="500")
    said = invoke("--strategy", path, "--db", tmp_path / "l.db", "--duration", "1")
    assert "cycles: none" in said.out
    assert "nothing paid: at the end " in said.out
    assert "more than 500 is needed" in said.out


def test_a_run_whose_opportunities_were_all_declined_says_why(tmp_path: Path) -> None:
    path = paper_strategy(tmp_path)
    path.write_text(path.read_text().replace("USDT: 10000", "USDT: 1"))
    said = invoke("--strategy", path, "--db", tmp_path / "l.db", "--duration", "1")
    assert "cycles: none" in said.out
    assert "nothing was opened, most often because of " in said.out


def test_a_summary_tells_opportunities_and_the_cycles_opened_for_them(tmp_path: Path) -> None:
    said = invoke("--strategy", paper_strategy(tmp_path), "--db", tmp_path / "l.db")
    assert "opportunities: 1 path, 1 episode, " in said.out
    assert "; 1 cycle opened for them" in said.out


def test_a_run_that_was_to_open_nothing_does_not_say_that_nothing_paid(tmp_path: Path) -> None:
    path = paper_strategy(tmp_path)  # whose threshold is below what the market offers
    said = invoke("--strategy", path, "--db", tmp_path / "l.db", "--cycles", "0")
    assert "cycles: none" in said.out
    assert "nothing paid" not in said.out
