"""What an operator can do, to a running engine and between runs; each act is an event of the log."""

import signal
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from arb.errors import IllegalMove, WrongLog
from arb.execution.operating.acting import act
from arb.execution.risk.kill_switch import kill_file
from arb.execution.runs.engine import EXIT_HALTED
from arb.faces.monitor_cli import monitor
from arb.simulation.processes import Started, start, until
from tests.spec.accounts import assert_nothing_lost, free, move
from tests.spec.command_line import Said, files, invoke, paper_strategy
from tests.spec.processes import crash, events, rows, until_event

CLOSED = {"completed", "failed"}


@pytest.fixture
def db(folder: Path) -> Path:
    paper_strategy(folder)
    return folder / "log.db"


@pytest.fixture
def engine(folder: Path, db: Path) -> Iterator[Started]:
    """An engine that trades until the end of the test."""
    words = ["--strategy", "s.yaml", "--db", db, "--duration", "200"]
    started = start(folder, "run", *words)
    until(db.with_name("log.db.sock").exists, "the control socket")
    yield started
    started.end()


def once_more(db: Path, *flags: object) -> Said:
    return invoke("--strategy", "s.yaml", "--db", db, "--json", *flags)


def watched(db: Path, *flags: object) -> Said:
    """The monitor, as an operator uses it."""
    return invoke("--db", db, *flags, command=monitor)


def kinds(said: Said) -> list[str]:
    return [event["type"] for event in said.events]


def states(db: Path) -> dict[str, str]:
    return dict(rows(db, "SELECT id, state FROM cycles"))


# --- a running engine


def test_a_running_engine_is_paused_and_unpaused(db: Path, engine: Started) -> None:
    until_event(db, "CycleOpened")
    assert act(db, "pause", reason="lunch").ok
    paused = until_event(db, "NewCyclesPaused")
    assert paused["reason"] == "lunch"
    assert watched(db, "--unpause").code == 0
    lifted = until_event(db, "EngineUnpaused")
    between = (e["position"] for e in events(db, "CycleOpened"))
    assert not [p for p in between if paused["position"] < p < lifted["position"]]
    until(
        lambda: events(db, "CycleOpened")[-1]["position"] > lifted["position"],
        "a cycle after the pause",
    )
    engine.interrupt()
    assert engine.wait().code == 130


def test_panic_liquidates_every_open_cycle_of_a_running_engine(folder: Path, db: Path) -> None:
    # Every order's reply is lost, so a cycle stays at work long enough to be met.
    paper_strategy(folder, faults={"reply_lost": "1", "order_hidden": "1"})
    words = ["--strategy", "s.yaml", "--db", db, "--duration", "200"]
    engine = start(folder, "run", *words)
    try:
        until_event(db, "OrderUnknown")
        said = watched(db, "--panic", "--reason", "enough")
        assert said.code == 0
        panicked = {event["cycle_id"] for event in events(db, "PanicRequested")}
        assert panicked
        until(lambda: all(states(db)[cycle] in CLOSED for cycle in panicked), "the panic sell")
        engine.interrupt()
        assert engine.wait().code == 130
    finally:
        engine.end()
    assert {states(db)[cycle] for cycle in panicked} == {"failed"}
    assert_nothing_lost(db)


def test_what_makes_no_sense_is_refused_by_a_running_engine_too(db: Path, engine: Started) -> None:
    until_event(db, "RunStarted")
    assert (act(db, "panic", "nope").ok, act(db, "unwind", "nope").ok) == (False, False)
    assert act(db, "attest", "xnope", "because", "absent").exit_code == 1
    assert act(db, "attest", "xnope", None, "absent").exit_code == 2
    assert act(db, "dance").exit_code == 2
    assert engine.process.poll() is None


# --- between runs


def test_without_a_log_there_is_nothing_to_act_on(folder: Path, db: Path) -> None:
    before = files(folder)
    with pytest.raises(WrongLog):
        act(db, "pause")
    assert watched(db, "--pause").code == 3
    assert files(folder) == before


def test_a_pause_outlives_restarts(db: Path) -> None:
    assert once_more(db, "--cycles", "0").code == 0
    assert watched(db, "--pause", "--reason", "holiday").code == 0
    assert events(db, "NewCyclesPaused")[0]["reason"] == "holiday"
    said = once_more(db, "--duration", "1")
    assert "CycleOpened" not in kinds(said)
    assert watched(db, "--unpause").code == 0
    assert kinds(once_more(db)).count("CycleOpened") >= 1


