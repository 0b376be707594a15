"""Decide: from a cycle and a command to facts. Pure: refuses with IllegalMove, changes nothing."""

from collections.abc import Callable
from typing import Final

from arb.errors import IllegalMove
from arb.events import facts as f
from arb.limits import NOT_FOUND_MIN, ORDERS_PER_CYCLE_MAX
from arb.machine import commands as c
from arb.machine import table as t
from arb.machine.closing import all_final, complete, liquidate, miss, park, refuse
from arb.machine.reports import attest, correct_end, report_order
from arb.machine.state import Cycle

LEGS_MIN: Final = 2


def decide(cycle: Cycle | None, command: c.Command) -> list[f.CycleEvent]:
    """Answer a command with the facts that follow from it, in the order they are to be appended.

    Raises IllegalMove where the command does not fit the cycle's state.
    """
    if isinstance(command, c.OpenCycle):
        if cycle is not None:
            raise IllegalMove(f"{cycle.id} is open already")
        return [_opened(command)]
    if cycle is None:
        raise IllegalMove(f"{type(command).__name__} for a cycle that was never opened")
    events = _DECIDE[type(command)](cycle, command)
    _check_moves(cycle, events)
    return events


def _check_moves(cycle: Cycle, events: list[f.CycleEvent]) -> None:
    """Fail before anything is appended, not after."""
    state = cycle.state
    for event in events:
        if isinstance(event, f.CycleFact):
            moved = t.MOVES.get((state, type(event)))
            if moved is None:
                raise IllegalMove(f"{cycle.id} is {state}: {type(event).__name__} does not fit")
            state = moved


def _opened(command: c.OpenCycle) -> f.CycleOpened:
    legs = command.legs
    if len(legs) < LEGS_MIN:
        raise IllegalMove(f"a cycle has {LEGS_MIN} legs or more, this one {len(legs)}")
    for one, following in zip(legs, (*legs[1:], legs[0]), strict=True):
        if one.receive_asset != following.spend_asset:
            raise IllegalMove(f"leg {one} does not lead to {following}")
    if command.start_amount <= 0:
        raise IllegalMove(f"start amount must be above 0, was {command.start_amount}")
    return f.CycleOpened(
        cycle_id=command.cycle_id,
        number=command.number,
        strategy=command.strategy,
        config=command.config,
        legs=legs,
        start_asset=legs[0].spend_asset,
        start_amount=command.start_amount,
        edge_bps=command.edge_bps,
        books=command.books,
        seen_ns=command.seen_ns,
        prices=command.prices,
        claimed=command.claimed,
        available=command.available,
    )


def _start_validation(cycle: Cycle, command: c.StartValidation) -> list[f.CycleEvent]:
    return [f.ValidationStarted()]


def _validate(cycle: Cycle, command: c.ValidateCycle) -> list[f.CycleEvent]:
    return [
        f.CycleValidated(
            reserved=cycle.start_amount,
            expected=command.expected,
            floor=command.floor,
            fee_reserve=command.fee_reserve,
            cap=command.cap,
            max_slippage_bps=command.max_slippage_bps,
            max_retries=command.max_retries,
        )
    ]


def _decline(cycle: Cycle, command: c.DeclineCycle) -> list[f.CycleEvent]:
    return [f.CycleDeclined(reason=command.reason, detail=command.detail)]


def _abandon(cycle: Cycle, command: c.AbandonCycle) -> list[f.CycleEvent]:
    return [f.CycleAbandoned(reason=command.reason)]


