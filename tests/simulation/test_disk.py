"""The simulated disk: what was synced stays, what was not may go, and a dead process writes nothing."""

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path
from random import Random

import pytest

from arb.errors import Indeterminate, LogDamaged
from arb.events.sqlite import LogReader, Projector, SqliteLog, open_log
from arb.projections.projector import Projections
from arb.simulation.disk import FULL, SYNC_FAILS, Disk
from tests.spec.log_examples import AT_NS, META, note, to


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    made = Disk(tmp_path, Random(1))
    yield made
    made.close()


def open_on(disk: Disk, folder: Path, projector: Projector | None = None) -> SqliteLog:
    return open_log(
        folder / "log.db", mode="paper", venue="paper", account="alice", instance="abcd",
        run="test", at_ns=AT_NS, on_loop=True, vfs=disk.vfs, witness_type=disk.witness_type,
        wal_type=disk.wal_type, projector=projector,
    )  # fmt: skip


def positions(folder: Path) -> list[int]:
    with LogReader(folder / "log.db") as reader:
        return [one.position for one in reader.read()]


def contents(folder: Path) -> dict[str, bytes]:
    names = ("log.db", "log.db-wal", "log.db.witness")
    return {name: (folder / name).read_bytes() for name in names}


async def add(log: SqliteLog, times: int) -> None:
    for _ in range(times):
        version = log.stream_version("cycle-a")
        await log.append(to("cycle-a", version, note()), at_ns=AT_NS, meta=META)


@pytest.mark.parametrize("seed", range(12))
def test_what_was_acknowledged_outlives_the_power_whatever_sectors_survive(
    tmp_path: Path, seed: int
) -> None:
    disk = Disk(tmp_path, Random(seed))

    async def life(times: int) -> None:
        log = open_on(disk, tmp_path)
        await add(log, times)
        log.break_off(OSError("dead"))
        await log.close()

    for times in (3, 4, 5):
        asyncio.run(life(times))
        disk.lose_power()
    disk.close()
    assert positions(tmp_path) == [*range(1, 14)]


def test_a_log_that_is_not_synced_loses_what_it_acknowledged(tmp_path: Path) -> None:
    """So that the test above can fail."""
    lost = 0
    for seed in range(12):
        folder = tmp_path / str(seed)
        folder.mkdir()
        disk = Disk(folder, Random(seed))

        async def life(disk: Disk = disk, folder: Path = folder) -> None:
            log = open_on(disk, folder)
            log._committer.connection.pragma("synchronous", "off")
            await add(log, 5)
            log.break_off(OSError("dead"))
            await log.close()

        asyncio.run(life())
        disk.lose_power()
        try:
            asyncio.run(open_on(disk, folder).close())
        except LogDamaged:
            lost += 1
        disk.close()
    assert lost > 2


@pytest.mark.parametrize("fault", [FULL, SYNC_FAILS])
def test_an_append_on_a_failing_disk_is_of_unknown_fate_and_the_next_start_is_whole(
    disk: Disk, tmp_path: Path, fault: str
) -> None:
    async def life() -> None:
        log = open_on(disk, tmp_path)
        await add(log, 2)
        disk.failing = fault
        with pytest.raises(Indeterminate):
            await add(log, 1)
        await log.close()

    asyncio.run(life())
    disk.failing = None
    asyncio.run(open_on(disk, tmp_path).close())
    assert disk.struck >= 1
    assert positions(tmp_path) in ([1, 2, 3], [1, 2, 3, 4])


class Killed(BaseException):
    """What a kill is to whoever is at work."""


@pytest.mark.parametrize("seed", range(6))
def test_after_a_failed_fsync_a_start_that_is_cut_off_by_a_power_loss_leaves_a_log_that_is_whole(
    tmp_path: Path, seed: int
) -> None:
    """What fsync could not write stays readable and counts as written: a checkpoint must not build on it.

    Seed 821811414873 found it: the next start was killed while it moved the WAL, and the power was lost.
    """

    async def life(disk: Disk, folder: Path) -> None:
        log = open_on(disk, folder)
        await add(log, 3)
        disk.failing = SYNC_FAILS
        many = [note() for _ in range(60)]  # pages split
        with pytest.raises(Indeterminate):
            await log.append(to("cycle-b", 0, *many), at_ns=AT_NS, meta=META)
        await log.close()
        disk.failing = None

    step, died = 0, True
    while died:
        step += 1
        folder = tmp_path / str(step)
        folder.mkdir()
        disk = Disk(folder, Random(seed))
        asyncio.run(life(disk, folder))
        died = died_at(disk, folder, step)
        disk.lose_power()
        asyncio.run(open_on(disk, folder).close())
        disk.close()
        assert positions(folder)[:4] == [1, 2, 3, 4]
    assert step > 8


