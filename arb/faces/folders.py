"""Folders and files that a command writes to: created where possible, else refused in one line."""

from pathlib import Path
from tempfile import TemporaryFile
from typing import Final

import click

from arb.errors import ConfigInvalid

_BESIDE: Final = (".witness", ".ballast", ".paper", ".lock", ".sock", ".kill", "-wal", "-shm")


def made(folder: Path, flag: str = "--folder") -> Path:
    """Make a folder, with its parents, and check that it can be written to; returns its real path."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise click.UsageError(
            f"{flag} {folder}: a file of that name is in the way; name another folder, which need not exist yet"
        ) from None
    except OSError as error:
        raise ConfigInvalid(
            f"{flag} {folder} cannot be made: {error.strerror}; name a folder that can be"
        ) from None
    return writable(folder, flag)


def writable(folder: Path, flag: str = "--folder") -> Path:
    """Check that a folder can be written to; returns its real path."""
    try:
        with TemporaryFile(dir=folder):
            return folder.resolve()
    except OSError as error:
        raise ConfigInvalid(
            f"{flag} {folder} cannot be written to: {error.strerror}; name a folder that can be"
        ) from None


def made_empty(folder: Path, flag: str = "--folder") -> Path:
    """Make a folder, or take an empty one; returns its real path."""
    real = made(folder, flag)
    if any(real.iterdir()):
        raise click.UsageError(f"{flag} {folder} is not empty; name a new folder, or an empty one")
    return real


def room_for_log(db: Path) -> None:
    """Check that a log, and the files beside it, can be created where `--db` says."""
    if not db.parent.is_dir() or db.is_dir():
        raise ConfigInvalid(f"--db {db}: name a file in a folder that exists")
    for suffix in _BESIDE:
        path = db.with_name(db.name + suffix)
        if path.is_dir():
            raise ConfigInvalid(
                f"--db {db}: {path} is a folder, and a file of the log belongs there; "
                "move it away, or name another --db"
            )
    if not db.exists():
        writable(db.parent, f"--db {db}: its folder")
