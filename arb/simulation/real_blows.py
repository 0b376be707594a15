"""The blows of a run of real kills, and the ring that they are struck in."""

import random
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Final

from arb import crashpoints
from arb.errors import ArbError
from arb.events.sqlite import LogReader
from arb.events.sqlite.storage import beside
from arb.execution.operating.acting import act
from arb.execution.process.real_clock import OFF_MS
from arb.projections.queries import load_account
from arb.simulation.practice_process import Exchange
from arb.simulation.processes import NotSeen, Started, start, until
from arb.simulation.real_disk import SmallDisk, limit_files

CYCLES: Final = 50  # of a life; it is struck long before
ORDER_LOOKS: Final = 100  # tenths of a second in which a life may send its first order
QUIET_SHARE: Final = 0.1  # of the lives are struck before they did anything
LATER_S_MAX: Final = 1.5
STOPPED_S_MAX: Final = 5.0  # longer than any window of the practice exchange
JUMPS_MS: Final = (-2_000, -300, 300, 2_000)
OFF_CHOICES_MS: Final = (-3_600_000, -2_000, 2_000, 3_600_000)
ROOM_BYTES_MAX: Final = 200_000
ENDS_S_MAX: Final = 15.0
BEGINS_S_MAX: Final = 100.0
CRASH_NTH_MAX: Final = 4
HALTS_MAX: Final = 3  # in a row


class Ring:
    """One log, one exchange, and one engine's life after another."""

    def __init__(
        self, folder: Path, disk: SmallDisk, exchange: Exchange, rng: random.Random
    ) -> None:
        self.folder, self.disk, self.exchange, self.rng = folder, disk, exchange, rng
        self.db = disk.folder / "log.db"
        self.kills = self.lifts = 0
        self._noted: set[int] = set()
        self.engines: list[Started] = []
        self.codes: Counter[int] = Counter()

    @property
    def lives(self) -> int:
        """How often an engine was started."""
        return len(self.engines)

    def begin(self, *words: object, crash_at: str | None = None, off_ms: int = 0) -> Started:
        """Start an engine."""
        path = self.exchange.strategy()
        log = ("--db", self.db, "--json")
        more = {OFF_MS: str(off_ms)}
        engine = start(
            self.folder, "run", "--strategy", path, *log, *words, crash_at=crash_at, **more
        )
        self.engines.append(engine)
        return engine

    def at_work(self, *, crash_at: str | None = None, off_ms: int = 0) -> Started:
        """Start an engine and let it get somewhere, mostly into the middle of an order.

        One that ends at once because of a halt, which is lifted then, is followed by another.
        """
        engine = self._begin_work(crash_at, off_ms)
        for _ in range(HALTS_MAX):
            if engine.process.poll() != HALTED:
                break
            self.note(engine)
            engine = self._begin_work(crash_at, off_ms)
        self.later(engine)
        return engine

    def _begin_work(self, crash_at: str | None, off_ms: int) -> Started:
        sent = self.exchange.state().creates_seen.total
        engine = self.begin("--cycles", CYCLES, crash_at=crash_at, off_ms=off_ms)
        if self.rng.random() >= QUIET_SHARE:
            self.spoke(engine)
            for _ in range(ORDER_LOOKS):
                if engine.process.poll() is not None:
                    break
                if self.exchange.state().creates_seen.total > sent:
                    break
                engine.pause(0.1)
        return engine

    def spoke(self, engine: Started) -> None:
        """Wait until an engine has begun, or has ended; one that takes for ever is struck all the same."""

        def look() -> bool:
            return engine.out.stat().st_size > 0 or engine.process.poll() is not None

        with suppress(NotSeen):
            until(look, "the engine's first event", deadline_s=BEGINS_S_MAX)

    def later(self, engine: Started, seconds_max: float = LATER_S_MAX) -> None:
        """Let some time pass."""
        engine.pause(self.rng.uniform(0, seconds_max))

    def strike(self, engine: Started) -> bool:
        """Strike an engine dead; False where it had ended by itself."""
        alive = engine.process.poll() is None
        if alive:
            engine.process.kill()
        self.note(engine)
        return alive

    def note(self, engine: Started) -> None:
        """Wait for an engine's end, and count it."""
        code = engine.process.wait(timeout=ENDS_S_MAX)
        if id(engine) in self._noted:
            return
        self._noted.add(id(engine))  # each is kept
        self.codes[code] += 1
        self.kills += code == KILLED
        if code == HALTED or (code == KILLED and self._stopped()):
            self._lift()

    def _stopped(self) -> bool:
        """Whether nothing opens any more, though a cycle at work kept the engine from ending by that."""
        with suppress(ArbError), LogReader(self.db) as reader:
            account = load_account(reader.connection)
            return bool(account.halts) or any(risk.tripped for risk in account.risk.values())
        return False

    def _lift(self) -> None:
        """Do what an operator does about a halt, so that there is something to strike again."""
        self.disk.empty()
        act(self.db, "unpause", None, "the proof goes on")
        act(self.db, "reset-risk", "all", "the proof goes on")
        self.lifts += 1

    def end(self) -> None:
        """Leave nothing that runs."""
        for engine in self.engines:
            engine.end()
        self.exchange.end()


KILLED: Final = -9
HALTED: Final = 4
Blow = Callable[[Ring], bool]  # whether it struck


