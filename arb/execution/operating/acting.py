"""The acting commands' way in: into the running engine, or through the log's lock between runs."""

import asyncio
import secrets
from pathlib import Path

from arb.errors import LogLocked, WrongLog
from arb.events.facts import LogCreated
from arb.events.sqlite import look, open_log
from arb.execution.account.history import History
from arb.execution.account.journal import Journal
from arb.execution.operating.control import ActResult, Request, ask_engine
from arb.execution.operating.operator import NextRun, Operator
from arb.execution.process.real_clock import RealClock
from arb.execution.risk.kill_switch import kill_switch
from arb.projections.projector import Projections


def act(
    db: Path,
    action: str,
    target: str | None = None,
    reason: str | None = None,
    verdict: str | None = None,
) -> ActResult:
    """Do what an operator asks; each request that is carried out is an event.

    Raises WrongLog where there is no log, LogLocked where another program holds it.
    """
    request = Request(action=action, target=target, reason=reason, verdict=verdict)
    answer = ask_engine(db, request)
    if answer is not None:
        return answer
    try:
        found = look(db)
        if found is None or found.identity is None:
            raise WrongLog(f"there is no log at {db}; check `--db`")
        return asyncio.run(_between_runs(db, found.identity, request))
    except LogLocked:
        # An engine that is just starting holds the lock before it listens.
        answer = ask_engine(db, request)
        if answer is None:
            raise
        return answer


async def _between_runs(db: Path, domain: LogCreated, request: Request) -> ActResult:
    clock = RealClock()
    run = f"operator-{secrets.token_hex(4)}"
    events = open_log(
        db,
        mode=domain.mode,
        venue=domain.venue,
        account=domain.account,
        instance=domain.instance,
        run=run,
        at_ns=clock.now_ns(),
        projector=Projections(),
    )
    history = History(events)
    try:
        journal = Journal(events, clock, run, history.account(), history.open_cycles())
        operator = Operator(journal, history, NextRun(journal, history), kill_switch(db))
        return await operator.handle(request)
    finally:
        history.close()
        await events.close()
