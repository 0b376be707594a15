"""A list in windows and pages comes whole, or not at all."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arb.clock import VirtualClock
from arb.exchange.client.paging import REQUESTS_MAX, WINDOWS_MAX, complete
from arb.exchange.port import Unreachable

MS = 10**6


def read(
    times_ms: list[int], since_ms: int, until_ms: int, *, window_ms: int, page: int, newest: bool
) -> list[int]:
    """Read a venue's rows, of which it gives a page at most: the first or the last of a span."""

    async def ask(begin_ns: int, end_ns: int) -> list[object]:
        within = [one for one in sorted(times_ms) if begin_ns <= one * MS <= end_ns]
        shown: list[object] = [*(within[-page:] if newest else within[:page])]
        return shown

    found = asyncio.run(
        complete(
            ask,
            since_ms * MS,
            until_ms * MS,
            window_ns=window_ms * MS,
            page=page,
            unit_ns=MS,
            sleep=VirtualClock().sleep,
        )
    )
    return [one for one in found if isinstance(one, int)]


@given(
    times=st.lists(st.integers(0, 400), max_size=60, unique=True),
    since=st.integers(0, 400),
    window=st.integers(5, 500),
    page=st.integers(2, 10),
    newest=st.booleans(),
)
def test_every_row_is_read(
    times: list[int], since: int, window: int, page: int, newest: object
) -> None:
    found = read(times, since, 400, window_ms=window, page=page, newest=bool(newest))
    assert set(found) == {one for one in times if one >= since}


def test_a_moment_that_holds_more_than_a_page_is_an_error() -> None:
    with pytest.raises(Unreachable, match="more than 2 rows"):
        read([7, 7, 7], 0, 10, window_ms=100, page=2, newest=False)


def test_a_history_that_is_too_long_is_an_error_before_anything_is_asked() -> None:
    with pytest.raises(Unreachable, match="longer than can be read"):
        read([], 0, 100 * (WINDOWS_MAX + 1), window_ms=100, page=2, newest=False)


def test_a_history_that_would_end_before_it_begins_is_an_error_and_not_empty() -> None:
    """A clock that is set back asks for one; to read nothing is no proof that there is nothing."""
    with pytest.raises(Unreachable, match="ends before it begins"):
        read([5, 50], 100, 60, window_ms=100, page=2, newest=False)


def test_a_history_that_is_too_full_is_an_error() -> None:
    with pytest.raises(Unreachable, match="pages of history"):
        read([*range(2 * REQUESTS_MAX)], 0, 2 * REQUESTS_MAX, window_ms=10**6, page=2, newest=True)


@given(times=st.lists(st.integers(0, 30), max_size=60), page=st.integers(2, 10))
def test_moments_that_hold_more_than_a_page_are_read_on_by_id(times: list[int], page: int) -> None:
    """As a list that tells the newest first and goes on after the last row's id."""
    rows = [(time, n) for n, time in enumerate(sorted(times))][::-1]

    def within(begin_ns: int, end_ns: int, below: int) -> list[object]:
        return [one for one in rows if begin_ns <= one[0] * MS <= end_ns and one[1] < below]

    async def ask(begin_ns: int, end_ns: int) -> list[object]:
        return within(begin_ns, end_ns, len(rows))[:page]

    async def after(begin_ns: int, end_ns: int, last: object) -> list[object]:
        assert isinstance(last, tuple)
        return within(begin_ns, end_ns, last[1])[:page]

    sleep = VirtualClock().sleep
    spans = complete(
        ask, 0, 30 * MS, window_ns=9 * MS, page=page, unit_ns=MS, sleep=sleep, after=after
    )
    assert set(asyncio.run(spans)) == set(rows)
