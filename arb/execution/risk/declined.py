"""Opportunities that were not taken: counted in memory, and told to the log once an interval."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple

from arb import ids
from arb.clock import Clock
from arb.events import facts as f
from arb.events.facts import LegRoute
from arb.execution.account.journal import Journal
from arb.limits import DECLINED_FLUSH_S, DECLINED_REASONS_MAX, DECLINED_SAMPLE_CHARS_MAX

OTHER = "other"  # reasons beyond the bound
# Takes the strategy, the cycle, the reason, its numbers, and how many cycles: of several none is named.
Listener = Callable[[str, Sequence[LegRoute], str, str, int], None]


class Refusal(NamedTuple):
    """Why an opportunity is not taken: a code to count by, and the numbers behind it."""

    reason: str
    detail: str = ""


class _Since:
    """What one strategy declined since it was last told."""

    def __init__(self, at_ns: int) -> None:
        self.from_ns = at_ns
        self.reasons: Counter[str] = Counter()
        self.samples: dict[str, str] = {}


class Declined:
    """The number of declined opportunities by reason; a crash loses at most the last interval's."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._since: dict[str, _Since] = {}
        self.total: Counter[str] = Counter()  # of this run, over all strategies
        self._listeners: list[Listener] = []

    def listen(self, listener: Listener) -> None:
        """Call back with every opportunity that is declined, and once with many that nobody looked at."""
        self._listeners.append(listener)

    def count(
        self,
        strategy: str,
        legs: Sequence[LegRoute],
        reason: str,
        detail: str = "",
        *,
        times: int = 1,
    ) -> None:
        """Count a cycle that was left; `detail` holds its numbers, and the last one of an interval is kept.

        Many that are left together, and that nobody looks at, are counted by their number and have no legs.
        """
        self.total[reason] += times
        for listener in self._listeners:
            listener(strategy, legs, reason, detail, times)
        since = self._since.get(strategy)
        if since is None:
            since = self._since[strategy] = _Since(self._journal.now_ns())
        if reason not in since.reasons and len(since.reasons) >= DECLINED_REASONS_MAX:
            reason = OTHER
        since.reasons[reason] += times
        since.samples[reason] = detail[:DECLINED_SAMPLE_CHARS_MAX]

    async def flush(self) -> None:
        """Append what was counted: one event a strategy, none for one that declined nothing."""
        for strategy in sorted(self._since):
            since = self._since.pop(strategy)
            fact = f.OpportunitiesDeclined(
                strategy=strategy,
                from_ns=since.from_ns,
                to_ns=self._journal.now_ns(),
                reasons=dict(sorted(since.reasons.items())),
                samples={name: text for name, text in sorted(since.samples.items()) if text},
            )
            stream = ids.strategy_stream(strategy)
            await self._journal.note(fact, cause="interval", stream=stream)

    async def flush_for_ever(self, clock: Clock) -> None:
        """Flush once an interval, until cancelled."""
        while True:
            await clock.sleep(DECLINED_FLUSH_S)
            await self.flush()
