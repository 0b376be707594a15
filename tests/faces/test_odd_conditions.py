"""What a command is given that it cannot use is named in one line, with the exit code of its kind."""

import os
import subprocess
import sys
from pathlib import Path

import apsw
import pytest

from arb.errors import UnsafeStorage
from arb.events.sqlite import accept_head, connections
from arb.faces.cli import monitor, replay
from arb.projections.audit import verify
from arb.projections.rebuilding import rebuild
from tests.faces.commands import ROOT, call
from tests.spec.written import open_paper


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("replay", ["\udcff"]),
        ("replay", ["--accept-head", "--reason", "\udcff"]),
        ("monitor", ["--pause", "--reason", "\udcff"]),
        ("monitor", ["--details", "\udcff"]),
        ("monitor", ["--history", "99999999999999999999"]),
        ("monitor", ["--cleanup", "99999999999"]),
    ],
)
def test_an_argument_that_cannot_be_meant_is_refused(db: Path, name: str, words: list[str]) -> None:
    ended = subprocess.run(
        [sys.executable, str(ROOT / "tools" / f"{name}.py"), *words, "--db", str(db)],
        capture_output=True, check=False, timeout=60,
    )  # fmt: skip
    assert ended.returncode == 2, ended.stderr
    assert ended.stderr.splitlines()[-1].lower().startswith(b"error: ")
    assert verify(db) == []


@pytest.mark.parametrize("suffix", ["", ".witness", ".ballast"])
def test_a_file_of_the_log_that_cannot_be_written_is_named(
    db: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    locked = f"{db}{suffix}"
    access = os.access
    # Whoever runs the tests may be allowed everything.
    monkeypatch.setattr(
        os,
        "access",
        lambda path, mode: not (mode & os.W_OK and str(path) == locked) and access(path, mode),
    )
    words = f"{locked} cannot be written; "
    with pytest.raises(UnsafeStorage, match=words):
        open_paper(db)
    with pytest.raises(UnsafeStorage, match=words):
        accept_head(db, reason="why not", instance="zzzz", at_ns=1)
    with pytest.raises(UnsafeStorage, match=words):
        rebuild(db)
    result = call(monitor, "--db", db, "--pause", "--reason", "a test")
    assert (result.exit_code, len(result.stderr.splitlines())) == (3, 1)
    assert call(replay, "--db", db, "--verify").exit_code == 0


def test_a_full_disk_is_named_as_one(db: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise apsw.FullError("database or disk is full")

    monkeypatch.setattr(connections, "reader", full)
    for command, words in ((monitor, ()), (replay, ("--verify",)), (replay, ())):
        result = call(command, "--db", db, *words)
        assert result.exit_code == 1
        assert "the disk is full" in result.stderr.splitlines()[-1]
