"""Reading a log without writing it: the monitor, the web, replay and verification, beside an engine or on a copied folder."""

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import apsw

from arb.errors import LogDamaged, WrongLog
from arb.events.envelope import Head, Recorded
from arb.events.facts import Fact, LogCreated
from arb.events.sqlite import connections, rows
from arb.events.sqlite.links import real_file
from arb.events.sqlite.storage import check_header, check_sqlite, read_header
from arb.events.sqlite.witness import Sworn, read_witness

_F = TypeVar("_F", bound=Fact)


class LogReader:
    """A read-only view of a log. It takes no lock, never blocks the writer, and sees what is committed.

    `connection` is for the tables of projections: keep transactions on it short, a long one keeps the WAL from shrinking.
    Raises WrongLog for a path that is not a log, which is not touched.
    """

    def __init__(self, path: Path) -> None:
        check_sqlite()
        self.path = path = real_file(path)
        if not connections.is_open_here(path):
            header = read_header(path)
            if header is None:
                raise WrongLog(f"there is no log at {path}; check `--db`")
            check_header(path, header, witnessed=_is_witnessed(path))
        self.connection: apsw.Connection = connections.reader(path)

    def head(self) -> Head:
        """The last committed event."""
        return rows.head(self.connection)

    def read(self, after: int = 0, limit: int | None = None) -> Iterator[Recorded]:
        """Events in order of position, after a position."""
        return rows.records(self.connection, after, limit)

    def pages(self, after: int = 0, limit: int | None = None) -> Iterator[list[rows.Row]]:
        """Raw rows in pages, for a fast replay; `rows.record` decodes one."""
        return rows.pages(self.connection, after, limit)

    def read_stream(self, stream: str, after_version: int = 0) -> Iterator[Recorded]:
        """Events of one stream in order of version."""
        return rows.stream_records(self.connection, stream, after_version)

    def facts(self, stream: str, kind: type[_F]) -> list[_F]:
        """The facts of one stream that are of one type, which are few, in order of version."""
        found = rows.stream_records_of(self.connection, stream, kind.__name__)
        return [one.fact for one in found if isinstance(one.fact, kind)]

    def stream_version(self, stream: str) -> int:
        """The number of events in a stream, 0 if there is none."""
        return rows.stream_version(self.connection, stream)

    def streams(self, prefix: str = "") -> list[str]:
        """Names of streams that begin with a prefix, in order of name."""
        return rows.streams(self.connection, prefix)

    def identity(self) -> LogCreated | None:
        """Who the log is, with the instance in force; None while it has no events."""
        return rows.identity(self.connection)

    def close(self) -> None:
        """Let go of the file."""
        connections.close(self.connection)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _is_witnessed(path: Path) -> bool:
    try:
        testimony: Sworn | None = read_witness(path)
    except LogDamaged:
        return False
    return testimony is not None and testimony.head.position > 0
