"""One seed, one run: weather, market, people and deaths are drawn from it, and so is every order of steps."""

import logging
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, Final

import apsw
import structlog
from msgspec import Struct, field

from arb import crashpoints
from arb.clock import NS_PER_S
from arb.errors import ArbError, Indeterminate, LogDamaged
from arb.events.log import StreamAppend
from arb.events.sqlite import SqliteLog
from arb.exchange.faults.plan import VIEW, Strike
from arb.simulation import checker, people, rebuilt
from arb.simulation.checker import Violation
from arb.simulation.disk import Disk
from arb.simulation.fate import Fate, Trouble, draw_fate, draw_trouble
from arb.simulation.life import Life
from arb.simulation.market import BOOKS, START_NS, Stage
from arb.simulation.scratch import scratch
from arb.simulation.sights import Seen
from arb.simulation.strategies import strategy
from arb.simulation.truth import account_truth, write_truth
from arb.simulation.weather import (
    RATES_MAX,
    UNTOLD,
    Weather,
    draw_ration,
    draw_weather,
    with_untold,
)
from arb.simulation.world import Manner, World, with_rules

RUN_S_MAX: Final = 3_600  # of virtual time, to rest and through the fair life, pauses left out
PAUSES_S: Final = (0, 0, 0.3, 0.3, 2, 2, 30, 30, 7_200)  # between two lives
FAIR_CYCLES: Final = 2
FAIR_S: Final = 120.0
OPERATOR_S: Final = 600.0  # that a life takes before somebody looks why
REST_S: Final = 30.0
FAIR: Final = "fair"
IDLE_POWER: Final = 0.05  # of the lives after which the power is lost, however they ended
GONE: Final = "the process was killed"
BOOKS_THAT_PAY: Final = 2_050  # the price of ETH: a cycle brings 2 % before fees

Check = Callable[[Path, Path], Sequence[Violation]]  # log, truth -> violations


class Told(Struct, frozen=True):
    """A line of the story: something that happened beside the log."""

    position: int  # of the last event that was acknowledged by then
    at_ns: int
    text: str


class SeedResult(Struct, frozen=True, kw_only=True):
    """What became of a seed."""

    seed: int
    violations: tuple[Violation, ...]
    counts: dict[str, int] = field(default_factory=dict)  # of deaths, of faults, and of both
    outcomes: frozenset[str] = frozenset()  # which of `sights.OUTCOMES` it had
    lives: int = 0
    crashes: int = 0
    virtual_s: float = 0.0
    story: tuple[Told, ...] = ()  # what happened beside the log


