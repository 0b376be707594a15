"""What replay tells, in which form, and how it ends."""

import json
import shutil
from pathlib import Path

import pytest
from click.testing import Result

from arb.events import facts as f
from arb.events.sqlite import LogReader, lock_log
from arb.events.sqlite.connections import close, writer
from arb.faces import text
from arb.faces.cli import replay
from arb.ids import run_stream
from arb.projections.replay import fold_cycle
from tests.faces.commands import call, door
from tests.spec import histories as h
from tests.spec.written import write_log


def replayed(db: Path, *arguments: str) -> Result:
    return call(replay, "--db", db, *arguments)


# --- the log


def test_without_a_cycle_the_log_is_summed_up(db: Path) -> None:
    summary = json.loads(replayed(db, "--json").stdout)
    with LogReader(db) as reader:
        assert summary["events"] == reader.head().position
        assert summary["hash"] == reader.head().hash.hex()
    assert sum(summary["cycles"].values()) == 42
    assert "paper on paper, account f00d" in replayed(db).stdout


def test_verify_is_ok_for_a_whole_log_and_5_for_another(db: Path) -> None:
    result = replayed(db, "--verify")
    assert (result.exit_code, result.stdout) == (0, "verify: ok\n")
    connection = writer(db)
    connection.execute("UPDATE cycles SET profit_loss = 1e9 WHERE id = 'demo-2'")
    close(connection)
    result = replayed(db, "--verify")
    assert result.exit_code == 5
    assert "table cycles, row demo-2, column profit_loss is 1000000000.0" in result.stdout
    told = json.loads(replayed(db, "--verify", "--json").stdout)
    assert (told["ok"], told["findings"][0]["column"]) == (False, "cycles.profit_loss")


def test_rebuild_repairs_the_tables_and_is_refused_beside_an_engine(db: Path) -> None:
    connection = writer(db)
    connection.execute("DELETE FROM ledger")
    close(connection)
    with lock_log(db):
        result = replayed(db, "--rebuild")
    assert result.exit_code == 1
    assert "in use by process" in result.stderr
    assert replayed(db, "--rebuild").exit_code == 0
    assert replayed(db, "--verify").stdout == "verify: ok\n"


def test_a_log_whose_witness_is_gone_goes_on_only_through_the_door(db: Path) -> None:
    db.with_name(db.name + ".witness").unlink()
    assert replayed(db, "--verify").exit_code == 5
    assert replayed(db, "--accept-head").exit_code == 2
    accepted = replayed(db, "--accept-head", "--reason", "restored a backup", "--json")
    assert accepted.exit_code == 0, accepted.stderr
    told = json.loads(accepted.stdout)
    assert told["instance"] != h.INSTANCE
    assert replayed(db, "--verify").stdout == "verify: ok\n"
    with LogReader(db) as reader:
        last = list(reader.read(told["position"] - 1))[-1].fact
    assert isinstance(last, f.HeadAccepted)
    assert last.reason == "restored a backup"


# --- a cycle


def test_a_story_has_a_line_for_every_event_with_the_state_after_it(db: Path) -> None:
    with LogReader(db) as reader:
        events = list(reader.read_stream("cycle-demo-2"))
    lines = replayed(db, "demo-2").stdout.splitlines()
    assert lines[0] == "demo-2: USDT > BTC > ETH > USDT"
    assert len(lines) == len(events) + 1
    for line, event in zip(lines[1:], events, strict=True):
        assert line.split()[:2] == [str(event.position), str(event.version)]
    assert " completed " in lines[-1]


def test_json_has_a_line_for_every_event(db: Path) -> None:
    lines = [json.loads(line) for line in replayed(db, "demo-2", "--json").stdout.splitlines()]
    with LogReader(db) as reader:
        events = list(reader.read_stream("cycle-demo-2"))
    names = ["position", "stream", "version", "type", "at_ns", "data", "hash", "state"]
    assert [list(line) for line in lines] == [names] * len(events)
    for line, event in zip(lines, events, strict=True):
        assert line["hash"] == event.hash.hex()
        assert line["data"] == json.loads(event.data)
    assert [line["state"] for line in lines][:3] == ["pending", "validating", "active"]
    assert lines[-1]["state"] == "completed"


def test_a_cycle_is_shown_as_it_was(db: Path) -> None:
    shown = json.loads(replayed(db, "demo-2", "--at", "5", "--json").stdout)
    assert (shown["state"], shown["version"], shown["end_time"]) == ("active", 5, None)
    assert "demo-2  active" in replayed(db, "demo-2", "--at", "5").stdout
    assert replayed(db, "demo-2", "--at", "999").exit_code == 2


