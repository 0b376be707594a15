"""What an operator can ask of the engine, running or not; each request is an event."""

from collections.abc import Callable, Sequence
from typing import Final, Protocol

from arb import ids
from arb.clock import NS_PER_S
from arb.errors import IllegalMove
from arb.events import facts as f
from arb.exchange.port import Banned, Unreachable
from arb.execution.account.archive import Archive
from arb.execution.account.journal import Journal
from arb.execution.cycles.patience import UNTOLD
from arb.execution.cycles.runner import decide_apart
from arb.execution.operating.control import ActResult, Request
from arb.execution.operating.resetting import ALL, clearings, resets
from arb.execution.risk.kill_switch import KillSwitch
from arb.machine import commands as c
from arb.machine.decide import decide
from arb.machine.order_fold import ATTESTED, attested_trade_id
from arb.machine.state import Cycle, Order
from arb.machine.table import CLOSED
from arb.money import ZERO, plain

STILL_OPEN: Final = "new cycles may still open, --pause stops that"
NO_REASON: Final = "no reason given"
WITHOUT_REASON: Final = f"; {NO_REASON}: --reason TEXT records one"


class Worker(Protocol):
    """Who goes on with a cycle after an operator's word."""

    async def apply(self, cycle_id: str, *commands: c.Command, cause: str) -> Cycle | None:
        """Decide and append, then go on with the cycle."""
        ...

    def panic(self, cycle_id: str) -> None:
        """Liquidate an open cycle."""
        ...

    async def look(self, cycle_id: str, client_order_id: str) -> None:
        """Read an order and its trades now and record what the venue tells, where that is possible.

        Raises Unreachable or Banned.
        """
        ...


class NextRun:
    """Between runs nobody works on cycles: requests are recorded, and the next run acts on them."""

    def __init__(self, journal: Journal, archive: Archive) -> None:
        self._journal = journal
        self._archive = archive

    async def apply(self, cycle_id: str, *commands: c.Command, cause: str) -> Cycle | None:
        """Decide and append."""
        return await decide_apart(self._journal, self._archive, cycle_id, commands, cause=cause)

    def panic(self, cycle_id: str) -> None:
        """The event that was appended is what the next run reads."""

    async def look(self, cycle_id: str, client_order_id: str) -> None:
        """Nobody asks the venue between runs; the next run's sweep sees what the order really did."""