class SeedWorld(World):
    """A world in which everything is drawn from one seed."""

    life_s_max = RUN_S_MAX
    disk: Disk

    def __init__(self, folder: Path, seed: int) -> None:
        self.seed = seed
        self.rng = Random(seed)  # noqa: S311 -- repeatable on purpose
        self.weather: Weather = with_untold(draw_weather(self.rng), seed)
        self.stormy = True
        self.counts: Counter[str] = Counter()  # deaths, faults, and both together
        self.seen = Seen()
        self.crashes = 0
        self.story: list[Told] = []
        self._veiled: set[tuple[str, str | None]] = set()  # what was told of how an order is shown
        self.violations: list[Violation] = []
        self.fair = False  # at the end, when nothing that is seen proves anything about the weather
        self.fate: Fate | None = None
        self.trouble: Trouble | None = None
        self.dark = False  # the power was lost, and nobody has opened the log since
        self._passed = 0
        self._operations: Counter[str] = Counter()
        stage = Stage()
        people.move_books(stage, START_NS, self.rng)
        manner = Manner(
            opening=self.weather.opening,
            fee_asset=self.weather.fee_asset,
            rules=with_rules(live=self.weather.live_rules),
            faults=self.weather.faults,
            latency_ns=self.weather.latency_ns,
            skew_ns=self.weather.skew_ns,
            frictions=self.weather.frictions,
            ration=draw_ration(seed),
            seed=seed,
            only=self._only,
        )
        super().__init__(folder, stage, manner, shuffle=Random(seed))  # noqa: S311 -- the same
        self.strategies = people.draw_strategies(self.rng)
        self.checkpoint_pages = self.weather.checkpoint_pages
        self.disk = Disk(folder, Random(seed))  # noqa: S311 -- the same
        self.disk.before = self._at_disk

    def tell(self, text: str) -> None:
        """Add a line to the story."""
        # A log is made before anything is appended to it.
        position = self.acknowledged[-1][0] if self.acknowledged else min(self.lives, 1)
        self.story.append(Told(position, self.now_ns(), text))

    def _only(self, strike: Strike) -> bool:
        veil = (strike.fault, strike.client_order_id)
        if self.stormy and veil not in self._veiled:
            self.tell(
                f"fault: {strike.fault} of {strike.call} {strike.client_order_id or ''}".strip()
            )
        if strike.call == VIEW:  # asked for at every look, and always the same
            self._veiled.add(veil)
        return self.stormy

    def passing(self, life: Life, point: str, side: str) -> None:
        """Strike the life dead where its fate says."""
        super().passing(life, point, side)
        if self.fate is None or not self.fate.is_at(point, side):
            return
        self._passed += 1
        if self._passed == self.fate.number:
            self.tell(f"killed at {point} {side}, number {self.fate.number}")
            life.strike()

    def _open(self, run: str) -> SqliteLog:
        log = super()._open(run)
        self.dark = self.watched = False
        return log

    def _at_disk(self, what: str) -> None:
        """Let the disk fail or the process die before an operation; a dead process does none."""
        life = self.life
        if life is None:
            return
        self._operations[what] += 1
        trouble = self.trouble
        if trouble is not None and (what, self._operations[what]) == (trouble.what, trouble.number):
            self.tell(f"{trouble.fault} at {what} {trouble.number}")
            self.counts[f"fault {trouble.fault}"] += 1
            self.disk.failing = trouble.fault
        if not life.dead.is_set():
            self.passing(life, what, "")
        if life.dead.is_set():
            raise OSError(GONE)

    def durable(self, life: Life, batch: Sequence[StreamAppend], log: SqliteLog) -> None:
        """Remember what was acknowledged, and count it."""
        super().durable(life, batch, log)
        if not self.fair:
            self.seen.note(batch)

    def run(self, *, cycles: int | None = 1, **wish: Any) -> int | None:  # noqa: ANN401 -- of a Wish
        """Live once; an operator looks after what takes long, as the engine asks him to."""
        for times in (1, 2, 3):
            self.later(times * OPERATOR_S, partial(self._look_after, self.lives + 1))
        return super().run(cycles=cycles, **wish)

    def _look_after(self, number: int) -> None:
        life = self.life
        if life is None or life.number != number or life.dead.is_set():
            return
        self.tell("somebody: attests what is not there, for it takes so long")
        self.travel(self.loop.create_task(people.attest(self, life)))

    # --- the run ------------------------------------------------------------------------------

    def storm(self) -> None:
        """Live and die in the weather."""
        rng = self.rng
        names = [name for name in (*RATES_MAX, UNTOLD) if getattr(self.weather.faults, name)]
        self.tell(f"the weather: {', '.join(names) or 'no faults of the venue'}")
        for _ in range(self.weather.lives):
            for _ in range(rng.choice([0, 1, 1, 2, 3])):
                people.disturb(self, rng)
            if rng.random() < 0.15:  # noqa: PLR2004 -- a share of the lives
                self.tell("the user edits the strategies")
                self.strategies = people.draw_strategies(rng)
            self.fate, self.trouble = draw_fate(rng), draw_trouble(rng)
            if self.fate is not None and self.fate.point == crashpoints.UNWINDING:
                people.panic(self, rng)  # so that there is something to unwind
            self._passed = 0
            self._operations.clear()
            self.space_low = rng.random() < 0.05  # noqa: PLR2004 -- a share of the lives
            self._live_through(rng)
            if rng.random() < 0.15:  # noqa: PLR2004 -- the same
                people.act_between(self, rng)
            self.wait(rng.choice(PAUSES_S))
        self.space_low = False

    def _live_through(self, rng: Random) -> None:
        struck = Counter(self.faulty.struck)
        self.tell(f"life {self.lives + 1} begins")
        wish = {
            "cycles": rng.choice([1, 2, 4, None]),
            "duration_s": rng.uniform(1, 20),
            "recover": rng.random() < 0.9,  # noqa: PLR2004 -- a share of the lives
        }
        # Of two faults at once the witness catches one: after a power loss it may be behind itself.
        # And a checkpoint that was cut off, or made beside a reader, leaves old pages to bring back.
        flips = not (self.dark or self.watched or self.disk.moves) and rng.random() < 0.15  # noqa: PLR2004 -- the same
        mend = self.disk.flip_bit() if flips else None
        try:
            code = self._start(wish)
        except LogDamaged as error:
            if mend is None:
                raise
            self.tell(f"a flipped bit is found: {error}")
            self.counts["fault bit flipped"] += 1
            mend()
            code = self._start(wish)
        self._end(code, self.faulty.struck - struck)

    def _start(self, wish: dict[str, Any]) -> int | None:
        try:
            return self.run(**wish)
        except Indeterminate as error:
            if self.disk.failing is None:
                raise
            self.tell(f"it does not start: {error}")
            return Indeterminate.exit_code

    def _end(self, code: int | None, struck: "Counter[str]") -> None:
        """See to what a life left: the dead are counted, and the power may be gone."""
        self.dark = self.dark or self.disk.failing is not None
        fate, self.fate, self.trouble, self.disk.failing = self.fate, None, None, None
        self.tell("it is dead" if code is None else f"it ends with {code}")
        for fault, times in struck.items():
            self.counts[f"fault {fault}"] += times
            if code is None and fate is not None:
                self.counts[f"{fault} x {fate.kind}"] += 1
        if code is None and fate is not None:
            self.crashes += 1
            self.counts[f"crash {fate.kind}"] += 1
        if (code is None and fate is not None and fate.power) or self.rng.random() < IDLE_POWER:
            self.tell("the power is lost")
            self.counts["fault power lost"] += 1
            self.disk.lose_power()
            self.dark = True

    def rest(self) -> None:
        """Fair weather: everything comes to rest, then a market that pays is traded."""
        self.stormy = False
        self.tell("fair weather")
        self.stage.calm(self.now_ns())
        self.venue.smooth()
        for market in people.TRADED:
            self.venue.halt_market(market, halted=False)
        self.wait(REST_S)
        for book in BOOKS:
            self.stage.put(self.now_ns(), book)
        self._expect(self.recover(), {0, 1, 4}, "recovery")
        self.ask("unpause", reason="x")
        bid = BOOKS_THAT_PAY
        self.stage.show(self.now_ns(), "ETH/USDT", [(f"{bid}", "900")], [(f"{bid + 1}", "900")])
        self.strategies = [strategy(FAIR, min_profit="5", amount="1000")]
        self.tell("the market pays")
        self.fair = True
        self.venue.deposit("USDT", people.ENOUGH)
        self._expect(self.run(cycles=FAIR_CYCLES, duration_s=FAIR_S), {0, 1}, "the fair life")

    def _expect(self, code: int | None, codes: set[int], what: str) -> None:
        self.tell(f"{what} ends with {code}")
        if code not in codes:
            self.violations.append(Violation("not_at_rest", f"{what} ended with {code}"))

    def truth(self) -> Path:
        """Write what the venue, the disk and the loop know."""
        path = self.folder / "truth.json"
        write_truth(
            path,
            account_truth(self.venue.account),
            seed=self.seed,
            creates=self.venue.creates,
            acknowledged=self.acknowledged,
            virtual_s=self.loop.now_ns() / NS_PER_S,
            virtual_s_max=RUN_S_MAX + max(PAUSES_S) * self.weather.lives,
            lives=self.lives,
            must_trade=self.fair,
            candid=not (self.weather.faults.order_hidden or self.weather.faults.late_fill),
        )
        return path


