"""An interrupt ends a command with 130 and without a traceback, at whatever moment it comes."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from arb import door
from arb.simulation.processes import ROOT, until
from tests.spec.command_line import paper_strategy

TOOLS = sorted(path.name for path in (ROOT / "tools").glob("*.py"))
# A finder that strikes when a module is looked for: the process is in the middle of its imports.
STRIKER = """
import os, runpy, sys
tool, number, at = sys.argv[1], int(sys.argv[2]), sys.argv[3]

class Strike:
    def find_spec(self, name, path=None, target=None):
        if name == at:
            os.kill(os.getpid(), number)
            for _ in range(1000):
                pass

sys.meta_path.insert(0, Strike())
sys.argv = [tool, "--help"]
runpy.run_path(tool, run_name="__main__")
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("tool", TOOLS)
def test_while_a_command_loads(tool: str, number: int) -> None:
    done = subprocess.run(
        [sys.executable, "-c", STRIKER, str(ROOT / "tools" / tool), str(int(number)), "click"],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


def test_the_doors_are_alike() -> None:
    """What stands before the guard is not guarded: nothing that takes time, in any of them."""
    heads = {
        (ROOT / "tools" / tool).read_text().split('"""')[2].split("door.guard()")[0]
        for tool in TOOLS
    }
    assert len(heads) == 1
    loaded = [line for line in heads.pop().splitlines() if "import" in line]
    assert loaded == ["import os", "import sys", "from arb import door"]


# What each of them does once it runs, and what is to be seen then.
RUNNING = {
    "run": (["--strategy", "s.yaml", "--db", "x.db", "--duration", "60"], "x.db.sock"),
    "demo": (["--folder", "made"], "made/trade_state.db"),
    "prove": (["--seeds", "5000", "--jobs", "2"], "children"),
    "monitor": (["--watch", "--db", "x.db"], "said"),
}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("tool", RUNNING)
def test_while_a_command_runs(tmp_path: Path, tool: str, number: int) -> None:
    paper_strategy(tmp_path)
    arguments, sign = RUNNING[tool]
    if tool == "monitor":
        first = started(tmp_path, "run", "--strategy", "s.yaml", "--db", "x.db", "--cycles", "0")
        assert first.wait(60) == 0
    running = started(tmp_path, tool, *arguments)

    def seen() -> bool:
        if sign == "said":
            return bool((tmp_path / "out").read_bytes())
        if sign == "children":
            return len(children(running.pid)) > 1
        return (tmp_path / sign).exists()

    until(seen, sign)
    os.killpg(running.pid, number)
    assert running.wait(60) == 130
    assert "Traceback" not in (tmp_path / "err").read_text()
    until(lambda: not group_lives(running.pid), "the end of its children")


def children(pid: int) -> list[str]:
    told = Path(f"/proc/{pid}/task/{pid}/children")
    return told.read_text().split()


def started(folder: Path, tool: str, *arguments: str) -> "subprocess.Popen[bytes]":
    with (folder / "out").open("w") as out, (folder / "err").open("w") as err:
        return subprocess.Popen(
            [sys.executable, str(ROOT / "tools" / f"{tool}.py"), *arguments],
            cwd=folder, stdout=out, stderr=err, start_new_session=True,
            env={**os.environ, "XDG_STATE_HOME": str(folder / "state")},
        )  # fmt: skip


def group_lives(leader: int) -> bool:
    try:
        os.killpg(leader, 0)
    except ProcessLookupError:
        return False
    return True


def test_the_guard_itself_loads_next_to_nothing() -> None:
    code = (
        "import sys; was = set(sys.modules); from arb import door; print(*set(sys.modules) - was)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert set(done.stdout.split()) == {"arb", "arb.door", "atexit"}


def test_a_command_that_a_test_calls_leaves_its_signals_alone() -> None:
    assert not door.guarded()
