"""Run cycles, one task each: read what is needed, decide on a draft, append the events, then act."""

import asyncio
from collections.abc import Callable, Sequence

import structlog

from arb import limits
from arb.clock import NS_PER_MS, NS_PER_S
from arb.errors import ArbError, IllegalMove
from arb.events import facts as f
from arb.exchange.port import Banned, Unreachable
from arb.execution.account.archive import Archive
from arb.execution.account.desk import Desk
from arb.execution.account.journal import Draft, Journal
from arb.execution.cycles import steps, untold
from arb.execution.cycles.situation import Situation, read_situation
from arb.execution.orders.resolving import Attempt, look, told_now
from arb.execution.orders.sending import NOT_SENT, Gate, send
from arb.execution.orders.surprises import Surprises
from arb.machine import commands as c
from arb.machine import table as t
from arb.machine.state import Cycle, Order

log = structlog.get_logger()

Recheck = Callable[[], str | None]  # why an order should not be sent any more

TURN_DELAY_S = 0.05  # until another cycle's unwind order in the same asset is looked at again


class Runner:
    """Brings every open cycle to its end, whatever the venue does."""

    def __init__(self, desk: Desk, archive: Archive) -> None:
        self.desk = desk
        self._archive = archive
        self.gate = Gate(desk)
        self.on_fatal: Callable[[ArbError], None] = _raise
        self._tasks: dict[str, asyncio.Task[None]] = {}
        # Intents of this process life that were not sent yet. A restart finds none of its
        # predecessor's here, and so treats them as unknown.
        self._unsent: set[str] = set()
        self._rechecks: dict[str, Recheck] = {}  # of unsent orders
        self._attempts: dict[str, Attempt] = {}
        self._panics = self.gate.panics
        self._wake: dict[str, asyncio.Event] = {}
        self._hinted: dict[str, asyncio.Event] = {}
        self._surprises = Surprises(desk)
        self._rules_doubted = False
        self.ready = False  # once markets and balances are known

    @property
    def busy(self) -> bool:
        """Whether a cycle is still at work."""
        return bool(self._tasks)

    def start(self, cycle_id: str) -> None:
        """Work on an open cycle, unless somebody does already."""
        if cycle_id in self._tasks or not self.ready:
            return
        task = asyncio.create_task(self._run(cycle_id), name=f"cycle {cycle_id}")
        self._tasks[cycle_id] = task
        task.add_done_callback(lambda done: self._ended(cycle_id, done))

    def _ended(self, cycle_id: str, task: asyncio.Task[None]) -> None:
        self._tasks.pop(cycle_id, None)
        self._wake.pop(cycle_id, None)
        self._hinted.pop(cycle_id, None)
        self.desk.arbiter.end_turn(cycle_id)
        if task.cancelled() and not self.ready:  # by `stop`
            return
        error = ArbError("cancelled unexpectedly") if task.cancelled() else task.exception()
        if error is not None:
            log.error("cycle.stopped", cycle=cycle_id, error=repr(error))
            fatal = error if isinstance(error, ArbError) else ArbError(f"{cycle_id}: {error!r}")
            self.on_fatal(fatal)
        elif cycle_id in self.desk.journal.cycles:
            # A late word reopened it while its task was ending.
            self.start(cycle_id)

    def panic(self, cycle_id: str) -> None:
        """Liquidate a cycle as soon as no order of it is unknown."""
        self._panics.add(cycle_id)
        self.wake(cycle_id)

    def wake(self, cycle_id: str) -> None:
        """Look at a waiting cycle now."""
        self._wake.setdefault(cycle_id, asyncio.Event()).set()

    def hint(self, client_order_id: str | None) -> None:
        """Look at an order now that the venue has news of, or at every unresolved one for None.

        What a stream says proves nothing; it only makes the next reading come sooner.
        """
        for cycle in self.desk.journal.cycles.values():
            pending = [order.client_order_id for order in cycle.pending_orders()]
            if pending and (client_order_id is None or client_order_id in pending):
                self._hinted.setdefault(cycle.id, asyncio.Event()).set()

    def stop(self) -> list[asyncio.Task[None]]:
        """Stop all work at once, for good; returns the cancelled tasks, to be awaited.

        What is left stays in the log for recovery.
        """
        self.ready = False  # a task that ends by itself just now must not begin again
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        return tasks

    def recheck(self, order: Order, recheck: Recheck) -> None:
        """Check once more, right before an order is sent, whether it should be."""
        self._rechecks[order.client_order_id] = recheck

    async def open(self, drafts: Sequence[Draft]) -> None:
        """Append new cycles with validation and first intent in one batch, and work on them."""
        await self.desk.journal.open(drafts, cause="opportunity")
        self._unsent |= {draft.cycle.orders[-1].client_order_id for draft in drafts}
        for draft in drafts:
            self.start(draft.cycle.id)

    async def apply(self, cycle_id: str, *commands: c.Command, cause: str) -> Cycle | None:
        """Decide and append commands about a cycle that come from elsewhere, and go on with it.

        A closed cycle is folded from its stream first. Raises IllegalMove where they do not fit.
        """
        moved = await self.record(cycle_id, *commands, cause=cause)
        if moved is not None and not moved.is_closed:
            self.start(cycle_id)
            self.wake(cycle_id)
        return moved

    async def record(self, cycle_id: str, *commands: c.Command, cause: str) -> Cycle | None:
        """Decide and append, without going on with the cycle."""
        return await decide_apart(self.desk.journal, self._archive, cycle_id, commands, cause=cause)

    async def look(self, cycle_id: str, client_order_id: str) -> None:
        """Read an order and its trades now, and record what the venue tells of it.

        Raises Unreachable or Banned.
        """
        cycle = self.desk.journal.cycles.get(cycle_id)
        if cycle is not None:
            told = await told_now(self.desk, cycle.order(client_order_id))
            if told:
                await self.apply(cycle_id, *told, cause="attestation")

    async def _commit(self, draft: Draft, *, cause: str) -> Cycle | None:
        known = {order.client_order_id for order in draft.cycle.orders if order.state == t.INTENDED}
        intended = {
            fact.client_order_id for fact in draft.facts if isinstance(fact, f.OrderIntended)
        }
        moved = await self.desk.journal.commit(draft, cause=cause)
        self._unsent |= known & intended
        return moved

    # --- one cycle ----------------------------------------------------------------------------

    async def _run(self, cycle_id: str) -> None:
        journal = self.desk.journal
        while (cycle := journal.cycles.get(cycle_id)) is not None and not cycle.is_closed:
            version = cycle.version
            commands, situation = await self._perform(cycle)
            async with journal.lock(cycle_id):
                live = journal.cycles.get(cycle_id)
                if live is None or live.is_closed:
                    return
                draft = journal.draft(live)
                _do_all(draft, commands, overtaken=live.version != version)
                self._settle_hop(draft)
                steps.advance(self.desk, draft, situation)
                moved = await self._commit(draft, cause=_cause(commands))
            if self.desk.access.key_revoked is not None:
                raise self.desk.access.key_revoked
            if not _sells(draft.cycle):
                self.desk.arbiter.end_turn(cycle_id)
            if draft.cycle.is_closed:
                self._forget(draft.cycle)
            if moved is None:
                await self.desk.clock.sleep(TURN_DELAY_S)
            elif draft.waits and moved.next_try_ns > self.desk.clock.now_ns():
                await self._wait_until(cycle_id, moved.next_try_ns)

    def _settle_hop(self, draft: Draft) -> None:
        """Record that an unwind order is over, and let others sell."""
        cycle = draft.cycle
        if cycle.state != t.PANIC_SELLING or not cycle.orders:
            return
        last = cycle.orders[-1]
        settled = any(
            isinstance(fact, f.OrderClosed | f.OrderFilled | f.OrderRefused | f.OrderAbsent)
            for fact in draft.facts
        )
        if last.purpose == "unwind" and last.is_final and settled:
            draft.do(c.SettleHop(client_order_id=last.client_order_id))
            self.desk.arbiter.end_turn(cycle.id)

    def _forget(self, cycle: Cycle) -> None:
        for order in cycle.orders:
            self._attempts.pop(order.client_order_id, None)
            self._surprises.forget(order)

    async def _perform(self, cycle: Cycle) -> tuple[tuple[c.Command, ...], Situation]:
        """Do the I/O that the cycle's state calls for."""
        pending = cycle.pending_orders()
        commands: tuple[c.Command, ...] = ()
        trouble = ""
        if pending:
            order = pending[0]
            if order.client_order_id in self._unsent:
                self._unsent.discard(order.client_order_id)
                commands = await self._send(cycle, order)
            else:
                commands, trouble = await self._resolve(cycle, order)
        else:
            await self._reload_rules()
            await self._pause_before_retry(cycle)
            await self._wait_for_room(cycle)
            await self._surprises.let_books_catch_up(cycle)
            commands = await untold.ask_again(self.desk, cycle)
        panic = cycle.id in self._panics
        return commands, await read_situation(self.desk, cycle, commands, trouble, panic=panic)

    async def _send(self, cycle: Cycle, order: Order) -> tuple[c.Command, ...]:
        recheck = self._rechecks.pop(order.client_order_id, None)
        outcome = await send(self.desk, self.gate, cycle, order, recheck)
        self.desk.ration.let_go(order.client_order_id)
        self._surprises.note(order)
        if order.number == 1:  # only now: before it left, a line would have kept it waiting
            log.info("cycle.opened", cycle=cycle.id, amount=str(cycle.start_amount))
        log.info("order.sent", order=order.client_order_id, outcome=type(outcome).__name__)
        if isinstance(outcome, c.ReportRefused) and outcome.reason != NOT_SENT:
            self._rules_doubted = True
        if not isinstance(outcome, c.ReportUnknown):
            return (outcome,)
        # What is unknown is resolved in recovering, the only state that may wait.
        return (outcome, c.StartRecovery(reason=f"order unknown: {outcome.reason}"))

    async def _reload_rules(self) -> None:
        """After a refusal the venue's rules and clock are read again before anything is planned."""
        if not self._rules_doubted:
            return
        self._rules_doubted = False
        self.desk.access.doubt_clock()
        try:
            await self.desk.reload_markets()
            await self.desk.access.venue_time_ns()
        except (Unreachable, Banned) as error:
            log.info("rules.later", error=str(error))

    async def _resolve(self, cycle: Cycle, order: Order) -> tuple[tuple[c.Command, ...], str]:
        attempt = self._attempts.setdefault(order.client_order_id, Attempt())
        if attempt.reads > 0 and not attempt.waited:
            await self._delay(cycle.id, attempt.delay_s())
        attempt.waited = False
        try:
            timeout_s = self.desk.strategy(cycle.config).order.timeout_seconds
            seen = await look(self.desk, order, attempt, timeout_s)
        except (Unreachable, Banned) as error:
            attempt.silent = True
            return self._waiting(cycle, order, attempt, str(error)), str(error)
        if attempt.silent:  # the venue answers again: look often again
            attempt.silent = False
            attempt.reads = 1
        if seen.waiting:
            return (*seen.commands, *self._waiting(cycle, order, attempt, seen.waiting)), ""
        return seen.commands, ""

    def _waiting(
        self, cycle: Cycle, order: Order, attempt: Attempt, why: str
    ) -> tuple[c.Command, ...]:
        """Record a long wait; short ones leave no event in the log."""
        delay_s = attempt.delay_s()
        if self.desk.access.banned:
            until = self.desk.access.banned_until_ns
            delay_s = max(delay_s, (until - self.desk.clock.now_ns()) / NS_PER_S)
        if delay_s < limits.RESOLVE_DELAY_MAX_S:
            return ()
        attempt.waited = True
        reason = f"order {order.client_order_id}: {why}"
        next_try = self.desk.clock.now_ns() + round(delay_s * NS_PER_S)
        wait = c.Wait(reason=reason, next_try_ns=next_try)
        if cycle.state == t.RECOVERING:
            return (wait,)
        return (c.StartRecovery(reason=reason), wait)

    async def _pause_before_retry(self, cycle: Cycle) -> None:
        """Wait after an order that filled nothing, longer each time."""
        misses = cycle.misses()
        if misses == 0 or cycle.state == t.RECOVERING:
            return
        delay_ms = self.desk.strategy(cycle.config).order.retry_delay_ms
        delay_ns = delay_ms * 2 ** min(misses - 1, 6) * NS_PER_MS
        await self._wait_until(cycle.id, self.desk.clock.now_ns() + delay_ns)

    async def _wait_for_room(self, cycle: Cycle) -> None:
        """Wait until the rate limit allows another order: nothing is decided before it can be sent."""
        wait_ns = self.desk.ration.next_wait_ns()
        if wait_ns > 0:
            log.info("order.waits", cycle=cycle.id, seconds=wait_ns / NS_PER_S)
            await self._wait_until(cycle.id, self.desk.clock.now_ns() + wait_ns)

    async def _delay(self, cycle_id: str, seconds: float) -> None:
        if self.desk.access.banned:
            until = self.desk.access.banned_until_ns
            seconds = max(seconds, (until - self.desk.clock.now_ns()) / NS_PER_S)
        hinted = self._hinted.setdefault(cycle_id, asyncio.Event())
        until_ns = self.desk.clock.now_ns() + round(seconds * NS_PER_S)
        await self._wait_until(cycle_id, until_ns, hinted)

    async def _wait_until(self, cycle_id: str, at_ns: int, *others: asyncio.Event) -> None:
        """Sleep until a time or until there is news of the cycle; news since the last sleep counts."""
        events = (self._wake.setdefault(cycle_id, asyncio.Event()), *others)
        seconds = (at_ns - self.desk.clock.now_ns()) / NS_PER_S
        waiting: list[asyncio.Future[object]] = []
        try:
            if seconds > 0 and not any(event.is_set() for event in events):
                waiting = [asyncio.ensure_future(event.wait()) for event in events]
                waiting.append(asyncio.ensure_future(self.desk.clock.sleep(seconds)))
                await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for event in events:
                event.clear()
            for one in waiting:
                one.cancel()