def died_at(disk: Disk, folder: Path, step: int) -> bool:
    """Start and be killed at that touch of the disk; False where the start was over before."""
    touches = count(1)

    def strike(_: str) -> None:
        if next(touches) >= step:
            raise Killed

    disk.before = strike
    try:
        log = open_on(disk, folder)
    except Killed:
        return True
    finally:
        disk.before = lambda _: None
    log.break_off(OSError("dead"))
    asyncio.run(log.close())
    return False


def test_a_flipped_bit_is_refused_or_harmless_and_can_be_flipped_back(
    disk: Disk, tmp_path: Path
) -> None:
    async def life() -> None:
        log = open_on(disk, tmp_path)
        await add(log, 5)
        log.break_off(OSError("dead"))
        await log.close()

    asyncio.run(life())
    refused = 0
    for _ in range(10):
        mend = disk.flip_bit()
        assert mend is not None
        try:
            asyncio.run(life())
        except LogDamaged:
            refused += 1
            mend()
    assert refused > 0
    assert positions(tmp_path)[-1] == 6 + 5 * (10 - refused)


def test_after_a_checkpoint_no_old_page_is_left_for_a_flipped_bit_to_bring_back(
    disk: Disk, tmp_path: Path
) -> None:
    """Seed 181: a WAL that was in the database already was read up to the bit, and overruled it."""

    async def life() -> None:
        log = open_on(disk, tmp_path)
        await add(log, 3)
        assert (tmp_path / "log.db-wal").stat().st_size > 0
        log._committer.checkpoint()
        log.break_off(OSError("dead"))
        await log.close()

    for lives in (1, 2):
        asyncio.run(life())
        # A stamp alone: of what was moved there is nothing to bring back.
        assert (tmp_path / "log.db-wal").stat().st_size == 32 + 24 + 4096
        assert disk.flip_bit() is not None
        assert positions(tmp_path) == [*range(1, 3 * lives + 2)]


def test_a_reader_keeps_the_wal_and_a_checkpoint_does_not_wait_for_it(
    disk: Disk, tmp_path: Path
) -> None:
    async def life() -> None:
        log = open_on(disk, tmp_path)
        await add(log, 3)
        with LogReader(tmp_path / "log.db") as reader:
            reader.connection.execute("BEGIN")
            assert reader.head().position == 4
            log._committer.checkpoint()
            assert log._committer.broken is None
            await add(log, 1)
            assert reader.head().position == 4
        log._committer.checkpoint()
        await log.close()

    asyncio.run(life())
    assert positions(tmp_path) == [1, 2, 3, 4, 5]


def test_a_dead_process_writes_nothing_more(disk: Disk, tmp_path: Path) -> None:
    async def life() -> None:
        log = open_on(disk, tmp_path)
        await add(log, 1)
        before = contents(tmp_path)
        disk.before = dead
        with pytest.raises(Indeterminate):
            await add(log, 1)
        await log.close()
        assert contents(tmp_path) == before

    def dead(_what: str) -> None:
        raise OSError("the process was killed")

    asyncio.run(life())


def test_what_a_start_read_after_a_failed_sync_outlives_the_power(tmp_path: Path) -> None:
    """Seed 10167: the lost end of a write-ahead log let its older beginning overrule the database."""
    disk = Disk(tmp_path, Random(1))

    async def first() -> None:
        log = open_on(disk, tmp_path)
        await add(log, 3)
        disk.failing = SYNC_FAILS
        with pytest.raises(Indeterminate):
            await add(log, 1)
        await log.close()

    async def second() -> None:
        disk.failing = None
        log = open_on(disk, tmp_path)
        log.break_off(OSError("dead"))
        await log.close()

    asyncio.run(first())
    asyncio.run(second())
    seen = positions(tmp_path)
    disk.lose_power()
    asyncio.run(second())
    disk.close()
    assert seen == positions(tmp_path) == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(("fault", "what"), [(FULL, "write"), (SYNC_FAILS, "sync")])
def test_a_start_on_a_failing_disk_is_of_unknown_fate_as_an_append_is(
    disk: Disk, tmp_path: Path, fault: str, what: str
) -> None:
    """Seeds 18 and 69: an error of SQLite came out of the start as it was."""

    async def start(log: list[SqliteLog]) -> None:
        log.append(open_on(disk, tmp_path, Projections()))
        await log[0].close()

    def fail_from(number: int) -> None:
        left = [number]

        def count(did: str) -> None:
            left[0] -= did == what
            if left[0] <= 0:
                disk.failing = fault

        disk.before = count

    told = []
    for number in range(1, 200):
        for path in tmp_path.iterdir():
            path.unlink()
        disk.failing = None
        fail_from(number)
        opened: list[SqliteLog] = []
        with suppress(Indeterminate):
            asyncio.run(start(opened))
        told.append(not opened)
        if disk.failing is None:
            break
    assert sum(told) > 2
    assert not told[-1]
