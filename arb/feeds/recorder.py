"""Write what a feed tells to a file, so that whatever strikes, all but the last second can be read."""

import os
from pathlib import Path
from typing import Self

from arb.clock import NS_PER_S, Clock
from arb.errors import ConfigInvalid
from arb.feeds.blocks import pack
from arb.feeds.book_rows import BookRow, EndRow, Heading, encode
from arb.feeds.run_rows import Aside
from arb.feeds.source import Change
from arb.limits import RECORDING_BLOCK_BYTES, RECORDING_FLUSH_S


class Recorder:
    """Takes changes; blocks of them are written as they fill, and at least as often as `flush` is called.

    The clock says when that was last. Unless it is `durable`, blocks are handed to the system alone,
    which outlives us but no power loss, and made safe at the end. Times of rows never fall: a change that was
    received before the newest one is written with the newest one's time.
    Raises ConfigInvalid where the file is there already, OSError where it cannot be written.
    """

    def __init__(self, path: Path, heading: Heading, clock: Clock, *, durable: bool = True) -> None:
        self.path = path
        self.rows = 0
        self.bytes = 0  # packed
        self.newest_ns = 0
        self.first_ns: int | None = None
        self.markets: set[str] = set()
        self._clock = clock
        self._durable = durable
        self._lines: list[bytes] = []
        self._size = 0
        self._safe_ns = clock.now_ns()
        try:
            new = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)  # an account is in it
            self._file = os.fdopen(new, "wb", buffering=0)
        except FileExistsError:
            message = f"{path} exists: a recording is never written over; name another file"
            raise ConfigInvalid(message) from None
        self._add(encode(heading))
        self.flush()
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def take(self, change: Change) -> None:
        """Take one change of the feed."""
        self.rows += 1
        self.newest_ns = max(self.newest_ns, change.at_ns)
        if self.first_ns is None:
            self.first_ns = self.newest_ns
        self.markets.add(change.market)
        book = change.book
        self._add(
            encode(
                BookRow(
                    self.rows,
                    self.newest_ns,
                    change.market,
                    book.sequence,
                    book.bids,
                    book.asks,
                    change.more,
                )
            )
        )
        self._write_if_full()

    def aside(self, row: Aside) -> None:
        """Take what a run says beside its books."""
        self._add(encode(row))
        self._write_if_full()

    def flush_if_due(self) -> None:
        """Make safe what was taken, if the last time was long enough ago."""
        if self._clock.now_ns() - self._safe_ns >= RECORDING_FLUSH_S * NS_PER_S:
            self.flush()

    def flush(self) -> None:
        """Make safe what was taken."""
        self._write()
        if self._durable:
            os.fsync(self._file.fileno())
        self._safe_ns = self._clock.now_ns()

    def close(self) -> None:
        """Say that this is the end; what has no end was broken off."""
        if not self._file.closed:
            self._add(encode(EndRow(self.rows, self.newest_ns)))
            self._durable = True
            self.flush()
            self._file.close()

    def abandon(self) -> None:
        """Let go of a file that takes no more: it has no end then."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None and issubclass(kind, OSError):
            self.abandon()
        else:
            self.close()

    def _write_if_full(self) -> None:
        if self._size >= RECORDING_BLOCK_BYTES:
            self._write()
            self.flush_if_due()

    def _add(self, line: bytes) -> None:
        self._lines.append(line)
        self._size += len(line) + 1

    def _write(self) -> None:
        if not self._lines:
            return
        block = memoryview(pack(b"\n".join([*self._lines, b""])))
        self._lines.clear()
        self._size = 0
        self.bytes += len(block)
        while block:
            block = block[self._file.write(block) :]
