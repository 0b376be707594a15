"""A log whose files lost their names keeps nothing: what is written there is gone when the process ends."""

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from arb.errors import DiskFailed, Indeterminate
from arb.events.sqlite import LogReader, space_gauge
from arb.limits import CHECKPOINT_PAGES
from tests.spec.log_examples import AT_NS, META, note, open_paper, to


def _delete(path: Path) -> None:
    path.unlink()


def _delete_wal(path: Path) -> None:
    path.with_name(f"{path.name}-wal").unlink()


def _replace(path: Path) -> None:
    copy = path.with_name("copy")
    shutil.copy(path, copy)
    copy.replace(path)


def _delete_folder(path: Path) -> None:
    shutil.rmtree(path.parent)


def _move_folder(path: Path) -> None:
    path.parent.rename(path.parent.with_name("elsewhere"))


@pytest.mark.parametrize("on_loop", [True, False], ids=["loop", "thread"])
@pytest.mark.parametrize("lose", [_delete, _delete_wal, _replace, _delete_folder, _move_folder])
def test_nothing_is_acknowledged_once_a_file_is_gone_from_its_place(
    tmp_path: Path, lose: Callable[[Path], None], *, on_loop: bool
) -> None:
    path = tmp_path / "folder" / "log.db"
    path.parent.mkdir()

    async def main() -> None:
        log = open_paper(path, on_loop=on_loop)
        await log.append(to("cycle-a", 0), at_ns=AT_NS, meta=META)
        head = log.head()
        lose(path)
        for version in (1, 2):
            with pytest.raises(Indeterminate, match="moved, deleted or replaced"):
                await log.append(to("cycle-a", version), at_ns=AT_NS, meta=META)
        assert log.head() == head
        await log.close()

    asyncio.run(main())


def test_checkpoints_and_readers_take_no_name_away(tmp_path: Path) -> None:
    path = tmp_path / "log.db"

    async def main() -> None:
        log = open_paper(path, on_loop=True)
        for version in range(200):
            with LogReader(path) as reader:
                reader.head()
                facts = (note("x" * CHECKPOINT_PAGES * 40),)
                await log.append(to("cycle-a", version, *facts), at_ns=AT_NS, meta=META)
        await log.close()

    asyncio.run(main())
    with LogReader(path) as reader:
        assert reader.stream_version("cycle-a") == 200


def test_a_relative_name_is_looked_for_where_it_was_meant(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    async def main() -> None:
        log = open_paper(Path("log.db"), on_loop=True)
        (tmp_path / "other").mkdir()
        monkeypatch.chdir(tmp_path / "other")
        await log.append(to("cycle-a", 0), at_ns=AT_NS, meta=META)
        monkeypatch.chdir(tmp_path)
        await log.close()

    asyncio.run(main())


def test_the_room_in_a_folder_that_is_gone_is_not_known(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    is_low = space_gauge(folder / "log.db")
    is_low()
    folder.rmdir()
    with pytest.raises(DiskFailed, match=f"the room that is left in {folder}"):
        is_low()