def test_one_cycle_is_panicked_between_runs_and_sold_by_the_next(folder: Path, db: Path) -> None:
    crash(folder, "--strategy", "s.yaml", "--db", db, at="executed_not_told")
    assert watched(db, "--panic", "demo-1", "--reason", "enough").code == 0
    assert events(db, "PanicRequested")[0]["cycle_id"] == "demo-1"
    said = once_more(db, "--cycles", "0")
    assert said.summary["outcomes"] == {"liquidated": 1}
    assert_nothing_lost(db)


def test_panic_without_open_cycles_does_nothing(db: Path) -> None:
    assert once_more(db, "--cycles", "0").code == 0
    assert "no cycle is open" in act(db, "panic").message
    assert events(db, "PanicRequested") == []


@pytest.fixture
def parked(folder: Path, db: Path) -> Decimal:
    """A cycle whose coins were withdrawn while the engine was dead, parked; how much it holds."""
    paper_strategy(folder, panic="false")
    crash(folder, "--strategy", "s.yaml", "--db", db, at="executed_not_told")
    move(db, "BTC", -free(db, "BTC"), reported=True)
    said = once_more(db, "--cycles", "0")
    assert said.code == 1
    assert "demo-1" in said.err
    assert said.summary["outcomes"] == {"parked": 1}
    held: dict[str, str] = said.summary["parked"]
    assert list(held) == ["BTC"]
    return Decimal(held["BTC"])


def test_a_parked_cycle_is_unwound_when_its_coins_are_back(db: Path, parked: Decimal) -> None:
    move(db, "BTC", parked, reported=True)
    assert watched(db, "--unwind", "demo-1", "--reason", "they are back").code == 0
    assert events(db, "UnwindRequested")[0]["reason"] == "they are back"
    said = once_more(db, "--cycles", "0")
    assert said.code == 0
    assert said.summary["outcomes"] == {"liquidated": 1}
    assert said.summary["parked"] == {}
    assert_nothing_lost(db)


def test_a_parked_cycle_is_released_once(db: Path, parked: Decimal) -> None:
    assert watched(db, "--release", "demo-1", "--reason", "mine").code == 0
    released = events(db, "HoldingsReleased")
    assert [Decimal(event["released"]["BTC"]) for event in released] == [parked]
    with pytest.raises(IllegalMove):
        act(db, "release", "demo-1")
    assert once_more(db, "--cycles", "0").code == 0


def test_cleanup_hides_and_deletes_nothing(db: Path) -> None:
    assert once_more(db).code == 0
    before = rows(db, "SELECT position, hash FROM events")
    assert "demo-1" in watched(db, "--history").out
    assert watched(db, "--cleanup", "0").code == 0
    assert "demo-1" not in watched(db, "--history").out
    assert len(events(db, "CyclesHidden")) == 1
    assert rows(db, "SELECT position, hash FROM events")[: len(before)] == before
    assert "demo-1" in watched(db, "--details", "demo-1").out


# --- attesting


@pytest.fixture
def unknown(folder: Path, db: Path, request: pytest.FixtureRequest) -> str:
    """An order whose fate the engine did not know when it was stopped: its client order id."""
    paper_strategy(folder, faults=request.param, open_cycles="1")
    engine = start(folder, "run", "--strategy", "s.yaml", "--db", db, "--duration", "200")
    order: str = until_event(db, "OrderUnknown")["client_order_id"]
    engine.interrupt(signal.SIGINT)
    engine.interrupt(signal.SIGTERM)
    assert engine.wait().code == 130
    # On a slow machine an order before it may have been refused unsent, its window being over.
    unknown = rows(db, "SELECT client_order_id FROM orders WHERE status = 'unknown'")
    assert unknown == [(order,)]
    paper_strategy(folder)
    return order


LOST_REQUEST = {"request_lost": "1"}
LOST_REPLY = {"reply_lost": "1", "order_hidden": "1"}


