"""What the wiring makes and the engine runs."""

from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable

from msgspec import Struct

from arb.events import facts as f
from arb.execution.account.desk import Desk
from arb.execution.cycles.runner import Runner
from arb.execution.opportunities.detector import Detector
from arb.execution.opportunities.fee_watch import FeeWatch
from arb.execution.opportunities.tally import Tally
from arb.execution.opportunities.trader import Trader
from arb.execution.opportunities.watchlist import Watchlist
from arb.execution.reconciling.reconcile import Reconciler
from arb.execution.risk.kill_switch import KillWatch
from arb.feeds.source import Change


class Parts(Struct):
    """What the wiring makes and the engine runs."""

    desk: Desk
    runner: Runner
    trader: Trader
    watchlist: Watchlist
    reconciler: Reconciler
    detector: Detector
    tally: Tally
    fee_watch: FeeWatch
    feed: Callable[[], AsyncIterator[Change]]
    plan: Callable[[], None]  # once the venue's markets are known; raises ConfigInvalid
    attend: Callable[[], Awaitable[None]]  # see to it that the books of what is planned are there
    # The same for markets that come later; what pays with them, or with other fees, is decided on.
    follow_for_ever: Callable[[Callable[[], Awaitable[None]]], Coroutine[None, None, None]]
    broken_limits: Callable[[], Iterable[f.RiskTripped]]  # by what the log knows
    lock_account: Callable[[], None]
    settled: Callable[[], None]  # everything that stays is there: trading begins
    run: str
    version: str
    kill_watch: KillWatch | None = None
    duration_s: float | None = None
    cycles_max: int | None = None
    recover: bool = True
    strategies: tuple[f.StrategyLoaded, ...] = ()  # configurations this log does not hold yet
    progress: Callable[[int], None] = lambda _at_ns: None  # told now and then how far the feed is
