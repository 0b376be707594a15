"""`make demo`: trade, be killed in the middle of a leg, come back, and prove what happened."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import click

from arb.faces import exits
from arb.faces.folders import made
from arb.faces.text import say
from arb.faces.tool import tool

ROOT: Final = Path(__file__).resolve().parent.parent.parent
STRATEGY: Final = ROOT / "strategies" / "demo.yaml"
LIVES_MAX: Final = 6
LIFE_S_MAX: Final = 8.0
CYCLES: Final = 9
MARK: Final = ".arb-demo"  # stands in every folder that a demonstration made, and may empty again
MARK_TEXT: Final = "made by tools/demo.py, which empties this folder when it is given it again\n"


class Struck(NamedTuple):
    """What a killed process left behind."""

    cycle_id: str
    order_id: str
    status: str
    leg: int


class Demo:
    """One demonstration in a folder of its own."""

    def __init__(self, folder: Path, seed: int, *, as_json: bool = False) -> None:
        self.folder = folder
        self.as_json = as_json
        self.db = folder / "trade_state.db"
        self.seed = seed
        self.rng = random.Random(seed)  # noqa: S311 -- repeatable on purpose
        self.environment = {**os.environ, "XDG_STATE_HOME": str(folder / "state")}

    def tell(self, text: str) -> None:
        """Tell a part of the story."""
        click.echo(text, err=self.as_json)

    def command(self, tool: str, *arguments: str) -> list[str]:
        """The command line of a tool on the demonstration's log."""
        return [sys.executable, str(ROOT / "tools" / tool), *arguments, "--db", str(self.db)]

    def ask(self, tool: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a tool to its end."""
        return subprocess.run(  # noqa: S603 -- our own tools
            self.command(tool, *arguments),
            capture_output=True,
            text=True,
            check=False,
            env=self.environment,
            cwd=self.folder,
        )

    def run(self, *arguments: str) -> "subprocess.Popen[str]":
        """Start the engine; its events come as lines of JSON."""
        command = self.command(
            "run.py", "--strategy", str(STRATEGY), "--random-seed", str(self.seed), "--json"
        )
        with (self.folder / "talk.txt").open("a") as talk:
            return subprocess.Popen(  # noqa: S603 -- our own tools
                [*command, *arguments],
                stdout=subprocess.PIPE,
                stderr=talk,
                text=True,
                env=self.environment,
                cwd=self.folder,
            )

    def strike(self) -> Struck | None:
        """Let the engine trade and kill it while a later leg's order is on its way."""
        process = self.run("--cycles", str(CYCLES))
        wanted = self.rng.randint(
            8, 13
        )  # each cycle has two later legs: some end before the strike
        try:
            for event in events(process):
                later_leg = event["type"] == "OrderIntended" and event["data"]["leg"] > 0
                wanted -= later_leg
                if later_leg and wanted <= 0:
                    time.sleep(self.rng.uniform(0, 0.04))
                    process.send_signal(signal.SIGKILL)
                    break
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()
        return self.left_open()

    def left_open(self) -> Struck | None:
        """Find, in the log alone, a cycle with an order whose fate nobody recorded."""
        for cycle in json.loads(self.ask("monitor.py", "--active", "--json").stdout):
            for order in cycle["orders"]:
                if order["status"] in {"intended", "unknown", "open", "terminal"}:
                    return Struck(
                        cycle["id"], order["client_order_id"], order["status"], order["leg"]
                    )
        return None


def events(process: "subprocess.Popen[str]") -> Iterator[dict]:  # type: ignore[type-arg]
    """Read the engine's lines until it ends or its time is over."""
    assert process.stdout is not None
    deadline = time.monotonic() + LIFE_S_MAX
    for line in process.stdout:
        yield json.loads(line)
        if time.monotonic() > deadline:
            return


def made_for(folder: Path) -> Path:
    """Make a folder for a demonstration, or empty one that an earlier demonstration made.

    Raises UsageError for any other folder that holds something: nobody asked for its end.
    """
    here = Path.cwd()
    if folder.resolve() in {here, *here.parents}:
        raise click.UsageError(
            f"--folder {folder} is the working directory, or holds it, and would be emptied; "
            "name a new folder"
        )
    real = made(folder)
    found = list(real.iterdir())
    if found and not _is_ours(real):
        raise click.UsageError(
            f"--folder {folder} holds {found[0].name} and was not made by the demonstration, "
            "which would empty it; name a new folder, or remove this one yourself"
        )
    for path in found:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif path.name != MARK:  # it goes last of all, and is to stay
            path.unlink()
    (real / MARK).write_text(MARK_TEXT)
    return real


def _is_ours(folder: Path) -> bool:
    mark = folder / MARK
    return mark.is_file() and not mark.is_symlink() and mark.read_bytes() == MARK_TEXT.encode()


@tool()
@click.option(
    "--seed",
    type=click.IntRange(0),
    default=42,
    show_default=True,
    help="Seed of the market and of the moment of the kill.",
)
@click.option(
    "--folder",
    type=click.Path(path_type=Path),
    default=Path(".demo"),
    show_default=True,
    help="A new folder, an empty one, or one of an earlier demonstration, which is emptied.",
)
@click.option(
    "--json", "as_json", is_flag=True, help="Last, one line of JSON; the story goes to stderr."
)
def demo(*, seed: int, folder: Path, as_json: bool) -> None:
    """Trade on the generated market, get killed in the middle of a leg, recover, and prove it."""
    sys.exit(exits.ending(lambda: play(Demo(made_for(folder), seed, as_json=as_json))))


def play(show: Demo) -> int:
    """Tell the story; 0 when the log proves it."""
    started = time.monotonic()
    show.tell(f"1. The engine trades on the generated market (seed {show.seed}).")
    show.tell("   Its threshold is below zero, so that it trades at once and pays its fees ...")
    struck = None
    for life in range(1, LIVES_MAX + 1):
        struck = show.strike()
        if struck is not None:
            break
        show.tell(f"   life {life}: killed between two orders, nothing was in flight; once more")
    if struck is None:
        say("   no order was in flight at any strike")
        return 1
    show.tell("   ... and SIGKILL strikes.")
    show.tell(
        f"2. The log alone says: {struck.cycle_id} was in leg {struck.leg + 1}; its order "
        f"{struck.order_id} is {struck.status}.\n   Did the venue get it? Nobody knows."
    )
    show.tell("3. Start again, with recovery only:")
    code = _recover(show)
    show.tell(f"   exit {code}")
    show.tell(f"4. The story of {struck.cycle_id}:\n")
    show.tell(show.ask("replay.py", struck.cycle_id).stdout)
    return _prove(show, struck, code, started)


def _recover(show: Demo) -> int:
    process = show.run("--cycles", "0")
    out, _ = process.communicate(timeout=60)
    summary = json.loads(out.splitlines()[-1])
    ended = ", ".join(f"{n} {name}" for name, n in summary["outcomes"].items())
    show.tell(f"   {ended or 'nothing was open'}; unresolved: {summary['unresolved']}")
    return process.returncode


def _prove(show: Demo, struck: Struck, code: int, started: float) -> int:
    show.tell("5. All cycles of this log:\n")
    show.tell(show.ask("monitor.py", "--history", "100").stdout)
    verified = show.ask("replay.py", "--verify")
    show.tell(f"6. {verified.stdout.strip() or verified.stderr.strip()}")
    show.tell(f"   {time.monotonic() - started:.1f} s; look around:")
    show.tell(f"   tools/monitor.py --history --db {os.path.relpath(show.db)}")
    if show.as_json:
        told = {
            "seed": show.seed,
            "db": str(show.db),
            "struck": struck._asdict(),
            "recovered": code == 0,
            "verified": verified.returncode == 0,
            "seconds": round(time.monotonic() - started, 1),
        }
        click.echo(json.dumps(told))
    return code or verified.returncode
