"""Queues of the writers are bounded, and their order is the order of the callers."""

import asyncio
from pathlib import Path

import pytest

from arb.events.log import Appended
from arb.events.sqlite import LogReader, SqliteLog, lock_log
from arb.events.sqlite.writers import ThreadWriter
from arb.limits import BATCH_EVENTS_MAX
from tests.spec.log_examples import AT_NS, META, note, open_paper, to

BOTH = pytest.mark.parametrize("on_loop", [True, False], ids=["loop", "thread"])


@BOTH
def test_more_appends_than_the_queue_holds_wait_for_room_and_all_get_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, on_loop: bool
) -> None:
    monkeypatch.setattr("arb.events.sqlite.writers.APPEND_QUEUE_MAX", 16)

    async def main() -> None:
        log = open_paper(tmp_path / "log.db", on_loop=on_loop)
        tries = (log.append(to(f"c-{one}", 0), at_ns=AT_NS, meta=META) for one in range(100))
        results = await asyncio.gather(*tries)
        assert [one.first for one in results] == list(range(2, 102))
        await log.close()

    asyncio.run(main())


@BOTH
def test_what_waits_for_room_when_the_log_is_closed_is_refused_and_not_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, on_loop: bool
) -> None:
    monkeypatch.setattr("arb.events.sqlite.writers.APPEND_QUEUE_MAX", 4)

    async def main() -> list[Appended | BaseException]:
        log = open_paper(tmp_path / "log.db", on_loop=on_loop)
        tries = [
            asyncio.ensure_future(log.append(to(f"c-{one}", 0), at_ns=AT_NS, meta=META))
            for one in range(20)
        ]
        await asyncio.sleep(0)
        await log.close()
        return await asyncio.gather(*tries, return_exceptions=True)

    results = asyncio.run(main())
    written = [one for one in results if isinstance(one, Appended)]
    assert all(isinstance(one, Appended | RuntimeError) for one in results)
    with LogReader(tmp_path / "log.db") as reader:
        assert reader.head().position == 1 + len(written)


@BOTH
def test_a_flood_is_written_in_transactions_of_a_bounded_size(
    tmp_path: Path, *, on_loop: bool
) -> None:
    sizes: list[int] = []

    class Sizes:
        def prepare(self, _: object, *, anew: bool = False) -> None: ...

        def apply(self, _: object, records: list[object]) -> None:
            sizes.append(len(records))

    async def main() -> None:
        log = open_paper(tmp_path / "log.db", on_loop=on_loop, projector=Sizes())
        facts = [note(str(one)) for one in range(1_000)]
        tries = (log.append(to(f"c-{one}", 0, *facts), at_ns=AT_NS, meta=META) for one in range(10))
        await asyncio.gather(*tries)
        await log.close()

    asyncio.run(main())
    assert sum(sizes) == 10_001
    assert max(sizes) < BATCH_EVENTS_MAX + 1_000


@BOTH
def test_a_close_that_is_cancelled_still_writes_everything_and_lets_go(
    tmp_path: Path, *, on_loop: bool
) -> None:
    async def main() -> None:
        log = open_paper(tmp_path / "log.db", on_loop=on_loop)
        tries = [
            asyncio.ensure_future(log.append(to(f"c-{one}", 0), at_ns=AT_NS, meta=META))
            for one in range(50)
        ]
        await asyncio.sleep(0)
        closing = asyncio.ensure_future(log.close())
        await asyncio.sleep(0)
        closing.cancel()
        await asyncio.wait([closing, *tries])
        assert all(isinstance(one.result(), Appended) for one in tries)

    asyncio.run(main())
    lock_log(tmp_path / "log.db").release()
    with LogReader(tmp_path / "log.db") as reader:
        assert reader.head().position == 51


def test_the_thread_ends_with_its_log_and_a_log_serves_one_loop_after_another(
    tmp_path: Path,
) -> None:
    log = open_paper(tmp_path / "log.db", on_loop=False)
    for version in range(3):
        asyncio.run(add(log, version))
    assert isinstance(log._writer, ThreadWriter)
    thread = log._writer._thread
    asyncio.run(log.close())
    assert not thread.is_alive()


async def add(log: SqliteLog, version: int) -> None:
    await log.append(to("cycle-a", version), at_ns=AT_NS, meta=META)


def test_versions_of_many_streams_do_not_stay_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("arb.events.sqlite.commit._VERSIONS_KEPT_MAX", 10)

    async def main() -> None:
        log = open_paper(tmp_path / "log.db")
        for turn in range(3):
            for one in range(30):
                await log.append(
                    to(f"c-{one}", turn), at_ns=AT_NS, meta=META, command_id=f"{turn}/{one}"
                )
                assert len(log._committer._sequencer._versions) <= 10
                assert log._committer._sequencer._commands == {}
        await log.close()

    asyncio.run(main())
