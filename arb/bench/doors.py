"""Row 7: how long the tools that only look take to start, against Python doing nothing."""

import asyncio
import subprocess
import sys
from pathlib import Path

import arb
from arb.bench import logs
from arb.bench.cycles import scripts
from arb.bench.lines import Line, Setting, middle, now_ns
from arb.clock import NS_PER_S

SECONDS_MAX = 0.3
CYCLES = 20
TOOLS = Path(arb.__file__).parents[1] / "tools"
# Run a tool as its own program, and say at the end whether it imported what it must not.
_SPY = """
import runpy, sys
tool = sys.argv[1]
sys.argv = sys.argv[1:]
try:
    runpy.run_path(tool, run_name="__main__")
except SystemExit as end:
    print(end.code, file=sys.stderr)
print(int("ccxt" in sys.modules), file=sys.stderr)
"""


def measure(setting: Setting) -> list[Line]:
    """Start each tool some times on a small log, bare Python in between."""
    db = setting.folder / "doors.db"
    number = asyncio.run(_write(db))
    doors = {
        "7 monitor help": ("monitor.py", "--help"),
        "7 monitor": ("monitor.py", "--active", "--db", str(db)),
        "7 replay help": ("replay.py", "--help"),
        "7 replay": ("replay.py", f"bench-{number}", "--db", str(db)),
    }
    there = {row: args for row, args in doors.items() if (TOOLS / args[0]).is_file()}
    samples: dict[str, list[float]] = {row: [] for row in doors}
    bare: list[float] = []
    for _ in range(setting.size(9, 5)):
        bare.append(_seconds("-c", "pass") or 0.0)
        for row, (tool, *args) in there.items():
            seconds = _seconds(str(TOOLS / tool), *args)
            if seconds is not None:
                samples[row].append(seconds)
    lines = [
        Line(
            row=row,
            value=middle(took) if took else None,
            unit="s",
            floor=middle(bare),
            budget=SECONDS_MAX,
        )
        for row, took in samples.items()
    ]
    working = [args for row, args in there.items() if not row.endswith("help")]
    imports = sum(_imports_ccxt(*args) for args in working) if working else None
    return [*lines, Line(row="7 ccxt", value=imports, unit="imports", budget=0)]


async def _write(db: Path) -> int:
    async with logs.opened(db, on_loop=True) as log:
        made = list(scripts(CYCLES, logs.CONFIG))
        await logs.pour(log, made)
        return made[-1].number


def _seconds(*args: str) -> float | None:
    """How long a program takes; None, and its last word on stderr, for one that fails."""
    began = now_ns()
    done = subprocess.run([sys.executable, *args], check=False, capture_output=True, text=True)  # noqa: S603 -- our own tools
    took = (now_ns() - began) / NS_PER_S
    if done.returncode == 0:
        return took
    sys.stderr.write(f"{args[0]} ended with {done.returncode}: {done.stderr.strip()[-300:]}\n")
    return None


def _imports_ccxt(tool: str, *args: str) -> int:
    command = [sys.executable, "-c", _SPY, str(TOOLS / tool), *args]
    done = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603 -- our own tools
    return int(done.stderr.split()[-1] == "1")
