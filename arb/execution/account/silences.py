"""When the venue did not answer: nobody can say that it would not have taken what was to be sold then."""

from collections import deque
from typing import Final

from arb.clock import Clock

KEPT: Final = 256  # of earlier ones nobody waits any more


class Silences:
    """The spells in which no reading was answered, each from the first that was not to the next that was."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._since_ns: int | None = None
        self._over: deque[tuple[int, int]] = deque(maxlen=KEPT)

    def begin(self) -> None:
        """A reading was not answered."""
        if self._since_ns is None:
            self._since_ns = self._clock.now_ns()

    def end(self) -> None:
        """A reading was answered."""
        if self._since_ns is not None:
            self._over.append((self._since_ns, self._clock.now_ns()))
            self._since_ns = None

    def within_ns(self, begin_ns: int, end_ns: int) -> int:
        """How long the venue was silent between two moments."""
        spells = [*self._over]
        if self._since_ns is not None:
            spells.append((self._since_ns, end_ns))
        return sum(max(0, min(until, end_ns) - max(since, begin_ns)) for since, until in spells)