class Operator:
    """Carries out acting commands on a journal, with a runner or, between runs, without one."""

    def __init__(
        self,
        journal: Journal,
        archive: Archive,
        runner: Worker,
        kill_switch: KillSwitch | None = None,
        *,
        opening: Callable[[], Sequence[str]] = tuple,  # cycles that are on their way into the log
    ) -> None:
        self._journal = journal
        self._archive = archive
        self._runner = runner
        self._kill_switch = kill_switch
        self._opening = opening

    async def handle(self, request: Request) -> ActResult:
        """Do what was asked; raises ArbError with the reason where that cannot be."""
        match request.action:
            case "pause":
                return await self._pause(request)
            case "unpause":
                return await self._unpause(request)
            case "panic":
                return await self._panic(request)
            case "unwind":
                return await self._unwind(request)
            case "release":
                return await self._release(request)
            case "attest":
                return await self._attest(request)
            case "cleanup":
                return await self._cleanup(request)
            case "reset-risk":
                return await self._reset_risk(request)
            case "clear-cooldown":
                return await self._clear_cooldown(request)
            case _:
                return ActResult(
                    ok=False, message=f"unknown action {request.action!r}", exit_code=2
                )

    async def _pause(self, request: Request) -> ActResult:
        await self._journal.note(
            f.NewCyclesPaused(reason=request.reason or NO_REASON), cause="operator"
        )
        message = f"new cycles are paused; open ones go on{_unexplained(request)}"
        return ActResult(ok=True, message=message)

    async def _unpause(self, request: Request) -> ActResult:
        account = self._journal.account
        if self._journal.closing:  # it would be lifted before anybody has read of it
            message = "something that stops new cycles is being recorded just now; ask again"
            return ActResult(ok=False, message=message, exit_code=1)
        if account.halts and not request.reason:
            halts = "; ".join(f"{scope}: {why}" for scope, why in sorted(account.halts.items()))
            message = f"halted ({halts}); lifting it needs --reason TEXT"
            return ActResult(ok=False, message=message, exit_code=2)
        killed = None if self._kill_switch is None else self._kill_switch()
        if killed is not None:
            message = f"{killed}: take it away first, it would halt the engine again"
            return ActResult(ok=False, message=message, exit_code=2)
        if not account.halts and account.paused is None:
            return ActResult(ok=True, message="nothing was paused or halted")
        await self._journal.note(f.EngineUnpaused(reason=request.reason or ""), cause="operator")
        return ActResult(ok=True, message="new cycles may open again")

    async def _panic(self, request: Request) -> ActResult:
        opening = self._opening()
        open_ids = list(dict.fromkeys([*self._journal.cycles, *opening]))
        if request.target is not None and request.target not in open_ids:
            return _not_open(self._cycle(request.target))
        if request.target is not None:
            open_ids = [request.target]
        if not open_ids:
            return ActResult(ok=True, message="no cycle is open")
        facts = [
            f.PanicRequested(cycle_id=cycle_id, reason=request.reason or "")
            for cycle_id in open_ids
        ]
        for cycle_id in open_ids:
            if cycle_id in opening or not self._journal.cycles[cycle_id].has_traded:
                self._runner.panic(cycle_id)  # its order would leave before this is in the log
        await self._journal.note(*facts, cause="operator")
        for cycle_id in open_ids:
            self._runner.panic(cycle_id)
        message = f"liquidating {', '.join(open_ids)}"
        if request.target is None and self._journal.account.halted(set()) is None:
            message = f"{message}; {STILL_OPEN}"
        return ActResult(ok=True, message=message)

    async def _unwind(self, request: Request) -> ActResult:
        cycle = self._cycle(request.target)
        command = c.RequestUnwind(reason=request.reason or "an operator asked")
        _refuse_unfit(cycle, command, "sold")  # before anything is asked for
        if not request.reason:
            _refuse_gone(cycle)
        self._runner.panic(cycle.id)
        await self._runner.apply(cycle.id, command, cause="operator")
        asked = f.PanicRequested(cycle_id=cycle.id, reason=command.reason)
        await self._journal.note(asked, cause="operator")
        return ActResult(ok=True, message=f"unwinding what {cycle.id} holds")

    async def _release(self, request: Request) -> ActResult:
        cycle = self._cycle(request.target)
        command = c.ReleaseHoldings(reason=request.reason or "an operator asked")
        _refuse_unfit(cycle, command, "released")
        await self._runner.apply(cycle.id, command, cause="operator")
        return ActResult(ok=True, message=f"what {cycle.id} held belongs to the account again")

    async def _attest(self, request: Request) -> ActResult:
        if not request.target or request.verdict not in {"absent", "filled"}:
            message = "give an order and `absent` or `filled`"
            return ActResult(ok=False, message=message, exit_code=2)
        if not request.reason:
            return ActResult(ok=False, message="an attestation needs --reason TEXT", exit_code=2)
        cycle_id = self._archive.cycle_of_order(request.target)
        if cycle_id is None:
            raise IllegalMove(f"no order {request.target} stands in this log")
        cycle = self._cycle(cycle_id)
        order = cycle.order(request.target)
        # T_dead stands on the venue's clock; how long that is after the intent is the same on ours.
        dead_ns = order.intended_ns + (order.dead_ns - order.venue_time_ns)
        early_ns = dead_ns - self._journal.now_ns()
        if early_ns > 0:
            raise IllegalMove(
                f"order {request.target} may still arrive; ask again in {early_ns / NS_PER_S:.1f} s"
            )
        if request.verdict == "filled":
            order = await self._ask_first(cycle, order)
        command = c.AttestOrder(
            client_order_id=order.client_order_id,
            verdict=request.verdict,
            reason=request.reason,
            fill=_believed(order) if request.verdict == "filled" else None,
        )
        await self._runner.apply(cycle.id, command, cause="operator")
        return ActResult(ok=True, message=f"order {request.target} is attested {request.verdict}")

    async def _ask_first(self, cycle: Cycle, order: Order) -> Order:
        """Let the venue speak first: where it tells of an order, nobody's word is needed."""
        name = order.client_order_id
        try:
            await self._runner.look(cycle.id, name)
        except (Unreachable, Banned) as error:
            raise IllegalMove(
                f"the venue cannot be asked about order {name} now ({error}); ask again, or stop"
                " the engine first"
            ) from error
        seen = self._cycle(cycle.id).order(name)
        if (seen.state, seen.filled) != (order.state, order.filled):
            raise IllegalMove(
                f"the venue itself tells of order {name}: it is {seen.state},"
                f" {plain(seen.filled)} of {plain(seen.amount)} filled"
            )
        return seen

    async def _cleanup(self, request: Request) -> ActResult:
        before_ns = int(request.target or 0)
        names = {cycle.strategy for cycle in self._journal.cycles.values()}
        stream = ids.strategy_stream(min(names, default="all"))
        await self._journal.note(
            f.CyclesHidden(before_ns=before_ns), cause="operator", stream=stream
        )
        return ActResult(ok=True, message="hidden from the default views; the log stays whole")

    async def _reset_risk(self, request: Request) -> ActResult:
        facts = resets(self._journal.account, request.target, request.reason)
        if isinstance(facts, ActResult):
            return facts
        await self._journal.note(*facts, cause="operator")
        message = f"{request.target} is reset; losses are counted from zero{_unexplained(request)}"
        return ActResult(ok=True, message=message)

    async def _clear_cooldown(self, request: Request) -> ActResult:
        account, now_ns = self._journal.account, self._journal.now_ns()
        facts = clearings(account, request.target, request.reason, now_ns)
        if isinstance(facts, ActResult):
            return facts
        await self._journal.note(*facts, cause="operator")
        cleared = "every cooldown" if request.target == ALL else f"the cooldown of {request.target}"
        return ActResult(ok=True, message=f"{cleared} is over")

    def _cycle(self, target: str | None) -> Cycle:
        if not target:
            raise IllegalMove("name a cycle")
        cycle = self._journal.cycles.get(target) or self._archive.load(target)
        if cycle is None:
            raise IllegalMove(f"there is no cycle {target}")
        return cycle


