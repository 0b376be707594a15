"""Compare the account with the venue: late fills, foreign trades, balances that do not fit.

Per asset, venue (free + locked) = opening + ledger + recorded external changes. It is judged only
when no order of ours in that asset is open or unknown, over two equal readings around an unchanged
last trade; otherwise it is pending. Nothing is corrected silently.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import suppress
from decimal import Decimal
from typing import Final

import structlog

from arb import limits
from arb.clock import NS_PER_S
from arb.events import facts as f
from arb.exchange.port import (
    Balance,
    BalanceChange,
    Banned,
    OrderReport,
    Unreachable,
)
from arb.execution.account.archive import Archive
from arb.execution.account.desk import Desk
from arb.execution.cycles import untold
from arb.execution.cycles.runner import Runner
from arb.execution.orders.vetting import unreadable_change
from arb.execution.reconciling.opening import read_opening
from arb.execution.reconciling.sweeping import SWEEP_MARGIN_NS, Sweeper
from arb.execution.reconciling.used_ids import refuse_others, refuse_used_next
from arb.money import ZERO, plain

log = structlog.get_logger()

_MOVES_NOTHING: Final = (f.BalancesReconciled, f.OpportunitiesDeclined)
_CLOCK_READ_NS: Final = round(limits.CLOCK_READ_AGE_S_MAX * NS_PER_S) // 2


class Reconciler:
    """Sweeps trades and judges balances; the only writer of account facts about money."""

    def __init__(
        self,
        desk: Desk,
        runner: Runner,
        archive: Archive,
        *,
        known: set[tuple[str, str]],
        changes: set[str],
    ) -> None:
        self._desk = desk
        self._archive = archive
        self._sweeper = Sweeper(desk, runner, archive, known)
        desk.recorded_changes |= changes
        self._doubted_ns: dict[str, int] = {}  # what is wrong with a change -> since when
        self._awaited_ns: dict[str, int] = {}  # asset -> since when its difference may be explained
        self._opening: f.AccountOpened | None = None
        self._judging = asyncio.Lock()
        self._moved_ns: dict[str, int] = {}  # asset -> when, in monotonic time, it was last moved
        self._still = False  # nothing that can move it was told since every balance fitted
        self._looked_ns = 0
        desk.journal.listen(self._hear)

    def _hear(self, _stream: str, fact: f.Fact, _at_ns: int) -> None:
        """Note what the venue told by other means than a balance, which may show it later."""
        self._still = self._still and isinstance(fact, _MOVES_NOTHING)
        now = self._desk.clock.monotonic_ns()
        if isinstance(fact, f.OrderFilled):
            for asset in (fact.base, fact.quote, fact.fee_asset):
                self._moved_ns[asset] = now
        elif isinstance(fact, f.ExternalChangeFound) and fact.explained:
            self._moved_ns[fact.asset] = now  # also each part of a trade of another client

    # --- opening ------------------------------------------------------------------------------

    async def read_opening(self) -> None:
        """Read the balances that this log begins with; raises Unreachable or Banned."""
        self._opening = await read_opening(self._desk, self._sweeper.own_markets(()))

    async def open_account(self) -> None:
        """Record the balances that this log begins with, once."""
        if self._desk.journal.account.opening is None:
            assert self._opening is not None, "the opening is read before it is recorded"
            await self._desk.journal.note(self._opening, cause="start")

    # --- trades -------------------------------------------------------------------------------

    def refuse_others(self, open_orders: Sequence[OrderReport]) -> None:
        """Refuse open orders that this log did not intend; raises LogLocked or LogDamaged."""
        refuse_others(self._desk, self._archive, open_orders)

    async def refuse_used_ids(self) -> None:
        """Refuse a log that does not know what its ids were used for; raises LogDamaged.

        Raises Unreachable or Banned when the venue cannot be asked.
        """
        markets = self._sweeper.own_markets(())
        await refuse_used_next(self._desk, self._archive, markets)
        await self._sweeper.refuse_used_ids()

    def interval_s(self) -> float:
        """How long to wait between two comparisons: the venue's reads are not ours alone."""
        markets = len(self._sweeper.own_markets(()))
        return max(limits.SWEEP_INTERVAL_S, markets / limits.SWEEP_MARKETS_PER_S_MAX)

    # --- balances -----------------------------------------------------------------------------

    def _at_rest(self, asked_ns: int) -> set[str]:
        """Assets of our account in which no order of ours is open, unknown or too fresh."""
        account = self._desk.journal.account
        fresh_ns = asked_ns - self._desk.rules.visibility_ns
        busy = {asset for asset, moved_ns in self._moved_ns.items() if moved_ns > fresh_ns}
        for cycle in self._desk.journal.cycles.values():
            for order in cycle.pending_orders():
                busy |= {order.base, order.quote}
                if self._desk.fees.fee_asset:
                    busy.add(self._desk.fees.fee_asset)
        # A trade that was seen and could not be booked yet explains more than a halt would.
        busy |= self._sweeper.doubtful_assets()
        return account.assets() - busy

    async def look_again(self) -> None:
        """Judge, as every so often; where that can bring nothing new only the venue's clock is read."""
        now_ns = self._desk.clock.now_ns()
        if not (self._desk.alone and self._still):
            await try_judge(self)
        elif now_ns - self._looked_ns >= _CLOCK_READ_NS:
            with suppress(Unreachable, Banned):  # the next time is soon
                await self._desk.access.venue_time_ns()
        else:
            return
        self._looked_ns = now_ns

    async def judge(self) -> bool:
        """Compare every asset at rest; True when all assets were judged and fit.

        One judge at a time: two would record the same difference twice. Raises Unreachable or
        Banned when the venue cannot be asked.
        """
        async with self._judging:
            return await self._judge()

    async def _judge(self) -> bool:
        desk = self._desk
        head = desk.journal.account.ledger.copy()
        asked_ns = desk.clock.monotonic_ns()
        first = await desk.access.balances()
        await self._sweeper.sweep()
        second = await desk.access.balances()
        await self._new_assets(second)
        account = desk.journal.account
        rest = self._at_rest(asked_ns)
        if head != account.ledger:
            return False  # a fill came between the readings
        desk.arbiter.note_balances(second)
        off: dict[str, Decimal] = {}
        for asset in sorted(rest):
            total = second[asset].total if asset in second else ZERO
            before = first[asset].total if asset in first else ZERO
            if before == total and total != account.expected(asset):
                off[asset] = total - account.expected(asset)
        for asset in rest - set(off):
            self._awaited_ns.pop(asset, None)  # it fits
        if off:
            ledger, external = account.ledger.copy(), account.external.copy()
            await self._sweeper.sweep(off)
            changes, doubtful = await self._new_changes(off)
            third = await desk.access.balances()
            doubtful |= self._sweeper.doubtful_assets()
            # It is explained, or may yet be, or something moved while we looked: later we know.
            still = all(third.get(asset) == second.get(asset) for asset in off)
            still = still and doubtful.isdisjoint(off)
            if still and (ledger, external) == (account.ledger, account.external):
                await self._differences(off, changes)
                desk.arbiter.note_balances(third)
        elif rest == account.assets():
            self._still = True
            await self._fits(sorted(rest))
            return True
        return False

    async def _new_assets(self, balances: Mapping[str, Balance]) -> None:
        new = sorted(set(balances) - self._desk.journal.account.assets())
        if new:
            await self._desk.journal.note(f.AssetsFound(assets=tuple(new)), cause="reconcile")

    async def _fits(self, assets: list[str]) -> None:
        """Note that all is well, at most once per sweep margin."""
        account = self._desk.journal.account
        through = self._desk.access.venue_time_estimate_ns()
        if through is None:
            return
        if through - account.trades_through_ns >= SWEEP_MARGIN_NS // 2:
            fact = f.BalancesReconciled(assets=tuple(assets), trades_through_ns=through)
            await self._desk.journal.note(fact, cause="reconcile")

    async def _new_changes(self, off: Collection[str]) -> tuple[list[BalanceChange], set[str]]:
        """Deposits and withdrawals since the opening that are not recorded yet.

        Beside them, the assets of those that cannot be read, for as long as that may last.
        """
        since = self._desk.journal.account.opened_venue_ns
        changes = await self._desk.access.read(
            lambda: self._desk.access.venue.balance_changes(since)
        )
        new: dict[str, BalanceChange] = {}
        doubtful: set[str] = set()
        now = self._desk.clock.monotonic_ns()
        for change in changes:
            why = unreadable_change(change)
            if why is not None:
                log.error("change.doubtful", why=why)
                if now - self._doubted_ns.setdefault(why, now) < limits.DOUBT_S_MAX * NS_PER_S:
                    doubtful.add(change.asset)
            elif change.asset in off and change.venue_ns >= since:
                new.setdefault(change.change_id, change)
        return [
            change for name, change in new.items() if name not in self._desk.recorded_changes
        ], doubtful

    def _awaited(self, off: Collection[str]) -> set[str]:
        """Assets whose difference a trade may explain that a cycle waits for, for as long as that may last.

        Time in which the venue did not answer is none in which it could have told: see `untold`.
        """
        clock = self._desk.clock
        now, wall_ns = clock.monotonic_ns(), clock.now_ns()
        held: set[str] = set()
        for asset in untold.awaited(self._desk) & set(off):
            passed_ns = now - self._awaited_ns.setdefault(asset, now)
            silent_ns = self._desk.access.silences.within_ns(wall_ns - passed_ns, wall_ns)
            if passed_ns - silent_ns < limits.DOUBT_S_MAX * NS_PER_S:
                held.add(asset)
        return held

    async def _differences(self, off: dict[str, Decimal], changes: Sequence[BalanceChange]) -> None:
        """Record what the venue itself reports; halt new cycles where nothing explains it."""
        desk = self._desk
        told = {change.asset for change in changes}
        for change in changes:
            desk.recorded_changes.add(change.change_id)
            off[change.asset] -= change.amount
            fact = f.ExternalChangeFound(
                asset=change.asset,
                amount=change.amount,
                explained=True,
                source="venue",
                detail=change.change_id,
            )
            log.warning("balance.changed", asset=change.asset, amount=plain(change.amount))
            await desk.journal.note(fact, cause="reconcile")
        awaited = self._awaited(off)
        for asset, amount in off.items():
            # A report may be ahead of the balance; what is left beside it is judged the next time. So
            # is what a trade may explain that a cycle waits for: booked as unexplained it would be sold.
            if amount == 0 or asset in told or asset in awaited:
                continue
            found = f.ExternalChangeFound(
                asset=asset, amount=amount, explained=False, source="unexplained", detail=""
            )
            halt = f.EngineHalted(
                reason=f"unexplained difference of {plain(amount)} {asset}", scope=asset
            )
            log.error("balance.unexplained", asset=asset, amount=plain(amount))
            await desk.journal.note(found, halt, cause="reconcile")


async def try_judge(reconciler: Reconciler) -> bool | None:
    """Judge; False when something does not fit or is not at rest, None when nobody answers."""
    try:
        return await reconciler.judge()
    except (Unreachable, Banned) as error:
        log.warning("reconcile.later", error=str(error))
        return None


async def judge_at_start(
    reconciler: Reconciler,
    desk: Desk,
    pause: Callable[[float], Awaitable[None]],
    stop: asyncio.Event,
) -> None:
    """Compare the account before anything new, however long the venue keeps silent."""

    async def fits() -> bool:
        found = None
        while not stop.is_set() and found is None:
            found = await try_judge(reconciler)
            if found is None:
                await pause(limits.SWEEP_INTERVAL_S)
        return bool(found)

    shown_s = desk.rules.visibility_ns / NS_PER_S
    if desk.journal.account.ledger or desk.journal.account.external:
        await pause(shown_s)
    if not await fits():
        # What this found may be ahead of its balances: once more when they must show it.
        await pause(shown_s)
        await fits()
