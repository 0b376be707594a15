"""A live run against a practice exchange in the same loop: the real client, real sockets, one process."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import structlog

from arb.events import facts as f
from arb.exchange.practice.server import Practice, Settings, practice
from arb.execution.process.real_clock import RealClock
from arb.execution.runs.assembling import Options, Run
from arb.execution.runs.live import assemble_live
from arb.projections.audit import verify
from arb.simulation.practice_process import STRATEGY
from arb.strategy.loader import load
from tests.live.truth import Truth

WITHIN_S: Final = 60.0
Act = Callable[[Practice, Run], Awaitable[None]]


class Ended(NamedTuple):
    """What a run left behind."""

    code: int
    facts: list[f.Fact]
    truth: Truth
    fatal: Exception | None

    def of(self, kind: type) -> list[Any]:
        """The facts of a kind."""
        return [fact for fact in self.facts if isinstance(fact, kind)]

    def states(self) -> dict[str, int]:
        """How many cycles ended in which state."""
        return dict(self.truth.states)


def traded(
    folder: Path,
    *,
    cycles: int = 1,
    at_once: int = 1,
    strikes: Sequence[Mapping[str, Any]] = (),
    rates: Mapping[str, float] | None = None,
    act: Act | None = None,
    strategy: Callable[[str], str] = lambda text: text,
    fee_asset: str | None = None,
    options: Mapping[str, Any] | None = None,
    venue: str = "binance",
    log_to: Any = None,
    **settings: Any,
) -> Ended:
    """Trade some cycles; `strikes` are armed once the engine is about to trade, `act` runs beside it."""
    structlog.configure(logger_factory=log_to or structlog.ReturnLoggerFactory())
    db = folder / "log.db"

    async def live() -> tuple[int, Exception | None]:
        asked = Settings(
            folder=folder / "practice",
            venue=venue,
            fee_asset=fee_asset,
            rates=rates or {},
            **settings,
        )
        async with practice(asked, RealClock()) as there:
            path = folder / "s.yaml"
            text = STRATEGY.format(venue=venue, port=there.port, at_once=at_once)
            path.write_text(strategy(text))
            for strike in strikes:
                there.faults.arm(
                    strike["fault"], strike.get("on"), strike.get("nth", 1), strike.get("times", 1)
                )
            wish = Options(db=db, cycles=cycles, **(options or {}))
            async with assemble_live([load(path)], wish, RealClock()) as run:
                beside = None if act is None else asyncio.create_task(act(there, run))
                code = await run.engine.run()
                if beside is not None:
                    await beside
                return code, run.engine.fatal

    async def within() -> tuple[int, Exception | None]:
        async with asyncio.timeout(WITHIN_S):
            return await live()

    try:
        code, fatal = asyncio.run(within())
    finally:
        structlog.reset_defaults()
    return seen(folder, code, fatal, venue)


def seen(folder: Path, code: int, fatal: Exception | None = None, venue: str = "binance") -> Ended:
    """What the log and the exchange's own account say now."""
    db = folder / "log.db"
    truth = Truth(db, folder / "practice" / f"{venue}.db")
    return Ended(code, truth.facts(), truth, fatal)


def accounted_for(ended: Ended) -> None:
    """Every unit is in the ledger, nothing was sent twice, no cycle is open, and the log proves it."""
    assert ended.truth.differences() == {}
    assert ended.truth.sent_twice() == []
    assert ended.truth.unknown_to_the_log() == []
    assert set(ended.truth.states) <= {"completed", "failed"}
    assert verify(ended.truth.db) == []


async def until(look: Callable[[], object]) -> None:
    """Wait until something is so."""
    while not look():  # noqa: ASYNC110 -- it looks at what other tasks do
        await asyncio.sleep(0.005)
