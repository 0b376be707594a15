"""A market source played on the clock: each change when its time has come."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from itertools import cycle

import pytest

from arb.execution.process.virtual_loop import LoopClock, VirtualLoop, run_virtual
from arb.execution.runs.feeding import play
from arb.feeds.lag import LAG_NS_MAX
from arb.feeds.source import Change, Shown
from arb.market.book import Book, MarketRules

START_NS = 1_700_000_000 * 10**9
TIMES = [START_NS, START_NS, START_NS + 1, START_NS + 10**9, START_NS + 86_400 * 10**9]


class Written:
    """A source that changes at given times, one market after the other."""

    markets: Mapping[str, MarketRules] = {}

    def __init__(self, times: list[int], names: str = "A") -> None:
        self.rows = [
            Change(at_ns, market, Book(market, (), (), number))
            for (number, at_ns), market in zip(enumerate(times), cycle(names), strict=False)
        ]

    def book_at(self, market: str, at_ns: int) -> Book | None:
        raise NotImplementedError

    def shown(self, market: str, after_ns: int, until_ns: int) -> Iterator[Shown]:
        raise NotImplementedError

    def changes(self, after_ns: int) -> Iterator[Change]:
        return (row for row in self.rows if row.at_ns > after_ns)


def played(times: list[int], begin_ns: int, *, every_row: bool, work_s: float = 0) -> list[int]:
    """At which times the rows came, each followed by some work."""
    loop = VirtualLoop()
    clock = LoopClock(loop, begin_ns)
    came = []

    async def follow() -> None:
        source = Written(times)
        async for change in play(source, clock, START_NS - 1, every_row=every_row):
            came.append(clock.now_ns())
            assert change.at_ns <= clock.now_ns()
            await clock.sleep(work_s)

    run_virtual(loop, follow())
    return came


@pytest.mark.parametrize("every_row", [True, False])
def test_each_row_comes_at_its_time_to_the_nanosecond(every_row: bool) -> None:  # noqa: FBT001
    assert played(TIMES, START_NS - 1, every_row=every_row) == TIMES


def test_with_every_row_none_is_left_out_however_late_it_is() -> None:
    late = played(TIMES[:4], START_NS + 3 * LAG_NS_MAX, every_row=True, work_s=1)
    assert late == [START_NS + (3 + row) * 10**9 for row in range(4)]


def test_a_market_that_waits_for_nobody_skips_what_is_too_old() -> None:
    assert played(TIMES, START_NS + 2 * 10**9, every_row=False) == [START_NS + 2 * 10**9, TIMES[4]]


def test_of_each_market_that_is_behind_the_newest_row_is_told_in_one_go() -> None:
    loop = VirtualLoop()
    clock = LoopClock(loop, START_NS + 10 * 10**9)
    times = [START_NS + n * 10**8 for n in range(150)]  # a market each tenth of a second

    async def follow() -> list[tuple[str, int, bool]]:
        told = play(Written(times, "AAAABCA"), clock, START_NS - 1, every_row=False)
        return [(one.market, one.book.sequence, one.more) async for one in told][:5]

    # Row 90 is the first that is in time: of the market A, like that of row 89, which it overtakes.
    assert [(market, n) for market, n, _ in run_virtual(loop, follow())] == [
        ("B", 88),
        ("C", 89),
        ("A", 90),
        ("A", 91),
        ("A", 92),
    ]


def taken(source: Written, *, late_ns: int = 0, **how: bool) -> list[Change]:
    """Everything that is played, begun so late."""
    loop = VirtualLoop()
    clock = LoopClock(loop, START_NS + late_ns)

    async def story() -> list[Change]:
        return [one async for one in play(source, clock, START_NS - 1, **how)]

    return run_virtual(loop, story())


def told(numbers: str) -> list[Change]:
    """Changes of markets A and B: `A1` tells A's book number 1, `+` says that more is there."""
    size = Decimal(1)
    return [
        Change(
            START_NS + n, one[0], Book(one[0], ((Decimal(one[1]), size),), (), n), one.endswith("+")
        )
        for n, one in enumerate(numbers.split())
    ]


@pytest.mark.parametrize(
    ("numbers", "again"),
    [
        ("A1 A1 A1 A2", " ** "),
        ("A1 A2 A1", "   "),
        ("A1 B1 A1 B1 A2 B1 B2", "  ** * "),
        ("A1+ B1+ A1+ A1 A1 B2", "  * * "),
    ],
)
@pytest.mark.parametrize("every_row", [True, False])
def test_a_book_that_is_told_once_more_is_marked(numbers: str, again: str, every_row: bool) -> None:  # noqa: FBT001
    source = Written([])
    source.rows = told(numbers)
    marks = [mark == "*" for mark in again]
    assert [one.again for one in taken(source, every_row=every_row, mark=True)] == marks
    assert not any(one.again for one in taken(source, every_row=every_row))


def test_what_was_left_out_was_not_told_and_so_the_next_one_is_new() -> None:
    """The second row is too old when its turn comes: only the third one, which repeats it, is told."""
    source = Written([])
    source.rows = told("A1 A2 A2")
    late = taken(source, every_row=False, mark=True, late_ns=10 * LAG_NS_MAX)
    assert [(one.book.bids[0][0], one.again) for one in late] == [(2, False)]
