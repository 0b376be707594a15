"""Real kills: the engine's process against the practice exchange's, struck in every way that a machine can strike.

What the seed decides is which blow comes when; what the processes do meanwhile is their own.
"""

import json
import random
import signal
from collections import Counter
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Final

from msgspec import Struct, field

from arb.events.sqlite import LogReader
from arb.exchange.paper.account import PaperAccount
from arb.exchange.practice.posts import read_posts
from arb.execution.process.real_clock import RealClock
from arb.projections.audit import verify
from arb.simulation.checker import Violation, check
from arb.simulation.practice_process import Exchange
from arb.simulation.processes import Finished, Started
from arb.simulation.real_blows import BLOWS, HALTED, NEEDS_DISK, Ring
from arb.simulation.real_disk import small_disk
from arb.simulation.truth import account_truth, write_truth

VENUES: Final = ("binance", "okx")
FAULTS: Final = ("all=0", "all=0.03", "all=0.1")
BALANCES: Final = ("--balance", "USDT", "1000000", "--balance", "BNB", "1")
REST_S_MAX: Final = 240.0
FAIR_CYCLES: Final = 4
FAIR_LIVES: Final = 3
# How a life may end by itself: done, failed (the log's disk), halted, interrupted; -9 is a kill.
CODES: Final = frozenset({0, 1, HALTED, 130, -signal.SIGKILL})
TRACEBACK: Final = "Traceback (most recent call last)"


class RealResult(Struct, kw_only=True):
    """How a run of real kills went."""

    seed: int
    venue: str  # whose protocol is spoken
    faults: str
    seconds: float = 0.0
    kills: int = 0
    lives: int = 0
    tried: dict[str, int] = field(default_factory=dict)
    blows: dict[str, int] = field(
        default_factory=dict
    )  # those that struck what they were meant for
    skipped: dict[str, str] = field(default_factory=dict)
    codes: dict[str, int] = field(default_factory=dict)
    orders: int = 0
    fills: int = 0
    states: dict[str, int] = field(default_factory=dict)
    lifts: int = 0  # of halts and tripped limits, as an operator would
    violations: list[Violation] = field(default_factory=list)


Tell = Callable[[str, RealResult], None]


def run_real(
    folder: Path,
    *,
    seed: int,
    kills: int,
    seconds: float,
    tell: Tell,
    blows: Collection[str] = tuple(BLOWS),
) -> RealResult:
    """Strike until there were so many kills or the time is over, then let it rest, and check everything."""
    clock = RealClock()
    began_ns = clock.now_ns()
    rng = random.Random(seed)  # noqa: S311 -- repeatable on purpose
    result = RealResult(seed=seed, venue=rng.choice(VENUES), faults=rng.choice(FAULTS))
    folder.mkdir(parents=True, exist_ok=True)

    def since() -> float:
        return (clock.now_ns() - began_ns) / 1e9

    with small_disk(folder / "disk") as disk:
        flags = (*BALANCES, "--faults", result.faults, "--seed", seed)
        ring = Ring(folder, disk, Exchange(folder, *flags, venue=result.venue), rng)
        try:
            more = lambda: result.kills < kills and since() < seconds  # noqa: E731 -- one line
            _strike(ring, blows, result, more, tell)
            tell("at rest", result)
            must_trade = _rest(ring, result)
        finally:
            ring.end()
        result.seconds = since()
        result.lives, result.lifts = ring.lives, ring.lifts
        result.codes = {str(code): times for code, times in ring.codes.items()}
        bound_s = seconds + 2 * REST_S_MAX
        _judge(ring, result, must_trade=must_trade, bound_s=bound_s)
    return result


def _strike(
    ring: Ring, blows: Collection[str], result: RealResult, more: Callable[[], bool], tell: Tell
) -> None:
    """Strike blow after blow, each kind once before one comes again."""
    left: list[str] = []
    if ring.disk.missing is not None:
        result.skipped = dict.fromkeys(sorted(NEEDS_DISK), ring.disk.missing)
    while more():
        if not left:
            left = [name for name in BLOWS if name in blows and name not in result.skipped]
            ring.rng.shuffle(left)
        name = left.pop()
        tell(name, result)
        result.tried[name] = result.tried.get(name, 0) + 1
        if BLOWS[name](ring):
            result.blows[name] = result.blows.get(name, 0) + 1
        result.kills = ring.kills


def _rest(ring: Ring, result: RealResult) -> bool:
    """Recover without faults, then trade in fair weather; says whether it had to trade."""
    ring.disk.empty()
    ring.exchange.set_faults("all=0")
    ended = _live(ring, "--cycles", "0")
    if ended.code == HALTED:  # and lifted
        ended = _live(ring, "--cycles", "0")
    if ended.code not in {0, 1}:  # 1: something is parked
        result.violations.append(
            Violation("not_at_rest", f"the last recovery ended with {ended.code}: {ended.err}")
        )
        return False
    # On a market that moves by itself an order may miss; on one that does not, none would.
    for _ in range(FAIR_LIVES):
        ended = _live(ring, "--cycles", FAIR_CYCLES)
        if '"CycleCompleted"' in ended.out:
            break
    return True


def _live(ring: Ring, *words: object) -> Finished:
    """Live to the end without a blow."""
    engine = ring.begin(*words)
    ended = engine.wait(REST_S_MAX)
    ring.note(engine)
    return ended


def _judge(ring: Ring, result: RealResult, *, must_trade: bool, bound_s: float) -> None:
    """Hold the log against what really happened."""
    account = PaperAccount.audit(ring.folder / "practice" / f"{result.venue}.db")
    try:
        told = account_truth(account, bare_ids=True)
    finally:
        account.close()
    truth = ring.db.with_name("truth.json")
    posts = read_posts(ring.folder / "practice" / f"{result.venue}.creates")
    write_truth(
        truth,
        told,
        seed=result.seed,
        creates=[(one.client_order_id, one.at_ns) for one in posts],
        acknowledged=[head for engine in ring.engines for head in _acknowledged(engine)],
        virtual_s=result.seconds,
        virtual_s_max=bound_s,
        lives=result.lives,
        must_trade=must_trade,
    )
    result.violations += check(ring.db, truth)
    result.violations += [Violation("verify", one.text) for one in verify(ring.db)]
    for engine in ring.engines:
        code = engine.process.returncode
        if code not in CODES:
            said = engine.err.read_text()[-500:]
            result.violations.append(Violation("exit_code", f"a life ended with {code}: {said}"))
        if TRACEBACK in engine.err.read_text():
            result.violations.append(Violation("traceback", str(engine.err)))
    result.orders, result.fills = len(told.orders), len(told.fills)
    with LogReader(ring.db) as log:
        counted = log.connection.execute("SELECT state, count(*) FROM cycles GROUP BY state")
        result.states = Counter({str(state): int(str(count)) for state, count in counted})


def _acknowledged(engine: Started) -> list[tuple[int, str]]:
    """What a life was told to be durable: the events that it printed, whole lines only."""
    found = []
    for line in engine.out.read_text(errors="replace").splitlines(keepends=True):
        if line.startswith('{"position"') and line.endswith("}\n"):
            told = json.loads(line)
            found.append((int(told["position"]), str(told["hash"])))
    return found
