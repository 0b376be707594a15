"""A log that is named by a link is the log itself: one witness, one lock, whatever it is called."""

import asyncio
from pathlib import Path

import pytest

from arb.errors import LogLocked, WrongLog
from arb.events.facts import NewCyclesPaused
from arb.events.sqlite import (
    LogReader,
    accept_head,
    backup,
    examine,
    lock_log,
    read_witness,
    verify_chain,
)
from arb.events.sqlite.ballast import ensure_ballast
from arb.execution.operating.control import socket_path
from arb.execution.risk.kill_switch import kill_file
from arb.projections.audit import verify
from arb.projections.rebuilding import rebuild
from tests.spec.log_examples import AT_NS, META, names, open_paper, to


@pytest.fixture
def link(tmp_path: Path) -> Path:
    """Where a log was before it was moved to another disk."""
    (tmp_path / "home").mkdir()
    (tmp_path / "disk").mkdir()
    link = tmp_path / "home" / "log.db"
    link.symlink_to(tmp_path / "disk" / "log.db")
    return link


def run(path: Path, events: int, *, killed: bool = False) -> int:
    async def main() -> int:
        log = open_paper(path)
        version = log.stream_version("run-a")
        for at in range(events):
            batch = to("run-a", version + at, NewCyclesPaused(reason="for a test"))
            await log.append(batch, at_ns=AT_NS, meta=META)
        if killed:
            log._committer.abandon()
            log._lock.release()
        else:
            await log.close()
        return log.head().position

    return asyncio.run(main())


def test_all_that_belongs_to_a_log_is_beside_the_file_itself(link: Path) -> None:
    head = run(link, 3, killed=True)
    run(link, 2, killed=True)
    assert names(link.parent) == ["log.db"]
    assert link.is_symlink()
    real = link.resolve()
    assert run(real, 1) == head + 3
    rebuild(link)
    assert verify(link) == []
    backup(link, link.with_name("copy.db"))
    ensure_ballast(link)
    found = examine(link)
    assert found is not None
    assert found.head.position == head + 3
    accept_head(link, reason="why not", instance="zzzz", at_ns=AT_NS)
    assert names(link.parent) == ["copy.db", "log.db"]
    assert (socket_path(link), kill_file(link)) == (socket_path(real), kill_file(real))


def test_two_names_of_a_log_are_one_lock(link: Path) -> None:
    run(link, 1)
    with lock_log(link.resolve()), pytest.raises(LogLocked):
        open_paper(link)


def test_a_folder_that_is_a_link_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "home").symlink_to(tmp_path / "disk")
    run(tmp_path / "home" / "log.db", 3, killed=True)
    assert run(tmp_path / "disk" / "log.db", 1) == 5
    with LogReader(tmp_path / "home" / "log.db") as reader:
        assert verify_chain(reader) == []


def moved_beside_the_link(link: Path, suffix: str) -> Path:
    """What a version did that looked beside the link."""
    left = link.with_name(link.name + suffix)
    link.resolve().with_name(link.name + suffix).replace(left)
    return left


def test_a_witness_that_lies_beside_the_link_is_named_and_nothing_is_lost(link: Path) -> None:
    head = run(link, 3, killed=True)
    left = moved_beside_the_link(link, ".witness")
    words = rf"is a link to .*disk/log\.db, and {left} lies beside the link.*`mv {left} .*disk/log"
    for door in (open_paper, examine, LogReader, verify, rebuild):
        with pytest.raises(WrongLog, match=words):
            door(link)
    with pytest.raises(WrongLog, match=words):
        accept_head(link, reason="why not", instance="zzzz", at_ns=AT_NS)
    assert names(link.parent) == ["log.db", "log.db.witness"]
    left.replace(link.resolve().with_name("log.db.witness"))
    assert run(link, 1) == head + 1


def test_of_two_witnesses_the_one_that_knows_more_counts(link: Path) -> None:
    run(link, 1)
    left, right = link.with_name("log.db.witness"), link.resolve().with_name("log.db.witness")
    old = right.read_bytes()
    run(link, 2)
    new = right.read_bytes()
    left.write_bytes(old)
    run(link, 0)
    left.write_bytes(new)
    right.write_bytes(old)
    with pytest.raises(WrongLog, match="lies beside the link"):
        open_paper(link)
    left.write_bytes(b"no witness")
    with pytest.raises(WrongLog, match="lies beside the link"):
        open_paper(link)


def test_links_to_all_parts_of_a_log_are_the_log(link: Path) -> None:
    run(link, 1)
    link.with_name("log.db.witness").symlink_to(link.resolve().with_name("log.db.witness"))
    assert run(link, 1) == 3
    testimony = read_witness(link)
    assert testimony is not None
    assert testimony.head.position == 3
