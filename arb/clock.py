"""Time as the engine sees it: a protocol, and a clock that only moves when it is told to."""

from typing import Final, Protocol

NS_PER_S: Final = 1_000_000_000
NS_PER_MS: Final = 1_000_000
NS_PER_DAY: Final = 86_400 * NS_PER_S


class Clock(Protocol):
    """Tell the time and wait."""

    def now_ns(self) -> int:
        """Nanoseconds since the Unix epoch, UTC."""
        ...

    def monotonic_ns(self) -> int:
        """Nanoseconds since some moment; nobody can set it."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait; returns at once for zero or less."""
        ...


class VirtualClock:
    """A clock for backtests and tests: `now_ns` is what it was last advanced to."""

    def __init__(self, start_ns: int = 0) -> None:
        self._now_ns = start_ns
        self._ran_ns = 0

    def now_ns(self) -> int:
        """Nanoseconds since the epoch."""
        return self._now_ns

    def advance_to(self, at_ns: int) -> None:
        """Move forward; time never runs backwards."""
        self._ran_ns += max(at_ns - self._now_ns, 0)
        self._now_ns = max(self._now_ns, at_ns)

    def monotonic_ns(self) -> int:
        """How far it moved forward."""
        return self._ran_ns

    async def sleep(self, seconds: float) -> None:
        """Move forward without waiting: alone, a virtual clock has nobody to wait for."""
        if seconds > 0:
            self.advance_to(self._now_ns + round(seconds * NS_PER_S))
