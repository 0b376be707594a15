"""The witness: what it swears to, and what follows when the log disagrees."""

import asyncio
import os
import shutil
from pathlib import Path

import pytest

from arb.errors import LogDamaged, WrongLog
from arb.events.envelope import EMPTY, Head
from arb.events.facts import HeadAccepted
from arb.events.sqlite import LogReader, accept_head, backup, read_witness, verify_chain
from arb.events.sqlite.witness import FILE_BYTES, Sworn, Witness
from tests.spec.log_examples import AT_NS, META, names, open_paper, to

DOOR = "tools/replay.py --accept-head --reason TEXT"


def write(path: Path, events: int, *, closed: bool = True) -> None:
    async def main() -> None:
        log = open_paper(path)
        start = log.stream_version("cycle-a")
        for version in range(start, start + events):
            await log.append(to("cycle-a", version), at_ns=AT_NS, meta=META)
        if closed:
            await log.close()
        else:
            log._committer.abandon()
            log._lock.release()

    asyncio.run(main())


def copy(source: Path, target: Path) -> Path:
    shutil.copytree(source, target)
    return target / "log.db"


def verified(path: Path) -> list[str]:
    with LogReader(path) as reader:
        return [one.text for one in verify_chain(reader)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "log").mkdir()
    write(tmp_path / "log" / "log.db", 5, closed=False)
    return tmp_path / "log" / "log.db"


def test_the_witness_swears_to_every_acknowledged_head(tmp_path: Path) -> None:
    path = tmp_path / "log.db"

    async def main() -> None:
        log = open_paper(path, on_loop=False)
        for version in range(5):
            await log.append(to("cycle-a", version), at_ns=AT_NS, meta=META)
            testimony = read_witness(path)
            assert testimony is not None
            assert testimony.head == log.head()
        await log.close()
        assert read_witness(path) == Sworn(testimony.sequence + 1, log.head(), log.head())

    asyncio.run(main())


def test_a_torn_slot_leaves_the_other_one(path: Path) -> None:
    witness = path.with_name("log.db.witness")
    whole = witness.read_bytes()
    newest = read_witness(path)
    assert newest is not None
    start = 4096 * (newest.sequence % 2)
    for size in range(1, 100, 9):
        torn = bytearray(whole)
        torn[start + 10 : start + 10 + size] = os.urandom(size)
        witness.write_bytes(torn)
        older = read_witness(path)
        assert older is not None
        assert (older.sequence, older.head.position) == (newest.sequence - 1, 5)
    write(path, 1)  # the log is ahead of it by one event, and carries its hash
    assert verified(path) == []


def test_both_slots_torn_is_damage(path: Path) -> None:
    for content in (bytes(FILE_BYTES), b"", b"\xff" * FILE_BYTES):
        path.with_name("log.db.witness").write_bytes(content)
        with pytest.raises(LogDamaged, match=f"neither slot.*{DOOR}"):
            open_paper(path)
        assert "neither slot" in verified(path)[0]


def test_a_missing_witness_beside_events_is_damage(path: Path) -> None:
    path.with_name("log.db.witness").unlink()
    with pytest.raises(LogDamaged, match=f"witness is missing, and the log has 6 events.*{DOOR}"):
        open_paper(path)
    assert verified(path) == ["the witness is missing, and the log has 6 events"]


def test_a_log_behind_its_witness_is_damage(path: Path, tmp_path: Path) -> None:
    old = copy(path.parent, tmp_path / "old")
    write(path, 3)
    shutil.copy(path.with_name("log.db.witness"), old.with_name("log.db.witness"))
    with pytest.raises(LogDamaged, match=f"ends at position 6, .* swears to 9.*are gone.*{DOOR}"):
        open_paper(old)
    assert any("acknowledged events are gone" in text for text in verified(old))


