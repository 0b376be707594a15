"""`tools/prove.py` as its users see it."""

import json
from pathlib import Path

import pytest

from arb.faces.prove_cli import prove
from tests.faces.commands import call


def test_seeds_are_counted_for_a_machine() -> None:
    done = call(prove, "--seeds", "2", "--from", "40", "--jobs", "1", "--json")
    told = json.loads(done.stdout)
    assert done.exit_code == 0
    assert (told["first"], told["seeds"], told["kept"], told["failed"]) == (40, 2, 2, [])
    assert told["runs"] > told["killed"] > 0


def test_seeds_are_shown_as_a_table() -> None:
    done = call(prove, "--seeds", "2", "--jobs", "2")
    assert done.exit_code == 0
    assert done.stdout.startswith("2 of 2 seeds kept every promise (0 to 1)")
    assert "a cycle was completed" in done.stdout


def test_fresh_seeds_are_named_so_that_they_can_be_run_again() -> None:
    done = call(prove, "--fresh", "1", "--jobs", "1", "--json")
    assert f"fresh seeds from {json.loads(done.stdout)['first']}\n" in done.stderr


def test_one_seed_tells_its_story_and_leaves_its_log(tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    done = call(prove, "--seed", "3", "--folder", folder)
    assert done.exit_code == 0
    assert "--- life 1 begins ---" in done.stdout
    assert "--- killed at" in done.stdout
    assert "every promise was kept" in done.stdout.splitlines()[-1]
    assert {"log.db", "truth.json"} <= {path.name for path in folder.iterdir()}
    again = call(prove, "--seed", "3", "--folder", folder)
    assert again.exit_code == 2
    assert "is not empty" in again.stderr


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ("--mutants --real", "--real does not go with --mutants"),
        ("--seed 5 --mutants", "--seed does not go with --mutants"),
        ("--seed 5 --seeds 3", "--seeds does not go with --seed"),
        ("--from 5 --seed 3", "--from does not go with --seed; it goes with --seeds"),
        (
            "--seeds 1 --folder x",
            "--folder does not go with --seeds; it goes with --real or --seed",
        ),
        ("--folder x", "error: --folder goes with --real or --seed"),
        ("--from 0 --fresh 3", "--from does not go with --fresh; it goes with --seeds"),
        ("--fresh 3 --seeds 3", "--seeds does not go with --fresh"),
        ("--kills 3", "error: --kills goes with --real"),
        ("--matrix --seed 0", "--seed does not go with --matrix"),
        (
            "--real --jobs 2",
            "--jobs does not go with --real; it goes with --mutants or --matrix or",
        ),
    ],
)
def test_a_flag_that_would_not_be_heeded_is_refused(words: str, named: str) -> None:
    done = call(prove, *words.split())
    assert done.exit_code == 2
    assert named in done.stderr
    assert done.stdout == ""


def test_a_folder_that_cannot_be_written_to_is_refused_in_a_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for words in (["--seed", "7"], ["--real"]):
        done = call(prove, *words, "--folder", tmp_path / "file")
        assert (done.exit_code, len(done.stderr.splitlines())) == (2, 1)
        done = call(prove, *words, "--folder", "/proc")  # nothing is made there, by anybody
        assert (done.exit_code, len(done.stderr.splitlines())) == (3, 1)
        assert "/proc cannot be written to" in done.stderr
