"""`tools/prove.py` as its users see it."""

import json
from pathlib import Path

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
