"""Durability is shown, not believed: what reaches the disk before an acknowledgement, and what follows when it fails."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random

import apsw
import pytest

from arb.errors import Indeterminate, LogDamaged, VersionConflict
from arb.events.envelope import Recorded
from arb.events.log import Appended
from arb.events.sqlite import (
    LogReader,
    SqliteLog,
    examine,
    lock_log,
    read_witness,
    rows,
    verify_chain,
)
from arb.limits import CHECKPOINT_PAGES
from arb.simulation.vfs import watched
from tests.spec.log_disks import PowerLoss, wanted, watch_witness
from tests.spec.log_examples import AT_NS, FILL, META, note, open_paper, to

BOTH = pytest.mark.parametrize("on_loop", [True, False], ids=["loop", "thread"])


def make(path: Path) -> Path:
    asyncio.run(open_paper(path).close())
    return path


async def add(log: SqliteLog, stream: str, expected: int) -> Appended:
    return await log.append(to(stream, expected, FILL), at_ns=AT_NS, meta=META)


def streams(path: Path) -> list[str]:
    with LogReader(path) as reader:
        assert verify_chain(reader) == []
        return reader.streams("cycle-")


@BOTH
def test_nothing_is_acknowledged_before_its_wal_was_synced_and_its_witness_written(
    tmp_path: Path, *, on_loop: bool
) -> None:
    path = make(tmp_path / "log.db")
    steps: list[tuple[str, str]] = []

    async def main() -> None:
        log = open_paper(path, on_loop=on_loop, vfs=vfs)
        watch_witness(log._committer, path, watch)
        for version in range(20):
            steps.clear()
            await add(log, "cycle-a", version)
            told = list(steps)
            last_write = max(at for at, step in enumerate(told) if step == ("write", "log.db-wal"))
            last_sync = max(at for at, step in enumerate(told) if step == ("sync", "log.db-wal"))
            sworn = told.index(("write", "log.db.witness"))
            assert last_write < last_sync < sworn
            assert told.count(("sync", "log.db-wal")) <= 2  # its header as well, when it begins
        await log.close()

    def watch(what: str, name: str, _: int, __: bytes) -> None:
        steps.append((what, name))

    with watched(watch) as vfs:
        asyncio.run(main())


def test_a_log_that_need_not_be_durable_is_synced_when_it_is_closed(tmp_path: Path) -> None:
    path = make(tmp_path / "log.db")
    steps: list[tuple[str, str]] = []

    async def main() -> None:
        log = open_paper(path, on_loop=True, vfs=vfs, durable=False)
        watch_witness(log._committer, path, watch)
        for version in range(20):
            await add(log, "cycle-a", version)
        assert [name for what, name in steps if what == "sync"] == []
        await log.close()
        assert ("sync", "log.db") in steps

    def watch(what: str, name: str, _: int, __: bytes) -> None:
        steps.append((what, name))

    with watched(watch) as vfs:
        asyncio.run(main())
    assert streams(path) == ["cycle-a"]


@BOTH
def test_writers_that_wait_together_share_a_sync(tmp_path: Path, *, on_loop: bool) -> None:
    path = make(tmp_path / "log.db")
    syncs = 0

    def watch(what: str, _: str, __: int, ___: bytes) -> None:
        nonlocal syncs
        syncs += what == "sync"

    async def main() -> None:
        nonlocal syncs
        log = open_paper(path, on_loop=on_loop, vfs=vfs)
        await add(log, "cycle-a", 0)
        syncs = 0
        await asyncio.gather(*(add(log, f"cycle-{one}", 0) for one in range(200)))
        assert 1 <= syncs <= 4
        await log.close()

    with watched(watch) as vfs:
        asyncio.run(main())


@BOTH
def test_checkpoints_keep_the_wal_short_and_mark_the_witness(
    tmp_path: Path, *, on_loop: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("arb.events.sqlite.commit.CHECKPOINT_PAGES", 20)
    path = make(tmp_path / "log.db")
    marks = set()

    async def main() -> None:
        log = open_paper(path, on_loop=on_loop)
        log._committer._checkpoint_at = 20
        for version in range(60):
            await add(log, "cycle-a", version)
            sworn = read_witness(path)
            assert sworn is not None
            marks.add(sworn.mark.position)
        size = path.with_name("log.db-wal").stat().st_size
        assert size < 40 * 4120
        await log.close()

    asyncio.run(main())
    assert len(marks) > 3
    assert streams(path) == ["cycle-a"]
    assert CHECKPOINT_PAGES == 1_000


def test_a_long_reader_neither_stops_the_writer_nor_makes_it_try_at_every_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("arb.events.sqlite.commit.CHECKPOINT_PAGES", 20)
    path = make(tmp_path / "log.db")
    syncs = 0

    def watch(what: str, name: str, _: int, __: bytes) -> None:
        nonlocal syncs
        syncs += (what, name) == ("sync", "log.db.witness")

    async def main() -> None:
        nonlocal syncs
        log = open_paper(path)
        log._committer._checkpoint_at = 20
        watch_witness(log._committer, path, watch)
        with LogReader(path) as reader:
            reader.connection.execute("BEGIN")
            assert reader.head().position == 1
            for version in range(60):
                await add(log, "cycle-a", version)
            assert 3 < syncs < 20
            assert reader.head().position == 1
        syncs = 0
        for version in range(60, 120):
            await add(log, "cycle-a", version)
        assert 3 < syncs < 20
        await log.close()

    asyncio.run(main())
    assert streams(path) == ["cycle-a"]


class FailingDisk:
    """A disk on which the n-th of some operations fails, and all of them after it."""

    def __init__(self, kinds: set[str], error: Callable[[], Exception]) -> None:
        self.steps = 0
        self.fails_at = 10**9
        self._kinds = kinds
        self._error = error

    def __call__(self, what: str, _: str, __: int, ___: bytes) -> None:
        if what in self._kinds:
            self.steps += 1
            if self.steps >= self.fails_at:
                raise self._error()


async def write_until_it_fails(
    log: SqliteLog, path: Path, disk: FailingDisk, count: int
) -> tuple[set[str], set[str]]:
    """Write while the disk begins to fail; give the streams that were acknowledged, and those that nobody knows of."""
    acknowledged: set[str] = set()
    unknown = {"cycle-late"}
    watch_witness(log._committer, path, disk)
    disk.steps, disk.fails_at = 0, count
    for turn in range(6):
        together = [f"cycle-{turn}-{one}" for one in range(3)]
        tries = (add(log, name, 0) for name in together)
        results = await asyncio.gather(*tries, return_exceptions=True)
        assert all(isinstance(one, Appended | Indeterminate) for one in results), results
        for name, result in zip(together, results, strict=True):
            (acknowledged if isinstance(result, Appended) else unknown).add(name)
        if turn == 3:
            log._committer.checkpoint()
    with pytest.raises(Indeterminate, match="may or may not be in the log"):
        await add(log, "cycle-late", 0)
    steps = disk.steps
    await log.close()
    assert disk.steps == steps, "something was written after the failure"
    return acknowledged, unknown


@BOTH
@pytest.mark.parametrize(
    ("kinds", "error", "counts"),
    [
        ({"write"}, lambda: apsw.FullError("disk full"), range(1, 48, 6)),
        ({"sync"}, lambda: apsw.IOError("fsync failed"), range(1, 11, 2)),
        ({"truncate", "sync", "write"}, lambda: apsw.IOError("disk gone"), range(2, 48, 9)),
    ],
    ids=["full", "fsync", "gone"],
)
def test_after_any_failed_write_or_sync_nothing_is_sure_and_nothing_more_is_written(
    tmp_path: Path,
    kinds: set[str],
    error: Callable[[], Exception],
    counts: range,
    *,
    on_loop: bool,
) -> None:
    present: set[str] = set()
    absent: set[str] = set()

    async def main(path: Path, disk: FailingDisk, count: int) -> tuple[set[str], set[str]]:
        log = open_paper(path, on_loop=on_loop, vfs=vfs)
        return await write_until_it_fails(log, path, disk, count)

    for count in counts:
        path = make(tmp_path / f"{count}.db")
        disk = FailingDisk(kinds, error)
        with watched(disk) as vfs:
            acknowledged, unknown = asyncio.run(main(path, disk, count))
        lock_log(path).release()
        make(path)  # the next start, on a disk that works again
        there = set(streams(path))
        assert acknowledged <= there <= acknowledged | unknown
        present |= there & unknown
        absent |= unknown - there
    if kinds == {"sync"}:
        # What a WAL begins with is a stamp, so that the sync of its header is never an append's.
        assert present, "a commit whose sync failed is there in the end: unknown is not failed"
    else:
        assert absent


@BOTH
def test_an_append_after_the_damage_of_another_is_told_at_once(
    tmp_path: Path, *, on_loop: bool
) -> None:
    class Careless:
        def prepare(self, _: apsw.Connection, *, anew: bool = False) -> None: ...

        def apply(self, _: apsw.Connection, records: Sequence[Recorded]) -> None:
            if records[0].stream == "cycle-bad":
                raise ZeroDivisionError("a mistake of ours")

    async def main() -> None:
        log = open_paper(tmp_path / "log.db", on_loop=on_loop, projector=Careless())
        await add(log, "cycle-a", 0)
        head = log.head()
        results = await asyncio.gather(
            add(log, "cycle-bad", 0), add(log, "cycle-b", 0), return_exceptions=True
        )
        assert any(isinstance(one, Indeterminate) for one in results)
        assert "ZeroDivisionError: a mistake of ours" in str(results[0])
        with pytest.raises(Indeterminate, match="the next start replays"):
            await add(log, "cycle-c", 0)
        assert log.head() == head
        await log.close()

    asyncio.run(main())
    assert "cycle-bad" not in streams(tmp_path / "log.db")


def test_a_projector_works_in_the_transaction_of_its_append(tmp_path: Path) -> None:
    class Counter:
        def __init__(self) -> None:
            self.facts: list[object] = []

        def prepare(self, connection: apsw.Connection, *, anew: bool = False) -> None:  # noqa: ARG002
            connection.execute("CREATE TABLE IF NOT EXISTS seen(position INTEGER) STRICT")
            done = len(connection.execute("SELECT * FROM seen").fetchall())
            missed = [(one.position,) for one in rows.records(connection, done)]
            connection.executemany("INSERT INTO seen VALUES(?)", missed)

        def apply(self, connection: apsw.Connection, records: Sequence[Recorded]) -> None:
            assert connection.in_transaction
            connection.executemany(
                "INSERT INTO seen VALUES(?)", [(one.position,) for one in records]
            )
            self.facts += [one.fact for one in records]

    path = tmp_path / "log.db"
    asyncio.run(open_paper(path).close())
    counter = Counter()
    fact = note("mine")

    async def main() -> None:
        log = open_paper(path, projector=counter)
        await log.append(to("cycle-a", 0, fact), at_ns=AT_NS, meta=META)
        with pytest.raises(VersionConflict):
            await add(log, "cycle-a", 0)
        assert counter.facts == [fact]
        assert counter.facts[0] is fact
        await log.close()

    asyncio.run(main())
    with LogReader(path) as reader:
        seen = reader.connection.execute("SELECT position FROM seen").fetchall()
        assert seen == [(1,), (2,)]


def power_loss(folder: Path, synchronous: str) -> tuple[int, int, list[str]]:
    """Lose power after every operation of a busy log; count images, and those that lost what was acknowledged."""
    random = Random(7)
    path = make(folder / "log.db")
    disk = PowerLoss(folder)

    async def main() -> None:
        log = open_paper(path, vfs=vfs)
        log._committer.connection.pragma("synchronous", synchronous)
        watch_witness(log._committer, path, disk)
        disk.acknowledge(log.head().position)
        for turn in range(12):
            writers = random.choice((1, 1, 2, 5))
            await asyncio.gather(*(add(log, f"cycle-{turn}-{one}", 0) for one in range(writers)))
            disk.acknowledge(log.head().position)
            if turn in {4, 8}:
                log._committer.checkpoint()
        log._committer.abandon()
        log._lock.release()

    with watched(disk) as vfs:
        asyncio.run(main())
    images = lost = 0
    troubles = []
    survivor = folder / "image"
    survivor.mkdir()
    for step, way, image in disk.images(random):
        for file in survivor.iterdir():
            file.unlink()
        for name, content in image.items():
            if wanted(Path(name)):
                (survivor / name).write_bytes(content)
        images += 1
        try:
            found = examine(survivor / "log.db")
            assert found is not None
            if found.head.position < disk.acknowledged(step):
                lost += 1
        except LogDamaged as error:
            lost += 1
            troubles.append(f"step {step} {disk.steps[step - 1][:3]}, {way}: {error}")
    return images, lost, troubles


def test_a_power_loss_at_any_moment_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    images, lost, troubles = power_loss(tmp_path, "full")
    assert troubles == []
    assert lost == 0
    assert images > 300


def test_the_power_loss_test_has_teeth(tmp_path: Path) -> None:
    _, lost, _ = power_loss(tmp_path, "normal")
    assert lost > 50