def test_one_flipped_bit_in_the_wal_cannot_cut_acknowledged_events_off(path: Path) -> None:
    wal = path.with_name("log.db-wal")
    content = bytearray(wal.read_bytes())
    content[len(content) // 2] ^= 1
    wal.write_bytes(content)
    path.with_name("log.db-shm").unlink()
    with pytest.raises(LogDamaged, match="acknowledged events are gone"):
        open_paper(path)


def test_another_hash_at_the_sworn_position_is_damage(path: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    write(other / "log.db", 9)
    testimony = read_witness(path)
    assert testimony is not None
    witness = Witness.prepare(path)
    witness.write(Head(testimony.head.position, bytes(32)))
    witness.publish(path)
    witness.close()
    with pytest.raises(LogDamaged, match=f"position 6 does not carry the hash.*{DOOR}"):
        open_paper(path)
    assert any("position 6 does not carry the hash" in text for text in verified(path))


def test_the_door_goes_on_from_a_restored_backup_on_the_record(path: Path, tmp_path: Path) -> None:
    saved = tmp_path / "saved" / "log.db"
    saved.parent.mkdir()
    write(path, 1, closed=False)
    assert backup(path, saved).position == 7
    write(path, 3)
    for file in path.parent.iterdir():
        if file.name != "log.db.witness":
            file.unlink()
    shutil.copy(saved, path)
    with pytest.raises(LogDamaged, match=r"ends at position 7, .* swears to 10"):
        open_paper(path)
    result = accept_head(path, reason="disk died", instance="wxyz", at_ns=AT_NS)
    assert (result.first, result.last) == (8, 8)
    with LogReader(path) as reader:
        (recorded,) = reader.read(7)
        assert recorded.fact == HeadAccepted(reason="disk died", position=7, instance="wxyz")
        assert (recorded.stream, recorded.version) == ("run-0", 2)
        identity = reader.identity()
        assert identity is not None
        assert identity.instance == "wxyz"
    assert verified(path) == []
    write(path, 2)
    assert accept_head(path, reason="again", instance="wxyy", at_ns=AT_NS).first == 11


def test_a_door_that_was_cut_short_stays_shut(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path.with_name("log.db.witness").unlink()

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Witness, "publish", die)
        with pytest.raises(KeyboardInterrupt):
            accept_head(path, reason="r", instance="wxyz", at_ns=AT_NS)
    with pytest.raises(LogDamaged, match="witness is missing"):
        open_paper(path)
    accept_head(path, reason="r", instance="wxyz", at_ns=AT_NS)
    write(path, 1)


def test_the_door_is_for_whole_logs_only(path: Path, tmp_path: Path) -> None:
    with pytest.raises(WrongLog, match="there is no log"):
        accept_head(tmp_path / "none.db", reason="r", instance="wxyz", at_ns=AT_NS)
    write(path, 1)
    content = bytearray(path.read_bytes())
    content[content.rindex(b'"because"') + 1] ^= 1
    path.write_bytes(content)
    before = path.read_bytes()
    with pytest.raises(LogDamaged, match="this log cannot be accepted, restore a backup"):
        accept_head(path, reason="r", instance="wxyz", at_ns=AT_NS)
    assert path.read_bytes() == before


def test_a_backup_is_taken_while_the_log_is_written_and_never_overwrites(tmp_path: Path) -> None:
    path = tmp_path / "log.db"

    async def main() -> None:
        log = open_paper(path, on_loop=False)
        await log.append(to("cycle-a", 0), at_ns=AT_NS, meta=META)
        head = backup(path, tmp_path / "copy.db")
        assert head == log.head()
        with pytest.raises(WrongLog, match="a backup never overwrites"):
            backup(path, tmp_path / "copy.db")
        await log.append(to("cycle-a", 1), at_ns=AT_NS, meta=META)
        await log.close()

    asyncio.run(main())
    there = ["copy.db", "log.db", "log.db.ballast", "log.db.lock", "log.db.witness"]
    assert names(tmp_path) == there
    assert verified(path) == []
    assert verified(tmp_path / "copy.db") == ["the witness is missing, and the log has 2 events"]


def test_a_new_witness_swears_to_nothing(tmp_path: Path) -> None:
    witness = Witness.prepare(tmp_path / "log.db")
    assert read_witness(tmp_path / "log.db") is None
    witness.publish(tmp_path / "log.db")
    witness.close()
    assert read_witness(tmp_path / "log.db") == Sworn(1, EMPTY, EMPTY)
