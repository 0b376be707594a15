"""The engine's life: start, work, and an orderly end that is recorded."""

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from contextlib import suppress
from functools import partial

import structlog

from arb import ids, limits
from arb.clock import NS_PER_S
from arb.errors import ArbError, ConfigInvalid
from arb.events import facts as f
from arb.exchange.port import Balance, Banned, KeyRevoked, Unreachable
from arb.execution.account.rereading import Rereading
from arb.execution.opportunities.tally import halted_everywhere
from arb.execution.reconciling.reconcile import judge_at_start, try_judge
from arb.execution.runs.parts import Parts
from arb.machine import commands as c
from arb.machine import table as t
from arb.machine.account import EVERYTHING
from arb.machine.state import Cycle

log = structlog.get_logger()

POLL_S = 0.05
OPENING_POLL_S = 0.001
PROGRESS_ROWS = 500
KEY_LOST = "the venue does not accept our key"
EXIT_DONE, EXIT_FAILED, EXIT_HALTED, EXIT_INTERRUPTED = 0, 1, 4, 130


class Engine:
    """One run of the engine: a process, with one log and one account."""

    def __init__(self, parts: Parts) -> None:
        self._p = parts
        self.fatal: ArbError | None = None
        self.interrupts = 0
        self._stop = asyncio.Event()
        self._news = asyncio.Event()  # something happened that may end the work
        self._feed_over = False
        self._newest_ns = 0  # of what the feed has told
        self._mid_drain = False  # the next change was there too when the last one was taken
        self._ending = False  # what is cancelled from now on is cancelled by us
        self._announced = False
        self._account_locked = False
        self._unplanned: ConfigInvalid | None = None
        parts.desk.journal.listen(parts.tally.hear)
        parts.desk.journal.listen(lambda _stream, _fact, _at_ns: self._news.set())
        parts.desk.journal.listen_closed(parts.trader.cycle_ended)

    def fail(self, error: ArbError) -> None:
        """Stop everything: nothing more may be sent."""
        if self.fatal is None:
            self.fatal = error
        self._halt_work()

    def interrupt(self) -> None:
        """First time: no new cycles, running ones may end. Second time: stop now."""
        self.interrupts += 1
        self._halt_work()

    def _halt_work(self) -> None:
        self._p.trader.accepting = False
        self._stop.set()
        self._news.set()

    # --- life ---------------------------------------------------------------------------------

    async def run(self) -> int:
        """Run until the work is done; returns the documented exit code."""
        background: list[asyncio.Task[None]] = []
        reason = "interrupted before it began"
        try:
            if await self._unless_stopped(self._prepare()):
                # Also while orders are resolved: what others did meanwhile may be what a balance says.
                self._begin(background, "sweep", self._sweep_for_ever())
                self._begin(background, "fees", self._p.fee_watch.look_for_ever())
                self._begin(background, "markets", self._p.follow_for_ever(self._decide))
                if self._p.recover:
                    await self._recover()
                self._begin(background, "feed", self._pump())
                clock = self._p.desk.clock
                self._begin(background, "declined", self._p.trader.declined.flush_for_ever(clock))
                if self._p.kill_watch is not None:
                    self._begin(background, "kill switch", self._p.kill_watch.look_for_ever())
                reason = await self._work()
        except (Unreachable, Banned) as error:
            log.warning("venue.unreachable", error=str(error))
            self.fatal = self.fatal or error
        except ArbError as error:
            self.fail(error)
        finally:
            self._ending = True
            # All of them before the first await: who cuts the end off leaves nobody at work.
            for task in background:
                task.cancel()
            left = self._p.runner.stop()
            await asyncio.gather(*background, *left, return_exceptions=True)
        return await self._end(reason)

    def _begin(
        self, background: list[asyncio.Task[None]], name: str, work: Coroutine[None, None, None]
    ) -> None:
        background.append(asyncio.create_task(work, name=name))
        background[-1].add_done_callback(self._background_ended)

    def _background_ended(self, task: asyncio.Task[None]) -> None:
        if task.cancelled():
            if not self._ending:
                self.fail(ArbError(f"{task.get_name()}: cancelled unexpectedly"))
        elif (error := task.exception()) is not None:
            log.error("task.stopped", task=task.get_name(), error=repr(error))
            self.fail(error if isinstance(error, ArbError) else ArbError(repr(error)))

    async def _unless_stopped(self, work: Coroutine[None, None, None]) -> bool:
        """Run something that an interrupt may cancel at any point; False when it was cancelled."""
        task = asyncio.ensure_future(work)
        stopped = asyncio.ensure_future(self._stop.wait())
        try:
            await asyncio.wait({task, stopped}, return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                return False
            if task.cancelled():
                raise ArbError("the start was cancelled unexpectedly")
            task.result()
            return True
        finally:
            for one in (task, stopped):
                one.cancel()
            await asyncio.gather(task, stopped, return_exceptions=True)

    # --- start --------------------------------------------------------------------------------

    async def _prepare(self) -> None:
        """Reach the venue, lock the account, and read everything that trading needs."""
        p, desk = self._p, self._p.desk
        try:
            balances = await self._contact(limits.START_PATIENCE_S)
        except (Unreachable, Banned) as error:
            if not (p.recover and desk.journal.cycles):
                raise
            balances = await self._wait_in_recovering(error)
        await self._announce()
        await p.reconciler.open_account()
        if p.kill_watch is not None:  # before anything can be opened
            await p.kill_watch.look()
        desk.arbiter.note_balances(balances)
        desk.attentive_since_ns = desk.clock.now_ns()
        p.runner.ready = True

    async def _contact(self, patience_s: float) -> Mapping[str, Balance]:
        """Make the first reads and take the account's lock; raises Unreachable or Banned."""
        p, desk = self._p, self._p.desk
        access = desk.access
        until_ns = desk.clock.now_ns() + round(patience_s * NS_PER_S)
        patiently = partial(access.read_patiently, until_ns=until_ns)
        # A venue that was not reached yet learns its markets before anything else.
        long_s = limits.MARKETS_TIMEOUT_S
        balances = await patiently(partial(access.balances, timeout_s=long_s), what="balances")
        if not self._account_locked:
            p.lock_account()
            self._account_locked = True
        venue = access.venue
        markets = await patiently(
            lambda: access.read(venue.markets, timeout_s=long_s), what="markets"
        )
        fees = await patiently(lambda: access.read(venue.fees), what="fees")
        await patiently(access.venue_time_ns, what="clock")
        open_orders = await patiently(lambda: access.read(venue.open_orders), what="open orders")
        p.reconciler.refuse_others(open_orders)
        desk.learn(markets, fees)
        try:
            p.plan()
        except ConfigInvalid as error:
            if not (p.recover and desk.journal.cycles):
                raise
            self._unplanned = error  # open cycles are brought to their end first
        await p.attend()
        if desk.journal.account.opening is None:
            await patiently(p.reconciler.read_opening, what="opening")
        else:
            await patiently(p.reconciler.refuse_used_ids, what="used ids")
        return balances

    async def _announce(self) -> None:
        """Record that this run began, once."""
        if self._announced:
            return
        self._announced = True
        p, journal = self._p, self._p.desk.journal
        started = f.RunStarted(
            run=p.run,
            version=p.version,
            strategies=tuple(sorted({s.name for s in p.desk.strategies.values()})),
        )
        await journal.note(started, cause="start", stream=ids.run_stream(p.run))
        for fact in p.strategies:
            await journal.note(fact, cause="start", stream=ids.strategy_stream(fact.name))

    async def _wait_in_recovering(self, error: Exception) -> Mapping[str, Balance]:
        """Wait for a venue that does not answer: cycles are open, so the run does not give up."""
        p, desk = self._p, self._p.desk
        await self._announce()
        for cycle in list(desk.journal.cycles.values()):
            await p.runner.record(cycle.id, *_restart(cycle), cause="restart")
        while True:
            next_try = desk.clock.now_ns() + round(limits.WAIT_MAX_S * NS_PER_S)
            next_try = max(next_try, desk.access.banned_until_ns)
            wait = c.Wait(reason=f"the venue does not answer: {error}", next_try_ns=next_try)
            for cycle_id in list(desk.journal.cycles):
                await p.runner.record(cycle_id, wait, cause="restart")
            await desk.clock.sleep((next_try - desk.clock.now_ns()) / NS_PER_S)
            try:
                # One reading that fails does not send it back to the first of many.
                return await self._contact(limits.CONTACT_PATIENCE_S)
            except (Unreachable, Banned) as again:
                error = again

    async def _recover(self) -> None:
        """Move every open cycle to recovering, and resolve all orders before anything new opens."""
        p = self._p
        journal = p.desk.journal
        for cycle in journal.cycles.values():
            p.tally.introduce(ids.cycle_stream(cycle.id), cycle.start_asset, cycle.state)
        for cycle_id in journal.account.panics:
            if cycle_id in journal.cycles:
                p.runner.panic(cycle_id)
        cycles = list(journal.cycles.values())
        await asyncio.gather(
            *(p.runner.apply(cycle.id, *_restart(cycle), cause="restart") for cycle in cycles)
        )
        while not self._stop.is_set() and any(
            cycle.pending_orders() for cycle in journal.cycles.values()
        ):
            await p.desk.clock.sleep(POLL_S)

    async def _work(self) -> str:
        """Trade until there is a reason to stop."""
        p = self._p
        await judge_at_start(p.reconciler, p.desk, self._pause, self._stop)
        if self._unplanned is not None:
            await self._let_cycles_end()
            raise self._unplanned
        traded = list(p.watchlist.strategies.values())
        lasts_ns = None if p.duration_s is None else round(p.duration_s * NS_PER_S)
        deadline = None if lasts_ns is None else p.desk.clock.monotonic_ns() + lasts_ns
        await self._hold_against_limits()
        p.settled()
        p.trader.accepting = not self._stop.is_set() and p.cycles_max != 0
        await self._decide()  # an edge that is there already may not be reported again for long
        reason = "done"
        while not self._stop.is_set():
            if p.trader.done or p.cycles_max == 0:
                break
            if self._feed_over:
                reason = "end of the data"
                break
            if deadline is not None and p.desk.clock.monotonic_ns() >= deadline:
                reason = "duration over"
                break
            halted = halted_everywhere(p.desk.journal.account, traded)
            if halted is not None:
                reason = f"halted: {halted}"
                break
            await self._until_news(deadline)
        p.trader.accepting = False
        await self._let_cycles_end()
        if self.fatal is None and self.interrupts == 0:
            await self._final_judgement()
            found = halted_everywhere(p.desk.journal.account, traded)
            if found is not None and p.cycles_max != 0:
                reason = f"halted: {found}"
        return reason

    async def _hold_against_limits(self) -> None:
        """Trip limits that are already exceeded before anything opens: they may be lower than in the last run."""
        if self._p.cycles_max == 0:
            return  # nothing opens, and a later run may have other limits
        for trip in tuple(self._p.broken_limits()):
            await self._p.desk.journal.note(trip, cause="start")

    async def _until_news(self, deadline_ns: int | None) -> None:
        """Wait until an event is appended, the feed ends, the engine is stopped, or a deadline of monotonic time."""
        self._news.clear()
        seconds = None
        if deadline_ns is not None:
            left_ns = deadline_ns - self._p.desk.clock.monotonic_ns()
            seconds = max(0.0, left_ns / NS_PER_S)
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._news.wait()

    async def _pause(self, seconds: float) -> None:
        """Wait a while, or until somebody stops the engine."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stop.wait()

    async def _let_cycles_end(self) -> None:
        """Wait for running cycles to end; after an interrupt for a limited time, wherever the clock is set."""
        p = self._p
        while p.trader.opening:  # only for its append: a cycle in the log must have a name here
            await p.desk.clock.sleep(OPENING_POLL_S)
        patience = round(limits.SHUTDOWN_PATIENCE_S * NS_PER_S)
        since = None
        while p.runner.busy and self.fatal is None and self.interrupts < 2:  # noqa: PLR2004
            if self.interrupts:
                now = p.desk.clock.monotonic_ns()
                since = now if since is None else since
                if now - since > patience:
                    return
            await p.desk.clock.sleep(POLL_S)

    async def _final_judgement(self) -> None:
        """Read once more what the venue may show late, and compare every balance."""
        p = self._p
        rules = p.desk.rules
        window_s = (rules.backend_limit_ns + rules.visibility_ns) / NS_PER_S
        for _ in range(3):
            if await try_judge(p.reconciler) and not p.runner.busy:
                return
            await p.desk.clock.sleep(window_s)
            await self._let_cycles_end()

    # --- background ---------------------------------------------------------------------------

    async def _pump(self) -> None:
        p = self._p
        rows = 0
        async for change in p.feed():
            seen = p.detector.see(change)
            if not change.again:  # what it showed was decided on
                p.trader.notice(change.market, seen)
            # A change that comes late bears its own, older time.
            self._newest_ns = max(self._newest_ns, change.at_ns)
            self._mid_drain = change.more
            await self._decide()
            rows += 1
            if rows % PROGRESS_ROWS == 0:
                p.progress(change.at_ns)
        self._feed_over = True
        self._news.set()

    async def _decide(self) -> None:
        if not self._mid_drain:  # nobody decides between changes that were there together
            await self._p.trader.decide(self._newest_ns)

    async def _sweep_for_ever(self) -> None:
        p = self._p
        rereading = Rereading(p.desk)
        while True:
            await p.desk.clock.sleep(p.reconciler.interval_s())
            await p.reconciler.look_again()
            await rereading.after_sweep()

    # --- end ----------------------------------------------------------------------------------

    async def _end(self, reason: str) -> int:
        p = self._p
        code = self._exit_code(reason)
        if not self._announced or p.desk.journal.broken is not None:
            return code
        if isinstance(self.fatal, KeyRevoked) and self._account_locked:
            # A key that is made anew may be another account's, or somebody took it away on purpose.
            halt = f.EngineHalted(reason=f"{KEY_LOST}: {self.fatal}", scope=EVERYTHING)
            log.error("key.revoked", error=str(self.fatal), open=len(p.desk.journal.cycles))
            await p.desk.journal.note(halt, cause="end")
        if self.fatal is None:
            await p.trader.declined.flush()
            ended = f.RunEnded(run=p.run, exit_code=code, reason=reason)
            await p.desk.journal.note(ended, cause="end", stream=ids.run_stream(p.run))
        return code

    def _exit_code(self, reason: str) -> int:
        if self.interrupts:
            return EXIT_INTERRUPTED
        if self.fatal is not None:
            return self.fatal.exit_code
        if reason.startswith("halted"):
            return EXIT_HALTED
        if self._p.tally.parked or self._p.tally.unresolved:
            return EXIT_FAILED
        return EXIT_DONE


def _restart(cycle: Cycle) -> Sequence[c.Command]:
    """The commands for a cycle that was open when the process died."""
    if cycle.state in {t.PENDING, t.VALIDATING}:
        return [c.AbandonCycle(reason="a restart found it before its first order")]
    unknown = [
        c.ReportUnknown(client_order_id=order.client_order_id, reason="restart")
        for order in cycle.pending_orders()
        if order.state == t.INTENDED
    ]
    return [*unknown, c.StartRecovery(reason="restart")]
