"""Copies that other programs make of a log while it is written: each is a log, or says what makes it one."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from arb.errors import LogDamaged
from arb.events.sqlite import LogReader, accept_head, verify_chain
from tests.spec.log_examples import AT_NS, META, note, open_paper, to

EVENTS = 300


BACKUP = """import sqlite3, sys
source, target = map(sqlite3.connect, sys.argv[1:])
source.backup(target)"""
VACUUM = """import sqlite3, sys
sqlite3.connect(sys.argv[1]).execute("VACUUM INTO ?", sys.argv[2:])"""


def run(program: str, *arguments: Path) -> None:
    """Run a program of its own: a second SQLite in one process drops the locks of the first."""
    subprocess.run([sys.executable, "-c", program, *map(str, arguments)], check=True)


def while_written(log_path: Path, copy: Path, program: str) -> None:
    async def main() -> None:
        log = open_paper(log_path)
        for version in range(EVENTS):
            await log.append(to("cycle-a", version, note("x" * 900)), at_ns=AT_NS, meta=META)
        run(program, log_path, copy)
        await log.append(to("cycle-a", EVENTS), at_ns=AT_NS, meta=META)
        await log.close()

    asyncio.run(main())


def restored(copy: Path) -> None:
    """Go on with a copy through the operator's door."""
    accepted = accept_head(copy, reason="restored", instance="zzzz", at_ns=AT_NS)
    with LogReader(copy) as reader:
        assert verify_chain(reader) == []
        assert reader.stream_version("cycle-a") == EVENTS
        assert reader.head().position == accepted.last


# What `.backup` of the sqlite3 shell does, and every tool that is made of it.
def test_a_backup_by_the_sqlite3_shell_is_a_log(tmp_path: Path) -> None:
    while_written(tmp_path / "log.db", tmp_path / "copy.db", BACKUP)
    restored(tmp_path / "copy.db")


def test_a_copy_by_vacuum_into_says_what_makes_it_a_log_again(tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    while_written(tmp_path / "log.db", copy, VACUUM)
    with pytest.raises(
        LogDamaged, match=r"not in WAL mode.*`sqlite3 .* 'PRAGMA journal_mode=wal'`"
    ):
        accept_head(copy, reason="restored", instance="zzzz", at_ns=AT_NS)
    run(
        "import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute('PRAGMA journal_mode=wal')", copy
    )
    restored(copy)
