"""A WAL that an unclean end left is taken with the file that it was written for, and with no other."""

import asyncio
import shutil
from pathlib import Path
from random import Random

import apsw
import pytest

from arb.errors import LogDamaged, WrongLog
from arb.events.sqlite import LogReader, accept_head, backup, left_wal, open_log, opening, stamp
from arb.events.sqlite.connections import close, untouching, writer
from arb.events.sqlite.left_wal import has_left_wal
from arb.events.sqlite.storage import beside
from arb.events.sqlite.witness import Witness
from arb.projections.audit import verify
from arb.projections.projector import Projections
from arb.simulation.vfs import watched
from tests.spec import histories as h
from tests.spec.log_examples import AT_NS, META, names, open_paper, to
from tests.spec.written import INSTANCE, START_NS, append

LATER_NS = START_NS + 10**15


def start(path: Path, pages: int | None = None, run: str = "r1", at_ns: int = START_NS):  # type: ignore[no-untyped-def] # noqa: ANN201
    return open_log(
        path, mode="paper", venue="paper", account="f00d", instance=INSTANCE, run=run,
        at_ns=at_ns, on_loop=True, projector=Projections(), checkpoint_pages=pages,
    )  # fmt: skip


def die(log: object) -> None:
    log._committer.abandon()  # type: ignore[attr-defined]
    log._lock.release()  # type: ignore[attr-defined]


def killed_after_a_backup(
    path: Path, seed: int, first: int, second: int, pages: int = 100
) -> tuple[Path, int]:
    """A log whose engine was killed some time after a backup; gives the backup and the last event."""
    copy = path.with_name("copy.db")

    async def main() -> int:
        rng = Random(seed)
        batches = h.history(seed, 60)[: first + second]
        log = start(path, pages)
        at_ns = await append(log, batches[:first], rng, "r1", START_NS)
        backup(path, copy)
        await append(log, batches[first:], rng, "r1", at_ns)
        die(log)
        return int(log.head().position)

    return copy, asyncio.run(main())


def contents(folder: Path) -> dict[str, bytes]:
    return {
        name: (folder / name).read_bytes() for name in names(folder) if not name.endswith(".lock")
    }


def goes_on(path: Path) -> int:
    async def main() -> int:
        log = start(path, run="r2", at_ns=LATER_NS)
        head = log.head().position
        await log.close()
        return int(head)

    return asyncio.run(main())


