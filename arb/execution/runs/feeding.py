"""Play a market source on the clock: each change when its time has come."""

from collections.abc import AsyncIterator, Sequence

from msgspec.structs import replace

from arb.clock import NS_PER_S, Clock
from arb.feeds.lag import Lag
from arb.feeds.source import Change, MarketSource
from arb.market.book import Book


async def play(
    source: MarketSource, clock: Clock, after_ns: int, *, every_row: bool, mark: bool = False
) -> AsyncIterator[Change]:
    """Yield changes in order; ends where a recording ends.

    With `every_row` nothing is left out, however long it takes. Otherwise rows that are too old when
    their turn comes are conflated, counted and told: of each market the newest is yielded, all of
    them in one go with the first row that is in time. With `mark` a book that is told once more
    is yielded as such.
    """
    lag = Lag(clock, "played")
    held: dict[str, Change] = {}  # the newest that is too old, by market
    marked = _Repeats().marked if mark else _as_it_is
    for change in source.changes(after_ns):
        wait_ns = change.at_ns - clock.now_ns()
        if wait_ns > 0:
            for one in _taken(held):
                yield marked(one)
            await clock.sleep(wait_ns / NS_PER_S)
            # A float of seconds can end a hair early; the row's time has to have come.
            while clock.now_ns() < change.at_ns:
                await clock.sleep((change.at_ns - clock.now_ns()) / NS_PER_S)
        else:
            await clock.sleep(0)  # others may have something to do first
            held.pop(change.market, None)
            if not every_row and lag.note(-wait_ns):
                held[change.market] = change
                continue
            for one in _taken(held):
                yield marked(replace(one, more=True))
        yield marked(change)
    for one in _taken(held):
        yield marked(one)


class _Repeats:
    """Tells which changes tell the book that was told before: of a recording many rows may.

    The end of a moment is new in any case: somebody waits for it to decide on the others.
    """

    def __init__(self) -> None:
        self._last: dict[str, Book] = {}
        self._waiting = False

    def marked(self, change: Change) -> Change:
        """The change, `again` where its book is the one that was told last."""
        ends, self._waiting = self._waiting and not change.more, change.more
        book, was = change.book, self._last.get(change.market)
        if was is None or was.bids != book.bids or was.asks != book.asks:
            self._last[change.market] = book
            return change
        return change if ends else replace(change, again=True)


def _as_it_is(change: Change) -> Change:
    return change


async def beginning_with(
    standing: Sequence[Book], at_ns: int, changes: AsyncIterator[Change]
) -> AsyncIterator[Change]:
    """Yield the books that stand at a moment, in one go, and then what changes after it."""
    for left, book in zip(range(len(standing) - 1, -1, -1), standing, strict=True):
        yield Change(at_ns, book.market, book, left > 0)
    async for change in changes:
        yield change


def _taken(held: dict[str, Change]) -> list[Change]:
    """Take what is held, the oldest first."""
    taken = list(held.values())
    held.clear()
    return taken
