"""What every run has in common: its log, its account's lock, its engine, and taking them apart in order."""

import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from msgspec import Struct

from arb import ids
from arb.clock import Clock
from arb.errors import ConfigInvalid
from arb.events.sqlite import HeldLock, SqliteLog, lock_account, open_log, space_gauge
from arb.exchange.faults.venue import VenueWithBooks
from arb.execution.account.history import History
from arb.execution.operating.operator import Operator
from arb.execution.opportunities.following import Attend, see_all
from arb.execution.risk.kill_switch import kill_switch
from arb.execution.runs.building import Changes, Outside, Wish, build
from arb.execution.runs.engine import Engine
from arb.execution.runs.parts import Parts
from arb.execution.runs.taping import Tap
from arb.projections.projector import Projections
from arb.strategy.loader import Loaded
from arb.strategy.schema import Strategy


class Options(Struct, frozen=True, kw_only=True):
    """What a run was asked beside its strategies."""

    db: Path
    cycles: int | None = None
    recover: bool = True
    duration_s: float | None = None
    unproven_venue: bool = False  # live: trade on a venue whose dialect was never proven end to end
    withdrawing_key: bool = False  # live: trade with a key that may withdraw
    record: Path | None = None  # where to write what the engine is told of the books


class Run(Struct, kw_only=True):
    """A run that is put together: the engine, and what faces may look at."""

    engine: Engine
    log: SqliteLog
    parts: Parts
    operator: Operator
    notes: tuple[str, ...]
    began: int = 0  # the log's last position before this run
    span_ns: tuple[int, int] | None = (
        None  # first and last moment of what is played, if it has an end
    )
    left_out: tuple[str, ...] = ()  # of what is played: damage, and rows that were not believed


class Trading(Struct, frozen=True):
    """Where a run trades, once its log is open: the venue, and how its books change."""

    venue: VenueWithBooks
    changes: Changes


class Site(Struct, frozen=True, kw_only=True):
    """What a mode brings along: whose account it is, and how trading there begins and ends."""

    account: str  # fingerprint
    began: int  # the log's last position before this run
    enter: Callable[[History], Trading]
    check_account: Callable[[], None] = lambda: None  # that the venue tells of this very account
    attend: Attend = see_all
    joined: Callable[[Run], None] = lambda _run: None  # the engine is there and does not run yet
    settled: Callable[[], None] = lambda: None  # everything that stays is there: trading begins
    notes: tuple[str, ...] = ()
    span_ns: tuple[int, int] | None = None
    left_out: tuple[str, ...] = ()


def shared(loaded: Sequence[Loaded]) -> Strategy:
    """The settings that several strategies of one run must share; raises ConfigInvalid."""
    first = loaded[0].strategy
    for other in loaded[1:]:
        strategy = other.strategy
        for name, mine, theirs in (
            ("exchange", first.venue, strategy.venue),
            ("fees", first.fees, strategy.fees),
            ("execution", first.execution, strategy.execution),
            # The same words can name other files where the strategies lie in other folders.
            ("data_file", _file(loaded[0].data_file), _file(other.data_file)),
            ("markets_file", _file(loaded[0].markets_file), _file(other.markets_file)),
            ("exchange.ca_file", _file(loaded[0].ca_file), _file(other.ca_file)),
            # It counts what the account meets, whichever strategy meets it.
            (
                "risk_controls.breaker",
                first.risk_controls.breaker,
                strategy.risk_controls.breaker,
            ),
        ):
            if mine != theirs:
                raise ConfigInvalid(
                    f"{other.path}: `{name}` differs from {loaded[0].path}; strategies of one run "
                    "share one venue and one account"
                )
        if strategy.name == first.name:
            raise ConfigInvalid(f"{other.path}: the name {strategy.name!r} is used twice")
    return first


def _file(named: Path | None) -> Path | None:
    return None if named is None else named.resolve()


@asynccontextmanager
async def assembled(
    loaded: Sequence[Loaded], options: Options, clock: Clock, site: Site
) -> AsyncIterator[Run]:
    """Open the log, join every part, and take it all apart again; the site closes its own venue.

    Raises LogLocked, UnsafeStorage, WrongLog or LogDamaged.
    """
    strategy = loaded[0].strategy
    mode, venue_id = strategy.execution.mode, strategy.venue.id
    backtest = mode == "backtest"
    tap = None
    if options.record is not None:
        feed = "live" if mode == "live" else strategy.execution.paper.feed
        tap = Tap(options.record, venue_id, feed, clock)
    run_id = "backtest" if backtest else secrets.token_hex(4)
    seed = strategy.execution.backtest.random_seed if backtest else secrets.randbits(32)
    events = open_log(
        options.db,
        mode=mode,
        venue=venue_id,
        account=site.account,
        instance=ids.instance_from(seed),
        run=run_id,
        at_ns=clock.now_ns(),
        on_loop=backtest,
        durable=not backtest,
        projector=Projections(),
    )
    history = History(events)
    held: list[HeldLock] = []

    def hold_account() -> None:
        site.check_account()
        if not backtest:  # its account is in memory: two backtests at once share nothing
            held.append(lock_account(venue_id, site.account))

    try:
        trading = site.enter(history)
        outside = Outside(
            clock=clock,
            events=events,
            history=history,
            venue=trading.venue,
            changes=trading.changes,
            run_id=run_id,
            lock_account=hold_account,
            space_low=(lambda: False) if backtest else space_gauge(options.db),
            kill_switch=None if backtest else kill_switch(options.db),
            attend=site.attend,
            settled=site.settled,
            tap=tap,
        )
        wish = Wish(cycles=options.cycles, recover=options.recover, duration_s=options.duration_s)
        built = build(loaded, wish, outside)
        run = Run(
            engine=built.engine,
            log=events,
            parts=built.parts,
            operator=built.operator,
            notes=site.notes,
            began=site.began,
            span_ns=site.span_ns,
            left_out=site.left_out,
        )
        site.joined(run)
        yield run
    finally:
        if tap is not None:
            tap.close()
        history.close()
        await events.close()
        for lock in held:
            lock.release()
