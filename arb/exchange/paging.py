"""Read a list that the venue gives in windows and pages: all of it, or an error. Never a part that looks like the whole."""

from collections.abc import Awaitable, Callable
from typing import Final

from arb.exchange.port import Unreachable

Rows = list[object]
Ask = Callable[
    [int, int], Awaitable[Rows]
]  # from and to, in ns of the venue's clock, both included

WINDOWS_MAX: Final = 120
REQUESTS_MAX: Final = 400


async def complete(
    ask: Ask, since_ns: int, until_ns: int, *, window_ns: int, page: int, unit_ns: int
) -> Rows:
    """Read every row between two moments, window by window; a full page is read again in halves.

    Rows on a border come twice. Raises Unreachable where one unit of time holds more than a page, and
    where there is nothing between the two.
    """
    start = since_ns // unit_ns * unit_ns
    if until_ns < start:  # a clock was set back: nothing would be asked, and nothing found
        raise Unreachable("the history that is asked for ends before it begins")
    if until_ns - start > WINDOWS_MAX * window_ns:
        days = (until_ns - start) // (86_400 * 10**9)
        raise Unreachable(f"a history of {days} days is longer than can be read")
    rows: Rows = []
    requests = 0
    spans: list[tuple[int, int]] = []
    while start <= until_ns:
        spans.append((start, min(start + window_ns, until_ns)))
        start += window_ns
    spans.reverse()
    while spans:
        begin, end = spans.pop()
        requests += 1
        if requests > REQUESTS_MAX:
            raise Unreachable(f"more than {REQUESTS_MAX} pages of history")
        found = await ask(begin, end)
        if len(found) < page:
            rows += found
            continue
        units = (end - begin) // unit_ns
        if units == 0:
            raise Unreachable(f"more than {page} rows of history within {unit_ns} ns")
        middle = begin + units // 2 * unit_ns
        # Halves share their border, because a venue may round what it is asked for.
        spans += [(middle, end), (begin, middle)] if units > 1 else [(end, end), (begin, begin)]
    return rows
