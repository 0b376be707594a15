"""Put an engine together from what is ready-made: a venue, a market, a log and a clock."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from functools import partial

import structlog
from msgspec import Struct

from arb.clock import NS_PER_S, Clock
from arb.events import facts as f
from arb.events.log import EventLog
from arb.exchange.faults.venue import VenueWithBooks
from arb.execution.account.access import Access
from arb.execution.account.desk import Desk
from arb.execution.account.history import History
from arb.execution.account.journal import Journal
from arb.execution.cycles.runner import Runner
from arb.execution.operating.operator import Operator
from arb.execution.opportunities.detector import Detector
from arb.execution.opportunities.fee_watch import FeeWatch
from arb.execution.opportunities.following import Attend, Following, see_all
from arb.execution.opportunities.tally import Tally
from arb.execution.opportunities.trader import Trader
from arb.execution.opportunities.watching import Watching
from arb.execution.opportunities.watchlist import Watchlist
from arb.execution.reconciling.reconcile import Reconciler
from arb.execution.risk.breaker import Breaker
from arb.execution.risk.declined import Declined
from arb.execution.risk.guards import Guards
from arb.execution.risk.kill_switch import KillSwitch, KillWatch
from arb.execution.risk.loss_limits import broken_at_start
from arb.execution.runs.engine import Engine
from arb.execution.runs.feeding import beginning_with
from arb.execution.runs.parts import Parts
from arb.execution.runs.taping import Tap
from arb.feeds.source import Change
from arb.limits import WATCH_FINAL_ORDERS_S
from arb.strategy.canonical import from_canonical
from arb.strategy.loader import Loaded, start_currencies
from arb.strategy.schema import Strategy
from arb.version import installed_version

log = structlog.get_logger()

Changes = Callable[[int], AsyncIterator[Change]]  # of the books, after a time


class Outside(Struct, frozen=True, kw_only=True):
    """What the engine stands on, and what a test may put in its place."""

    clock: Clock
    events: EventLog
    history: History
    venue: VenueWithBooks
    changes: Changes
    run_id: str
    lock_account: Callable[[], None]
    space_low: Callable[[], bool]
    kill_switch: KillSwitch | None = None
    tap: Tap | None = None  # records what the engine is told
    attend: Attend = see_all
    settled: Callable[[], None] = lambda: None  # everything that stays is there: trading begins


class Wish(Struct, frozen=True, kw_only=True):
    """What a run was asked beside its strategies."""

    cycles: int | None = None
    recover: bool = True
    duration_s: float | None = None


class Built(Struct, frozen=True):
    """An engine ready to run."""

    engine: Engine
    parts: Parts
    operator: Operator


class Deciding(Struct, frozen=True):
    """What decides to trade or not."""

    detector: Detector
    watchlist: Watchlist
    watching: Watching
    trader: Trader


def deciding(
    loaded: Sequence[Loaded],
    desk: Desk,
    runner: Runner,
    *,
    cycles_max: int | None,
    space_low: Callable[[], bool],
    tap: Tap | None = None,
) -> Deciding:
    """Join what decides; it knows the venue's markets once `watching.plan` was called."""
    desk.running = {one.strategy.name: one.strategy for one in loaded}
    desk.starts = {
        one.strategy.name: start_currencies(one.strategy, one.cycle_file) for one in loaded
    }
    detector = Detector()
    watchlist = Watchlist(detector.scan.cycles)
    trader = Trader(
        desk,
        runner,
        Breaker(desk, loaded[0].strategy.risk_controls.breaker),
        Guards(desk),
        Declined(desk.journal),
        detector=detector,
        watchlist=watchlist,
        cycles_max=cycles_max,
        space_low=space_low,
        witness=tap,
    )
    watching = Watching(loaded, desk, detector, watchlist, partial(trader.notice, None))
    if tap is not None:
        tap.join(desk, loaded, run=desk.journal.run, cycles_max=cycles_max)
        desk.on_terms = partial(tap.relisted, watching.follow)
    return Deciding(detector, watchlist, watching, trader)


