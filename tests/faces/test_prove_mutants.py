"""`tools/prove.py --mutants` as its users see it."""

import json

import pytest

from arb.faces.prove_cli import prove
from arb.faces.prove_mutants import prove_mutants
from arb.simulation.mutants import MUTANTS, Mutant
from tests.faces.commands import call

(RETRY,) = (one for one in MUTANTS if one.name == "retry on timeout")
DEAD = Mutant("dead", "it does not start", "sent_twice", "@ limits.py\n-NOT_FOUND_MIN: Final = 3\n")


def test_mistakes_are_told_with_what_found_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert prove_mutants([RETRY, DEAD], jobs=2, as_json=False) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "1 of 2 mistakes are found by the rule named for them"
    assert lines[-2].split()[:6] == ["retry", "on", "timeout", "sent_twice", "by", "seed"]
    assert "no: " in lines[-1]


def test_mistakes_are_told_to_a_machine(capsys: pytest.CaptureFixture[str]) -> None:
    assert prove_mutants([RETRY], jobs=1, as_json=True) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["mistakes"], told["missed"]) == (1, 0)
    assert told["list"][0]["found"]


def test_the_command_hunts_them_all(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, bool]] = []

    def hunted(*, jobs: int, as_json: bool) -> int:
        asked.append((jobs, as_json))
        return 1

    monkeypatch.setattr("arb.faces.prove_mutants.prove_mutants", hunted)
    assert call(prove, "--mutants", "--jobs", "1", "--json").exit_code == 1
    assert asked == [(1, True)]
