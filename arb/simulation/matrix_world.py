"""The world of the kill matrix: one cycle, the fate of one of its orders, and a death at one named step of the protocol."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from itertools import starmap
from pathlib import Path
from random import Random
from typing import Final

from msgspec import Struct

from arb import crashpoints
from arb.clock import NS_PER_MS, NS_PER_S
from arb.events import facts as f
from arb.events.log import StreamAppend
from arb.events.sqlite import SqliteLog
from arb.exchange.faults.plan import ALWAYS, VIEW, Strike
from arb.simulation.disk import SYNC, WRITE, Disk
from arb.simulation.life import AFTER, BEFORE, Life
from arb.simulation.market import BOOKS, Sides, Stage
from arb.simulation.sectors import Survivors
from arb.simulation.strategies import strategy
from arb.simulation.truth import account_truth, write_truth
from arb.simulation.world import OPENING, Manner, World

RUN_S_MAX: Final = 3_600
FAIR_S: Final = 120.0
REST_S: Final = 30.0
SEED: Final = 5
ON_ITS_WAY_S: Final = 0.002  # less than a request takes to arrive
MOVED_NS: Final = 60 * NS_PER_MS  # for so long the books of a fate stand
BOOKS_THAT_PAY: Final = [("2050", "900")], [("2051", "900")]
UNWIND: Final = (
    3  # beside the legs 0, 1 and 2: the first hop of an unwind that an operator asks for
)

INTEND: Final = "intend"
WRITTEN: Final = "write"
SYNCED: Final = "sync"
SEND: Final = "send"
EXECUTE: Final = "execute"
RECORD: Final = "record"
ASK: Final = "ask"
RESOLVE: Final = "resolve"
SETTLE: Final = "settle"
MEANINGS: Final = {
    INTEND: "the append of the order's intent",
    WRITTEN: "the first bytes of that append on their way to the disk",
    SYNCED: "the fsync of that append",
    SEND: "the request, as the engine sees it: it leaves, it is answered",
    EXECUTE: "the request, as the venue sees it: it is underway, it is executed",
    RECORD: "the append of the first thing that is known of the order",
    ASK: "the first read of what is not known",
    RESOLVE: "the append that ends the doubt",
    SETTLE: "the append of what the cycle makes of it, where that is one of its own",
}
STEPS: Final = tuple(MEANINGS)
SIDES: Final = (BEFORE, AFTER)
_READS: Final = frozenset({"order", "order_by_exchange_id", "trades"})
_MOVES: Final = (
    f.LegSettled,
    f.CycleCompleted,
    f.CycleMissed,
    f.CycleRefused,
    f.RecoveryStarted,
    f.CycleResumed,
    f.UnwindStarted,
    f.HopSettled,
    f.CycleLiquidated,
)


class Fate(Struct, frozen=True):
    """What becomes of an order: the faults that strike its create, how it is shown, and what stands in the books."""

    name: str
    faults: tuple[str, ...] = ()
    books: str = ""  # "thin" | "gone", when it arrives
    fee_asset: str | None = None  # None: fees are in what is received


class Death(Struct, frozen=True):
    """How a life ends."""

    name: str
    power: Survivors | None = None  # what is left of unsynced writes; None: the machine goes on


class Cell(Struct, frozen=True):
    """One run of the matrix."""

    leg: int  # from 0, or UNWIND
    step: str
    fate: Fate
    side: str
    death: Death


class MatrixWorld(World):
    """Notes which steps the order passes, and ends the first life at one of them."""

    disk: Disk

    def __init__(self, folder: Path, leg: int, fate: Fate, target: tuple[str, str] | None) -> None:
        self.reached: list[tuple[str, str]] = []
        self._leg, self._fate, self._target = leg, fate, target
        self._order: str | None = None
        self._market = ""
        self._panics = False
        self._number = 0  # of the create that is its own
        self._appending: tuple[str, ...] = ()  # the steps that the running append is
        self._operations: list[str] = []
        self._recorded = self._doubted = self._over = False
        manner = Manner(
            opening={**OPENING, "BNB": Decimal(1)},
            fee_asset=fate.fee_asset,
            faults=ALWAYS,
            seed=SEED,
            only=self._only,
        )
        super().__init__(folder, Stage(), manner)
        self.strategies = [strategy()]
        self.disk = Disk(folder, Random(SEED))  # noqa: S311 -- repeatable on purpose
        self.disk.before = self._at_disk

    # --- where it is ------------------------------------------------------------------------------

    def _at(self, step: str, side: str) -> bool:
        """Come to a step; says whether death waits there."""
        if (step, side) in self.reached or self.lives > 1:
            return False
        self.reached.append((step, side))
        return (step, side) == self._target

    def _at_any(self, places: Iterable[tuple[str, str]]) -> bool:
        """Come to several steps at once: each is noted."""
        return any(list(starmap(self._at, places)))

    def passing(self, life: Life, point: str, side: str) -> None:
        """Follow the order's request, and the reads about it."""
        super().passing(life, point, side)
        if self._order is None or self._over:
            return
        if point == "create" and self.left["create"] == self._number:
            self._passing_create(life, side)
        elif point == crashpoints.EXECUTED_NOT_TOLD and self.left["create"] == self._number:
            if self._at(EXECUTE, AFTER):
                life.strike()
        elif point in _READS and self._recorded and self._at(ASK, side):
            life.strike()

    def _passing_create(self, life: Life, side: str) -> None:
        if self._at(SEND, side):
            life.strike()
            return
        if side == BEFORE:
            self._move_books()
            if self._at(EXECUTE, BEFORE):
                self.later(ON_ITS_WAY_S, life.strike)

    def appending(self, life: Life, batch: Sequence[StreamAppend]) -> None:
        """Look at what is about to be appended."""
        facts = [fact for one in batch for fact in one.facts]
        self._appending = tuple(self._steps_of(facts))
        self._operations = []
        if self._at_any((step, BEFORE) for step in self._appending):
            life.die()

    def durable(self, life: Life, batch: Sequence[StreamAppend], log: SqliteLog) -> None:
        """Look at what was appended."""
        super().durable(life, batch, log)
        steps, self._appending = self._appending, ()
        facts = [fact for one in batch for fact in one.facts]
        if self._leg == UNWIND and not self._panics and any(map(_settles_the_first, facts)):
            self._panics = True
            self.loop.create_task(life.ask("panic", reason="the matrix wants an unwind"))
        if steps and INTEND not in steps:
            self._recorded = True
            # What is known of the order, and what the cycle makes of it, is mostly one append.
            doubted = any(isinstance(fact, f.OrderUnknown) for fact in facts)
            self._doubted = doubted or (self._doubted and RESOLVE not in steps)
            self._over = not self._doubted and any(isinstance(fact, _MOVES) for fact in facts)
        if self._at_any((step, AFTER) for step in steps):
            life.die()

    def _steps_of(self, facts: Sequence[f.Fact]) -> list[str]:
        for fact in facts:
            if isinstance(fact, f.OrderIntended) and self._order is None and self._is_own(fact):
                self._order, self._market = fact.client_order_id, fact.market
                self._number = self.left["create"] + 1
                return [INTEND]
        if self._order is None or self._over:
            return []
        ours = [one for one in facts if getattr(one, "client_order_id", None) == self._order]
        if ours and not self._recorded:
            return [RECORD]
        if self._doubted:
            resolved = any(not isinstance(one, f.OrderUnknown) for one in ours)
            return [RESOLVE] if resolved else []
        return [SETTLE] if any(isinstance(one, _MOVES) for one in facts) else []

    def _is_own(self, intent: f.OrderIntended) -> bool:
        unwinds = intent.purpose == "unwind"
        return unwinds if self._leg == UNWIND else not unwinds and intent.leg == self._leg

    def _at_disk(self, what: str) -> None:
        """Follow the disk while the intent is appended; a dead process does nothing there."""
        life = self.life
        if life is None:
            return
        if INTEND in self._appending and self._at_any(_places(self._operations, what)):
            life.strike()
        self._operations.append(what)
        if life.dead.is_set():
            raise OSError("the process was killed")

    # --- what happens to the order ----------------------------------------------------------------

    def _only(self, strike: Strike) -> bool:
        if strike.fault not in self._fate.faults or strike.client_order_id is None:
            return False
        own = strike.client_order_id == self._order
        # An intent that did not last leaves its id to another order, which has no such fate.
        if strike.call == VIEW:
            return own and (SEND, BEFORE) in self.reached
        return own and strike.call == "create" and self.lives == 1

    def _move_books(self) -> None:
        """Let the books be what the fate wants them to be when the order arrives."""
        market = self._market
        usual = next(one for one in BOOKS if one.market == market)
        if self._fate.books:
            now_ns = self.now_ns()
            self.stage.show(now_ns, market, *_BOOKS[self._fate.books][market])
            self.stage.put(now_ns + MOVED_NS, usual)

    # --- to rest ----------------------------------------------------------------------------------

    def rest(self) -> list[str]:
        """Recover, then trade once on a market that pays; says what went wrong."""
        wrong = []
        for wait_s in (0, REST_S):  # at once, and when nothing can appear any more
            self.wait(wait_s)
            code = self.recover()
            if code not in {0, 1}:  # 1: something is parked
                wrong.append(f"recovery ended with {code}")
        self.stage.show(self.now_ns(), "ETH/USDT", *BOOKS_THAT_PAY)
        self.strategies = [strategy("fair", min_profit="5")]
        code = self.run(cycles=1, duration_s=FAIR_S)
        if code not in {0, 1}:
            wrong.append(f"the fair life ended with {code}")
        return wrong

    def truth(self) -> Path:
        """Write what the venue, the disk and the loop know."""
        path = self.folder / "truth.json"
        write_truth(
            path,
            account_truth(self.venue.account),
            seed=SEED,
            creates=self.venue.creates,
            acknowledged=self.acknowledged,
            virtual_s=self.loop.now_ns() / NS_PER_S,
            virtual_s_max=RUN_S_MAX,
            lives=self.lives,
            must_trade=True,
        )
        return path


