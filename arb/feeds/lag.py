"""How far a feed is behind: never silently."""

from typing import Final

import structlog

from arb.clock import NS_PER_MS, NS_PER_S, Clock
from arb.limits import FEED_LAG_S_MAX, FEED_LAG_TOLD_S

log = structlog.get_logger()

LAG_NS_MAX: Final = round(FEED_LAG_S_MAX * NS_PER_S)


class Lag:
    """Counts how often an update was too old when it was applied, and tells so now and then."""

    def __init__(self, clock: Clock, subject: str) -> None:
        self.times = 0
        self.worst_ns = 0
        self._clock = clock
        self._subject = subject
        self._told_ns: int | None = None

    def note(self, age_ns: int) -> bool:
        """Note the age of the oldest update that was applied; whether that is too old."""
        if age_ns <= LAG_NS_MAX:
            return False
        self.times += 1
        self.worst_ns = max(self.worst_ns, age_ns)
        now_ns = self._clock.now_ns()
        if self._told_ns is None or now_ns - self._told_ns >= FEED_LAG_TOLD_S * NS_PER_S:
            self._told_ns = now_ns
            age_ms = age_ns // NS_PER_MS
            log.warning("feed.lagging", subject=self._subject, age_ms=age_ms, times=self.times)
        return True
