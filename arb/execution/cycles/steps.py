"""What a cycle does next, decided on a draft. No I/O: what had to be read is in the situation.

Each function adds facts to the draft until the cycle has an order to send, waits, or is closed.
"""

from arb import crashpoints, limits
from arb.events import facts as f
from arb.execution.account.desk import Desk, targets_of
from arb.execution.account.journal import Draft
from arb.execution.cycles import awaiting, cooling, patience, planning, rests, untold
from arb.execution.cycles.parking import park
from arb.execution.cycles.situation import Situation
from arb.execution.risk.guards import may_begin_again
from arb.machine import commands as c
from arb.machine import table as t
from arb.machine.state import Cycle, Order
from arb.market.depth import NO_DEPTH, Shortfall, Walk
from arb.money import plain


def advance(desk: Desk, draft: Draft, situation: Situation) -> None:
    """Decide on until an order is intended, the cycle waits or needs a reading, or it is closed."""
    for _ in range(limits.ORDERS_PER_CYCLE_MAX):
        cycle = draft.cycle
        if cycle.is_closed or cycle.pending_orders():
            return
        before = len(draft.facts)
        if _must_rest(cycle) and not situation.rested:
            return
        if cycle.state in t.RUNNING:
            _advance_leg(desk, draft, situation)
        elif cycle.state == t.RECOVERING:
            _advance_recovery(desk, draft, situation)
        elif cycle.state == t.PANIC_SELLING:
            _advance_unwind(desk, draft, situation)
        else:
            draft.do(c.AbandonCycle(reason="a restart found it before its first order"))
        if len(draft.facts) == before or draft.cycle.next_try_ns > draft.at_ns:
            return


def _must_rest(cycle: Cycle) -> bool:
    """Whether the next order has to wait, because the last one filled nothing."""
    last = cycle.orders[-1] if cycle.orders else None
    if last is None or last.filled > 0:
        return False
    if cycle.state == t.PANIC_SELLING:
        return last.purpose == "unwind"
    return cycle.state in t.RUNNING and 0 < cycle.attempts <= cycle.max_retries


# --- the run path -----------------------------------------------------------------------------


def _advance_leg(desk: Desk, draft: Draft, situation: Situation) -> None:
    cycle = draft.cycle
    if situation.panic:
        draft.do(c.StartRecovery(reason="an operator asked to liquidate"))
        return
    if cycle.leg >= len(cycle.legs):
        _close_loop(desk, draft)
        return
    slow = cooling.slow_leg(desk, draft)
    if cycle.leg_received <= 0:
        if slow:
            cooling.leave(desk, draft, cooling.LATENCY, slow)
            return
        _after_nothing(desk, draft, situation)
    elif _rest_is_worth_an_order(desk, cycle):
        if cycle.attempts > cycle.max_retries:
            reason = f"leg {cycle.leg + 1} stays filled in part"
            cooling.leave(desk, draft, cooling.SHORTFALL, reason)
            return
        if slow:
            cooling.leave(desk, draft, cooling.LATENCY, slow)
            return
        _send_leg(desk, draft, situation)
    else:
        draft.do(c.SettleLeg())
        if draft.cycle.leg >= len(cycle.legs):
            return  # nothing is left to send, so a slow last leg completes like any other
        if slow:
            cooling.leave(desk, draft, cooling.LATENCY, slow)
            return
        _send_leg(desk, draft, situation)


def _close_loop(desk: Desk, draft: Draft) -> None:
    cycle = draft.cycle
    if rests.are_more_than_dust(desk, cycle):
        draft.do(c.StartRecovery(reason="more than dust is left over on the way"))
    elif patience.values_wait(desk, draft):
        draft.do(c.StartRecovery(reason=patience.NO_VALUE))
    else:
        draft.do(c.CompleteCycle(fee_value=planning.fee_value(desk, cycle)))


def _rest_is_worth_an_order(desk: Desk, cycle: Cycle) -> bool:
    """Whether the current leg's unspent input can still be traded; the start currency just stays."""
    if cycle.leg == 0:
        return False
    leg = cycle.legs[cycle.leg]
    amount = cycle.holding(leg.spend_asset)
    if amount <= 0 or planning.is_dust(desk, leg.spend_asset, amount):
        return False
    # What rounding to this market's steps left over is no reason to leave the path.
    return planning.fits(desk, leg.market, leg.spend_asset, amount)