def _settles_the_first(fact: f.Fact) -> bool:
    return isinstance(fact, f.LegSettled) and fact.leg == 0


def _places(done: Sequence[str], what: str) -> list[tuple[str, str]]:
    """Name the places that come before an operation of an append, given those before it."""
    places = []
    if what == WRITE and WRITE not in done:
        places.append((WRITTEN, BEFORE))
    if what == WRITE and done.count(WRITE) == 1:
        places.append((WRITTEN, AFTER))
    if what == SYNC and SYNC not in done:
        places.append((SYNCED, BEFORE))
    if SYNC in done and done[-1] == SYNC:
        places.append((SYNCED, AFTER))
    return places


# What stands when the order arrives: less than it wants, or nothing within its limit.
_BOOKS: Final[dict[str, dict[str, tuple[Sides, Sides]]]] = {
    "thin": {
        "BTC/USDT": ([("50000", "0.012")], [("50010", "0.012"), ("60000", "5")]),
        "ETH/BTC": ([("0.0399", "0.3")], [("0.04", "0.3"), ("0.05", "90")]),
        "ETH/USDT": ([("2010", "0.3"), ("1500", "90")], [("2011", "0.3")]),
    },
    "gone": {
        "BTC/USDT": ([("40000", "5")], [("60000", "5")]),
        "ETH/BTC": ([("0.0399", "0.3")], [("0.05", "90")]),
        "ETH/USDT": ([("1500", "90")], [("2011", "0.3")]),
    },
}
