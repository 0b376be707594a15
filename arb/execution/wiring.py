"""The composition root: the one place that knows every part, and puts a run together."""

import random
import secrets
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import msgspec
import structlog
from msgspec import Struct

from arb import ids
from arb.clock import NS_PER_MS, Clock
from arb.errors import ConfigInvalid, WrongLog
from arb.events.facts import LogCreated
from arb.events.sqlite import (
    HeldLock,
    SqliteLog,
    examine,
    free_space_low,
    lock_account,
    open_log,
)
from arb.exchange.fault_plan import FaultPlan
from arb.exchange.faults import FaultyVenue
from arb.exchange.frictions import Frictions
from arb.exchange.paper_account import PaperAccount
from arb.exchange.paper_venue import PAPER_RULES, PaperVenue
from arb.execution.building import Outside, Wish, build
from arb.execution.engine import Engine, Parts
from arb.execution.feeding import play
from arb.execution.history import History
from arb.execution.kill_switch import kill_switch
from arb.execution.operator import Operator
from arb.execution.sources import Market
from arb.feeds.source import MarketSource
from arb.market.book import FeeRates
from arb.money import BPS, plain
from arb.projections.projector import Projections
from arb.strategy.loader import Loaded
from arb.strategy.schema import Backtest, Faults, Paper, Strategy

log = structlog.get_logger()

PAPER_SUFFIX = ".paper"
Settings = Paper | Backtest


class Options(Struct, frozen=True, kw_only=True):
    """What a run was asked beside its strategies."""

    db: Path
    cycles: int | None = None
    recover: bool = True
    duration_s: float | None = None


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


