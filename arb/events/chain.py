"""The hash chain over the stored bytes of every event. Its byte form is a contract: other programs may verify a log by it.

    hash(n) = sha256( hash(n - 1) + field(position) + field(stream) + field(version) + field(type) + field(shape)
                      + field(at_ns) + field(data) + field(meta) + field(command) )

where hash(0) is 32 zero bytes and a field is its length in bytes (4 bytes, unsigned, big-endian) followed by its bytes:
an INTEGER is 8 bytes, signed, big-endian; a TEXT is its UTF-8 bytes as they are stored, never re-encoded; NULL, which only
`command` may be, is the length ff ff ff ff and nothing after it, so that no command and an empty one differ.
"""

from functools import lru_cache
from hashlib import sha256
from struct import Struct
from typing import Final

_INTEGER_BYTES: Final = 8
_NULL: Final = b"\xff\xff\xff\xff"
# An integer with its length in front, then the length of the text that follows it.
_INTEGER_THEN_LENGTH: Final = Struct(">IqI").pack
_TWO_INTEGERS_THEN_LENGTH: Final = Struct(">IqIqI").pack
_LENGTH: Final = Struct(">I").pack
_INTEGER: Final = Struct(">Iq").pack
_PIECES_KEPT: Final = 1_024  # types and metas as bytes


def form(  # noqa: PLR0917 -- the columns of a row, in their order
    previous: bytes,
    position: int,
    stream: bytes,
    version: int,
    type_: bytes,
    shape: int,
    at_ns: int,
    data: bytes,
    meta: bytes,
    command: bytes | None,
) -> bytes:
    """Put one event's stored bytes behind the hash of the event before it: what is hashed."""
    return b"".join(
        (
            previous,
            _INTEGER_THEN_LENGTH(_INTEGER_BYTES, position, len(stream)),
            stream,
            _INTEGER_THEN_LENGTH(_INTEGER_BYTES, version, len(type_)),
            type_,
            _TWO_INTEGERS_THEN_LENGTH(_INTEGER_BYTES, shape, _INTEGER_BYTES, at_ns, len(data)),
            data,
            _LENGTH(len(meta)),
            meta,
            _NULL if command is None else _LENGTH(len(command)) + command,
        )
    )


def link(  # noqa: PLR0917 -- the columns of a row, in their order
    previous: bytes,
    position: int,
    stream: str,
    version: int,
    type_: str,
    shape: int,
    at_ns: int,
    data: str,
    meta: str,
    command: str | None,
) -> bytes:
    """Hash one event onto the hash of the event before it; the arguments are the columns in their order.

    The same bytes as `form`, put together from fewer pieces: a replay spends most of its time here.
    """
    stream_bytes, data_bytes = stream.encode(), data.encode()
    pieces = (
        previous,
        _INTEGER_THEN_LENGTH(_INTEGER_BYTES, position, len(stream_bytes)),
        stream_bytes,
        _INTEGER(_INTEGER_BYTES, version),
        _kind(type_, shape),
        _INTEGER_THEN_LENGTH(_INTEGER_BYTES, at_ns, len(data_bytes)),
        data_bytes,
        _text(meta),
        _NULL if command is None else _LENGTH(len(command.encode())) + command.encode(),
    )
    return sha256(b"".join(pieces)).digest()


@lru_cache(maxsize=_PIECES_KEPT)
def _kind(type_: str, shape: int) -> bytes:
    """A type and its shape: there are few."""
    return _text(type_) + _INTEGER(_INTEGER_BYTES, shape)


@lru_cache(maxsize=_PIECES_KEPT)
def _text(text: str) -> bytes:
    """A text with its length in front, for texts that come again and again."""
    encoded = text.encode()
    return _LENGTH(len(encoded)) + encoded