async def decide_apart(
    journal: Journal,
    archive: Archive,
    cycle_id: str,
    commands: Sequence[c.Command],
    *,
    cause: str,
) -> Cycle | None:
    """Decide commands about a cycle, open or closed, and append what follows.

    None of them may intend an order: sending is the cycle's own task's. Raises IllegalMove.
    """
    async with journal.lock(cycle_id):
        cycle = journal.cycles.get(cycle_id) or archive.load(cycle_id)
        if cycle is None:
            raise IllegalMove(f"there is no cycle {cycle_id}")
        journal.reopen(cycle)
        try:
            draft = journal.draft(cycle)
            for command in commands:
                draft.do(command)
            return await journal.commit(draft, cause=cause)
        finally:
            if cycle.is_closed:
                journal.cycles.pop(cycle_id, None)


def _raise(error: ArbError) -> None:
    raise error


def _do_all(draft: Draft, commands: tuple[c.Command, ...], *, overtaken: bool) -> None:
    """Decide on what was read; commands that newer events of the cycle made obsolete are left out."""
    for command in commands:
        try:
            draft.do(command)
        except IllegalMove:
            if not overtaken:
                raise
            log.info("command.overtaken", cycle=draft.cycle.id, command=type(command).__name__)


def _sells(cycle: Cycle) -> bool:
    """Whether an unwind order is on its way; other cycles that sell the same asset wait for it."""
    return cycle.state == t.PANIC_SELLING and bool(cycle.pending_orders())


def _cause(commands: tuple[c.Command, ...]) -> str:
    return type(commands[0]).__name__ if commands else "advance"
