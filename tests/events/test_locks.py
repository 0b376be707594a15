"""Two engines never share a log or an account."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from arb.errors import LogLocked, UnsafeStorage
from arb.events.sqlite import lock_account, lock_log, look
from tests.spec.log_examples import AT_NS, META, names, open_paper, to

HOLD = """
import sys
from pathlib import Path
from arb.events.sqlite.locks import lock_account, lock_log
held = lock_log(Path(sys.argv[1])) if len(sys.argv) == 2 else lock_account(*sys.argv[1:])
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def holder() -> Iterator[list[subprocess.Popen[str]]]:
    started: list[subprocess.Popen[str]] = []
    yield started
    for one in started:
        one.kill()
        one.communicate()


def hold(started: list[subprocess.Popen[str]], *words: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", HOLD, *words]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    started.append(process)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_second_engine_on_a_log_is_refused_at_once_with_the_pid_of_the_first(
    tmp_path: Path, holder: list[subprocess.Popen[str]]
) -> None:
    db = tmp_path / "log.db"
    other = hold(holder, str(db))
    with pytest.raises(LogLocked, match=f"in use by process {other.pid}") as caught:
        open_paper(db)
    assert caught.value.exit_code == 1
    assert names(tmp_path) == ["log.db.lock"]


def test_the_lock_of_a_killed_process_is_no_obstacle(
    tmp_path: Path, holder: list[subprocess.Popen[str]]
) -> None:
    db = tmp_path / "log.db"
    other = hold(holder, str(db))
    other.kill()
    other.communicate()
    assert (tmp_path / "log.db.lock").read_text() == f"{other.pid}\n"
    with lock_log(db):
        assert (tmp_path / "log.db.lock").read_text() == f"{os.getpid()}\n"
    assert (tmp_path / "log.db.lock").exists()


def test_a_reused_pid_is_no_obstacle(tmp_path: Path) -> None:
    db = tmp_path / "log.db"
    (tmp_path / "log.db.lock").write_text(f"{os.getppid()}\n")  # alive, and not the owner
    lock_log(db).release()


def test_a_log_is_free_again_when_it_was_closed_or_could_not_be_opened(tmp_path: Path) -> None:
    db = tmp_path / "log.db"

    async def main() -> None:
        log = open_paper(db, on_loop=False)
        with pytest.raises(LogLocked, match=str(os.getpid())):
            open_paper(db)
        await log.append(to("cycle-a", 0), at_ns=AT_NS, meta=META)
        await log.close()

    asyncio.run(main())
    lock_log(db).release()
    (tmp_path / "log.db.witness").write_bytes(b"torn")
    with pytest.raises(Exception, match="witness"):
        open_paper(db)
    lock_log(db).release()


def test_an_account_is_traded_by_one_process_whatever_its_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, holder: list[subprocess.Popen[str]]
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    other = hold(holder, "binance", "12ab")
    with pytest.raises(LogLocked, match=f"12ab on binance is in use by process {other.pid}"):
        lock_account("binance", "12ab")
    with lock_account("binance", "12ac"), lock_account("kraken", "12ab"):
        pass
    assert (tmp_path / "arb" / "binance-12ab.lock").exists()


def test_a_lock_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "log.db.lock").mkdir()
    with pytest.raises(UnsafeStorage, match=r"cannot be locked by .*: Is a directory"):
        lock_log(tmp_path / "log.db")


def test_account_locks_are_at_home_without_a_state_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for value in ("", "relative/path"):
        monkeypatch.setenv("XDG_STATE_HOME", value)
        with lock_account("paper", "../../etc"):
            pass
    (name,) = names(tmp_path / ".local" / "state" / "arb")
    assert "/" not in name
    assert name.endswith(".lock")


def test_a_log_is_looked_at_only_while_nobody_writes_it(tmp_path: Path) -> None:
    db = tmp_path / "log.db"
    assert look(db) is None
    assert names(tmp_path) == []
    asyncio.run(open_paper(db).close())
    with lock_log(db), pytest.raises(LogLocked):
        look(db)
    found = look(db)
    assert found is not None
    assert found.head.position == 1
    lock_log(db).release()