@pytest.mark.parametrize(
    ("unknown", "verdict", "outcome"),
    [
        (LOST_REQUEST, "absent", "missed"),
        # The operator was wrong: the venue's truth is found all the same, and nothing is lost.
        (LOST_REPLY, "absent", "liquidated"),
    ],
    indirect=["unknown"],
)
def test_an_unknown_order_is_attested(db: Path, unknown: str, verdict: str, outcome: str) -> None:
    assert watched(db, "--attest", unknown, verdict).code == 2  # it needs a reason

    def attest() -> bool:
        try:
            return act(db, "attest", unknown, "I looked", verdict).ok
        except IllegalMove as error:
            return "may still arrive" not in str(error)

    until(attest, "the order's window to pass")
    (event,) = events(db, "OrderAttested")
    assert (event["client_order_id"], event["verdict"]) == (unknown, verdict)
    assert event["reason"] == "I looked"

    assert once_more(db, "--cycles", "0").code == 0
    assert set(states(db).values()) <= CLOSED
    last = rows(db, "SELECT json_extract(metadata_json, '$.outcome') FROM cycles")
    assert last == [(outcome,)]
    assert_nothing_lost(db)


# --- halts


def test_an_unexplained_difference_halts_until_it_is_explained(folder: Path, db: Path) -> None:
    crash(folder, "--strategy", "s.yaml", "--db", db, at="told_not_appended")
    move(db, "ETH", Decimal("-1.25"), reported=False)

    found = once_more(db)
    assert found.code == 4
    (change,) = (e["data"] for e in found.events if e["type"] == "ExternalChangeFound")
    assert (change["asset"], change["amount"], change["explained"]) == ("ETH", "-1.25", False)
    (halt,) = (e["data"] for e in found.events if e["type"] == "EngineHalted")
    assert halt["scope"] == "ETH"
    # The open cycle was recovered all the same, and nothing new was opened.
    assert set(states(db)) == {"demo-1"}
    assert set(states(db).values()) <= CLOSED
    assert found.summary["external_changes"] == {"ETH": "-1.25"}

    again = once_more(db)
    assert again.code == 4
    assert not {"CycleOpened", "EngineHalted"} & set(kinds(again))

    refused = watched(db, "--unpause")
    assert (refused.code, "--reason" in refused.err) == (2, True)
    assert once_more(db).code == 4
    assert watched(db, "--unpause", "--reason", "I took it").code == 0
    assert events(db, "EngineUnpaused")[0]["reason"] == "I took it"
    assert once_more(db).code == 0
    assert_nothing_lost(db)


def test_a_reported_withdrawal_is_recorded_and_traded_on(db: Path) -> None:
    assert once_more(db, "--cycles", "0").code == 0
    move(db, "USDT", Decimal(-500), reported=True)
    said = once_more(db)
    assert said.code == 0
    assert said.summary["external_changes"] == {"USDT": "-500"}
    (change,) = (e["data"] for e in said.events if e["type"] == "ExternalChangeFound")
    assert change["explained"] is True
    assert "EngineHalted" not in kinds(said)
    assert_nothing_lost(db)


def test_a_halt_of_another_asset_does_not_stop_this_path(db: Path) -> None:
    assert once_more(db, "--cycles", "0").code == 0
    move(db, "BNB", Decimal(-1), reported=False)
    said = once_more(db)
    assert said.code == 0
    assert "EngineHalted" in kinds(said)
    assert said.summary["opportunities"]["taken"] == 1


# --- what a run says of it


def test_a_run_says_at_its_start_what_stands_in_its_way_and_what_lifts_it(
    folder: Path, db: Path
) -> None:
    """A paused run would be silent until it is interrupted, a halted one end without a word."""
    assert once_more(db, "--cycles", "0").code == 0
    said = once_more(db, "--duration", "1")
    assert "PAUSED" not in said.err
    assert watched(db, "--pause", "--reason", "holiday").code == 0
    for more in ((), ("--json",)):
        said = invoke("--strategy", "s.yaml", "--db", db, "--duration", "0.5", *more)
        assert (
            "PAUSED: paused by an operator: holiday; `tools/monitor.py --unpause` lifts" in said.err
        )
        assert said.err.count("waiting, for up to 0.50 s: this run opens nothing new until") == 1
        assert f"`tools/monitor.py --unpause --db {db}` lifts the pause" in said.err
    assert "waiting" not in invoke("--strategy", "s.yaml", "--db", db, "--cycles", "0").err
    assert watched(db, "--unpause").code == 0
    kill_file(db).touch()
    assert invoke("--strategy", "s.yaml", "--db", db).code == EXIT_HALTED
    kill_file(db).unlink()
    said = invoke("--strategy", "s.yaml", "--db", db)
    assert said.code == EXIT_HALTED
    line = next(line for line in said.err.splitlines() if line.startswith("HALTED (all)"))
    assert "remove that file, then `tools/monitor.py --unpause --reason TEXT` lifts it" in line