def _after_nothing(desk: Desk, draft: Draft, situation: Situation) -> None:
    """Plan the leg's order; after a refusal or a miss of the first leg, only while it may and still pays."""
    cycle = draft.cycle
    last = cycle.orders[-1] if cycle.attempts else None
    if last is None:
        _send_leg(desk, draft, situation)
        return
    if cycle.leg > 0:
        # Money is at risk: going on is compared with liquidating.
        reason = f"leg {cycle.leg + 1}: {_why(last)}"
        cooling.leave(desk, draft, cooling.NOTHING, reason)
        return
    quote = planning.quote_cycle(desk, cycle)
    pays = not isinstance(quote, Shortfall) and quote.edge_bps > planning.threshold_bps(cycle)
    again = cycle.attempts <= cycle.max_retries and may_begin_again(desk, cycle)
    if again and pays:
        _send_leg(desk, draft, situation)
        return
    if cycle.has_traded:
        draft.do(c.StartRecovery(reason="leg 1: its fees took all that it received"))
        return
    _end_without_fills(draft, last)


def _end_without_fills(draft: Draft, last: Order) -> None:
    if last.state == t.ORDER_REFUSED:
        draft.do(c.RefuseCycle(reason=_why(last)))
    else:
        draft.do(c.MissCycle(reason=_why(last)))


def _why(order: Order) -> str:
    if order.state == t.ORDER_REFUSED:
        return f"refused ({order.status})"
    return "absent" if order.state == t.ABSENT else "filled nothing"


def _send_leg(desk: Desk, draft: Draft, situation: Situation) -> None:
    cycle = draft.cycle
    if untold.resells(desk, cycle, draft.at_ns):
        if situation.balances is None:
            if situation.trouble:
                _to_recovery_or_wait(desk, draft, situation.trouble)
            return  # the balances are read next: none of before its last order's end tell of that
        if awaiting.differing(desk, draft, situation):
            draft.do(c.StartRecovery(reason=patience.UNTOLD))  # where it is waited for
            return
    ahead = planning.go_on(desk, cycle)
    if isinstance(ahead, Shortfall):
        reason = f"leg {cycle.leg + 1}: {ahead.reason} ({ahead.detail})"
        if ahead.reason == NO_DEPTH:
            cooling.leave(desk, draft, cooling.SHORTFALL, reason)
        else:  # a halted market, a silent book, a minimum: neither price nor time
            draft.do(c.StartRecovery(reason=reason))
        return
    if cycle.leg_received > 0 and not ahead.partly:
        reason = f"the rest of leg {cycle.leg + 1} finds no depth now"
        cooling.leave(desk, draft, cooling.SHORTFALL, reason)
        return
    if cycle.leg > 0 and ahead.output < planning.floor_now(cycle):
        floor = plain(planning.floor_now(cycle))
        reason = (
            f"going on gives {plain(ahead.output)} {cycle.start_asset}, the floor asks for {floor}"
        )
        cooling.leave(desk, draft, cooling.BELOW_FLOOR, reason)
        return
    assert ahead.walk is not None
    if cycle.leg > 0 and planning.is_above_cap(desk, cycle, ahead.walk):
        reason = f"leg {cycle.leg + 1}: more came in than one order may take"
        draft.do(c.StartRecovery(reason=reason))
        return
    _intend(desk, draft, situation, ahead.walk, "leg")


def _intend(desk: Desk, draft: Draft, situation: Situation, walk: Walk, purpose: str) -> None:
    if situation.venue_ns is None:
        _to_recovery_or_wait(desk, draft, "the venue's clock cannot be read")
        return
    if len(draft.cycle.orders) >= limits.ORDERS_PER_CYCLE_MAX:
        targets = targets_of(desk.strategy(draft.cycle.config), draft.cycle.start_asset)
        park(desk, draft, f"{limits.ORDERS_PER_CYCLE_MAX} orders did not end it", targets)
        return
    if desk.ration.next_wait_ns() > 0:
        return  # decided on anew when the venue takes another order
    draft.do(planning.intend(desk, draft.cycle, walk, purpose, situation.venue_ns))
    desk.ration.promise(draft.cycle.orders[-1].client_order_id)


