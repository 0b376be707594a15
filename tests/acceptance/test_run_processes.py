"""Real processes of `run.py`: interrupts, a second engine, and what a dead one leaves lying about."""

import os
import resource
import shutil
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from arb.execution.operating.acting import act
from arb.simulation.processes import ROOT, Started, environment, start, until
from tests.crash.kills import audit
from tests.spec.command_line import invoke, paper_strategy
from tests.spec.processes import crash, events, rows, until_event

PATH_BYTES_MAX = 108  # of a Unix socket's address
CLOSED = {"completed", "failed"}


class Lives:
    """Starts engines on a folder's log; the test's end is the end of all of them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.db = folder / "log.db"
        self._started: list[Started] = []

    def start(self, *arguments: object, **more: str) -> Started:
        """Start an engine that goes on trading for as long as a test may take."""
        words = ["--strategy", self.folder / "s.yaml", "--db", self.db, "--duration", "200"]
        one = start(self.folder, "run", *words, *arguments, **more)
        self._started.append(one)
        return one

    def trading(self) -> Started:
        """Start an engine, and wait until it has opened a cycle and listens."""
        before = len(self.opened())
        engine = self.start()
        until(lambda: len(self.opened()) > before, "a new cycle")
        until(self.db.with_name("log.db.sock").exists, "the control socket")
        return engine

    def opened(self) -> list[object]:
        return list(events(self.db, "CycleOpened")) if self.db.exists() else []

    def states(self) -> dict[str, str]:
        return dict(rows(self.db, "SELECT id, state FROM cycles"))

    def end(self) -> None:
        for one in self._started:
            one.end()


@pytest.fixture
def lives(folder: Path) -> Iterator[Lives]:
    paper_strategy(folder)
    all_of_them = Lives(folder)
    yield all_of_them
    all_of_them.end()


# --- interrupts


@pytest.fixture
def hung_up() -> Iterator[None]:
    """Under `nohup` these tests ignore SIGHUP, and so, as it should, would an engine that they start."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.mark.usefixtures("hung_up")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_one_interrupt_lets_running_cycles_end(lives: Lives, number: int) -> None:
    engine = lives.trading()
    engine.interrupt(number)
    ended = engine.wait()
    assert ended.code == 130
    assert set(lives.states().values()) <= CLOSED
    assert "still open" not in ended.err
    assert "Traceback" not in ended.err
    assert events(lives.db, "RunEnded")[-1]["exit_code"] == 130
    assert not lives.db.with_name("log.db.sock").exists()


