"""The folder of a report: nothing else may be in it, and a report that stands there is replaced."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from arb.errors import ArbError, ConfigInvalid

PAGE: Final = "report.md"
_OURS: Final = re.compile(
    r"report\.md|(?:opportunities|cycles|declined|life|grid)\.csv|(?:life|pnl)\.svg"
    r"|pnl-by-[\w.]+\.(?:csv|svg)"
)
_NAMED_MAX: Final = 3


class ReportUnwritten(ArbError):
    """The report could not be written to its folder. The log of the run is as it should be."""

    code = "ARB-504"


def refuse_folder(folder: Path) -> None:
    """Refuse a folder that cannot be made, or that holds what is not of a report; raises ConfigInvalid."""
    try:
        if not folder.exists():
            if not folder.parent.is_dir():
                raise ConfigInvalid(f"--report {folder}: name a folder in one that exists")
            _refuse_unwritable(folder.parent)
            return
        if not folder.is_dir():
            raise ConfigInvalid(f"--report {folder}: is not a folder")
        others = sorted(path.name for path in folder.iterdir() if not _is_ours(path))
    except (OSError, ValueError) as error:
        raise ConfigInvalid(f"--report {str(folder)!r}: cannot be used: {error}") from error
    if others:
        more = f" and {len(others) - _NAMED_MAX} more" if len(others) > _NAMED_MAX else ""
        raise ConfigInvalid(
            f"--report {folder}: holds {', '.join(others[:_NAMED_MAX])}{more}, which is not of a "
            "report; name an empty folder, or one that is not there yet"
        )
    _refuse_unwritable(folder)


def _is_ours(path: Path) -> bool:
    return _OURS.fullmatch(path.name) is not None and path.is_file()


def _refuse_unwritable(folder: Path) -> None:
    if not os.access(folder, os.W_OK | os.X_OK):
        raise ConfigInvalid(f"--report: {folder} cannot be written to")


def write_folder(folder: Path, files: Mapping[str, str]) -> None:
    """Write every file, the page last, and remove what an earlier report has more; raises ReportUnwritten."""
    assert PAGE in files, sorted(files)
    assert all(_OURS.fullmatch(name) for name in files), sorted(files)
    try:
        folder.mkdir(exist_ok=True)
        for path in list(folder.iterdir()):
            if _is_ours(path):
                path.unlink()
        for name, text in sorted(files.items(), key=lambda file: (file[0] == PAGE, file[0])):
            (folder / name).write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise ReportUnwritten(f"{folder}: the report could not be written: {error}") from error
