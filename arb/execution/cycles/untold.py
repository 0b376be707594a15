"""Orders that may have filled more than the venue has told, and balances that say that they did.

A venue may end an order before it shows its last trade. What such a trade sold is still in the cycle's
hands by the log, and would be sold a second time, out of money of the account that is not the cycle's.
The balances may know of it first: where they do, nothing of it is sent again before the venue has told.
"""

from collections.abc import Mapping

import structlog

from arb import limits
from arb.clock import NS_PER_S
from arb.events.facts import Amounts
from arb.exchange.port import Balance, Banned, Unreachable
from arb.execution.account.desk import Desk
from arb.execution.cycles import planning
from arb.execution.cycles.patience import UNTOLD
from arb.execution.orders.resolving import told_now
from arb.machine import commands as c
from arb.machine import table as t
from arb.machine.state import Cycle, Order
from arb.money import ZERO

log = structlog.get_logger()


def suspects(desk: Desk, cycle: Cycle, at_ns: int) -> list[Order]:
    """Orders of a cycle that ended with less than was ordered, so lately that a trade may still be told.

    While the cycle waits for that, how long ago they ended does not matter. Where nobody else can move
    the account, what is told is all that there is.
    """
    if desk.alone:
        return []
    return [
        order
        for order in cycle.orders
        if _fell_short(order)
        and (cycle.wait_reason == UNTOLD or _is_recent(desk, order.final_ns, at_ns))
    ]


def sent_lately(desk: Desk, cycle: Cycle, at_ns: int) -> bool:
    """Whether one of them was sent so lately: what others were waited for is none of its time.

    A part of it that is told late gives it no more time, nor does a clock that was set back since.
    """
    return any(
        _fell_short(order)
        and max(order.intended_ns, desk.attentive_since_ns) <= at_ns
        and _is_recent(desk, order.intended_ns, at_ns)
        for order in cycle.orders
    )


def _fell_short(order: Order) -> bool:
    return order.is_final and order.state != t.ORDER_REFUSED and order.filled < order.amount


def _is_recent(desk: Desk, since_ns: int, at_ns: int) -> bool:
    """Whether a trade of an order may be told still; what a new life found counts from its beginning.

    Time in which the venue did not answer is none in which it could have told. Where the clock was set
    back since, nobody knows how long ago that was.
    """
    since_ns = max(since_ns, desk.attentive_since_ns)
    silent_ns = desk.access.silences.within_ns(since_ns, at_ns)
    return at_ns - since_ns - silent_ns < limits.PARK_AFTER_S * NS_PER_S


def resells(desk: Desk, cycle: Cycle, at_ns: int) -> bool:
    """Whether the next order of a running cycle would give what an order before it may have given already."""
    if cycle.state not in t.RUNNING or cycle.leg >= len(cycle.legs):
        return False
    asset = cycle.legs[cycle.leg].spend_asset
    return any(order.spend_asset == asset for order in suspects(desk, cycle, at_ns))


def expected_now(desk: Desk, cycle: Cycle) -> Amounts:
    """What the venue should hold, by the log, of what the cycle has in hand."""
    return {asset: desk.journal.account.expected(asset) for asset in cycle.holdings}


def differing(  # noqa: PLR0917 -- what is compared, and when
    desk: Desk,
    cycle: Cycle,
    balances: Mapping[str, Balance],
    before: Amounts,
    drafted: Amounts,
    at_ns: int,
) -> Amounts:
    """What balances show beside the log, of what the cycle would give again; below 0 it is missing.

    `before` is what the log expected as they were asked for: a fill that was booked since may be in
    them or not. `drafted` is what was told before they were read and is not in the log yet. More than
    expected is a doubt where it may hide what is missing; elsewhere somebody paid it in.
    """
    found: Amounts = {}
    for order in suspects(desk, cycle, at_ns):
        asset = order.spend_asset
        if not _is_given_again(desk, cycle, asset):
            continue
        balance = balances.get(asset)
        shown = ZERO if balance is None else balance.total
        now = desk.journal.account.expected(asset)
        most = max(now, before.get(asset, now)) + drafted.get(asset, ZERO)
        if shown < most or (shown > most and _may_hide(desk, cycle, order, at_ns)):
            found[asset] = shown - most
    return found


def _is_given_again(desk: Desk, cycle: Cycle, asset: str) -> bool:
    """Whether something of an asset may leave the cycle's hands once more."""
    if asset == cycle.start_asset and (cycle.leg > 0 or cycle.leg_received > 0):
        return False  # what the first leg has left of it just stays
    amount = cycle.holding(asset)
    return amount > 0 and not planning.is_dust(desk, asset, amount)


def _may_hide(desk: Desk, cycle: Cycle, order: Order, at_ns: int) -> bool:
    """Whether more than expected may be there although something is missing.

    The balances may be older than the order's end, and what an order of another cycle brings, or one
    that fell short as well, may be in them and not in the log.
    """
    if at_ns - order.final_ns < desk.rules.visibility_ns:
        return True
    asset = order.spend_asset
    for one in desk.journal.cycles.values():
        pending = one.pending_orders() if one.id != cycle.id else ()
        if any(asset in {other.base, other.quote} for other in pending):
            return True
        if any(asset == other.receive_asset for other in suspects(desk, one, at_ns)):
            return True
    return False


def awaited(desk: Desk) -> set[str]:
    """Assets that a trade may have moved which the venue has not told of, and which a cycle has to know of.

    That is one that waits for it, or whose last order ended so that it may have to.
    """
    now_ns = desk.clock.now_ns()
    assets: set[str] = set()
    for cycle in desk.journal.cycles.values():
        waits = cycle.state == t.RECOVERING and cycle.wait_reason == UNTOLD
        last = cycle.orders[-1:]
        for order in suspects(desk, cycle, now_ns):
            if waits or order in last:
                assets |= {order.base, order.quote}
                if desk.fees.fee_asset:
                    assets.add(desk.fees.fee_asset)
    return assets


async def ask_again(desk: Desk, cycle: Cycle) -> tuple[c.Command, ...]:
    """Ask for the orders, and their trades, that a cycle waits for news of; what is not answered waits."""
    told: list[c.Command] = []
    if cycle.state == t.RECOVERING and cycle.wait_reason == UNTOLD:
        for order in suspects(desk, cycle, desk.clock.now_ns()):
            try:
                told += await told_now(desk, order)
            except (Unreachable, Banned) as error:
                log.info("order.later", order=order.client_order_id, error=str(error))
                break
    return tuple(told)
