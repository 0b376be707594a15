"""Play a market source on the clock: each change when its time has come."""

from collections.abc import AsyncIterator

from arb.clock import NS_PER_S, Clock
from arb.feeds.source import Change, MarketSource

LAG_NS_MAX = NS_PER_S  # a live-like feed that falls behind further is conflated, not queued


async def play(
    source: MarketSource, clock: Clock, after_ns: int, *, every_row: bool
) -> AsyncIterator[Change]:
    """Yield changes in order; ends where a recording ends.

    With `every_row` nothing is left out, however long it takes; otherwise rows that are more than a
    second old when their turn comes are skipped: newer ones of the same market follow.
    """
    for change in source.changes(after_ns):
        wait_ns = change.at_ns - clock.now_ns()
        if wait_ns > 0:
            await clock.sleep(wait_ns / NS_PER_S)
            # A float of seconds can end a hair early; the row's time has to have come.
            while clock.now_ns() < change.at_ns:
                await clock.sleep((change.at_ns - clock.now_ns()) / NS_PER_S)
        else:
            await clock.sleep(0)  # others may have something to do first
            if not every_row and -wait_ns > LAG_NS_MAX:
                continue
        yield change
