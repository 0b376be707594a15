"""What a disk holds after power is lost: what was synced, and any sectors of what was not."""

from collections.abc import Iterator, Mapping, Sequence
from random import Random
from typing import Final, Literal

SECTOR: Final = 512
Survivors = Literal["none", "all", "random"]
WAYS: Final[tuple[Survivors, ...]] = ("none", "all", "random")
Write = tuple[str, int, bytes]  # "write" or "truncate", offset or size, bytes
_HALF: Final = 0.5


def survivors(
    durable: Mapping[str, bytearray],
    pending: Mapping[str, Sequence[Write]],
    way: Survivors,
    random: Random,
) -> dict[str, bytes]:
    """What is left of each file when nothing, everything or any sectors of what is pending survive."""
    image = {name: bytearray(content) for name, content in durable.items()}
    if way != "none":
        for name, writes in pending.items():
            for what, offset, data in writes:
                for start, piece in _sectors(what, offset, data):
                    if way == "all" or random.random() < _HALF:
                        apply_write(image[name], what, start, piece)
    return {name: bytes(content) for name, content in image.items()}


def apply_write(content: bytearray, what: str, offset: int, data: bytes) -> None:
    """Do to a content what a write or a truncation does to a file."""
    if what == "truncate":
        del content[offset:]
        return
    if len(content) < offset:
        content.extend(bytes(offset - len(content)))
    content[offset : offset + len(data)] = data


def _sectors(what: str, offset: int, data: bytes) -> Iterator[tuple[int, bytes]]:
    if what == "truncate":
        yield offset, data
        return
    start = 0
    while start < len(data):
        end = start + SECTOR - (offset + start) % SECTOR
        yield offset + start, data[start:end]
        start = end