def test_a_difference_names_what_changed(db: Path) -> None:
    with LogReader(db) as reader:
        last = fold_cycle(reader, "demo-2").version
    told = json.loads(replayed(db, "demo-2", "--diff", "5", str(last), "--json").stdout)
    changes = {one["what"]: (one["was"], one["now"]) for one in told["changes"]}
    assert changes["state"] == ("active", "completed")
    assert changes["outcome"] == (None, "completed")
    assert any(what.startswith("order ") for what in changes)
    assert "  state: active -> completed" in replayed(db, "demo-2", "--diff", "5", str(last)).stdout
    assert replayed(db, "demo-2", "--diff", "5", "5").stdout == "nothing changed\n"


def two_runs(path: Path, *ends: f.Fact) -> str:
    """A cycle that a first process left in the middle and a second one went on with."""
    author = h.write(h.completed, 1, h.Random(1))
    middle = len(author.batches) // 2
    first = [h.Batch(run_stream("r1"), (f.RunStarted(run="r1", version="0", strategies=()),))]
    last = [h.Batch(run_stream("r1"), (end,)) for end in ends]
    write_log(path, [*first, *author.batches[:middle], *last], run="r1")
    second = h.Batch(run_stream("r2"), (f.RunStarted(run="r2", version="0", strategies=()),))
    write_log(path, [second, *author.batches[middle:]], run="r2", at_ns=h.START_NS + 2 * 10**9)
    return author.id


def test_the_gap_of_a_process_that_died_is_marked(tmp_path: Path) -> None:
    cycle_id = two_runs(tmp_path / "log.db")
    marks = [
        line
        for line in replayed(tmp_path / "log.db", cycle_id).stdout.splitlines()
        if line.startswith("---")
    ]
    assert len(marks) == 1
    assert marks[0].startswith("--- run ended without saying so (killed?); next run started 1.")
    assert marks[0].endswith(" s later ---")


def test_a_run_that_ended_in_order_says_so(tmp_path: Path) -> None:
    ended = f.RunEnded(run="r1", exit_code=130, reason="interrupted")
    cycle_id = two_runs(tmp_path / "log.db", ended)
    assert (
        "--- run ended (exit 130, interrupted); next run"
        in replayed(tmp_path / "log.db", cycle_id).stdout
    )


def test_a_cycle_that_is_not_at_rest_says_so_at_the_end(db: Path) -> None:
    with LogReader(db) as reader:
        cycle_id = next(iter(reader.streams("cycle-demo-30"))).removeprefix("cycle-")
    assert replayed(db, cycle_id).stdout.endswith(
        "--- the log ends here, and the cycle is still open ---\n"
    )


def test_a_story_fits_a_narrow_terminal(db: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text, "width", lambda: 60)
    monkeypatch.setattr("arb.faces.story.width", lambda: 60)
    for cycle_id in ("demo-2", "demo-10", "demo-8"):
        for line in replayed(db, cycle_id).stdout.splitlines():
            assert len(line) <= 60, line


# --- bad input


@pytest.mark.parametrize(
    "arguments",
    [
        ["--at", "3"], ["--diff", "1", "2"], ["demo-2", "--at", "0"], ["demo-2", "--at", "1", "--diff", "1", "2"],
        ["demo-2", "--verify"], ["--verify", "--rebuild"], ["demo"], ["nothing"], ["--reason", "r"], [""],
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_a_usage_error(db: Path, arguments: list[str]) -> None:
    result = replayed(db, *arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.strip()


@pytest.mark.parametrize(
    "arguments", [[], ["demo-2"], ["--verify"], ["--rebuild"], ["--accept-head", "--reason", "r"]]
)
def test_a_log_that_is_not_there_is_said_so_and_not_made(
    tmp_path: Path, arguments: list[str]
) -> None:
    result = replayed(tmp_path / "nothing.db", *arguments)
    assert result.exit_code == 3
    assert "no log at" in result.stderr
    assert [path.name for path in tmp_path.iterdir() if not path.name.endswith(".lock")] == []


def test_a_copied_folder_is_replayed_by_the_door(db: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(db.parent, copy)
    result = door("replay", "--db", copy / db.name, "--verify")
    assert (result.returncode, result.stdout, result.stderr) == (0, "verify: ok\n", "")
