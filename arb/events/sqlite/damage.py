"""Finding what is wrong with a row that does not match its hash, by trying what would make it match."""

from collections.abc import Iterable, Iterator
from hashlib import sha256
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from arb.events.chain import form

COLUMNS: Final = (
    "position",
    "stream",
    "version",
    "type",
    "shape",
    "at_ns",
    "data",
    "meta",
    "command",
)
_PREVIOUS_BYTES: Final = 32
_LENGTH_BYTES: Final = 4
_INTEGER_BYTES: Final = 8
_WIDTHS: Final = (1, 2, 3, 4, 6, 8)  # of an integer in a row of SQLite
_TRIED_BYTES_MAX: Final = 4_096  # of one column; every byte costs 255 hashes


class RawRow(Struct, frozen=True):
    """One row as its stored bytes, which may be no text at all."""

    position: int
    stream: bytes
    version: int
    type: bytes
    shape: int
    at_ns: int
    data: bytes
    meta: bytes
    command: bytes | None
    hash: bytes

    def form(self, previous: bytes, position: int) -> bytes:
        """What is hashed for this row at a position, after a given hash."""
        return form(
            previous,
            position,
            self.stream,
            self.version,
            self.type,
            self.shape,
            self.at_ns,
            self.data,
            self.meta,
            self.command,
        )

    def fits(self, previous: bytes, position: int) -> bool:
        """Tell whether this row matches its hash at a position, after a given hash."""
        return sha256(self.form(previous, position)).digest() == self.hash


class Damage(Struct, frozen=True):
    """Which column of a row was changed, how, and the row as it was written."""

    column: str
    text: str
    right: RawRow


def belongs_at(position: int, previous: bytes, candidates: Iterable[RawRow]) -> RawRow | None:
    """Find the row that was written at a position: the one whose hash fits there."""
    return next((row for row in candidates if row.fits(previous, position)), None)


def changed_byte(row: RawRow, previous: bytes) -> Damage | None:
    """Find the one byte of a row whose change explains that its hash does not fit; None when it was more than a byte."""
    whole = bytearray(row.form(previous, row.position))
    end = _PREVIOUS_BYTES
    for column in COLUMNS:
        value: int | bytes | None = getattr(row, column)
        size = _size(value)
        start = end + _LENGTH_BYTES
        end = start + size
        if value is None or size > _TRIED_BYTES_MAX:
            continue
        stored = bytes(whole[start:end])
        tries = _other_integers(value) if isinstance(value, int) else _other_texts(value)
        for offset, other in tries:
            whole[start + offset : start + offset + len(other)] = other
            if sha256(whole).digest() == row.hash:
                return _damage(row, column, value, bytes(whole[start:end]))
            whole[start:end] = stored
    return None


def _size(value: int | bytes | None) -> int:
    if value is None:
        return 0
    return _INTEGER_BYTES if isinstance(value, int) else len(value)


def _other_texts(value: bytes) -> Iterator[tuple[int, bytes]]:
    for index, byte in enumerate(value):
        for other in range(256):
            if other != byte:
                yield index, bytes([other])


def _other_integers(value: int) -> Iterator[tuple[int, bytes]]:
    """Integers that differ in one byte of a file: SQLite keeps them in as few bytes as their sign allows."""
    for width in _WIDTHS:
        if not -(1 << 8 * width - 1) <= value < 1 << 8 * width - 1:
            continue
        for index, other in _other_texts(value.to_bytes(width, signed=True)):
            changed = bytearray(value.to_bytes(width, signed=True))
            changed[index] = other[0]
            yield 0, int.from_bytes(changed, signed=True).to_bytes(_INTEGER_BYTES, signed=True)


def _damage(row: RawRow, column: str, value: int | bytes, right: bytes) -> Damage:
    if isinstance(value, int):
        number = int.from_bytes(right, signed=True)
        text = f"is {value} and was written as {number}"
        return Damage(column, text, replace(row, **{column: number}))
    index = next(index for index, byte in enumerate(right) if byte != value[index])
    text = f"was changed at byte {index}: it is 0x{value[index]:02x} and was written as 0x{right[index]:02x}"
    return Damage(column, text, replace(row, **{column: right}))
