"""A disk that remembers every step, so that power can be lost after each of them."""

from collections.abc import Iterator
from pathlib import Path
from random import Random

from arb.events.sqlite import read_witness
from arb.events.sqlite.commit import Committer
from arb.simulation.sectors import WAYS, Survivors, Write, apply_write, survivors
from arb.simulation.vfs import Watcher, witness_watched_by


def watch_witness(committer: Committer, db: Path, watch: Watcher) -> None:
    """Let the writer's witness be watched as well."""
    committer._witness.close()
    sworn = read_witness(db)
    assert sworn is not None
    committer._witness = witness_watched_by(watch).open(db, sworn)


class PowerLoss:
    """Record what a disk is told, and build what it may hold after power is lost at any moment.

    A sync makes everything written to its file durable. Of what was written since, nothing, everything or any sectors
    survive.
    """

    def __init__(self, folder: Path) -> None:
        self._start = {file.name: file.read_bytes() for file in folder.iterdir() if wanted(file)}
        self.steps: list[tuple[str, str, int, bytes]] = []

    def __call__(self, what: str, name: str, offset: int, data: bytes) -> None:
        self.steps.append((what, name, offset, data))

    def acknowledge(self, position: int) -> None:
        """Note that a caller was told."""
        self.steps.append(("acknowledged", "", position, b""))

    def acknowledged(self, step: int) -> int:
        """The last position that was acknowledged before a step."""
        told = [offset for what, _, offset, _ in self.steps[:step] if what == "acknowledged"]
        return max(told, default=0)

    def images(self, random: Random) -> Iterator[tuple[int, Survivors, dict[str, bytes]]]:
        """What may be on the disk after each step."""
        durable = {name: bytearray(content) for name, content in self._start.items()}
        pending: dict[str, list[Write]] = {}
        for index in range(len(self.steps) + 1):
            for way in WAYS:
                yield index, way, survivors(durable, pending, way, random)
            if index == len(self.steps):
                return
            what, name, offset, data = self.steps[index]
            if what in {"write", "truncate"}:
                pending.setdefault(name, []).append((what, offset, data))
                durable.setdefault(name, bytearray())
            elif what == "sync":
                for one in pending.pop(name, []):
                    apply_write(durable[name], *one)
            elif what == "delete":
                durable.pop(name, None)
                pending.pop(name, None)


def wanted(file: Path) -> bool:
    """Tell which files matter after a power loss: the index of the WAL and the lock do not."""
    return not file.name.endswith(("-shm", ".lock", ".ballast"))
