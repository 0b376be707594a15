"""README's commands do what it says: each is run, in a folder of its own, in the order they stand."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from arb.simulation.processes import until

ROOT = Path(__file__).parents[2]
PYTHON = ".venv/bin/python"
TIMEOUT_S = 120
SERVER = "tools/practice.py"


def blocks() -> list[list[str]]:
    """Read the commands of README's fenced blocks."""
    text = (ROOT / "README.md").read_text()
    fenced = re.findall(r"^```[a-z]*\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)
    return [[line for line in block.splitlines() if line.strip()] for block in fenced]


def commands() -> list[str]:
    return [command for block in blocks() for command in block]


def targets() -> set[str]:
    return set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))


def test_the_first_block_is_the_two_commands_of_a_new_user() -> None:
    assert blocks()[0] == ["make demo", "make test"]


def test_every_make_command_of_the_text_is_a_target() -> None:
    text = (ROOT / "README.md").read_text()
    named = set(re.findall(r"(?:^|`)make ([a-z]+)", text, flags=re.MULTILINE))
    assert {"demo", "test"} <= named
    assert named <= targets()


def test_every_make_target_does_something() -> None:
    for target in sorted(targets()):
        plan = subprocess.run(
            ["make", "--dry-run", "--always-make", "--no-print-directory", target],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
        assert plan.stdout.strip(), target


def test_every_other_command_is_python_on_a_file_that_exists() -> None:
    for command in commands():
        words = shlex.split(command)
        if words[0] != "make":
            assert words[0] == PYTHON, command
            assert (ROOT / words[1]).is_file(), command


@pytest.mark.parametrize("start", range(1, len(blocks())))
def test_the_commands_up_to_here_end_well(start: int, readme: "Readme") -> None:
    readme.run_through(start)


class Readme:
    """Runs each block once; a later block finds what the earlier ones left."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.done = 0
        self.server: subprocess.Popen[bytes] | None = None
        state = {"HOME": str(folder), "XDG_STATE_HOME": str(folder / "state")}
        self.environment = {**os.environ, **state}

    def run_through(self, last: int) -> None:
        while self.done < last:
            self.done += 1
            for command in blocks()[self.done]:
                self.run(command)

    def run(self, command: str) -> None:
        """Run a command here, on the repository's files."""
        words = [sys.executable if word == PYTHON else word for word in shlex.split(command)]
        words = [str(ROOT / word) if (ROOT / word).is_file() else word for word in words]
        if words[1].endswith(SERVER):
            self.serve(words)
            return
        result = subprocess.run(
            words,
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
        assert result.returncode == 0, f"{command}\n{result.stdout}\n{result.stderr}"

    def serve(self, words: list[str]) -> None:
        """Start what runs in a terminal of its own, and wait until it listens."""
        said = self.folder / "served.txt"
        with said.open("wb") as file:
            self.server = subprocess.Popen(
                words, cwd=self.folder, env=self.environment, stdout=file, stderr=file
            )
        until(lambda: b"control:" in said.read_bytes(), "the practice exchange")

    def end(self) -> None:
        if self.server is not None:
            self.server.kill()
            self.server.wait()


@pytest.fixture(scope="module")
def readme(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Readme]:
    here = Readme(tmp_path_factory.mktemp("readme"))
    yield here
    here.end()


def test_every_link_of_the_text_leads_to_a_file() -> None:
    text = (ROOT / "README.md").read_text()
    for link in re.findall(r"\]\((?!https?:)([^)#]+)\)", text):
        assert (ROOT / link).exists(), link
