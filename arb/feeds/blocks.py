"""Lines in compressed blocks: a file that is cut or spoilt is read up to where that happened.

A block is a member of a gzip file, with a check sum of its own; `zcat` reads the whole.
"""

import zlib
from collections.abc import Iterator
from io import BufferedReader
from pathlib import Path
from typing import Final

from msgspec import Struct

from arb.errors import FeedInvalid
from arb.limits import RECORDING_BLOCK_BYTES_MAX

_CHUNK_BYTES: Final = 1 << 16
_LEVEL: Final = (
    3  # of compression: four fifths of what the best one saves, at a fraction of its time
)
_GZIP: Final = 31  # zlib's word for a gzip member of any window
MAGIC: Final = b"\x1f\x8b"


class Block(Struct, frozen=True, gc=False):
    """Whole lines, without their ends, and where they stand in the file."""

    offset: int  # of the block's first byte
    size: int  # packed
    lines: list[bytes]


class Damage(Struct, frozen=True, gc=False):
    """From this byte on nothing of the file can be believed."""

    offset: int
    what: str


def pack(text: bytes) -> bytes:
    """Make a block of some lines; the same lines are always the same bytes."""
    packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP)
    return packer.compress(text) + packer.flush()


def first_line(path: Path) -> bytes | None:
    """The beginning of a file's first line, where it is in blocks; None for any other file.

    Raises FeedInvalid where it cannot be read.
    """
    try:
        with path.open("rb") as file:
            head = file.read(_CHUNK_BYTES)
    except OSError as error:
        raise FeedInvalid(f"{path}: cannot be read: {error.strerror or error}") from None
    if not head.startswith(MAGIC):
        return None
    try:
        return zlib.decompressobj(_GZIP).decompress(head, _CHUNK_BYTES).partition(b"\n")[0]
    except zlib.error:
        return None


def read_blocks(path: Path) -> Iterator[Block | Damage]:
    """Yield the blocks of a file; damage, where there is any, is the last thing told.

    A block that ends in the middle gives the lines that are whole; one whose check sum is wrong
    gives none. Raises FeedInvalid where the file cannot be read at all.
    """
    try:
        with path.open("rb") as file:
            yield from _Blocks(file).read()
    except OSError as error:
        raise FeedInvalid(f"{path}: cannot be read: {error.strerror or error}") from None


def read_block(path: Path, offset: int, size: int) -> list[bytes]:
    """Read a block again; raises FeedInvalid where it is not what it was."""
    try:
        with path.open("rb") as file:
            file.seek(offset)
            found = next(_Blocks(file, offset, size).read(), None)
    except OSError as error:
        raise FeedInvalid(f"{path}: cannot be read: {error.strerror or error}") from None
    if not isinstance(found, Block) or found.size != size:
        raise FeedInvalid(f"{path}: byte {offset}: the file was changed while it was played")
    return found.lines


class _Blocks:
    """Reads blocks from where a file stands."""

    def __init__(self, file: BufferedReader, offset: int = 0, size: int | None = None) -> None:
        self._file = file
        self._offset = offset
        self._left = size  # packed bytes that may still be read; None: all there are
        self._data = b""

    def read(self) -> Iterator[Block | Damage]:
        while True:
            offset = self._offset
            if not (self._data or self._fill()):
                return
            found = self._read_one()
            if isinstance(found, Damage):
                yield found
                return
            text, whole = found
            lines = text.split(b"\n")
            rest = lines.pop()
            if lines:
                yield Block(offset, self._offset - offset, lines)
            if not whole:
                yield Damage(self._offset, "the compressed data ends in the middle")
                return
            if rest:
                yield Damage(offset, "a block that does not end with its last line")
                return

    def _read_one(self) -> tuple[bytes, bool] | Damage:
        """Unpack a block; its text, and whether it is whole."""
        offset, unpacker, text = self._offset, zlib.decompressobj(_GZIP), bytearray()
        whole = False
        while not whole:
            if not (self._data or self._fill()):
                return bytes(text), False
            try:
                text += unpacker.decompress(self._data, RECORDING_BLOCK_BYTES_MAX + 1 - len(text))
            except zlib.error as error:
                return Damage(offset, f"not readable as gzip: {error}")
            if len(text) > RECORDING_BLOCK_BYTES_MAX:
                return Damage(offset, f"a block above {RECORDING_BLOCK_BYTES_MAX} bytes")
            whole = unpacker.eof
            left = unpacker.unused_data if whole else unpacker.unconsumed_tail
            self._offset += len(self._data) - len(left)
            self._data = left
        return bytes(text), True

    def _fill(self) -> bool:
        """Read on; False at the end of the file."""
        size = _CHUNK_BYTES if self._left is None else min(self._left, _CHUNK_BYTES)
        self._data = self._file.read(size)
        if self._left is not None:
            self._left -= len(self._data)
        return bool(self._data)
