"""A log that is named by a symbolic link: everything that belongs to it is beside the file itself."""

import os
from pathlib import Path
from typing import Final

from arb.errors import LogDamaged, WrongLog
from arb.events.sqlite.storage import beside
from arb.events.sqlite.witness import read_witness_file

_WITNESS: Final = ".witness"
_PAPER: Final = ".paper"  # the account of a paper venue
_IN_MEMORY: Final = ":memory:"  # to SQLite


def real_file(path: Path) -> Path:
    """Give the file itself; every door to a log asks once.

    SQLite keeps the WAL beside the file, so a witness beside the link would swear to another log than
    the one it stands at, and a lock there would lock a name. Versions that did so left a witness there
    that may know of more than the one beside the file: raises WrongLog, naming what to move where. So
    does a name under which no file can be: what is kept there would be gone with the process.
    """
    if str(path) == _IN_MEMORY:
        raise WrongLog(f"a log is a file, not in memory; use another `--db` than {path}")
    if path.exists() and not path.is_file() and not path.is_dir():
        raise WrongLog(f"{path} is a device or a pipe, and a log is a file; use another `--db`")
    if not path.is_symlink():
        return path
    real = Path(os.path.realpath(path))
    for suffix in (_WITNESS, _PAPER):
        left = path.with_name(path.name + suffix)
        if _counts(left, beside(path, suffix), suffix):
            raise WrongLog(
                f"{path} is a link to {real}, and {left} lies beside the link: a log's own files belong beside the file"
                f" itself. Nothing was changed; stop what writes the log, then `mv {left} {beside(path, suffix)}`"
            )
    return real


def _counts(left: Path, right: Path, suffix: str) -> bool:
    """Tell whether what lies beside a link says something that nothing beside the file says."""
    if not left.exists() or (right.exists() and left.samefile(right)):
        return False
    if suffix != _WITNESS:
        return not right.exists()
    try:
        told, known = read_witness_file(left), read_witness_file(right)
    except LogDamaged:
        return True
    return told is not None and (known is None or told.head.position > known.head.position)