def _unexplained(request: Request) -> str:
    """Say that the log holds no reason for what was done, where none was given."""
    return "" if request.reason else WITHOUT_REASON


def _not_open(cycle: Cycle) -> ActResult:
    """Say why a cycle is not liquidated; one that holds something still is no success."""
    if not cycle.parked:
        return ActResult(ok=True, message=f"{cycle.id} is not open any more, and holds nothing")
    message = f"{cycle.id} is parked: `--unwind {cycle.id}` sells what it holds"
    return ActResult(ok=False, message=message)


def _refuse_unfit(cycle: Cycle, command: c.RequestUnwind | c.ReleaseHoldings, what: str) -> None:
    """Raise IllegalMove, with what can be done instead, where a cycle is not in the state for it."""
    try:
        decide(cycle, command)
    except IllegalMove as error:
        advice = f"it holds nothing that could be {what}; --details {cycle.id} shows how it ended"
        if cycle.state not in CLOSED:
            advice = (
                f"it is at work and ends by itself; --panic {cycle.id} sells what it holds at once"
            )
        elif any(cycle.parked.values()):
            advice = str(error)
        raise IllegalMove(f"{cycle.id} is {cycle.state}: {advice}") from None


def _refuse_gone(cycle: Cycle) -> None:
    """Raise IllegalMove where the balances said that what is held was given already, and nobody knows better."""
    if cycle.error is not None and cycle.error.startswith(UNTOLD):
        advice = "a sale may sell the account's own once more; wait for the trade that the venue has not told"
        advice += f", --release {cycle.id}, or say with --reason TEXT why it is there"
        raise IllegalMove(f"{cycle.id} is parked, because {cycle.error}: {advice}")


def _believed(order: Order) -> c.Fill:
    """The fill an operator attests: what is left of the order, at its limit, without a fee.

    What really happened shows as a difference of balances when the venue is read.
    """
    # Where the venue said how much it filled, what is left of that is what is missing.
    amount = (order.told or order.amount) - order.filled
    if amount <= 0:
        raise IllegalMove(
            f"order {order.client_order_id} is filled already, by what the venue told: there is "
            "nothing to attest"
        )
    return c.Fill(
        trade_id=attested_trade_id(order.client_order_id),
        exchange_order_id=order.exchange_order_id or ATTESTED,
        price=order.limit,
        amount=amount,
        cost=amount * order.limit,
        fee=ZERO,
        fee_asset=order.receive_asset,
        venue_ns=order.venue_time_ns,
    )
