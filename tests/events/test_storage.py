"""What a log may stand on."""

import os
from pathlib import Path

import apsw
import pytest

from arb.errors import UnsafeStorage
from arb.events.sqlite import (
    ensure_ballast,
    free_space_low,
    release_ballast,
    space_gauge,
    storage,
)
from arb.events.sqlite.storage import check_file_system, check_sqlite, file_system
from arb.limits import BALLAST_BYTES
from tests.spec.log_examples import names, open_paper

MOUNTS = r"""22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 254:0 / / rw,relatime - ext4 /dev/vda rw,discard
40 27 0:50 / /mnt/share rw,relatime shared:3 master:1 - nfs4 server:/export rw
41 27 0:51 / /mnt/share/local rw - xfs /dev/vdb rw
42 27 0:52 / /mnt/with\040blank rw - fuse.sshfs me@there:/ rw
43 27 0:53 / /mnt/twice rw - ext4 /dev/vdc rw
44 43 0:54 / /mnt/twice rw - cifs //there/share rw
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/home/me/trade_state.db", "ext4"),
        ("/mnt/share/trade_state.db", "nfs4"),
        ("/mnt/shared/trade_state.db", "ext4"),
        ("/mnt/share/local/trade_state.db", "xfs"),
        ("/mnt/with blank/x/trade_state.db", "fuse.sshfs"),
        ("/mnt/twice/trade_state.db", "cifs"),
    ],
)
def test_the_file_system_of_a_path_is_that_of_its_mount(path: str, kind: str) -> None:
    assert file_system(Path(path), MOUNTS) == kind


@pytest.mark.parametrize(
    "kind", ["nfs", "nfs4", "cifs", "smb3", "9p", "fuse.sshfs", "fuse", "ceph"]
)
def test_a_log_on_a_network_is_refused_and_nothing_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(
        f"1 1 0:1 / / rw - ext4 /dev/vda rw\n2 1 0:2 / {tmp_path}/far rw - {kind} x rw\n"
    )
    monkeypatch.setattr(storage, "_MOUNTINFO", mounts)
    far = tmp_path / "far"
    far.mkdir()
    with pytest.raises(UnsafeStorage, match=f"is on {kind}, .*local disk") as caught:
        open_paper(far / "log.db")
    assert caught.value.exit_code == 3
    assert names(far) == []
    check_file_system(tmp_path)


def test_a_sqlite_with_the_wal_reset_bug_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    check_sqlite()
    monkeypatch.setattr(apsw, "sqlite_lib_version", lambda: "3.51.2")
    with pytest.raises(UnsafeStorage, match=r"3\.51\.3 or newer is needed: update apsw"):
        check_sqlite()


def test_the_ballast_is_really_allocated_and_given_back(tmp_path: Path) -> None:
    db = tmp_path / "log.db"
    assert ensure_ballast(db)
    assert ensure_ballast(db)
    found = (tmp_path / "log.db.ballast").stat()
    assert found.st_size == BALLAST_BYTES
    assert found.st_blocks * 512 >= BALLAST_BYTES
    assert release_ballast(db)
    assert not release_ballast(db)
    assert names(tmp_path) == []


def test_no_room_for_the_ballast_leaves_no_half_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int, __: int, ___: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    assert not ensure_ballast(tmp_path / "log.db")
    assert names(tmp_path) == []


def test_a_disk_that_fills_up_while_a_log_is_open_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nearly_full = space_gauge(tmp_path / "log.db")
    assert not nearly_full()
    monkeypatch.setattr("arb.events.sqlite.ballast.FREE_SPACE_RESERVE_BYTES", 2**62)
    assert nearly_full()


def test_a_nearly_full_disk_is_told_and_its_ballast_released_at_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    db = tmp_path / "log.db"
    assert not free_space_low(db)
    ensure_ballast(db)
    monkeypatch.setattr("arb.events.sqlite.ballast.FREE_SPACE_RESERVE_BYTES", 2**62)
    assert free_space_low(db)
    log = open_paper(db)
    assert not (tmp_path / "log.db.ballast").exists()
    log._committer.abandon()
