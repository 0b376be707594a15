"""A reader that never ends: it blocks nobody, and it is told of, for the WAL cannot begin again."""

import asyncio
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from arb.events.sqlite import LogReader, SqliteLog, commit
from arb.limits import CHECKPOINT_PAGES
from tests.spec.log_examples import AT_NS, META, note, open_paper, to

PAGES_TOLD = 2_000
EVENT_PAGES = 100


async def fill(log: SqliteLog, pages: int) -> None:
    """Append so many pages of events."""
    version = log.stream_version("cycle-a")
    for at in range(version, version + pages // EVENT_PAGES):
        facts = (note("x" * EVENT_PAGES * 4_096),)
        await log.append(to("cycle-a", at, *facts), at_ns=AT_NS, meta=META)
        await asyncio.sleep(0)  # after which it is checkpointed


def test_a_reader_that_holds_the_wal_is_told_of_and_told_again_at_twice_the_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commit, "WAL_PAGES_TOLD", PAGES_TOLD)
    path = tmp_path / "log.db"

    async def main() -> None:
        log = open_paper(path, on_loop=True)
        with LogReader(path) as reader:
            reader.connection.execute("BEGIN")
            reader.head()
            await fill(log, 6 * PAGES_TOLD)
        await fill(log, CHECKPOINT_PAGES)  # it begins anew
        with LogReader(path) as reader:
            reader.connection.execute("BEGIN")
            reader.head()
            await fill(log, 2 * PAGES_TOLD)
        await log.close()

    with capture_logs() as told:
        asyncio.run(main())
    held = [one for one in told if one["event"] == "log.held"]
    first, second, third, again = (one["mb"] * 10**6 / 4_096 for one in held)
    assert PAGES_TOLD - 250 <= first < 2 * PAGES_TOLD  # megabytes are rounded down
    assert 2 * first - 250 <= second < 3 * first
    assert 2 * second - 250 <= third < 6 * PAGES_TOLD
    assert PAGES_TOLD - 250 <= again < 2 * PAGES_TOLD
    assert held[0]["wal"] == f"{path}-wal"


def test_readers_that_end_soon_are_not_worth_a_word(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commit, "WAL_PAGES_TOLD", PAGES_TOLD)
    path = tmp_path / "log.db"

    async def main() -> None:
        log = open_paper(path, on_loop=True)
        for _ in range(6):
            with LogReader(path) as reader:
                reader.connection.execute("BEGIN")
                reader.head()
                await fill(log, PAGES_TOLD // 2)
            await fill(log, CHECKPOINT_PAGES)
        await log.close()

    with capture_logs() as told:
        asyncio.run(main())
    assert told == []
