"""What outlives a process: the venue, its market, the log's disk and the clock; and one life after another."""

import asyncio
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from contextvars import copy_context
from decimal import Decimal
from functools import lru_cache, partial
from inspect import isawaitable
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any, Final

from msgspec import Struct, field, structs

from arb import crashpoints
from arb.events import facts as f
from arb.events.log import StreamAppend
from arb.events.sqlite import LogReader, SqliteLog, open_log
from arb.events.sqlite.left_wal import WalAgain
from arb.events.sqlite.witness import Witness
from arb.exchange.client.pacing import Ration
from arb.exchange.faults.plan import FaultPlan, Only
from arb.exchange.faults.venue import FaultyVenue
from arb.exchange.paper.account import PaperAccount
from arb.exchange.paper.frictions import NO_FRICTIONS, Frictions
from arb.exchange.paper.venue import LATENCY_NS_DEFAULT, PAPER_RULES
from arb.exchange.port import VenueRules
from arb.execution.account.history import History
from arb.execution.account.journal import Journal
from arb.execution.operating.control import ActResult, Request
from arb.execution.operating.operator import NextRun, Operator
from arb.execution.process.virtual_loop import LoopClock
from arb.execution.runs.building import Outside, Wish, build
from arb.execution.runs.feeding import play
from arb.execution.runs.taping import Tap
from arb.market.book import FeeRates
from arb.projections.projector import Projections
from arb.simulation.disk import Disk
from arb.simulation.life import BEFORE, WHOSE, Life, Line, Pen
from arb.simulation.loop import SimulatedLoop
from arb.simulation.market import START_NS, Stage
from arb.simulation.venue import SimulatedVenue
from arb.strategy.loader import Loaded, load

OPENING: Final = {name: Decimal(n) for name, n in {"USDT": 10_000, "BTC": 1, "ETH": 10}.items()}
TAKER: Final = Decimal("0.001")
LIFE_S_MAX: Final = 100 * 86_400
TURNS_TO_END: Final = 10  # of the loop: tasks that were told to end need a few
INSTANCE: Final = "aaaa"
STEP: Final = "step"

Act = Callable[[Life], object]


class Manner(Struct, frozen=True, kw_only=True):
    """How the venue of a world behaves."""

    opening: Mapping[str, Decimal] = field(default_factory=lambda: OPENING)
    fee_asset: str | None = None
    rules: VenueRules = PAPER_RULES
    faults: FaultPlan = FaultPlan()
    latency_ns: int = LATENCY_NS_DEFAULT
    skew_ns: int = 0
    frictions: Frictions = NO_FRICTIONS
    ration: Ration | None = None  # how many orders it takes in a time
    seed: int = 7
    only: Only | None = None


