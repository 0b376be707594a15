"""How often in a row the cycles of a path have failed: counted once more from the log."""

from collections import defaultdict

EVERY = "*"
COUNT_MAX = 64  # doubled so often, anything is above the bound
Path = tuple[str, str]  # strategy, identity


class Failures:
    """Counts by path, and what they were while each cycle was open."""

    def __init__(self) -> None:
        self._count: dict[Path, int] = defaultdict(int)
        self._last: dict[Path, tuple[str, int]] = {}  # the cycle that failed last, and when
        self._opened_ns: dict[str, int] = {}
        self._since: dict[str, tuple[Path, set[int]]] = {}  # by cycle

    def opens(self, path: Path, cycle_id: str, at_ns: int) -> None:
        """A cycle begins on a path."""
        self._opened_ns[cycle_id] = at_ns
        self._since[cycle_id] = (path, {self._count[path]})

    def while_open(self, path: Path, cycle_id: str) -> set[int]:
        """What the count was, but for its own failure, at any time since a cycle was opened.

        It has to be the newest one, but where another cycle of the path came to an end in between:
        which of them the engine knew of when it wrote is not in the log.
        """
        return self._since.get(cycle_id, (path, {self._count[path]}))[1]

    def fails(self, path: Path, cycle_id: str, at_ns: int) -> None:
        """A cycle has left a path; one that leaves twice is counted once."""
        last, _ = self._last.get(path, ("", 0))
        self._last[path] = (cycle_id, at_ns)
        if last != cycle_id:
            self._set(path, min(self._count[path] + 1, COUNT_MAX), but=cycle_id)

    def succeeds(self, path: Path, cycle_id: str) -> None:
        """A cycle has gone its path to the end: a success, if it was begun after the last failure."""
        _, failed_ns = self._last.get(path, ("", -1))
        if self._opened_ns[cycle_id] > failed_ns:
            self._end(path)

    def clear(self, strategy: str, identity: str) -> None:
        """An operator has ended cooldowns."""
        for path in list(self._count):
            if strategy in {EVERY, path[0]} and identity in {EVERY, path[1]}:
                self._end(path)

    def _end(self, path: Path) -> None:
        self._last.pop(path, None)
        self._set(path, 0)

    def _set(self, path: Path, count: int, but: str = "") -> None:
        self._count[path] = count
        for cycle_id, (its, counts) in self._since.items():
            if its == path and cycle_id != but:
                counts.add(count)
