"""Put paper runs and backtests together: the paper venue, its account, and the market it plays."""

import random
import secrets
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import msgspec

from arb.clock import NS_PER_MS, Clock
from arb.errors import WrongLog
from arb.events.facts import LogCreated
from arb.events.sqlite import look
from arb.events.sqlite.storage import beside
from arb.exchange.faults.plan import FaultPlan
from arb.exchange.faults.venue import FaultyVenue
from arb.exchange.paper.account import PaperAccount
from arb.exchange.paper.frictions import Frictions
from arb.exchange.paper.venue import PAPER_RULES, PaperVenue
from arb.exchange.port import VenueRules
from arb.execution.account.history import History
from arb.execution.opportunities.discovery import refuse_unknown_markets
from arb.execution.runs.assembling import Options, Run, Site, Trading, assembled, shared
from arb.execution.runs.feeding import play
from arb.execution.runs.sources import Market
from arb.feeds.source import MarketSource
from arb.market.book import FeeRates
from arb.money import BPS, plain
from arb.strategy.loader import Loaded
from arb.strategy.schema import Backtest, Faults, Paper, Strategy

PAPER_SUFFIX = ".paper"
Settings = Paper | Backtest


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
    backtest = strategy.execution.mode == "backtest"
    # What cannot be used is refused before anything stands beside it.
    found = look(options.db)
    refuse_other_log(strategy, options.db, None if found is None else found.identity)
    if found is None:
        refuse_unknown_markets(loaded, market.source.markets)
    account = _paper_account(strategy, options.db)

    def enter(history: History) -> Trading:
        source = market.source
        if not backtest:  # it began to play when the log was made, and went on while no engine ran
            source = market.begun_at(history.began_ns() or clock.now_ns())
        changes = market.changes or partial(play, source, clock, every_row=backtest, mark=True)
        return Trading(_venue(strategy, account, source, clock), changes)

    site = Site(
        account=account.uid,
        began=0 if found is None else found.head.position,
        enter=enter,
        attend=market.attend,
        notes=(*market.notes, *_account_notes(strategy, account)),
        span_ns=market.span_ns if backtest else None,
        left_out=market.left_out,
    )
    try:
        async with assembled(loaded, options, clock, site) as run:
            try:
                yield run
            finally:
                await run.parts.desk.access.venue.close()
    finally:
        account.close()


def refuse_other_log(strategy: Strategy, db: Path, identity: LogCreated | None) -> None:
    """Refuse a log of another domain, and a lost account, while nothing is written."""
    execution = strategy.execution
    if identity is not None and (identity.mode, identity.venue) != (
        execution.mode,
        strategy.venue.id,
    ):
        raise WrongLog(
            f"{db} is a log of mode {identity.mode} on {identity.venue}, this run is "
            f"{execution.mode} on {strategy.venue.id}; give another --db"
        )
    paper = beside(db, PAPER_SUFFIX)
    if identity is not None and execution.mode == "paper" and not paper.exists():
        raise WrongLog(f"{paper}, the account that {db} was written on, is gone; restore it")


def _paper_account(strategy: Strategy, db: Path) -> PaperAccount:
    execution = strategy.execution
    if execution.mode == "backtest":
        balances = execution.backtest.initial_balances
        return PaperAccount.open(None, uid="backtest", opening=balances)
    path = beside(db, PAPER_SUFFIX)
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
        rules=_rules(settings),
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


def _rules(settings: Settings) -> VenueRules:
    """The paper venue's windows; an order is not late there for the way that it is asked to take.

    Real venues take orders for seconds: there such a way is no reason to refuse one either.
    """
    window_ns = max(PAPER_RULES.recv_window_ns, settings.latency_sim_ms * NS_PER_MS)
    return msgspec.structs.replace(PAPER_RULES, recv_window_ns=window_ns)


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
