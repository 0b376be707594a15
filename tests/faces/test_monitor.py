"""What the monitor shows, in which form, and how it ends."""

import json
import sqlite3
from decimal import Decimal
from pathlib import Path

import pytest
from click.testing import Result
from msgspec.structs import replace

from arb.events.facts import (
    EngineHalted,
)
from arb.events.sqlite import LogReader
from arb.events.sqlite.connections import close, writer
from arb.execution.operating import acting
from arb.execution.operating.control import ActResult
from arb.faces import text
from arb.faces.cli import monitor
from arb.faces.cycle_text import LAST_ORDERS, active_lines
from arb.faces.legacy_flags import REPLACED
from arb.projections import queries
from arb.projections.replay import fold_cycle
from tests.faces.commands import call, door
from tests.spec import histories as h
from tests.spec.written import write_log

FIFTEEN = set(queries.CYCLE_COLUMNS)


def monitored(db: Path, *arguments: str) -> Result:
    return call(monitor, "--db", db, *arguments)


# --- views


def test_without_a_flag_the_active_cycles_are_shown(db: Path) -> None:
    assert monitored(db).stdout == monitored(db, "--active").stdout


def test_every_open_cycle_is_shown_with_what_it_holds(db: Path) -> None:
    shown = monitored(db, "--active").stdout
    with LogReader(db) as reader:
        for cycle in queries.load_open_cycles(reader.connection):
            assert f"{cycle.id}  {cycle.state}" in shown
            for asset in cycle.holdings:
                assert asset in shown


@pytest.mark.parametrize("sent", range(6))
def test_orders_that_are_left_out_are_counted(db: Path, sent: int) -> None:
    with LogReader(db) as reader:
        view = next(one for one in queries.active(reader.connection) if one.orders)
    view = replace(view, orders=view.orders[:1] * sent)
    lines = list(active_lines([view], []))
    assert sum(one.startswith("  order ") for one in lines) == min(sent, LAST_ORDERS)
    told = [one for one in lines if "earlier" in one]
    left_out = f"  and {sent - LAST_ORDERS} earlier, see --details {view.id}"
    assert told == ([left_out] if sent > LAST_ORDERS else [])


def test_parked_cycles_say_what_to_do(db: Path) -> None:
    assert "monitor.py --unwind demo-10, or --release demo-10" in monitored(db).stdout


