"""An engine's mind at an earlier moment: made from its log and its recording, and asked again, never to act."""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import cast

from arb.errors import FeedInvalid
from arb.events import facts as f
from arb.events.envelope import Recorded
from arb.events.memory import MemoryLog
from arb.exchange.paper.venue import PAPER_RULES
from arb.exchange.port import Balance, KeyRevoked, Venue
from arb.execution.account.access import Access
from arb.execution.account.archive import Archive
from arb.execution.account.desk import Desk
from arb.execution.account.journal import Draft, Journal
from arb.execution.cycles.runner import Runner
from arb.execution.runs.building import deciding
from arb.feeds.book_rows import Heading
from arb.feeds.run_rows import (
    AcceptsRow,
    BalancesRow,
    FeesRow,
    FollowedRow,
    MarketsRow,
    MomentRow,
    TermsRow,
)
from arb.feeds.source import Change
from arb.ids import cycle_stream
from arb.machine.account import Account
from arb.machine.evolve import evolve
from arb.machine.state import Cycle
from arb.market.book import Book, MarketRules
from arb.strategy.canonical import from_canonical
from arb.strategy.cycle_file import CycleFile
from arb.strategy.loader import Loaded

_CYCLES = cycle_stream("")


class Then:
    """A clock that stands where it was set, and the books as they were told and looked at by then."""

    def __init__(self) -> None:
        self.at_ns = 0
        self.moment: MomentRow | None = None  # while it is decided
        self.looked: MomentRow | FollowedRow | None = None  # what was looked at
        self.unasked: list[str] = []  # what is looked at now, and was not then
        self._told: dict[str, Book] = {}

    def now_ns(self) -> int:
        """The time it was set to."""
        return self.at_ns

    def monotonic_ns(self) -> int:
        """The same: nobody set the clock of what is over."""
        return self.at_ns

    async def sleep(self, seconds: float) -> None:
        """Nobody waits for what is over."""
        raise AssertionError(seconds)

    def tell(self, change: Change) -> None:
        """Take a row of the feed."""
        self.at_ns = change.at_ns
        self._told[change.market] = change.book

    def book(self, market: str) -> Book | None:
        """The latest book."""
        if self.looked is not None and market in self.looked.ahead:
            ahead = self.looked.ahead[market]
            return None if ahead is None else Book(market, ahead[1], ahead[2], ahead[0])
        told = self._told.get(market)
        return told if told is not None and (told.bids or told.asks) else None

    def heard_ns(self, market: str) -> int | None:
        """When the connection that carries a market was last heard."""
        if self.looked is None:
            return self.at_ns
        if market not in self.looked.heard:
            self.unasked.append(market)
        return self.looked.heard.get(market, self.at_ns)

    def wait_ns(self, orders: int, others: int) -> int:
        """How long the venue's ration let so many orders wait behind others."""
        assert self.moment is not None, "nobody asks but to decide"
        asked = f"{orders} {others}"
        if asked not in self.moment.waits:
            self.unasked.append(f"{orders} orders behind {others}")
        return self.moment.waits.get(asked, 0)