def check_all(db: Path, truth: Path) -> list[Violation]:
    """Judge a run from outside, and by what only the engine's own code can prove."""
    return [*checker.check(db, truth), *rebuilt.check(db)]


def run_seed(
    seed: int,
    *,
    check: Check = check_all,
    folder: Path | None = None,
    look: Callable[[Path], object] | None = None,
) -> SeedResult:
    """Run a seed to rest and check what it left.

    The folder, if one is given, keeps log and truth; `look` may read the log before it is gone.
    """
    with quiet(), scratch("seed") as temporary:
        world = SeedWorld(folder or temporary, seed)
        try:
            try:
                world.storm()
                world.rest()
            except TimeoutError as error:  # a life that would not end
                world.violations.append(Violation("unbounded", str(error)))
            except (
                ArbError,
                OSError,
                RuntimeError,
                AssertionError,
                apsw.Error,
            ) as error:
                world.violations.append(Violation("stopped", repr(error)))
            world.violations.extend(check(world.db, world.truth()))
            if look is not None:
                look(world.db)
            return SeedResult(
                seed=seed,
                violations=tuple(world.violations),
                counts=dict(world.counts),
                outcomes=world.seen.outcomes(),
                lives=world.lives,
                crashes=world.crashes,
                virtual_s=world.loop.now_ns() / NS_PER_S,
                story=tuple(world.story),
            )
        finally:
            world.close()
            world.disk.close()


@contextmanager
def quiet() -> Iterator[None]:
    """Let engines say nothing: what they talk takes longer than what they do."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    try:
        yield
    finally:
        structlog.configure(**before)