def build(loaded: Sequence[Loaded], wish: Wish, outside: Outside) -> Built:
    """Make every part and join them; nothing is read from the venue and nothing is written yet."""
    clock, history = outside.clock, outside.history
    strategy = loaded[0].strategy
    backtest = strategy.execution.mode == "backtest"
    tap = None if backtest else outside.tap  # a backtest plays what somebody recorded
    if tap is not None:
        tap.looked.books = outside.venue
    account, cycles = history.account(), history.open_cycles()
    journal = Journal(outside.events, clock, outside.run_id, account, cycles)
    journal.position = outside.events.head().position
    configs = {one.config_hash: one.strategy for one in loaded}
    desk = Desk(
        clock=clock,
        journal=journal,
        access=Access(outside.venue, clock),
        books=outside.venue if tap is None else tap.looked,
        strategies={**_began_with(history, sorted({cycle.config for cycle in cycles})), **configs},
        alone=backtest,
    )
    history.on_miss = lambda config: desk.strategies.update(_began_with(history, [config]))
    runner = Runner(desk, history)
    since = account.trades_through_ns - WATCH_FINAL_ORDERS_S * NS_PER_S
    reconciler = Reconciler(
        desk,
        runner,
        history,
        known=history.known_trades(since),
        changes=history.known_changes(),
    )
    decider = deciding(
        loaded, desk, runner, cycles_max=wish.cycles, space_low=outside.space_low, tap=tap
    )
    watching = decider.watching
    switch = outside.kill_switch

    following = Following(desk, watching, outside.attend)
    began_ns = clock.now_ns()

    def feed() -> AsyncIterator[Change]:
        if backtest:  # it judges every row, those too that came while the first readings were made
            return outside.changes(began_ns)
        # A quiet market may not say again for long how it stands.
        now_ns = clock.now_ns()
        books = (desk.book(market) for market in sorted(desk.markets) if desk.is_attended(market))
        standing = [book for book in books if book is not None]
        changes = beginning_with(standing, now_ns, outside.changes(now_ns))
        return changes if tap is None else tap.through(changes)

    parts = Parts(
        desk=desk,
        runner=runner,
        trader=decider.trader,
        watchlist=decider.watchlist,
        reconciler=reconciler,
        detector=decider.detector,
        tally=Tally(lambda: journal.moved),
        fee_watch=FeeWatch(desk, following.follow),
        feed=feed,
        plan=watching.plan,
        attend=following.attend,
        follow_for_ever=following.look_for_ever,
        kill_watch=None if switch is None else KillWatch(switch, journal, clock),
        broken_limits=partial(broken_at_start, desk),
        lock_account=outside.lock_account,
        settled=outside.settled,
        run=outside.run_id,
        version=installed_version(),
        duration_s=wish.duration_s,
        cycles_max=wish.cycles,
        recover=wish.recover,
        strategies=_loaded_facts(loaded, history),
    )
    engine = Engine(parts)
    runner.on_fatal = engine.fail
    trader = decider.trader
    operator = Operator(journal, history, runner, switch, opening=lambda: trader.opening)
    return Built(engine, parts, operator)


def _began_with(history: History, configs: Sequence[str]) -> Mapping[str, Strategy]:
    """The configurations that open cycles began with, from the log."""
    return {
        config: from_canonical(text)
        for config in configs
        if (text := history.strategy_text(config)) is not None
    }


def _loaded_facts(loaded: Sequence[Loaded], history: History) -> tuple[f.StrategyLoaded, ...]:
    return tuple(
        f.StrategyLoaded(name=one.strategy.name, config=one.config_hash, text=one.canonical)
        for one in loaded
        if history.strategy_text(one.config_hash) is None
    )
