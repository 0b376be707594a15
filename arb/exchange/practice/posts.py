"""Every request to create an order that a practice exchange ever saw, refused ones too: its own kills do not forget one."""

import os
from collections import Counter
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct


class Post(Struct, frozen=True):
    """A request to create an order."""

    client_order_id: str
    at_ns: int


class Posts:
    """Counts creates by the client's id, and notes each in a file before it is answered."""

    def __init__(self, path: Path) -> None:
        self.counts: Final[Counter[str]] = Counter(one.client_order_id for one in read_posts(path))
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)

    def note(self, client_order_id: str, at_ns: int) -> None:
        """Note one more."""
        self.counts[client_order_id] += 1
        os.write(self._file, msgspec.json.encode(Post(client_order_id, at_ns)) + b"\n")

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)


def read_posts(path: Path) -> list[Post]:
    """Read what a practice exchange noted, oldest first."""
    if not path.exists():
        return []
    return [msgspec.json.decode(line, type=Post) for line in path.read_bytes().splitlines()]