def _intend(cycle: Cycle, command: c.IntendOrder) -> list[f.CycleEvent]:
    if cycle.pending_orders():
        raise IllegalMove(f"{cycle.id} has an order whose fate is not known")
    if cycle.orders_sent >= ORDERS_PER_CYCLE_MAX:
        raise IllegalMove(f"{cycle.id} has sent {cycle.orders_sent} orders, the most allowed")
    if any(order.client_order_id == command.client_order_id for order in cycle.orders):
        raise IllegalMove(f"order id {command.client_order_id} was used: an id is never used again")
    if command.side not in {"buy", "sell"}:
        raise IllegalMove(f"side must be buy or sell, was {command.side!r}")
    spend, receive = command.base, command.quote
    if command.side == "buy":
        spend, receive = receive, spend
    if command.purpose == "leg":
        if cycle.state not in t.RUNNING or cycle.leg >= len(cycle.legs):
            raise IllegalMove(f"{cycle.id} is {cycle.state}: no leg order fits")
        leg = cycle.legs[cycle.leg]
        if leg != f.LegRoute(command.market, command.side, spend, receive):
            raise IllegalMove(
                f"leg {cycle.leg + 1} is {leg}, not {command.side} {command.market} for {spend}"
            )
    elif command.purpose != "unwind" or cycle.state != t.PANIC_SELLING:
        raise IllegalMove(f"{cycle.id} is {cycle.state}: no {command.purpose} order fits")
    if command.amount <= 0 or command.limit <= 0:
        raise IllegalMove(f"amount {command.amount} and limit {command.limit} must be above 0")
    # All or nothing is for the first leg alone: later ones hold what must go somewhere.
    whole = command.time_in_force == "fok" and (command.purpose, cycle.leg) == ("leg", 0)
    if command.time_in_force != "ioc" and not whole:
        raise IllegalMove(
            f"no {command.purpose} order of leg {cycle.leg + 1} may be {command.time_in_force}"
        )
    needs = command.amount * command.limit if command.side == "buy" else command.amount
    if needs > cycle.holding(spend):
        raise IllegalMove(
            f"{cycle.id} holds {cycle.holding(spend)} {spend}, the order needs {needs}"
        )
    return [
        f.OrderIntended(
            client_order_id=command.client_order_id,
            number=cycle.orders_sent + 1,
            purpose=command.purpose,
            leg=cycle.leg,
            market=command.market,
            base=command.base,
            quote=command.quote,
            side=command.side,
            time_in_force=command.time_in_force,
            amount=command.amount,
            limit=command.limit,
            best=command.best,
            expected=command.expected,
            venue_time_ns=command.venue_time_ns,
            window_ns=command.window_ns,
            dead_ns=command.dead_ns,
        )
    ]


def _refused(cycle: Cycle, command: c.ReportRefused) -> list[f.CycleEvent]:
    order = cycle.order(command.client_order_id)
    if order.state not in {t.INTENDED, t.UNKNOWN} or order.trades:
        raise IllegalMove(f"order {order.client_order_id} is {order.state}: it was not refused")
    return [
        f.OrderRefused(
            client_order_id=order.client_order_id, reason=command.reason, detail=command.detail
        )
    ]


def _unknown(cycle: Cycle, command: c.ReportUnknown) -> list[f.CycleEvent]:
    order = cycle.order(command.client_order_id)
    if order.state == t.UNKNOWN:
        return []
    if order.state != t.INTENDED:
        raise IllegalMove(f"order {order.client_order_id} is {order.state}: its fate is known")
    return [f.OrderUnknown(client_order_id=order.client_order_id, reason=command.reason)]


def _absent(cycle: Cycle, command: c.ReportAbsent) -> list[f.CycleEvent]:
    order = cycle.order(command.client_order_id)
    if order.state != t.UNKNOWN or order.trades or order.exchange_order_id:
        raise IllegalMove(f"order {order.client_order_id} is {order.state}: it cannot be absent")
    if command.venue_time_ns <= order.dead_ns:
        raise IllegalMove(f"order {order.client_order_id} may still arrive")
    if command.not_found < NOT_FOUND_MIN:
        raise IllegalMove(f"{command.not_found} not-founds prove nothing, {NOT_FOUND_MIN} do")
    return [
        f.OrderAbsent(
            client_order_id=order.client_order_id,
            not_found=command.not_found,
            venue_time_ns=command.venue_time_ns,
            trades_read=command.trades_read,
            evidence=command.evidence,
        )
    ]


def _discrepancy(cycle: Cycle, command: c.ReportDiscrepancy) -> list[f.CycleEvent]:
    return [
        f.DiscrepancyFound(
            kind=command.kind, subject=command.subject, was=command.was, now=command.now
        )
    ]


def _cancel(cycle: Cycle, command: c.RequestCancel) -> list[f.CycleEvent]:
    order = cycle.order(command.client_order_id)
    if order.state == t.CANCELLING:
        return []
    if order.state != t.OPEN:
        raise IllegalMove(f"order {order.client_order_id} is {order.state}: nothing to cancel")
    return [f.CancelIntended(client_order_id=order.client_order_id, reason=command.reason)]


def _mark_partial(cycle: Cycle, command: c.MarkPartial) -> list[f.CycleEvent]:
    if cycle.leg_received <= 0:
        raise IllegalMove(f"{cycle.id}: leg {cycle.leg + 1} received nothing")
    return [f.LegPartlyFilled(leg=cycle.leg, spent=cycle.leg_spent, received=cycle.leg_received)]


