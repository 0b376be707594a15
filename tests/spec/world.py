"""A small deterministic world: the real engine and log, a paper venue with scripted faults, virtual time.

A life is one process: it can be killed anywhere, and what it sent goes on travelling without it.
The log's file and the venue outlive it. Nothing sleeps and nothing is random.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from functools import lru_cache, partial
from inspect import isawaitable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from arb import crashpoints, ids
from arb.events import facts as f
from arb.events.envelope import Recorded
from arb.events.sqlite import LogReader, SqliteLog, open_log
from arb.exchange.fault_plan import FaultPlan, Strike
from arb.exchange.faults import FaultyVenue
from arb.exchange.paper_account import PaperAccount
from arb.exchange.paper_venue import PaperVenue
from arb.execution.building import Outside, Wish, build
from arb.execution.control import ActResult, Request
from arb.execution.feeding import play
from arb.execution.history import History
from arb.execution.journal import Journal
from arb.execution.operator import NextRun, Operator
from arb.execution.virtual_loop import LoopClock
from arb.machine import table as t
from arb.machine.account import Account
from arb.machine.evolve import evolve
from arb.machine.invariants import broken
from arb.machine.state import Cycle
from arb.market.book import Book, FeeRates
from arb.projections.audit import verify
from arb.projections.projector import Projections
from arb.projections.queries import load_account
from arb.strategy.loader import Loaded, load
from tests.spec.fault_scripts import ALWAYS, at_random, order_number
from tests.spec.lives import Life, Line, Loop, Pen
from tests.spec.money import wrong_money
from tests.spec.stage import BOOKS, MARKETS, START_NS, Sides, Stage

OPENING: Final = {name: Decimal(n) for name, n in {"USDT": 10_000, "BTC": 1, "ETH": 10}.items()}
TAKER: Final = Decimal("0.001")
LIFE_S_MAX: Final = 100 * 86_400
TURNS_TO_END: Final = 10  # of the loop: tasks that were told to end need a few
INSTANCE: Final = "aaaa"

Act = Callable[[Life], object]


class World:
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
        self.folder = folder
        self.db = folder / "log.db"
        self.loop = Loop()
        asyncio.set_event_loop(self.loop)
        self.clock = LoopClock(self.loop, START_NS)
        self.stage = Stage(books, markets)
        if bnb is not None:
            opening = {**opening, "BNB": Decimal(bnb)}
        account = PaperAccount.open(None, uid="paper-1", opening=opening)
        self.opening = dict(opening)
        self.venue = PaperVenue(
            account, self.stage, self.clock, fees=FeeRates(TAKER, TAKER, fee_asset)
        )
        for name, value in (rules or {}).items():
            changed = self.venue._rules
            fields = {key: getattr(changed, key) for key in changed.__struct_fields__}
            self.venue._rules = type(changed)(**{**fields, name: value})
        durations = {**{n: getattr(ALWAYS, n) for n in ALWAYS.__struct_fields__}, **(plan or {})}
        self.faulty = FaultyVenue(
            self.venue, FaultPlan(**durations), self.clock, 7, only=self._only
        )
        self._script: list[tuple[Callable[[Strike], bool], list[int]]] = []
        self.fatal_fact: Callable[[f.Fact], bool] = lambda _fact: False
        self.failing: Exception | None = None  # of every append
        self.space_low = False
        self.watchers: list[Callable[[f.Fact], None]] = []
        self.left: Counter[str] = Counter()  # requests that left a life, by kind
        self.sent_at_failure: int | None = None
        self._fatal_point = ("", 0)
        self._travelling: set[asyncio.Future[Any]] = set()
        self._due: list[tuple[float, Act]] = []
        self.answers: list[ActResult] = []
        self.strategies = [self.strategy()]
        self._lives = 0

    def now_ns(self) -> int:
        return self.clock.now_ns()

    def show(self, market: str, bids: Sides = (), asks: Sides = ()) -> None:
        """Put up another book now."""
        self.stage.show(self.now_ns(), market, bids, asks)

    def calls(self, name: str) -> int:
        """How often the venue was asked."""
        return self.faulty._calls[name]

    # --- before a life ------------------------------------------------------------------------

    def strategy(self, name: str = "demo", *, cycle: str = "[USDT, BTC, ETH]", extra: str = "",
                 amount: str = "1000", min_profit: str = "-100", slippage: str = "20",
                 retries: int = 3, capital: str = "", fees: str = "") -> Loaded:  # fmt: skip
        """A strategy file of this account."""
        capital = capital or f"{{mode: fixed_amount, amount: {amount}}}"
        return _loaded(
            f"name: {name}\nexchange: binance\ncycle: {cycle}\nmin_profit_bps: {min_profit}\n"
            f"max_slippage_bps: {slippage}\ncapital_allocation: {capital}\n"
            f"fees: {{taker_bps: 10, maker_bps: 10{fees}}}\n"
            f"order: {{retry_delay_ms: 100, max_retries: {retries}, timeout_seconds: 2}}\n{extra}"
        )

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

    def at(self, seconds: float, act: Act) -> None:
        """Do something while the next life runs."""
        self._due.append((seconds, act))

    # --- lives --------------------------------------------------------------------------------

    def run(self, *, cycles: int | None = 1, **wish: Any) -> int | None:
        """Live once; returns the exit code, None when it was struck dead."""
        self._lives += 1
        return self.loop.run_until_complete(self._live(Wish(cycles=cycles, **wish)))

    def recover(self) -> int | None:
        """Live once more with nothing but recovery."""
        return self.run(cycles=0)

    def wait(self, seconds: float) -> None:
        """Let time pass while no engine runs."""
        self.loop.run_until_complete(asyncio.sleep(seconds))

    async def _live(self, wish: Wish) -> int | None:
        life = Life(self)
        log = self._open(f"run{self._lives}")
        history = History(log)
        outside = Outside(
            clock=self.clock,
            events=Pen(life, log),
            history=history,
            venue=Line(life, self.faulty),
            changes=partial(play, self.stage, self.clock, every_row=False),
            run_id=f"run{self._lives}",
            lock_account=lambda: None,
            space_low=lambda: self.space_low,
        )
        life.built = build(self.strategies, wish, outside)
        real, crashpoints.reach = crashpoints.reach, self._reach(life)
        helpers = [asyncio.ensure_future(self._act(life, s, act)) for s, act in self._due]
        self._due = []
        engine = asyncio.ensure_future(life.engine.run())
        dead = asyncio.ensure_future(life.dead.wait())
        try:
            async with asyncio.timeout(LIFE_S_MAX):
                await asyncio.wait({engine, dead}, return_when=asyncio.FIRST_COMPLETED)
            killed = life.dead.is_set()
            if killed:
                engine.cancel()
            result = (await asyncio.gather(engine, return_exceptions=True))[0]
        finally:
            crashpoints.reach = real
            self.fatal_fact, self._fatal_point = (lambda _fact: False), ("", 0)
            dead.cancel()
            for helper in helpers:
                if not killed and not helper.done():
                    helper.cancel()
            ended = await asyncio.gather(*helpers, dead, return_exceptions=True)
            history.close()
            await log.close()
        for error in () if killed else (result, *ended):
            if isinstance(error, Exception):
                raise error
        for _ in range(TURNS_TO_END):
            await asyncio.sleep(0)
        self._nobody_is_left()
        return None if killed else result

    async def _act(self, life: Life, seconds: float, act: Act) -> None:
        await asyncio.sleep(seconds)
        result = act(life)
        if isawaitable(result):
            await result

    def _nobody_is_left(self) -> None:
        here = asyncio.current_task()
        left = {task for task in asyncio.all_tasks() if task is not here} - self._travelling
        names = {getattr(task.get_coro(), "__qualname__", "") for task in left}
        # What travels to and from the venue goes on by itself.
        left_names = {name for name in names if "arrive" not in name}
        assert left_names == set(), left_names

    def _open(self, run: str) -> SqliteLog:
        return open_log(
            self.db, mode="paper", venue="binance", account="paper-1", instance=INSTANCE, run=run,
            at_ns=self.clock.now_ns(), on_loop=True, projector=Projections(),
        )  # fmt: skip

    def _reach(self, life: Life) -> Callable[[str], None]:
        passed: Counter[str] = Counter()

        def reach(name: str) -> None:
            life.breathe()
            passed[name] += 1
            if (name, passed[name]) == self._fatal_point:
                life.die()

        return reach

    def told_of_failure(self) -> None:
        """Remember how much had been sent when the engine first heard that its log fails."""
        if self.sent_at_failure is None:
            self.sent_at_failure = self.left["create"]

    def travel(self, task: "asyncio.Future[Any]") -> None:
        self._travelling.add(task)

        def arrived(done: "asyncio.Future[Any]") -> None:
            self._travelling.discard(done)
            if not done.cancelled():
                done.exception()

        task.add_done_callback(arrived)

    def ask(self, action: str, target: str | None = None, **more: str) -> ActResult:
        """What an operator asks between two lives."""

        async def between() -> ActResult:
            log = self._open("operator")
            history = History(log)
            try:
                journal = Journal(
                    log, self.clock, "operator", history.account(), history.open_cycles()
                )
                operator = Operator(journal, history, NextRun(journal, history))
                return await operator.handle(Request(action=action, target=target, **more))
            finally:
                history.close()
                await log.close()

        return self.loop.run_until_complete(between())

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

    def close(self) -> None:
        for task in asyncio.all_tasks(self.loop):
            task.cancel()
        self.loop.run_until_complete(asyncio.sleep(0))
        self.loop.run_until_complete(self.faulty.close())
        self.loop.run_until_complete(self.loop.shutdown_asyncgens())
        asyncio.set_event_loop(None)
        self.loop.close()


@lru_cache
def _loaded(text: str) -> Loaded:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "strategy.yaml"
        path.write_text(text)
        return load(path)


def _is_of(client_order_id: str | None) -> bool:
    """Whether an order carries an id of this world's log."""
    return ids.is_ours(client_order_id) and str(client_order_id).startswith(f"x{INSTANCE}")
