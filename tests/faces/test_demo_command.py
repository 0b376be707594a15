"""The demonstration empties a folder first: only ever one that it made itself."""

from pathlib import Path

import pytest
from click.testing import Result

from arb.faces.demo import MARK, Demo, demo, made_for
from tests.faces.commands import call
from tests.spec.command_line import files


def refused(folder: Path, *arguments: str) -> Result:
    before = files(folder) if folder.is_dir() else {}
    result = call(demo, "--folder", folder, *arguments)
    assert (files(folder) if folder.is_dir() else {}) == before
    assert len(result.stderr.splitlines()) == 1, result.stderr
    assert str(folder) in result.stderr
    return result


def test_a_folder_with_anything_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    result = refused(tmp_path)
    assert result.exit_code == 2
    assert "not made by the demonstration" in result.stderr


def test_a_mark_that_is_no_file_of_ours_is_none(tmp_path: Path) -> None:
    (tmp_path / MARK).write_text("")
    assert refused(tmp_path).exit_code == 2


@pytest.mark.parametrize("where", [".", ".."])
def test_the_working_directory_and_what_holds_it_are_never_emptied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    inner = tmp_path / "marked" / "inner"
    made_for(inner.parent)
    made_for(inner)
    monkeypatch.chdir(inner)
    result = refused((inner / where).resolve())
    assert result.exit_code == 2
    assert "working directory" in result.stderr


def test_a_folder_of_an_earlier_demonstration_is_emptied(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "demo"
    made_for(folder)
    (folder / "trade_state.db").write_text("old")
    made_for(folder)
    assert list(files(folder)) == [MARK]
    assert Demo(folder, seed=1).db == folder / "trade_state.db"


def test_an_empty_folder_may_be_taken(tmp_path: Path) -> None:
    made_for(tmp_path)
    assert list(files(tmp_path)) == [MARK]


def test_a_link_is_not_followed_to_what_it_empties(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "a.txt").write_text("mine")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert refused(tmp_path / "link").exit_code == 2
