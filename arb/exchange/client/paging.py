"""Read a list that the venue gives in windows and pages: all of it, or an error. Never a part that looks like the whole."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

import structlog

from arb.clock import NS_PER_MS
from arb.exchange.client import progress
from arb.exchange.port import Unreachable
from arb.limits import PAGE_RETRY_DELAYS_S

log = structlog.get_logger()


Rows = list[object]
Ask = Callable[
    [int, int], Awaitable[Rows]
]  # from and to, in ns of the venue's clock, both included

After = Callable[[int, int, object], Awaitable[Rows]]  # the same, of what follows a row

Sleep = Callable[[float], Awaitable[None]]

WINDOWS_MAX: Final = 120
REQUESTS_MAX: Final = 400


async def complete(
    ask: Ask,
    since_ns: int,
    until_ns: int,
    *,
    window_ns: int,
    page: int,
    unit_ns: int,
    sleep: Sleep,
    after: After | None = None,
) -> Rows:
    """Read every row between two moments, window by window; a full page is read again in halves.

    One order can meet a hundred others at the same moment: where a unit of time fills a page, `after`
    asks on from its last row. A page that fails after others were read is asked for again by itself:
    a long history would never end else. Rows on a border come twice. Raises Unreachable where such a list does
    not go on, or can only be asked for by time, and where there is nothing between the two moments.
    """
    start = since_ns // unit_ns * unit_ns
    if until_ns < start:  # a clock was set back: nothing would be asked, and nothing found
        raise Unreachable("the history that is asked for ends before it begins")
    if until_ns - start > WINDOWS_MAX * window_ns:
        days = (until_ns - start) // (86_400 * 10**9)
        raise Unreachable(f"a history of {days} days is longer than can be read")
    rows: Rows = []
    requests = 0
    spans: list[
        tuple[int, int, object]
    ] = []  # with the last row of the page before, if there is one
    while start <= until_ns:
        spans.append((start, min(start + window_ns, until_ns), None))
        start += window_ns
    spans.reverse()
    while spans:
        begin, end, last = spans.pop()
        requests += 1
        if requests > REQUESTS_MAX:
            raise Unreachable(f"more than {REQUESTS_MAX} pages of history")
        page_of = partial(ask, begin, end)
        if last is not None and after is not None:
            page_of = partial(after, begin, end, last)
        found = await (page_of() if requests == 1 else _insist(page_of, sleep))
        if len(found) < page:
            rows += found
            continue
        units = (end - begin) // unit_ns
        if units == 0:
            if after is None:
                unit_ms = unit_ns / NS_PER_MS
                raise Unreachable(
                    f"more than {page} rows of history within {unit_ms:g} ms, and the venue's list "
                    "goes on by time alone"
                )
            if found[-1] in (None, last):
                raise Unreachable(f"a list of history repeats its page: {last!r:.120}")
            rows += found
            spans.append((begin, end, found[-1]))
            continue
        middle = begin + units // 2 * unit_ns
        # Halves share their border, because a venue may round what it is asked for.
        halves = [(middle, end), (begin, middle)] if units > 1 else [(end, end), (begin, begin)]
        spans += [(one, other, None) for one, other in halves]
    return rows


async def _insist(page_of: Callable[[], Awaitable[Rows]], sleep: Sleep) -> Rows:
    for delay_s in PAGE_RETRY_DELAYS_S:
        try:
            return await page_of()
        except Unreachable as error:
            log.info("venue.page_again", error=str(error))
        progress.waits()
        await sleep(delay_s)
    return await page_of()