def _to_recovery_or_wait(desk: Desk, draft: Draft, reason: str) -> None:
    if draft.cycle.state != t.RECOVERING:
        draft.do(c.StartRecovery(reason=reason))
    patience.wait(desk, draft, reason)


# --- recovering -------------------------------------------------------------------------------


def _advance_recovery(desk: Desk, draft: Draft, situation: Situation) -> None:
    cycle = draft.cycle
    crashpoints.reach(crashpoints.RECOVERING)
    if awaiting.waits(desk, draft, situation):
        return
    if not cycle.has_traded:
        last = cycle.orders[-1] if cycle.orders else None
        if last is None:
            draft.do(c.MissCycle(reason="no order was ever sent"))
        else:
            _end_without_fills(draft, last)
        return
    if situation.balances is None or situation.venue_ns is None:
        if situation.trouble:
            patience.wait(desk, draft, situation.trouble)
        return
    strategy = desk.strategy(cycle.config)
    targets = targets_of(strategy, cycle.start_asset)
    exposed = planning.exposure(desk, cycle, situation.balances, targets)
    if exposed.is_none or rests.are_left(desk, draft, exposed):
        _close_without_exposure(desk, draft, targets)
        return
    if not situation.panic and patience.books_come(desk, draft):
        patience.wait_for(desk, draft, patience.NO_BOOKS)
        return
    ahead = None if situation.panic else _worth_resuming(desk, cycle, exposed)
    if ahead is not None:
        _resume(desk, draft, situation, ahead, exposed)
        return
    _unwind_or_wait(desk, draft, situation, exposed, targets)


def _close_without_exposure(desk: Desk, draft: Draft, targets: tuple[str, ...]) -> None:
    cycle = draft.cycle
    if patience.values_wait(desk, draft):
        patience.wait_for(desk, draft, patience.NO_VALUE)
        return
    # A loop that closed in the last leg before the end could be recorded is a completed one; one that
    # was sold, in this unwind or before it was opened again, is not.
    last_leg = cycle.leg == len(cycle.legs) - 1 and cycle.leg_received > 0
    sold = any(order.purpose == "unwind" for order in cycle.orders)
    over = cycle.leg == len(cycle.legs) or (last_leg and not sold)
    if over and not rests.are_elsewhere(desk, cycle, targets):
        draft.do(c.CompleteCycle(fee_value=planning.fee_value(desk, cycle)))
        return
    worth = planning.value_of_others(desk, cycle, targets)
    if worth is None:
        held = {asset: cycle.holding(asset) for asset in targets}
        if patience.waited_enough_for_value(desk, draft, held):
            # What nothing can value stays with the cycle, in the currency it is in.
            park(desk, draft, patience.NO_VALUE, (cycle.start_asset,))
        else:
            patience.wait_for(desk, draft, patience.NO_VALUE)
        return
    fees = planning.fee_value(desk, cycle)
    draft.do(c.LiquidateCycle(targets=targets, value=worth, fee_value=fees))


def _worth_resuming(
    desk: Desk, cycle: Cycle, exposed: planning.Exposure
) -> planning.GoingOn | None:
    """What going on gives, where that is above the floor and no less than liquidating; else None."""
    if cycle.leg >= len(cycle.legs) or cycle.resumes > cycle.max_retries or exposed.short:
        return None
    leg = cycle.legs[cycle.leg]
    on_path = {leg.spend_asset, leg.receive_asset, cycle.start_asset, *exposed.dust}
    if any(amount > 0 and asset not in on_path for asset, amount in cycle.holdings.items()):
        return None
    ahead = planning.go_on(desk, cycle)
    if isinstance(ahead, Shortfall) or ahead.walk is None:
        return None
    if planning.is_above_cap(desk, cycle, ahead.walk):
        return None  # it is sold in parts
    if cycle.leg_received > 0 and not ahead.partly and _rest_is_worth_an_order(desk, cycle):
        return None  # going on would leave the rest of this leg behind
    liquidation = exposed.value
    if ahead.output <= planning.floor_now(cycle):
        return None
    return ahead if liquidation is None or ahead.output >= liquidation else None


