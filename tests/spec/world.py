"""A small deterministic world for tests: faults are scripted, and a test says where a life ends."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from arb import ids
from arb.clock import NS_PER_MS
from arb.events import facts as f
from arb.events.envelope import Recorded
from arb.events.log import StreamAppend
from arb.events.sqlite import LogReader, SqliteLog
from arb.exchange.faults.plan import Strike
from arb.machine import table as t
from arb.machine.account import Account
from arb.machine.evolve import evolve
from arb.machine.invariants import broken
from arb.machine.state import Cycle
from arb.market.book import Book
from arb.projections.audit import verify
from arb.projections.queries import load_account
from arb.simulation import world as simulation
from arb.simulation.life import Life
from arb.simulation.market import BOOKS, MARKETS, Sides, Stage
from arb.simulation.strategies import strategy
from arb.simulation.world import INSTANCE, OPENING, Manner, with_rules
from arb.strategy.loader import Loaded
from tests.spec.fault_scripts import at_random, order_number, striking
from tests.spec.money import wrong_money


class World(simulation.World):
    """Venue, market, log file and clock; `run` is one life after another."""

    def __init__(
        self,
        folder: Path,
        *,
        books: Sequence[Book] = BOOKS,
        markets: Mapping[str, Any] = MARKETS,
        opening: Mapping[str, Decimal] = OPENING,
        fee_asset: str | None = None,
        bnb: str | None = None,
        plan: Mapping[str, int] | None = None,
        rules: Mapping[str, Any] | None = None,
    ) -> None:
        if bnb is not None:
            opening = {**opening, "BNB": Decimal(bnb)}
        self.opening = dict(opening)
        self._script: list[tuple[Callable[[Strike], bool], list[int]]] = []
        self.fatal_fact: Callable[[f.Fact], bool] = lambda _fact: False
        self.failing: Exception | None = None  # of every append
        self.watchers: list[Callable[[f.Fact], None]] = []
        self.sent_at_failure: int | None = None
        self._fatal_point = ("", 0)
        self._passed: Counter[str] = Counter()
        manner = Manner(
            opening=opening,
            fee_asset=fee_asset,
            rules=with_rules(**(rules or {})),
            faults=striking(plan or {}),
            only=self._only,
        )
        super().__init__(folder, Stage(books, markets), manner)
        self.strategies = [self.strategy()]

    def show(self, market: str, bids: Sides = (), asks: Sides = ()) -> None:
        """Put up another book now."""
        self.stage.show(self.now_ns(), market, bids, asks)

    def show_soon(self, market: str, bids: Sides = (), asks: Sides = ()) -> None:
        """Put up another book while what is sent now is on its way."""
        self.stage.show(self.now_ns() + NS_PER_MS, market, bids, asks)

    def calls(self, name: str) -> int:
        """How often the venue was asked."""
        return self.faulty._calls[name]

    # --- before a life ------------------------------------------------------------------------

    def strategy(self, name: str = "demo", **more: Any) -> Loaded:
        """A strategy file of this account."""
        return strategy(name, **more)

    def fault(self, name: str, *, call: str | None = "create", number: int | None = None,
              order: int | None = None, times: int = 1_000_000) -> None:  # fmt: skip
        """Script a fault: on the n-th call of a kind from now, or on a cycle's n-th order."""
        first = 0 if number is None or call is None else self.faulty._calls[call]

        def strikes(strike: Strike) -> bool:
            if strike.fault != name or (call is not None and strike.call != call):
                return False
            if number is not None and strike.number != first + number:
                return False
            return order is None or order_number(strike.client_order_id) == order

        self._script.append((strikes, [times]))

    def script(self, strikes: Callable[[Strike], bool]) -> None:
        """Script faults in the test's own words."""
        self._script.append((strikes, [1_000_000]))

    def storm(self, rates: Mapping[str, float], seed: int) -> None:
        """Let faults strike at random, each at its rate; what is hidden of an order stays hidden."""
        self._script.append((at_random(rates, seed), [1_000_000]))

    def heal(self) -> None:
        """No scripted fault strikes any more."""
        self._script.clear()

    def _only(self, strike: Strike) -> bool:
        for strikes, left in self._script:
            if left[0] > 0 and strikes(strike):
                left[0] -= 1
                return True
        return False

    def kill_at(self, point: str, nth: int = 1) -> None:
        """Strike the next life dead where it passes a crash point for the n-th time."""
        self._fatal_point = (point, nth)

    def kill_after(self, fatal: Callable[[f.Fact], bool]) -> None:
        """Strike the next life dead when such a fact is durable and nothing else was done yet."""
        self.fatal_fact = fatal

    def on(self, kind: type, nth: int, act: Callable[[], object], **like: object) -> None:
        """Do something when the n-th such fact is durable and nobody has acted on it yet."""
        seen = 0

        def watch(fact: f.Fact) -> None:
            nonlocal seen
            if isinstance(fact, kind) and all(getattr(fact, k) == v for k, v in like.items()):
                seen += 1
                if seen == nth:
                    act()

        self.watchers.append(watch)

    # --- lives --------------------------------------------------------------------------------

    def run(self, *, cycles: int | None = 1, **wish: Any) -> int | None:
        self._passed.clear()
        try:
            return super().run(cycles=cycles, **wish)
        finally:
            self.fatal_fact, self._fatal_point = (lambda _fact: False), ("", 0)

    def passing(self, life: Life, point: str, side: str) -> None:
        super().passing(life, point, side)
        self._passed[point] += 1
        if (point, self._passed[point]) == self._fatal_point:
            life.strike()

    def appending(self, _life: Life, _batch: Sequence[StreamAppend]) -> None:
        if self.failing is not None:
            if self.sent_at_failure is None:
                self.sent_at_failure = self.left["create"]
            raise self.failing

    def durable(self, life: Life, batch: Sequence[StreamAppend], log: SqliteLog) -> None:
        super().durable(life, batch, log)
        facts = [fact for one in batch for fact in one.facts]
        for fact in facts:
            for watch in self.watchers:
                watch(fact)
        if any(self.fatal_fact(fact) for fact in facts):
            life.die()

    # --- what it came to ----------------------------------------------------------------------

    def records(self) -> list[Recorded]:
        with LogReader(self.db) as reader:
            return list(reader.read())

    def facts(self, *kinds: type) -> list[Any]:
        return [one.fact for one in self.records() if not kinds or isinstance(one.fact, kinds)]

    def cycles(self) -> dict[str, Cycle]:
        """Every cycle, folded from its stream."""
        found: dict[str, Cycle] = {}
        for one in self.records():
            if one.stream.startswith("cycle-"):
                found[one.stream] = evolve(found.get(one.stream), one.fact, one.at_ns)
        return {name.removeprefix("cycle-"): cycle for name, cycle in found.items()}

    def cycle(self, cycle_id: str = "demo-1") -> Cycle:
        return self.cycles()[cycle_id]

    def account(self) -> Account:
        with LogReader(self.db) as reader:
            return load_account(reader.connection)

    def orders(self) -> list[Any]:
        """What the venue took, in its own words."""
        return list(self.venue.account.all_orders())

    def check(self, *, resting: bool = True) -> None:
        """Whether every promise was kept."""
        records = self.records()
        cycles = self.cycles()
        for name, cycle in cycles.items():
            stream = f"cycle-{name}"
            fills = [
                one.fact
                for one in records
                if one.stream == stream and isinstance(one.fact, f.Posted)
            ]
            assert broken(cycle, fills) == [], name
        if resting:
            assert [name for name, one in cycles.items() if one.state not in t.CLOSED] == []
            self.check_money()
        sent = [order.client_order_id for order in self.orders() if _is_of(order.client_order_id)]
        intended = [
            one.fact.client_order_id for one in records if isinstance(one.fact, f.OrderIntended)
        ]
        assert len(set(intended)) == len(intended), "an id was intended twice"
        assert [name for name, times in Counter(sent).items() if times > 1] == []
        assert set(sent) <= set(intended), "the venue has an order that the log does not know"
        assert verify(self.db) == []

    def check_money(self) -> None:
        """Whether each trade and change of the venue is in the log, once and unaltered."""
        facts = [one.fact for one in self.records()]
        wrong = wrong_money(facts, self.venue.account)
        assert wrong == [], wrong


def _is_of(client_order_id: str | None) -> bool:
    """Whether an order carries an id of this world's log."""
    return ids.is_ours(client_order_id) and str(client_order_id).startswith(f"x{INSTANCE}")
