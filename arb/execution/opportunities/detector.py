"""Count opportunities on the feed's own books, never reduced by our own orders."""

from collections.abc import Callable, Iterable

from arb.feeds.source import Change
from arb.market.book import Book
from arb.market.scan import NOTHING, Cover, Scan, Seen, Watched


class Detector:
    """Directed cycles above their thresholds at the top of the book, after the configured fees.

    Of very many at once only the best are told, and what is said here is of those.

    `paths`: distinct cycles ever above; `episodes`: their uninterrupted spells; `states`: rows of
    the feed after which some cycle through the row's market was above.
    """

    def __init__(self) -> None:
        self.scan = Scan()
        self._ever: set[int] = set()
        self.episodes = 0
        self.states = 0
        self._listeners: list[Callable[[Change, Seen], None]] = []

    def listen(self, listener: Callable[[Change, Seen], None]) -> None:
        """Call back with every row and what it showed, before anybody acts on it."""
        self._listeners.append(listener)

    @property
    def paths(self) -> int:
        """Distinct directed cycles that were ever above their threshold."""
        return len(self._ever)

    def watch(self, cycle: Watched) -> int:
        """Watch one directed cycle; one threshold a cycle, the lowest asked for."""
        return self.scan.watch(cycle)

    def cover(self, name: str, cover: Cover) -> Seen:
        """Watch all cycles of some markets, instead of those that were covered by this name."""
        return self._note(self.scan.cover(name, cover))

    def learn(self, book: Book) -> Seen:
        """Take a book that stands already and is no row of the feed."""
        return self._note(self.scan.take(book))

    def look_again(self, markets: Iterable[str]) -> Seen:
        """Give the cycles through some markets that are above now: what is asked of them has changed."""
        return self._note(self.scan.look_again(markets))

    def see(self, change: Change) -> Seen:
        """Take one row of the feed; gives the cycles through its market that are above now."""
        touch = change.touch
        if touch is None:
            seen = self.scan.take(change.book)
        else:
            bid, bid_size, ask, ask_size = touch
            seen = self.scan.update(change.market, bid, ask, bid_size, ask_size, None, change.at_ns)
        if seen is not NOTHING:
            self._note(seen)
            self.states += 1
        for listener in self._listeners:
            listener(change, seen)
        return seen

    def _note(self, seen: Seen) -> Seen:
        self._ever.update(seen.above)
        self.episodes += seen.risen
        return seen