def shared(loaded: Sequence[Loaded]) -> Strategy:
    """The settings that several strategies of one run must share; raises ConfigInvalid."""
    first = loaded[0].strategy
    for other in loaded[1:]:
        strategy = other.strategy
        for name, mine, theirs in (
            ("exchange", first.exchange, strategy.exchange),
            ("fees", first.fees, strategy.fees),
            ("execution", first.execution, strategy.execution),
            # The same words can name other files where the strategies lie in other folders.
            ("data_file", _file(loaded[0].data_file), _file(other.data_file)),
            ("markets_file", _file(loaded[0].markets_file), _file(other.markets_file)),
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


def fee_rates(strategy: Strategy) -> FeeRates:
    """The strategy's fees as fractions."""
    fees = strategy.fees
    return FeeRates(fees.taker_bps / BPS, fees.maker_bps / BPS, fees.fee_currency)


@asynccontextmanager
async def assemble(
    loaded: Sequence[Loaded], options: Options, clock: Clock, market: Market
) -> AsyncIterator[Run]:
    """Put a paper or backtest run on an opened market together, and take it apart in order.

    Raises ArbError before anything is written where the run cannot be.
    """
    strategy = shared(loaded)
    mode = strategy.execution.mode
    backtest = mode == "backtest"
    # What cannot be used is refused before anything stands beside it.
    found = examine(options.db)
    _refuse_early(loaded[0], options.db, None if found is None else found.identity)
    began = 0 if found is None else found.head.position
    account = _paper_account(strategy, options.db)
    run_id = "backtest" if backtest else secrets.token_hex(4)
    seed = strategy.execution.backtest.random_seed if backtest else secrets.randbits(32)
    try:
        events = open_log(
            options.db,
            mode=mode,
            venue=strategy.venue.id,
            account=account.uid,
            instance=ids.instance_from(seed),
            run=run_id,
            at_ns=clock.now_ns(),
            on_loop=backtest,
            projector=Projections(),
        )
    except BaseException:
        account.close()
        raise
    history = History(events)
    account_lock: list[HeldLock] = []
    venue: PaperVenue | FaultyVenue | None = None
    try:
        source = market.source
        if not backtest:  # it began to play when the log was made, and went on while no engine ran
            source = market.begun_at(history.began_ns() or clock.now_ns())
        venue = _venue(strategy, account, source, clock)
        outside = Outside(
            clock=clock,
            events=events,
            history=history,
            venue=venue,
            changes=partial(play, source, clock, every_row=backtest),
            run_id=run_id,
            lock_account=lambda: account_lock.append(lock_account(strategy.venue.id, account.uid)),
            space_low=(lambda: False) if backtest else (lambda: free_space_low(options.db)),
            kill_switch=None if backtest else kill_switch(options.db),
        )
        wish = Wish(cycles=options.cycles, recover=options.recover, duration_s=options.duration_s)
        built = build(loaded, wish, outside)
        yield Run(
            engine=built.engine,
            log=events,
            parts=built.parts,
            operator=built.operator,
            notes=(*market.notes, *_account_notes(strategy, account)),
            began=began,
            span_ns=market.span_ns if backtest else None,
        )
    finally:
        history.close()
        await events.close()
        if venue is None:
            account.close()
        else:
            await venue.close()
        for lock in account_lock:
            lock.release()


def _refuse_early(loaded: Loaded, db: Path, identity: LogCreated | None) -> None:
    """Refuse a log of another domain, a lost account and a bad feed, while nothing is written."""
    strategy = loaded.strategy
    execution = strategy.execution
    if identity is not None and (identity.mode, identity.venue) != (
        execution.mode,
        strategy.venue.id,
    ):
        raise WrongLog(
            f"{db} is a log of mode {identity.mode} on {identity.venue}, this run is "
            f"{execution.mode} on {strategy.venue.id}; give another --db"
        )
    paper = db.with_name(db.name + PAPER_SUFFIX)
    if identity is not None and execution.mode == "paper" and not paper.exists():
        raise WrongLog(f"{paper}, the account that {db} was written on, is gone; restore it")


def _paper_account(strategy: Strategy, db: Path) -> PaperAccount:
    execution = strategy.execution
    if execution.mode == "backtest":
        balances = execution.backtest.initial_balances
        return PaperAccount.open(None, uid="backtest", opening=balances)
    path = db.with_name(db.name + PAPER_SUFFIX)
    return PaperAccount.open(
        path, uid=secrets.token_hex(8), opening=execution.paper.initial_balances
    )


def _account_notes(strategy: Strategy, account: PaperAccount) -> Iterator[str]:
    """Say that an account which is there already keeps its balances, where the file has others."""
    execution = strategy.execution
    settings = execution.backtest if execution.mode == "backtest" else execution.paper
    asked = {asset: amount for asset, amount in settings.initial_balances.items() if amount > 0}
    opening = {asset: amount for asset, amount in account.opening().items() if amount > 0}
    if asked != opening:
        told = ", ".join(f"{plain(amount)} {asset}" for asset, amount in opening.items())
        yield (
            f"balances: this paper account began with {told}; other `initial_balances` change "
            "nothing, a new account comes with another --db"
        )


def _venue(
    strategy: Strategy, account: PaperAccount, source: MarketSource, clock: Clock
) -> PaperVenue | FaultyVenue:
    execution = strategy.execution
    settings = execution.backtest if execution.mode == "backtest" else execution.paper
    venue = PaperVenue(
        account,
        source,
        clock,
        fees=fee_rates(strategy),
        latency_ns=settings.latency_sim_ms * NS_PER_MS // 2,
        rules=PAPER_RULES,
        frictions=_frictions(settings),
    )
    if execution.mode == "backtest":
        return venue
    faults = execution.paper.faults
    if faults == Faults():
        return venue
    # What is hidden is a function of the seed: the same one after every restart.
    plan = msgspec.convert(msgspec.to_builtins(faults), FaultPlan, strict=False)
    draws = random.Random(secrets.randbits(64))  # noqa: S311 -- faults, not secrets
    return FaultyVenue(venue, plan, clock, execution.paper.random_seed, draws=draws)


def _frictions(settings: Settings) -> Frictions:
    moved, impact = settings.slippage_model, settings.market_impact
    return Frictions(
        seed=settings.random_seed,
        fill_ratio=settings.fill_ratio,
        padding_bps=settings.spread_padding_bps,
        base_bps=moved.base_bps,
        random_bps=moved.random_bps,
        impact_bps_per_1000=impact.bps_per_1000,
        impact_bps_max=impact.max_bps,
    )
