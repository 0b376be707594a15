"""Pause new cycles after too many anomalies; re-arm by itself after a cooldown."""

from collections import deque

from arb.clock import NS_PER_S
from arb.events import facts as f
from arb.execution.account.desk import Desk
from arb.execution.orders.sending import NOT_SENT
from arb.strategy.schema import Breaker as BreakerConfig


class Breaker:
    """Counts unknowns and refusals of the whole account within a time."""

    def __init__(self, desk: Desk, config: BreakerConfig) -> None:
        self._desk = desk
        self._config = config
        self._cooldown_ns = int(config.cooldown_seconds * NS_PER_S)
        self._seen: dict[str, deque[int]] = {"unknowns": deque(), "refusals": deque()}
        desk.journal.listen(self._hear)

    def _hear(self, _stream: str, fact: f.Fact, at_ns: int) -> None:
        if isinstance(fact, f.OrderUnknown) and fact.reason != "restart":
            self._seen["unknowns"].append(at_ns)
        elif isinstance(fact, f.OrderRefused) and fact.reason != NOT_SENT:
            self._seen["refusals"].append(at_ns)

    async def closed(self) -> str | None:
        """Say why no new cycle may open now; trips, as an event, when a count is reached."""
        now = self._desk.clock.now_ns()
        # An end that is further away was written by a clock that was ahead: it would rest for as long.
        if 0 < self._desk.journal.account.breaker_until_ns - now <= self._cooldown_ns:
            return "breaker"
        bounds = {"unknowns": self._config.max_unknowns, "refusals": self._config.max_refusals}
        for kind, times in self._seen.items():
            while times and now - times[0] > self._config.window_seconds * NS_PER_S:
                times.popleft()
            if len(times) >= bounds[kind]:
                until = now + self._cooldown_ns
                count = len(times)
                times.clear()
                tripped = f.BreakerTripped(kind=kind, count=count, until_ns=until)
                await self._desk.journal.note(tripped, cause="breaker")
                return "breaker"
        return None