class World:
    """Venue, market, log file and clock; `run` is one life after another."""

    life_s_max: float = LIFE_S_MAX

    def __init__(
        self, folder: Path, stage: Stage, manner: Manner, *, shuffle: Random | None = None
    ) -> None:
        self.folder = folder
        self.db = folder / "log.db"
        self.loop = SimulatedLoop(shuffle)
        asyncio.set_event_loop(self.loop)
        self.clock = LoopClock(self.loop, START_NS)
        self.stage = stage
        account = PaperAccount.open(None, uid="paper-1", opening=manner.opening)
        self.venue = SimulatedVenue(
            account,
            self.clock,
            stage=stage,
            fees=FeeRates(TAKER, TAKER, manner.fee_asset),
            rules=manner.rules,
            latency_ns=manner.latency_ns,
            skew_ns=manner.skew_ns,
            frictions=manner.frictions,
            ration=manner.ration,
        )
        self.faulty = FaultyVenue(
            self.venue, manner.faults, self.clock, manner.seed, only=manner.only
        )
        self.space_low = False
        self.left: Counter[str] = Counter()  # requests that left a life, by kind
        self.acknowledged: list[tuple[int, str]] = []
        self.answers: list[ActResult] = []
        self.strategies: list[Loaded] = []
        self.lives = 0
        self.checkpoint_pages: int | None = None
        self.watched = False  # somebody reads the log, or did when its writer died
        self.disk: Disk | None = None  # None: the real one, which never fails
        self.life: Life | None = None  # who lives now
        self._travelling: set[asyncio.Future[Any]] = set()
        self._due: list[tuple[float, Act]] = []

    def now_ns(self) -> int:
        """The world's clock."""
        return self.clock.now_ns()

    def at(self, seconds: float, act: Act) -> None:
        """Do something while the next life runs."""
        self._due.append((seconds, act))

    def tap(self, _number: int) -> Tap | None:
        """Record what a life decides on; None: nobody does."""
        return None

    async def attend(self, _markets: Collection[str]) -> frozenset[str] | None:
        """Let the books of these markets be told; None: every one is."""
        return None

    def tell(self, text: str) -> None:
        """Hear a line of the story."""

    def later(self, seconds: float, act: Callable[[], object]) -> None:
        """Do something later, whoever lives then."""
        self.loop.call_later(seconds, act)

    def cycle_ids(self) -> list[str]:
        """Every cycle of the log."""
        with LogReader(self.db) as reader:
            opened = [one for one in reader.read() if isinstance(one.fact, f.CycleOpened)]
        return [one.stream.removeprefix("cycle-") for one in opened]

    # --- what a life tells its world ----------------------------------------------------------

    def passing(self, _life: Life, point: str, side: str) -> None:
        """Hear that a life comes to a point."""
        if side == BEFORE:
            self.left[point] += 1

    def appending(self, _life: Life, _batch: Sequence[StreamAppend]) -> None:
        """Hear that something is about to be appended."""

    def durable(self, _life: Life, _batch: Sequence[StreamAppend], log: SqliteLog) -> None:
        """Remember what was acknowledged."""
        head = log.head()
        self.acknowledged.append((head.position, head.hash.hex()))

    def travel(self, task: "asyncio.Future[Any]") -> None:
        """Keep what goes on when a life has ended."""
        self._travelling.add(task)

        def arrived(done: "asyncio.Future[Any]") -> None:
            self._travelling.discard(done)
            if not done.cancelled():
                done.exception()

        task.add_done_callback(arrived)

    # --- lives --------------------------------------------------------------------------------

    def run(self, *, cycles: int | None = 1, **wish: Any) -> int | None:  # noqa: ANN401 -- of a Wish
        """Live once; returns the exit code, None when it was struck dead."""
        return self.loop.run_until_complete(self._live(Wish(cycles=cycles, **wish)))

    def recover(self) -> int | None:
        """Live once more with nothing but recovery."""
        return self.run(cycles=0)

    def wait(self, seconds: float) -> None:
        """Let time pass while no engine runs."""
        self.loop.run_until_complete(asyncio.sleep(seconds))

    async def _live(self, wish: Wish) -> int | None:
        self.lives += 1
        life = self.life = Life(self, self.lives)
        try:
            return await self._live_as(life, wish)
        finally:
            self.life = None
            self._due = []  # of a life that was over before it began

    async def _live_as(self, life: Life, wish: Wish) -> int | None:
        run_id = f"run{life.number}"
        try:
            log = life.log = self._open(run_id)
        except Exception:
            if life.dead.is_set():
                return None
            raise
        try:
            history = History(log)
        except Exception:
            await log.close()
            raise
        tap = self.tap(life.number)
        outside = Outside(
            clock=self.clock,
            events=Pen(life, log),
            history=history,
            venue=Line(life, self.faulty),
            changes=partial(play, self.stage, self.clock, every_row=False),
            run_id=run_id,
            lock_account=lambda: None,
            space_low=lambda: self.space_low,
            tap=tap,
            attend=self.attend,
        )
        life.built = build(self.strategies, wish, outside)
        code: int | None = None
        try:
            code = await self._until_end(life, history)
        finally:
            if tap is not None:
                (tap.break_off if code is None else tap.close)()
        return code

    async def _until_end(self, life: Life, history: History) -> int | None:
        assert life.log is not None
        helpers = [asyncio.ensure_future(self._act(life, s, act)) for s, act in self._due]
        self._due = []
        within = copy_context()
        within.run(WHOSE.set, life)
        engine = self.loop.create_task(life.engine.run(), context=within)
        dead = asyncio.ensure_future(life.dead.wait())
        self.loop.before_step = self._step
        crashpoints.watchers.append(reach := lambda name: life.come_to(name, ""))
        try:
            ended_by, _ = await asyncio.wait(
                {engine, dead}, timeout=self.life_s_max, return_when=asyncio.FIRST_COMPLETED
            )
            if not ended_by:
                life.strike()
            killed = life.dead.is_set()
            if killed:
                engine.cancel()
            result = (await asyncio.gather(engine, return_exceptions=True))[0]
        finally:
            self.loop.before_step = None
            crashpoints.watchers.remove(reach)
            dead.cancel()
            killed = life.dead.is_set()
            for helper in helpers:
                if not killed and not helper.done():
                    helper.cancel()
            ended = await asyncio.gather(*helpers, dead, return_exceptions=True)
            history.close()
            for end in life.beside:
                end()
            await life.log.close()
        killed = life.dead.is_set()
        for error in () if killed else (result, *ended):
            if isinstance(error, Exception):
                raise error
        for _ in range(TURNS_TO_END):
            await asyncio.sleep(0)
        self._nobody_is_left()
        if not ended_by:
            raise TimeoutError(f"life {life.number} did not end within {self.life_s_max} s")
        return result if isinstance(result, int) and not killed else None

    def _step(self, handle: asyncio.Handle) -> None:
        life = handle._context.get(WHOSE)  # type: ignore[attr-defined]  # noqa: SLF001 -- whose it is
        if life is not None and not life.dead.is_set():
            self.passing(life, STEP, "")

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
            vfs=None if self.disk is None else self.disk.vfs,
            witness_type=Witness if self.disk is None else self.disk.witness_type,
            wal_type=WalAgain if self.disk is None else self.disk.wal_type,
            checkpoint_pages=self.checkpoint_pages,
        )  # fmt: skip

    def ask(self, action: str, target: str | None = None, **more: str) -> ActResult:
        """Ask something between two lives, as an operator does."""

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

    def close(self) -> None:
        """Let go of the venue and the loop."""
        for task in asyncio.all_tasks(self.loop):
            task.cancel()
        self.loop.run_until_complete(asyncio.sleep(0))
        self.loop.run_until_complete(self.faulty.close())
        self.loop.run_until_complete(self.loop.shutdown_asyncgens())
        asyncio.set_event_loop(None)
        self.loop.close()


@lru_cache(maxsize=512)
def loaded(text: str) -> Loaded:
    """Load a strategy from its text."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "strategy.yaml"
        path.write_text(text)
        return load(path)


def with_rules(**changes: Any) -> VenueRules:  # noqa: ANN401 -- fields of the rules
    """The paper venue's rules with some of them changed."""
    return structs.replace(PAPER_RULES, **changes)
