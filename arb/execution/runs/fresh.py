"""Make room for a backtest's log: it is a function of its inputs, so an old one may be replaced."""

from pathlib import Path

from arb.errors import WrongLog
from arb.events.sqlite import lock_log, look
from arb.events.sqlite.storage import beside

SUFFIXES = ("", "-wal", "-shm", ".witness", ".ballast", ".sock")


def discard_backtest(db: Path) -> None:
    """Remove a finished backtest's log; raises WrongLog for any other, LogLocked while one runs."""
    found = look(db)
    if found is None or found.identity is None or found.identity.mode != "backtest":
        raise WrongLog(f"{db} is not the log of a backtest; it was not touched. Give --db")
    with lock_log(db):
        for suffix in SUFFIXES:
            beside(db, suffix).unlink(missing_ok=True)