@pytest.mark.parametrize("flags", [["--json"], []])
def test_running_cycles_end_when_whoever_reads_the_output_has_gone(
    folder: Path, lives: Lives, flags: list[str]
) -> None:
    """As with `run.py | head`: no reason to leave a cycle where it stands."""
    words = ["--strategy", folder / "s.yaml", "--db", lives.db, "--duration", "200", *flags]
    engine = subprocess.Popen(
        [sys.executable, str(ROOT / "tools" / "run.py"), *map(str, words)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(folder), cwd=folder,
    )  # fmt: skip
    try:
        assert engine.stdout is not None
        assert engine.stderr is not None
        engine.stdout.readline()
        engine.stdout.close()
        engine.stderr.close()
        assert engine.wait(60) == 1
    finally:
        engine.kill()
        engine.wait()
    assert set(lives.states().values()) <= CLOSED
    assert events(lives.db, "RunEnded")[-1]["exit_code"] == 130


def test_the_end_for_want_of_a_reader_is_said_where_somebody_may_read_it(
    folder: Path, lives: Lives
) -> None:
    words = ["--strategy", folder / "s.yaml", "--db", lives.db, "--duration", "200"]
    with subprocess.Popen(
        [sys.executable, str(ROOT / "tools" / "run.py"), *map(str, words)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(folder), cwd=folder,
    ) as engine:  # fmt: skip
        assert engine.stdout is not None
        assert engine.stderr is not None
        engine.stdout.readline()
        engine.stdout.close()
        said = engine.stderr.read().decode()
        assert engine.wait(60) == 1
    assert said.count("the output of this run cannot be written any more (Broken pipe)") == 1
    assert "Traceback" not in said


def test_two_interrupts_stop_at_once_and_name_what_is_left(lives: Lives) -> None:
    paper_strategy(lives.folder, faults={"reply_never": "1"}, open_cycles="1")
    engine = lives.start()
    until_event(lives.db, "OrderIntended")
    engine.interrupt(signal.SIGINT)
    engine.interrupt(signal.SIGTERM)
    ended = engine.wait()
    assert ended.code == 130
    left = [cycle for cycle, state in lives.states().items() if state not in CLOSED]
    assert left == ["demo-1"]
    assert "the one that is open has 45 s to end; interrupt again" in ended.err
    assert "interrupted again: stopping at once" in ended.err
    assert "cycle demo-1 is still open: the next run" in ended.err
    # The next run finds out what became of the order, and ends the cycle.
    paper_strategy(lives.folder, open_cycles="1")
    said = invoke("--strategy", "s.yaml", "--db", lives.db, "--cycles", "0", "--json")
    assert said.code == 0
    assert set(lives.states().values()) <= CLOSED
    kinds = [event["type"] for event in said.events]
    assert "RecoveryStarted" in kinds
    assert said.summary["unresolved"] == 0


def test_an_interrupt_while_the_venue_cannot_be_read_is_an_interrupt(lives: Lives) -> None:
    paper_strategy(lives.folder, faults={"read_fails": "1"})
    engine = lives.start()
    until(lives.db.exists, "the log")
    engine.interrupt()
    engine.interrupt()
    ended = engine.wait()
    assert ended.code == 130
    assert "Traceback" not in ended.err


def test_an_interrupted_backtest_is_an_interrupt(folder: Path, lives: Lives) -> None:
    feed = ["--mode", "backtest", "--data-file", write_long_feed(folder)]
    for number in (signal.SIGINT, signal.SIGTERM):
        lives.db = folder / f"{number}.db"
        engine = lives.start(*feed)
        until_event(lives.db, "CycleOpened")
        engine.interrupt(number)
        ended = engine.wait()
        assert ended.code == 130
        assert "Traceback" not in ended.err


def write_long_feed(folder: Path) -> Path:
    """A recorded market that takes a backtest longer than a test may wait."""
    lines = ["recv_ts,base,quote,bid,bid_size,ask,ask_size"]
    for second in range(3_000):
        size = f"{5 + second % 2}.12345678"  # there is something new each time
        lines.append(f"{1_600_000_000 + second},BTC,USDT,50000.01,{size},50000.02,{size}")
        lines.append(f"{1_600_000_000 + second},ETH,BTC,0.05,50.123456,0.050001,50.123456")
        lines.append(f"{1_600_000_000 + second},ETH,USDT,2500.01,50.123456,2500.02,50.123456")
    path = folder / "feed.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


# --- a full disk


def test_a_full_disk_ends_the_run_and_the_next_one_recovers(lives: Lives) -> None:
    """No file may grow any more: what the log cannot say is not done, and nothing is lost."""
    engine = lives.trading()
    wal = lives.db.with_name("log.db-wal")
    resource.prlimit(
        engine.pid, resource.RLIMIT_FSIZE, (wal.stat().st_size, resource.RLIM_INFINITY)
    )
    ended = engine.wait()
    assert ended.code == 1
    assert "ARB-203" in ended.err
    assert "the next start replays" in ended.err
    recovered = lives.start("--cycles", "0").wait()
    assert recovered.code == 0, recovered.err
    assert set(lives.states().values()) <= CLOSED
    found = audit(lives.db)
    assert found.clean, found
    # With room again it trades on.
    assert lives.start("--cycles", "1").wait().code == 0
    assert audit(lives.db).clean


# --- two engines


def test_a_second_engine_is_refused_and_told_whom_to_stop(lives: Lives, folder: Path) -> None:
    engine = lives.trading()
    words = ["--strategy", folder / "s.yaml"]

    on_the_log = invoke(*words, "--db", lives.db)
    assert on_the_log.code == 1
    assert f"in use by process {engine.pid}" in on_the_log.err

    # The same account under another log: its file was copied.
    other = folder / "other"
    other.mkdir()
    copy_paper_account(lives.db, other / "log.db")
    on_the_account = invoke(*words, "--db", other / "log.db")
    assert on_the_account.code == 1
    assert f"in use by process {engine.pid}" in on_the_account.err
    assert [event["type"] for event in events(other / "log.db")] == ["LogCreated"]

    # Neither attempt disturbed the engine.
    assert act(lives.db, "pause").ok
    engine.interrupt()
    assert engine.wait().code == 130


def copy_paper_account(source: Path, target: Path) -> None:
    for part in (".paper", ".paper-wal"):
        found = source.with_name(source.name + part)
        if found.exists():
            shutil.copy(found, target.with_name(target.name + part))


def test_files_of_a_running_engine_are_its_owners_alone(lives: Lives) -> None:
    lives.trading()
    ours = [path for path in lives.folder.iterdir() if path.name.startswith("log.db")]
    names = {path.name for path in ours}
    assert {"log.db", "log.db.sock", "log.db.paper", "log.db.witness", "log.db.lock"} <= names
    assert {path.name: mode(path) for path in ours} == dict.fromkeys(names, 0o600)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_what_a_dead_engine_leaves_is_no_obstacle(lives: Lives) -> None:
    crash(
        lives.folder,
        "--strategy",
        "s.yaml",
        "--db",
        lives.db,
        at="executed_not_told",
    )
    assert lives.db.with_name("log.db.sock").exists()
    lock = lives.db.with_name("log.db.lock")
    # The dead owner's number now belongs to a process that lives: this one.
    lock.write_text(f"{os.getpid()}\n")
    for account in (lives.folder / "state" / "arb").iterdir():
        account.write_text(f"{os.getpid()}\n")
    assert act(lives.db, "pause").ok  # nobody listens at the socket: it goes through the lock
    assert act(lives.db, "unpause").ok
    said = invoke("--strategy", "s.yaml", "--db", lives.db, "--cycles", "0")
    assert said.code == 0
    assert set(lives.states().values()) <= CLOSED
    assert not lives.db.with_name("log.db.sock").exists()


def test_a_stale_socket_is_removed(lives: Lives, folder: Path) -> None:
    stale = lives.db.with_name("log.db.sock")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind("log.db.sock")
    listener.close()
    assert stale.exists()
    assert invoke("--strategy", "s.yaml", "--db", lives.db, "--cycles", "0").code == 0
    assert not stale.exists()


def test_a_log_may_lie_deeper_than_a_socket_address_is_long(lives: Lives, folder: Path) -> None:
    deep = folder.joinpath(*["a-folder-with-a-long-name"] * 6)
    deep.mkdir(parents=True)
    lives.db = deep / "log.db"
    assert len(os.fsencode(lives.db.with_name("log.db.sock"))) > PATH_BYTES_MAX
    engine = lives.start()
    until(lives.db.with_name("log.db.sock").exists, "the control socket")
    assert act(lives.db, "pause", reason="lunch").ok
    # It reached the engine: the log itself was locked all the time.
    assert engine.process.poll() is None
    assert until_event(lives.db, "NewCyclesPaused")["reason"] == "lunch"
    engine.interrupt()
    assert engine.wait().code == 130