def _engine_killed(ring: Ring) -> bool:
    return ring.strike(ring.at_work())


def _engine_killed_at(point: str, ring: Ring) -> bool:
    """Strike at a named place of the order protocol; those of recovery come in the life after a kill."""
    nth = CRASH_NTH_MAX
    if point in {crashpoints.RECOVERING, crashpoints.UNWINDING}:
        nth = 1
        ring.strike(ring.at_work(crash_at=crashpoints.TOLD_NOT_APPENDED))
        if point == crashpoints.UNWINDING and ring.db.exists():
            act(ring.db, "panic", None, "the proof wants an unwind")
    engine = ring.begin("--cycles", CYCLES, crash_at=f"{point}:{ring.rng.randint(1, nth)}")
    ring.spoke(engine)
    engine.pause(ENDS_S_MAX)
    there = engine.process.poll() == KILLED
    ring.strike(engine)
    return there


def _exchange_killed(ring: Ring) -> bool:
    engine = ring.at_work()
    ring.exchange.kill()
    ring.kills += 1
    ring.later(engine)
    ring.exchange.start()
    ring.later(engine)
    ring.strike(engine)
    return True


def _exchange_killed_at(point: str, ring: Ring) -> bool:
    """Let the exchange die by itself at a named place: it executed, and nobody was told."""
    ring.exchange.kill()
    ring.exchange.start(crash_at=f"{point}:{ring.rng.randint(1, CRASH_NTH_MAX)}")
    engine = ring.begin("--cycles", CYCLES)
    ring.spoke(engine)
    for _ in range(ORDER_LOOKS):
        if not ring.exchange.lives or engine.process.poll() is not None:
            break
        engine.pause(0.1)
    there = not ring.exchange.lives
    ring.later(engine)
    if not there:
        ring.exchange.kill()
    ring.kills += 2
    ring.exchange.start()
    ring.later(engine)
    ring.strike(engine)
    return there


def _both_killed(ring: Ring) -> bool:
    engine = ring.at_work()
    first = ring.rng.random() < 1 / 2
    if first:
        ring.exchange.kill()
    struck = ring.strike(engine)
    if not first:
        ring.exchange.kill()
    ring.kills += 1
    ring.exchange.start()
    return struck


def _engine_stopped(ring: Ring) -> bool:
    engine = ring.at_work()
    engine.stop()
    ring.later(engine, STOPPED_S_MAX)
    engine.go_on()
    ring.later(engine)
    return ring.strike(engine)


def _exchange_stopped(ring: Ring) -> bool:
    engine = ring.at_work()
    ring.exchange.stop()
    ring.later(engine, STOPPED_S_MAX)
    ring.exchange.go_on()
    ring.later(engine)
    return ring.strike(engine)


def _venue_clock_jumped(ring: Ring) -> bool:
    engine = ring.at_work()
    ring.exchange.act("jump", ms=ring.rng.choice(JUMPS_MS))
    ring.later(engine)
    return ring.strike(engine)


def _own_clock_wrong(ring: Ring) -> bool:
    """The machine's clock was set between two lives."""
    return ring.strike(ring.at_work(off_ms=ring.rng.choice(OFF_CHOICES_MS)))


def _disk_full(ring: Ring) -> bool:
    """Fill the log's disk under an engine, and let the next one recover on it as it is."""
    engine = ring.at_work()
    ring.disk.fill(ring.rng.randrange(ROOM_BYTES_MAX))
    engine.pause(ENDS_S_MAX)
    ended = engine.process.poll() is not None
    ring.strike(engine)
    # What the engine kept free for this is enough to recover with.
    engine = ring.begin("--cycles", "0")
    ring.spoke(engine)
    engine.pause(ENDS_S_MAX)
    ring.strike(engine)
    ring.disk.empty()
    return ended


def _files_limited(ring: Ring) -> bool:
    """Let no file grow much further: a quota."""
    engine = ring.at_work()
    if engine.process.poll() is not None:
        ring.strike(engine)
        return False
    files = (ring.db, beside(ring.db, "-wal"), engine.out, engine.err)
    size = max(file.stat().st_size for file in files if file.exists())
    limit_files(engine.pid, size + ring.rng.randrange(ROOM_BYTES_MAX))
    engine.pause(ENDS_S_MAX)
    ended = engine.process.poll() is not None
    ring.strike(engine)
    return ended


OF_THE_EXCHANGE: Final = crashpoints.EXECUTED_NOT_TOLD
OF_THE_ENGINE: Final = tuple(point for point in crashpoints.ALL if point != OF_THE_EXCHANGE)
BLOWS: Final[Mapping[str, Blow]] = {
    "engine killed": _engine_killed,
    **{f"engine killed at {point}": partial(_engine_killed_at, point) for point in OF_THE_ENGINE},
    f"exchange killed at {OF_THE_EXCHANGE}": partial(_exchange_killed_at, OF_THE_EXCHANGE),
    "exchange killed": _exchange_killed,
    "both killed": _both_killed,
    "engine stopped": _engine_stopped,
    "exchange stopped": _exchange_stopped,
    "venue clock jumped": _venue_clock_jumped,
    "own clock wrong": _own_clock_wrong,
    "disk full": _disk_full,
    "files limited": _files_limited,
}
NEEDS_DISK: Final = frozenset({"disk full"})
