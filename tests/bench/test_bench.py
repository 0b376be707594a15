"""Every row of the benchmark measures something and says so in one form. Nothing here is timed."""

import json
import random
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from arb.bench.cli import ROWS, bench
from arb.bench.cycles import script, scripts
from arb.bench.lines import HEADING, Line, as_json, as_text
from arb.events import facts as f
from arb.machine import table as t
from arb.machine.evolve import evolve
from arb.machine.invariants import broken

KEYS = ["row", "value", "unit", "floor", "baseline", "ratio", "budget", "ok"]
SMALL = "0.01"


def run(*args: str) -> Result:
    return CliRunner().invoke(bench, [*args], catch_exceptions=False)


@pytest.mark.parametrize("row", sorted(ROWS))
def test_a_row_tells_numbers_in_the_form_of_the_contract(row: str, tmp_path: Path) -> None:
    done = run(row, "--json", "--quick", "--scale", SMALL, "--folder", str(tmp_path))
    assert done.exit_code == 0, done.output
    lines: list[dict[str, Any]] = [json.loads(line) for line in done.stdout.splitlines()]
    assert lines
    for line in lines:
        assert list(line) == KEYS
        assert line["row"].split()[0] == row
        for key in ("value", "floor", "baseline", "ratio", "budget"):
            assert line[key] is None or isinstance(line[key], int | float)
        assert line["ok"] in {True, False, None}
        if row != "7":
            assert line["value"] > 0


def test_nothing_is_left_in_the_folder(tmp_path: Path) -> None:
    run("3", "--quick", "--scale", SMALL, "--folder", str(tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_the_table_names_the_machine_and_fits_a_terminal(tmp_path: Path) -> None:
    done = run("1", "5", "--quick", "--scale", SMALL, "--folder", str(tmp_path))
    assert "sqlite" in done.stdout
    assert "fsync" in done.stdout
    assert HEADING in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_an_unknown_row_is_refused_and_the_rows_are_named() -> None:
    done = run("1", "6")
    assert done.exit_code == 2
    assert "1, 2, 3, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16" in done.output


def test_a_ratio_is_judged_where_the_budget_is_one() -> None:
    line = Line(row="x", value=30.0, unit="us", baseline=20.0, budget=1.4, bound="ratio at most")
    assert (line.ratio, line.ok) == (1.5, False)
    assert as_text(line).endswith("ratio <= 1.4  NO")


def test_a_value_that_could_not_be_measured_keeps_no_budget() -> None:
    line = Line(row="x", value=None, unit="s", budget=0.3)
    assert json.loads(as_json(line))["ok"] is False


def test_what_is_only_told_is_not_judged() -> None:
    assert Line(row="x", value=1.0, unit="s").ok is None


@pytest.mark.parametrize("seed", range(20))
def test_the_example_cycles_are_histories_that_the_machine_allows(seed: int) -> None:
    facts = [fact for move in script(1, seed, "c0ffee").moves for fact in move.facts]
    cycle = None
    for at, fact in enumerate(facts):
        cycle = evolve(cycle, fact, at)
    assert cycle is not None
    assert cycle.state == t.COMPLETED
    assert broken(cycle, [fact for fact in facts if isinstance(fact, f.OrderFilled)]) == []


def test_renamed_cycles_share_no_id() -> None:
    rng = random.Random(7)
    first = rng.randrange(1, 10**6)
    seen: set[str] = set()
    for one in scripts(100, "c0ffee", first):
        ids = {getattr(fact, "client_order_id", "") for move in one.moves for fact in move.facts}
        ids |= {getattr(fact, "trade_id", "") for move in one.moves for fact in move.facts}
        ids -= {""}
        assert not ids & seen
        seen |= ids


def test_a_folder_that_cannot_be_written_to_is_refused_in_a_line() -> None:
    done = CliRunner().invoke(bench, ["--folder", "/proc"], catch_exceptions=False)
    assert (done.exit_code, done.stdout) == (3, "")
    assert done.stderr.startswith("error: --folder /proc cannot be written to")