def test_a_backup_copied_over_a_killed_log_is_refused_and_says_what_to_move(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    copy, _ = killed_after_a_backup(path, 1, 60, 400, pages=400)
    shutil.copyfile(copy, path)
    before = contents(tmp_path)
    words = (
        r"log\.db-wal belongs to another state .*nothing was changed.* move .*-wal and .*-shm away"
    )
    for _ in range(2):
        with pytest.raises(LogDamaged, match=words) as caught:
            goes_on(path)
        assert "--accept-head" in str(caught.value)
        with pytest.raises(LogDamaged, match=words):
            accept_head(path, reason="restored", instance="zzzz", at_ns=LATER_NS)
        assert contents(tmp_path) == before
    for suffix in ("-wal", "-shm"):
        (tmp_path / f"log.db{suffix}").replace(tmp_path / f"kept{suffix}")
    accept_head(path, reason="restored", instance="zzzz", at_ns=LATER_NS, projector=Projections())
    assert verify(path) == []
    goes_on(path)


@pytest.mark.parametrize("seed", range(40))
def test_whatever_is_mixed_a_start_takes_all_that_was_acknowledged_or_nothing(
    tmp_path: Path, seed: int
) -> None:
    path = tmp_path / "log.db"
    rng = Random(seed)
    first, second = rng.randrange(2, 80), rng.randrange(1, 60)
    copy, last = killed_after_a_backup(path, seed, first, second, rng.choice((8, 20, 60, 400)))
    shutil.copyfile(copy, path)
    try:
        head = goes_on(path)
    except LogDamaged as error:
        if "belongs to another state" in str(error):
            (tmp_path / "log.db-wal").unlink()
        accept_head(
            path, reason="restored", instance="zzzz", at_ns=LATER_NS, projector=Projections()
        )
    else:
        assert head == last
    assert verify(path) == []
    goes_on(path)


def test_a_copy_made_between_two_runs_is_known_from_the_file_that_went_on(tmp_path: Path) -> None:
    path, copy = tmp_path / "log.db", tmp_path / "copy.db"

    async def run(events: int, *, killed: bool) -> None:
        log = open_paper(path)
        version = log.stream_version("cycle-a")
        for at in range(events):
            await log.append(to("cycle-a", version + at), at_ns=AT_NS, meta=META)
        if killed:
            die(log)
        else:
            await log.close()

    asyncio.run(run(3, killed=False))
    shutil.copyfile(path, copy)
    asyncio.run(run(0, killed=False))  # not one event more
    asyncio.run(run(1, killed=True))
    assert fits(path)
    whole = path.read_bytes()
    shutil.copyfile(copy, path)
    assert not fits(path)
    path.write_bytes(whole)
    asyncio.run(run(1, killed=False))


def fits(path: Path) -> bool:
    assert has_left_wal(path)
    connection = untouching(path)
    try:
        return stamp.belongs(path, connection)
    finally:
        close(connection)


def test_a_checkpoint_that_is_cut_anywhere_leaves_a_wal_that_fits(tmp_path: Path) -> None:
    at, cut = 0, True
    while cut:
        path = tmp_path / f"{at}.db"
        left, cut = at, False

        def watch(what: str, name: str, _: int, __: bytes) -> None:
            nonlocal left, cut
            if counting and what == "write" and name == path.name:  # noqa: B023 -- of this turn
                left -= 1
                cut = cut or left < 0
                if cut:
                    raise apsw.IOError("cut")

        async def main(vfs: str) -> None:
            nonlocal counting
            log = open_paper(path, vfs=vfs)  # noqa: B023 -- the same
            for version in range(8):
                await log.append(to("cycle-a", version), at_ns=AT_NS, meta=META)
            counting = True
            log._committer.checkpoint()
            counting = False
            die(log)

        counting = False
        with watched(watch) as vfs:
            asyncio.run(main(vfs))
        assert fits(path)
        at += 1
    assert at > 2


def test_a_long_reader_keeps_no_wal_from_being_known(tmp_path: Path) -> None:
    path = tmp_path / "log.db"

    async def main() -> None:
        log = open_paper(path)
        with LogReader(path) as reader:
            reader.connection.execute("BEGIN")
            reader.head()
            for version in range(30):
                await log.append(to("cycle-a", version), at_ns=AT_NS, meta=META)
                if version % 7 == 0:
                    log._committer.checkpoint()
            shutil.copytree(tmp_path, tmp_path.with_name("beside"))
            reader.connection.execute("ROLLBACK")
        for version in range(30, 40):
            await log.append(to("cycle-a", version), at_ns=AT_NS, meta=META)
            log._committer.checkpoint()
            shutil.copytree(tmp_path, tmp_path.with_name(f"beside{version}"))
        die(log)

    asyncio.run(main())
    assert fits(path)
    for copied in tmp_path.parent.glob("beside*/log.db"):
        assert fits(copied)


def test_a_log_without_a_stamp_is_read_as_a_whole_and_its_tables_are_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "log.db"
    _, last = killed_after_a_backup(path, 2, 30, 30, pages=1_000)
    connection = writer(path)
    connection.execute(f"DROP TABLE {stamp.TABLE}")
    connection.execute("UPDATE cycles SET state = 'failed'")
    close(connection, checkpoint=False)
    asked = []
    whole = left_wal._check_whole
    monkeypatch.setattr(left_wal, "_check_whole", lambda found: asked.append(whole(found)))
    assert goes_on(path) == last
    assert len(asked) == 1
    assert verify(path) == []


def test_a_first_commit_that_was_cut_anywhere_is_none(tmp_path: Path) -> None:
    """A kill, or a power loss, while a new log gets its first stamp: of a WAL half written nothing counts."""
    path = tmp_path / "log.db"
    opening._create(path, Witness)
    connection = writer(path)
    stamp.end(connection)
    frames = beside(path, "-wal").read_bytes()
    close(connection, checkpoint=False)
    for name in names(tmp_path):
        shutil.copy(tmp_path / name, tmp_path.with_name(f"new-{name}"))
    ends = [*range(1, len(frames), 1_000), len(frames) - 1]
    for end in ends:
        for rest in (
            b"",
            bytes(len(frames) - end),
        ):  # its length may be on the disk before what it holds
            folder = tmp_path / f"{end}-{len(rest)}"
            folder.mkdir()
            for name in ("log.db", "log.db.witness"):
                shutil.copy(tmp_path.with_name(f"new-{name}"), folder / name)
            (folder / "log.db-wal").write_bytes(frames[:end] + rest)
            assert goes_on(folder / "log.db") > 0


def test_a_start_after_a_kill_need_not_read_the_whole_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "log.db"
    _, last = killed_after_a_backup(path, 2, 30, 30)
    monkeypatch.setattr(left_wal, "_check_whole", None)
    assert goes_on(path) == last
    assert verify(path) == []


def test_a_backup_is_not_made_beside_the_wal_of_another_file(tmp_path: Path) -> None:
    path, copy = tmp_path / "log.db", tmp_path / "copy.db"
    asyncio.run(open_paper(path).close())
    (tmp_path / "copy.db-wal").write_bytes(b"of another file")
    with pytest.raises(WrongLog, match=r"copy\.db-wal is of another database; move it away"):
        backup(path, copy)
    assert not copy.exists()


def test_a_new_log_is_not_begun_beside_the_wal_of_one_that_is_gone(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    killed_after_a_backup(path, 1, 30, 30)
    for suffix in ("", ".witness"):
        (tmp_path / f"log.db{suffix}").unlink()
    before = contents(tmp_path)
    for _ in range(2):
        with pytest.raises(WrongLog, match=r"log\.db-wal is there without its log.*move both away"):
            goes_on(path)
        assert contents(tmp_path) == before
    for suffix in ("-wal", "-shm"):
        (tmp_path / f"log.db{suffix}").unlink(missing_ok=True)
    goes_on(path)
    assert verify(path) == []