def _resume(
    desk: Desk,
    draft: Draft,
    situation: Situation,
    ahead: planning.GoingOn,
    exposed: planning.Exposure,
) -> None:
    cycle = draft.cycle
    draft.do(
        c.Resume(
            leg=cycle.leg,
            partly=ahead.partly,
            output=ahead.output,
            floor=planning.floor_now(cycle),
            liquidation=exposed.value,
        )
    )
    if not ahead.partly and cycle.leg_received > 0:
        draft.do(c.SettleLeg())
    assert ahead.walk is not None
    _intend(desk, draft, situation, ahead.walk, "leg")


def _unwind_or_wait(
    desk: Desk,
    draft: Draft,
    situation: Situation,
    exposed: planning.Exposure,
    targets: tuple[str, ...],
) -> None:
    cycle = draft.cycle
    if not situation.panic and not desk.strategy(cycle.config).panic_sell.enabled:
        park(desk, draft, "panic_sell is not enabled", targets)
        return
    stuck = cycle.unwind_orders >= limits.UNWIND_ORDERS_MAX
    if not stuck and any(way.walk is not None for way in exposed.ways):
        resume = planning.go_on(desk, cycle)
        draft.do(
            c.StartUnwind(
                reason="an operator asked" if situation.panic else (cycle.error or "recovery"),
                targets=targets,
                liquidation=exposed.value,
                resume=None if isinstance(resume, Shortfall) else resume.output,
            )
        )
        _advance_unwind(desk, draft, situation)
        return
    reason = patience.TOO_LITTLE if exposed.short else patience.NO_MARKET
    unsold = {way.asset for way in exposed.ways}
    if stuck or patience.waited_enough(desk, draft, reason, unsold):
        assets = ", ".join(sorted({*exposed.short, *unsold}))
        for asset, missing in exposed.short.items():
            held = cycle.holding(asset)
            draft.notes.append(
                f.ShortfallFound(asset=asset, owned=held, actual=held - missing, borne_by=cycle.id)
            )
        park(desk, draft, f"{reason}: {assets}", targets)
        return
    patience.wait_for(desk, draft, reason)


# --- panic selling ----------------------------------------------------------------------------


def _advance_unwind(desk: Desk, draft: Draft, situation: Situation) -> None:
    cycle = draft.cycle
    if situation.balances is None or situation.venue_ns is None:
        if situation.trouble:
            _to_recovery_or_wait(desk, draft, situation.trouble)
        return
    crashpoints.reach(crashpoints.UNWINDING)
    if awaiting.differing(desk, draft, situation):
        draft.do(c.StartRecovery(reason=patience.UNTOLD))
        return
    strategy = desk.strategy(cycle.config)
    targets = targets_of(strategy, cycle.start_asset)
    exposed = planning.exposure(desk, cycle, situation.balances, targets)
    if exposed.is_none:
        worth = planning.value_of_others(desk, cycle, targets)
        if worth is None or patience.values_wait(desk, draft):
            draft.do(c.StartRecovery(reason=patience.NO_VALUE))  # where it is waited for
            return
        fees = planning.fee_value(desk, cycle)
        if cycle.leg == len(cycle.legs) and not rests.are_elsewhere(desk, cycle, targets):
            draft.do(c.CompleteCycle(fee_value=fees))  # only what it had left over was sold
        else:
            draft.do(c.LiquidateCycle(targets=targets, value=worth, fee_value=fees))
        return
    first = [(way.asset, way.walk) for way in exposed.ways if way.walk is not None]
    if not first or cycle.unwind_orders >= limits.UNWIND_ORDERS_MAX:
        draft.do(c.StartRecovery(reason="nothing more can be sold now"))
        return
    walk = next((w for asset, w in first if desk.arbiter.take_turn(cycle.id, asset)), None)
    if walk is None:
        return  # another cycle sells the same asset; its turn ends with its order
    _intend(desk, draft, situation, walk, "unwind")