def _settle_leg(cycle: Cycle, command: c.SettleLeg) -> list[f.CycleEvent]:
    all_final(cycle)
    if cycle.leg >= len(cycle.legs) or cycle.leg_received <= 0:
        raise IllegalMove(f"{cycle.id}: leg {cycle.leg + 1} received nothing")
    leg = cycle.legs[cycle.leg]
    return [
        f.LegSettled(
            leg=cycle.leg,
            spent=cycle.leg_spent,
            received=cycle.leg_received,
            left=cycle.holding(leg.spend_asset),
        )
    ]


def _start_recovery(cycle: Cycle, command: c.StartRecovery) -> list[f.CycleEvent]:
    return [f.RecoveryStarted(reason=command.reason)]


def _wait(cycle: Cycle, command: c.Wait) -> list[f.CycleEvent]:
    return [f.RecoveryWaiting(reason=command.reason, next_try_ns=command.next_try_ns)]


def _resume(cycle: Cycle, command: c.Resume) -> list[f.CycleEvent]:
    all_final(cycle)
    if not 0 <= command.leg < len(cycle.legs):
        raise IllegalMove(f"{cycle.id} has no leg {command.leg + 1}")
    kind = f.LegResumed if command.partly else f.CycleResumed
    return [
        kind(
            leg=command.leg,
            output=command.output,
            floor=command.floor,
            liquidation=command.liquidation,
        )
    ]


def _start_unwind(cycle: Cycle, command: c.StartUnwind) -> list[f.CycleEvent]:
    all_final(cycle)
    return [
        f.UnwindStarted(
            reason=command.reason,
            targets=command.targets,
            liquidation=command.liquidation,
            resume=command.resume,
        )
    ]


def _settle_hop(cycle: Cycle, command: c.SettleHop) -> list[f.CycleEvent]:
    order = cycle.order(command.client_order_id)
    if not order.is_final:
        raise IllegalMove(f"order {order.client_order_id} is {order.state}")
    return [
        f.HopSettled(
            client_order_id=order.client_order_id, spent=order.spent, received=order.received
        )
    ]


def _request_unwind(cycle: Cycle, command: c.RequestUnwind) -> list[f.CycleEvent]:
    if not cycle.owned():
        raise IllegalMove(f"{cycle.id} holds nothing to unwind")
    if cycle.orders_sent >= ORDERS_PER_CYCLE_MAX:
        # It would only be parked again.
        raise IllegalMove(
            f"{cycle.id} has used up its {cycle.orders_sent} orders and can sell nothing more; "
            f"take what it holds out of its hands (--release {cycle.id}), and sell that yourself"
        )
    return [f.UnwindRequested(reason=command.reason)]


def _release(cycle: Cycle, command: c.ReleaseHoldings) -> list[f.CycleEvent]:
    released = cycle.owned()
    if not released or not cycle.is_closed:
        raise IllegalMove(f"{cycle.id} is {cycle.state} and has nothing to release")
    return [f.HoldingsReleased(reason=command.reason, released=released)]


# Each function takes its own command; the dictionary is what narrows the type.
_DECIDE: Final[dict[type, Callable[..., list[f.CycleEvent]]]] = {
    c.StartValidation: _start_validation,
    c.ValidateCycle: _validate,
    c.DeclineCycle: _decline,
    c.AbandonCycle: _abandon,
    c.IntendOrder: _intend,
    c.ReportOrder: report_order,
    c.CorrectEnd: correct_end,
    c.ReportRefused: _refused,
    c.ReportUnknown: _unknown,
    c.ReportAbsent: _absent,
    c.ReportDiscrepancy: _discrepancy,
    c.RequestCancel: _cancel,
    c.AttestOrder: attest,
    c.MarkPartial: _mark_partial,
    c.SettleLeg: _settle_leg,
    c.CompleteCycle: complete,
    c.MissCycle: miss,
    c.RefuseCycle: refuse,
    c.StartRecovery: _start_recovery,
    c.Wait: _wait,
    c.Resume: _resume,
    c.StartUnwind: _start_unwind,
    c.SettleHop: _settle_hop,
    c.LiquidateCycle: liquidate,
    c.ParkCycle: park,
    c.RequestUnwind: _request_unwind,
    c.ReleaseHoldings: _release,
}
