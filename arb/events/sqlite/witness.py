"""The witness beside a log: its last position and hash, because a hash chain does not protect its own tail.

`<db>.witness` has two slots of one sector each, written in turn, so that a torn write leaves the other one:

    magic (8) sequence (8) position (8) hash (32) mark position (8) mark hash (32) checksum (4)

in big-endian numbers; the checksum is the CRC-32 of what stands before it. The slot with the highest
sequence and a right checksum counts. The mark is the head of the last checkpoint: everything up to it was fsynced, this file
included, so that opening a log verifies the chain from there.
"""

import os
from pathlib import Path
from struct import Struct
from typing import Final, Self
from zlib import crc32

import msgspec

from arb.errors import LogDamaged
from arb.events.envelope import EMPTY, Head
from arb.events.sqlite.storage import beside, sync_folder

_MAGIC: Final = b"arbwit01"
_FIELDS: Final = Struct(">8sQQ32sQ32s")
_CHECKSUM_BYTES: Final = 4
_SLOT_OFFSETS: Final = (0, 4096)  # a sector each, whatever the disk calls a sector
FILE_BYTES: Final = 8192


class Sworn(msgspec.Struct, frozen=True):
    """What a witness says."""

    sequence: int
    head: Head
    mark: Head


class Witness:
    """The open witness of the writer."""

    def __init__(self, path: Path, descriptor: int, testimony: Sworn) -> None:
        self._path = path
        self._descriptor = descriptor
        self._sequence = testimony.sequence
        self._mark = testimony.mark

    @classmethod
    def prepare(cls, db: Path) -> Self:
        """Begin a new witness of an empty log under another name; it counts from `publish` on."""
        path = beside(db, ".witness.new")
        flags = os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
        witness = cls(path, os.open(path, flags, 0o600), Sworn(0, EMPTY, EMPTY))
        witness._pwrite(bytes(FILE_BYTES), 0)
        witness.sync(EMPTY)
        return witness

    @classmethod
    def open(cls, db: Path, testimony: Sworn) -> Self:
        """Go on with a witness that was read."""
        path = beside(db, ".witness")
        return cls(path, os.open(path, os.O_RDWR | os.O_CLOEXEC), testimony)

    def publish(self, db: Path) -> None:
        """Take the place of the log's witness, whole and durable from the first moment it can be seen."""
        self._fsync()
        self._path = self._path.replace(beside(db, ".witness"))
        sync_folder(self._path)

    def write(self, head: Head) -> None:
        """Swear to a head, after its commit and before its acknowledgement."""
        self._sequence += 1
        fields = _FIELDS.pack(
            _MAGIC, self._sequence, head.position, head.hash, self._mark.position, self._mark.hash
        )
        slot = fields + crc32(fields).to_bytes(_CHECKSUM_BYTES)
        written = self._pwrite(slot, _SLOT_OFFSETS[self._sequence % 2])
        if written != len(slot):
            raise OSError(f"the witness took {written} of {len(slot)} bytes")

    def sync(self, mark: Head) -> None:
        """Make it durable that everything up to this head is: call it after a checkpoint, with the head it covered."""
        self._mark = mark
        self.write(mark)
        self._fsync()

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._descriptor)

    def _pwrite(self, data: bytes, offset: int) -> int:
        return os.pwrite(self._descriptor, data, offset)

    def _fsync(self) -> None:
        os.fsync(self._descriptor)


def read_witness(db: Path) -> Sworn | None:
    """Read what the witness of a log says; None where there is none.

    Raises LogDamaged when neither of its slots can be read.
    """
    return read_witness_file(beside(db, ".witness"))


def read_witness_file(path: Path) -> Sworn | None:
    """Read a witness by its own name; as `read_witness`."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    readable = [slot for offset in _SLOT_OFFSETS if (slot := _slot(content, offset)) is not None]
    if not readable:
        raise LogDamaged(f"neither slot of the witness {path} can be read")
    return max(readable, key=lambda slot: slot.sequence)


def _slot(content: bytes, offset: int) -> Sworn | None:
    fields = content[offset : offset + _FIELDS.size]
    checksum = content[offset + _FIELDS.size : offset + _FIELDS.size + _CHECKSUM_BYTES]
    if crc32(fields).to_bytes(_CHECKSUM_BYTES) != checksum or not fields.startswith(_MAGIC):
        return None
    _, sequence, position, hash_, mark_position, mark_hash = _FIELDS.unpack(fields)
    return Sworn(sequence, Head(position, hash_), Head(mark_position, mark_hash))
