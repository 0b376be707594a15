"""200 real `kill -9` of a faulty paper run: at random moments and at every crash point."""

import random
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from arb import crashpoints
from arb.execution.operating.acting import act
from tests.crash.kills import FAULTS, Audit, audit, recover, strategy_text, strike

SEED: Final = 20_261_122
LOGS: Final = 10
KILLS_PER_LOG: Final = 20
HITS_MIN: Final = 5
AT_ONCE: Final = 3
MOMENT: Final = "random moment"


class Story(NamedTuple):
    """One log's lives and deaths."""

    struck: Counter[str]
    code: int
    audit: Audit


def live_and_die(number: int, folder: Path) -> Story:
    """Kill an engine on one log over and over, then recover without faults and audit."""
    rng = random.Random(SEED + number)
    folder.mkdir(parents=True)
    fee_currency = "BNB" if number % 2 else None
    # A little BNB runs out in the middle of an order.
    text = {"fee_currency": fee_currency, "seed": number, "bnb": "0.02"}
    faulty, calm = folder / "faulty.yaml", folder / "calm.yaml"
    faulty.write_text(strategy_text(faults=FAULTS, **text))
    calm.write_text(strategy_text(faults=None, **text))
    struck: Counter[str] = Counter()
    for _ in range(KILLS_PER_LOG * 8):
        if struck.total() >= KILLS_PER_LOG:
            break
        if rng.random() < 0.2:
            act_if_possible(folder / "log.db")
        where = strike(folder, faulty, rng, crashpoints.ALL)
        if where != "ended":
            struck[where] += 1
    code = recover(folder, calm, timeout_s=120)
    return Story(struck, code, audit(folder / "log.db"))


def act_if_possible(db: Path) -> None:
    """Ask for a panic now and then, so that unwinding is struck as well."""
    if db.exists():
        act(db, "panic", None, "the test wants an unwind")


@pytest.mark.long
def test_two_hundred_kills_under_faults_lose_and_double_nothing(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        stories = list(pool.map(lambda n: live_and_die(n, tmp_path / f"log{n}"), range(LOGS)))
    struck: Counter[str] = Counter()
    outcomes: Counter[str] = Counter()
    for story in stories:
        struck += story.struck
        outcomes += Counter({str(name): n for name, n in story.audit.outcomes.items()})
    counts = f"seed {SEED}: {struck.total()} kills: {dict(sorted(struck.items()))}"
    record_property("proof", f"{counts}; outcomes: {dict(sorted(outcomes.items()))}")
    assert struck.total() >= LOGS * KILLS_PER_LOG
    for point in (*crashpoints.ALL, MOMENT):
        assert struck[point] >= HITS_MIN, struck
    for number, story in enumerate(stories):
        assert story.audit.clean, (number, story.audit)
        assert story.code in {0, 1}, (number, story.code)  # 1: something is parked