class Past:
    """The deciding parts of an engine on the log as it was; facts and books are told to it in turn."""

    def __init__(self, told: Sequence[Recorded], heading: Heading, terms: TermsRow) -> None:
        self._streams: dict[str, list[Recorded]] = defaultdict(list)
        for one in told:
            self._streams[one.stream].append(one)
        self._left = iter(told)
        self._next = next(self._left, None)
        self.then = Then()
        self.journal = Journal(MemoryLog(), self.then, terms.run, Account(), ())
        self.follow(terms.position)
        loaded = _loaded(told, terms)
        # Nothing else is asked of the venue.
        ask = {"rules": PAPER_RULES, "order_wait_ns": self.then.wait_ns}
        venue = cast("Venue", SimpleNamespace(**ask))
        self._desk = Desk(
            clock=self.then,
            journal=self.journal,
            access=Access(venue, self.then),
            books=self.then,
            strategies={one.config_hash: one.strategy for one in loaded},
        )
        self._learn(heading.markets)
        self._desk.fees = terms.fees
        if terms.attended is not None:
            self._desk.attended = frozenset(terms.attended)
        self._runner = Runner(self._desk, cast("Archive", None))  # it never works on a cycle
        self._decider = deciding(
            loaded,
            self._desk,
            self._runner,
            cycles_max=terms.cycles_max,
            space_low=lambda: self.then.moment is not None and self.then.moment.space_low,
        )
        self.trader = self._decider.trader
        self.journal.listen_closed(self.trader.cycle_ended)
        self._decider.watching.plan()

    # --- what became known --------------------------------------------------------------------

    def follow(
        self, position: int, heard: Callable[[Recorded], None] = lambda _record: None
    ) -> None:
        """Fold the log up to an event; `heard` is told each of them when it was folded."""
        while self._next is not None and self._next.position <= position:
            self._follow(self._next)
            heard(self._next)
            self._next = next(self._left, None)

    def _follow(self, record: Recorded) -> None:
        name = record.stream.removeprefix(_CYCLES)
        is_old = record.stream.startswith(_CYCLES) and record.version > 1
        if is_old and name not in self.journal.cycles:  # it was over, and is touched again
            self.journal.reopen(self._cycle(record))
        self.journal.follow(record)

    def _cycle(self, before: Recorded) -> Cycle:
        cycle: Cycle | None = None
        for one in self._streams[before.stream][: before.version - 1]:
            cycle = evolve(cycle, one.fact, one.at_ns)  # type: ignore[arg-type]
        assert cycle is not None, before
        return cycle

    def take(self, row: BalancesRow | FollowedRow | MarketsRow | FeesRow | AcceptsRow) -> None:
        """Learn what the recording tells beside the books."""
        match row:
            case BalancesRow():
                self.then.at_ns = row.at_ns
                balances = {name: Balance(*amounts) for name, amounts in row.amounts.items()}
                self._desk.arbiter.note_balances(balances)
            case FollowedRow():
                self.then.at_ns, self.then.looked = row.at_ns, row
            case MarketsRow():
                self._learn(row.markets)
                self._follow_terms()
            case FeesRow():
                self._desk.fees = row.fees
                self._follow_terms()
            case AcceptsRow():
                self.trader.accepting = row.accepts

    def _follow_terms(self) -> None:
        self._desk.on_terms()
        self.then.looked = None

    def _learn(self, markets: Sequence[MarketRules]) -> None:
        self._desk.markets = {rules.market: rules for rules in markets}

    def see(self, change: Change) -> None:
        """Take a row of the feed, as the engine did."""
        self.then.tell(change)
        self.trader.notice(change.market, self._decider.detector.see(change))

    # --- what is decided ----------------------------------------------------------------------

    def decide(self, moment: MomentRow) -> list[Draft]:
        """Decide on what was noticed, on what was known at that moment."""
        desk, then = self._desk, self.then
        then.at_ns, then.moment, then.looked = moment.at_ns, moment, moment
        desk.access.assume_clock(moment.venue_ns)
        desk.access.assume_ban(banned=moment.banned)
        desk.access.key_revoked = KeyRevoked() if moment.revoked else None
        self.journal.closing = moment.closing
        self.journal.cooling = Counter(moment.cooling)
        desk.ration.assume(moment.sent, moment.promised)
        try:
            paying = self.trader.still_above()
            return self.trader.decided(paying, moment.paused, moment.seen_ns)
        finally:
            then.moment = then.looked = None


def _loaded(told: Sequence[Recorded], terms: TermsRow) -> list[Loaded]:
    """The strategies of a run, from their texts in the log and the rows of their files."""
    texts = {one.fact.config: one.fact for one in told if isinstance(one.fact, f.StrategyLoaded)}
    loaded = []
    for config in terms.configs:
        if config not in texts:
            raise FeedInvalid(f"the log does not hold the strategy {config} of the recorded run")
        rows, path = terms.named.get(config), Path(texts[config].name)
        loaded.append(
            Loaded(
                strategy=from_canonical(texts[config].text),
                path=path,
                notes=(),
                data_file=None,
                cycle_file=None if rows is None else CycleFile(path, rows),
            )
        )
    return loaded