def test_nothing_open_is_said_in_words(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    write_log(path, h.history(1, 3, (h.completed,)))
    assert monitored(path).stdout == "no cycle is open\n"


@pytest.mark.parametrize(("arguments", "count"), [((), 20), (("5",), 5), (("1000",), 42)])
def test_history_takes_a_number_or_none(db: Path, arguments: tuple[str, ...], count: int) -> None:
    assert len(json.loads(monitored(db, "--history", *arguments, "--json").stdout)) == count


def test_history_never_cuts_an_id(db: Path) -> None:
    for cycle in json.loads(monitored(db, "--history", "1000", "--json").stdout):
        assert cycle["id"] in monitored(db, "--history", "1000").stdout
        assert monitored(db, "--details", cycle["id"]).exit_code == 0


def test_profits_of_different_currencies_are_never_added(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    batches = h.history(1, 4, (h.completed,))
    other = []
    for batch in h.write(h.completed, 99, h.Random(3)).batches:
        raw = [h.in_other_currencies(fact) for fact in batch.facts]
        other.append(h.Batch(batch.stream, tuple(raw)))
    write_log(path, [*batches, *other])
    lines = [
        line for line in monitored(path, "--history").stdout.splitlines() if line.startswith("P/L ")
    ]
    assert [line.rpartition(" ")[2] for line in lines] == ["EUR", "USDT"]


def test_details_in_json_are_the_fifteen_columns_with_exact_amounts(db: Path) -> None:
    shown = json.loads(monitored(db, "--details", "demo-10", "--json").stdout)
    assert set(shown) >= FIFTEEN
    assert {"orders", "holdings", "outcome"} <= set(shown)
    with LogReader(db) as reader:
        cycle = fold_cycle(reader, "demo-10")
    assert shown["outcome"] == "parked"
    assert {asset: Decimal(amount) for asset, amount in shown["parked"].items()} == cycle.parked
    assert Decimal(shown["profit_loss"]) == cycle.pnl
    assert Decimal(shown["initial_amount"]) == cycle.start_amount
    assert Decimal(shown["current_amount"]) == cycle.parked[shown["current_currency"]]
    assert [(one["client_order_id"], Decimal(one["filled"])) for one in shown["orders"]] == [
        (one.client_order_id, one.filled) for one in cycle.orders
    ]


def test_every_amount_in_json_is_text(db: Path) -> None:
    for cycle in json.loads(monitored(db, "--history", "1000", "--json").stdout):
        for name in ("initial_amount", "current_amount", "profit_loss"):
            assert cycle[name] is None or isinstance(cycle[name], str)
            assert "E" not in str(cycle[name])
        for order in cycle["orders"]:
            assert isinstance(order["amount"], str)


def test_a_beginning_of_an_id_is_enough_where_it_is_the_only_one(db: Path) -> None:
    assert (
        monitored(db, "--details", "demo-42").stdout == monitored(db, "--details", "demo-42").stdout
    )
    assert monitored(db, "--details", "demo-1").exit_code == 2
    assert monitored(db, "--details", "demo-2").exit_code == 0


@pytest.mark.parametrize(
    "view", [["--active"], ["--history"], ["--details", "demo-2"], ["--declined"], ["--risk-stats"]]
)
def test_a_narrow_terminal_is_never_overrun_but_by_a_long_word(
    db: Path, monkeypatch: pytest.MonkeyPatch, view: list[str]
) -> None:
    monkeypatch.setattr(text, "width", lambda: 60)
    for line in monitored(db, *view).stdout.splitlines():
        assert len(line) <= 60, line


def test_a_pipe_gets_no_colour_and_no_box(db: Path) -> None:
    shown = door("monitor", "--db", db, "--history").stdout
    assert shown.isascii()
    assert "\x1b" not in shown


def test_colour_is_for_terminals_that_want_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert "\x1b[" in text.coloured("failed")
    monkeypatch.setenv("NO_COLOR", "1")
    assert text.coloured("failed") == "failed"


def test_a_halt_is_told_beside_every_view(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    halted = h.Batch(h.ACCOUNT, (EngineHalted(reason="balance does not fit", scope="all"),))
    write_log(path, [*h.history(1, 2, (h.completed,)), halted])
    result = monitored(path, "--history")
    assert "HALTED (all): balance does not fit" in result.stderr
    assert "HALTED" not in result.stdout
    assert monitored(path, "health").exit_code == 1


# --- legacy


@pytest.mark.parametrize("flag", sorted(REPLACED))
def test_a_flag_that_is_gone_answers_with_what_replaced_it(db: Path, flag: str) -> None:
    values = REPLACED[flag][0]
    for count in {max(values, 0), abs(values)}:
        result = monitored(db, flag, *["1"] * count)
        assert result.exit_code == 2
        assert f"{flag} is gone" in result.stderr


def test_the_legacy_words_answer(db: Path) -> None:
    assert monitored(db, "snapshot", "--out-dir", "logs/ops", "--recent", "10").exit_code == 2
    health = monitored(db, "health", "--window", "300", "--max-suppression-rate", "95")
    assert (health.exit_code, health.stdout[:5]) == (1, "FAIL:")
    report = monitored(db, "report", "today")
    assert report.exit_code == 2
    assert "there is no `report`: --history shows" in report.stderr
    assert "unknown word 'repot'" in monitored(db, "repot", "today").stderr


def test_what_stands_in_the_way_is_said_once_by_health(db: Path) -> None:
    said = monitored(db, "--pause")
    assert said.exit_code == 0, said.stderr
    health = monitored(db, "health")
    assert "paused by an operator: no reason given" in health.stdout
    assert health.stderr == ""


def test_the_mode_of_the_log_is_accepted_and_another_one_is_answered(db: Path) -> None:
    assert monitored(db, "--mode", "paper").exit_code == 0
    assert monitored(db, "--mode", "live").exit_code == 2


def test_risk_stats_takes_hours_or_none(db: Path) -> None:
    assert monitored(db, "--risk-stats", "24").stdout == monitored(db, "--risk-stats").stdout != ""


# --- acting


@pytest.fixture
def acts(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, str | None]]:
    """What the control path was asked to do."""
    asked: list[dict[str, str | None]] = []

    def act(db: Path, action: str, target: str | None = None, reason: str | None = None, verdict: str | None = None) -> ActResult:  # fmt: skip
        asked.append({"action": action, "target": target, "reason": reason, "verdict": verdict})
        if action == "reset-risk":
            return ActResult(ok=False, message="nothing of that name is tripped")
        return ActResult(ok=True, message="done")

    monkeypatch.setattr(acting, "act", act)
    return asked


@pytest.mark.parametrize(
    ("arguments", "asked"),
    [
        (["--panic"], {"action": "panic"}),
        (["--panic", "demo-42"], {"action": "panic", "target": "demo-42"}),
        (["--panic", "--reason", "fire"], {"action": "panic", "reason": "fire"}),
        (["--pause"], {"action": "pause"}),
        (["--unpause", "--reason", "looked"], {"action": "unpause", "reason": "looked"}),
        (["--unwind", "demo-10"], {"action": "unwind", "target": "demo-10"}),
        (["--release", "demo-10"], {"action": "release", "target": "demo-10"}),
        (["--clear-cooldown", "A->B"], {"action": "clear-cooldown", "target": "A->B"}),
        (["--clear-all-cooldowns"], {"action": "clear-cooldown", "target": "all"}),
        (
            ["--attest", "x1", "absent", "--reason", "r"],
            {"action": "attest", "target": "x1", "verdict": "absent", "reason": "r"},
        ),
    ],
)
def test_an_action_goes_down_the_control_path(
    db: Path, acts: list[dict[str, str | None]], arguments: list[str], asked: dict[str, str]
) -> None:
    result = monitored(db, *arguments)
    nothing = dict.fromkeys(("action", "target", "reason", "verdict"))
    assert (result.exit_code, result.stdout, acts) == (0, "done\n", [{**nothing, **asked}])


def test_an_action_that_failed_is_said_on_stderr_with_its_code(
    db: Path, acts: list[object]
) -> None:
    result = monitored(db, "--reset-risk", "daily_loss")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "nothing of that name" in result.stderr


@pytest.mark.parametrize(("arguments", "days"), [((), 7), (("30",), 30), (("0",), 0)])
def test_cleanup_takes_days_or_none(
    db: Path, acts: list[dict[str, str | None]], arguments: tuple[str, ...], days: int
) -> None:
    assert monitored(db, "--cleanup", *arguments).exit_code == 0
    assert monitored(db, "--cleanup", "0").exit_code == 0
    chosen, now = (int(one["target"] or 0) for one in acts)
    assert abs(now - chosen - days * 86_400 * 10**9) < 10**10


def test_cleanup_hides_and_the_log_stays_whole(db: Path) -> None:
    with LogReader(db) as reader:
        events = reader.head().position
    result = monitored(db, "--cleanup", "0")
    assert result.exit_code == 0, result.stderr
    left = json.loads(monitored(db, "--history", "1000", "--json").stdout)
    assert all(cycle["end_time"] is None or cycle["parked"] for cycle in left)
    with LogReader(db) as reader:
        assert reader.head().position > events
        assert len(queries.history(reader.connection, 1_000, hidden=True)) == 42


def test_cleanup_says_how_many_are_hidden_and_history_how_to_see_them(db: Path) -> None:
    told = monitored(db, "--cleanup", "0").stdout
    left = json.loads(monitored(db, "--history", "1000", "--json").stdout)
    assert f"hidden now: {42 - len(left)} cycles; `--history --hidden` shows them" in told
    assert "`--history --hidden` shows them" in monitored(db, "--history").stderr
    shown = monitored(db, "--history", "1000", "--hidden", "--json")
    assert len(json.loads(shown.stdout)) == 42
    assert "shows them" not in shown.stderr


# --- bad input


@pytest.mark.parametrize(
    "arguments",
    [
        ["--nonsense"], ["--history", "0"], ["--history", "many"], ["--cleanup", "-1"], ["--active", "--history"],
        ["--hidden"], ["--active", "--hidden"],
        ["--attest", "x1", "perhaps"], ["--details", ""], ["--details", "nothing"], ["--reason", "r"],
        ["--watch", "--pause"], ["nonsense"], ["--details", "demo-2", "--pause"],
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_a_usage_error_in_one_line(db: Path, arguments: list[str]) -> None:
    result = monitored(db, *arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.strip()


def test_a_log_that_is_not_there_is_said_so_and_not_made(tmp_path: Path) -> None:
    result = monitored(tmp_path / "nothing.db")
    assert result.exit_code == 3
    assert "no log at" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_database_of_another_program_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "trade_state.db"
    with sqlite3.connect(path) as legacy:
        legacy.execute("CREATE TABLE cycles (id TEXT PRIMARY KEY, state TEXT)")
    legacy.close()
    before = path.read_bytes()
    for arguments in ([], ["--pause"], ["--cleanup"]):
        assert monitored(path, *arguments).exit_code == 3
    assert path.read_bytes() == before


def test_a_folder_is_no_log(tmp_path: Path) -> None:
    assert monitored(tmp_path).exit_code == 3


def test_tables_of_a_newer_version_are_not_guessed_at(db: Path) -> None:
    connection = writer(db)
    connection.execute("UPDATE projection_codes SET code = '9-newer' WHERE name = 'cycles'")
    close(connection)
    result = monitored(db)
    assert result.exit_code == 3
    assert "written by code 9-newer" in result.stderr


def test_watch_ends_with_130_when_it_is_interrupted(
    db: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = []

    def interrupt(_seconds: float) -> None:
        shown.append(1)
        if len(shown) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr("arb.faces.monitor_cli.time.sleep", interrupt)
    result = monitored(db, "--watch", "--history", "1")
    assert result.exit_code == 130
    assert result.stdout.count("CYCLE") == 3
