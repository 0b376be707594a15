"""Fold facts about orders: what a fill changes in hand, and where each order stands."""

from collections.abc import Callable
from sys import intern
from typing import Final

from msgspec.structs import replace

from arb.errors import IllegalMove
from arb.events import facts as f
from arb.machine import table as t
from arb.machine.amounts import change
from arb.machine.state import Cycle, Order, Trade

ATTESTED: Final = "attested"  # the venue's id of an order that only an operator tells of
ATTESTED_ABSENT: Final = "attested absent"  # the status of an order that an operator gave up


def attested_trade_id(client_order_id: str) -> str:
    """The id of the trade that an operator states for an order: no venue gives such a one."""
    return f"{ATTESTED}-{client_order_id}"


def _intended(cycle: Cycle, fact: f.OrderIntended, at_ns: int) -> None:
    order = Order(
        client_order_id=fact.client_order_id,
        number=fact.number,
        purpose=intern(fact.purpose),
        leg=fact.leg,
        market=intern(fact.market),
        base=intern(fact.base),
        quote=intern(fact.quote),
        side=intern(fact.side),
        amount=fact.amount,
        limit=fact.limit,
        best=fact.best,
        intended_ns=at_ns,
        venue_time_ns=fact.venue_time_ns,
        dead_ns=fact.dead_ns,
        time_in_force=intern(fact.time_in_force),
    )
    cycle.recent = (*cycle.recent, order)
    if fact.purpose == "unwind":
        cycle.unwind_orders += 1
    else:
        cycle.attempts += 1


def _accepted(cycle: Cycle, fact: f.OrderAccepted, _at_ns: int) -> None:
    order = cycle.order(fact.client_order_id)
    # An end that was told before it was given up says nothing about the order that exists.
    cycle.put(
        replace(
            order,
            state=t.OPEN,
            exchange_order_id=fact.exchange_order_id,
            told=None,
            final_ns=0,
        )
    )


def trade_of(fill: f.OrderFilled) -> Trade:
    """What a cycle remembers of a fill, to know it when it is told again."""
    return Trade(
        fill.trade_id, fill.price, fill.amount, fill.cost, fill.fee, intern(fill.fee_asset)
    )


def _filled(cycle: Cycle, fact: f.OrderFilled, at_ns: int) -> None:
    order = cycle.order(fact.client_order_id)
    if order.side == "buy":
        spend_asset, spent = order.quote, fact.cost
        receive_asset, received = order.base, fact.amount
    else:
        spend_asset, spent = order.base, fact.amount
        receive_asset, received = order.quote, fact.cost
    trade, fee = trade_of(fact), fact.fee
    if fee and trade.fee_asset == receive_asset:
        received -= fee
    change(cycle.holdings, spend_asset, -spent)
    change(cycle.holdings, receive_asset, received)
    if fee:
        change(cycle.fees, trade.fee_asset, fee)
        if trade.fee_asset != receive_asset and _pays_itself(cycle, trade):
            change(cycle.holdings, trade.fee_asset, -fee)
    if order.purpose == "leg" and order.leg == cycle.leg:
        cycle.leg_spent += spent
        cycle.leg_received += received
    filled = order.filled + fact.amount
    told, state = order.told, order.state
    if told is not None:
        state = t.SETTLED if filled >= told else t.TERMINAL
    cycle.put(
        replace(
            order,
            filled=filled,
            cost=order.cost + fact.cost,
            received=order.received + received,
            trades=(*order.trades, trade),
            state=state,
            final_ns=at_ns if state == t.SETTLED else 0,
        )
    )


def without_attested(order: Order, trade: Trade) -> Order:
    """An order as it was before an operator stated a trade of it: how it ends has to be read anew."""
    exchange_id = None if order.exchange_order_id == ATTESTED else order.exchange_order_id
    return replace(
        order,
        exchange_order_id=exchange_id,
        state=t.UNKNOWN if exchange_id is None else t.OPEN,
        told=None,
        filled=order.filled - trade.amount,
        cost=order.cost - trade.cost,
        received=order.received - (trade.amount if order.side == "buy" else trade.cost),
        trades=tuple(one for one in order.trades if one.trade_id != trade.trade_id),
        final_ns=0,
    )


def _reversed(cycle: Cycle, fact: f.AttestedFillReversed, _at_ns: int) -> None:
    order = cycle.order(fact.client_order_id)
    trade = order.trade(fact.trade_id)
    if trade is None:
        raise IllegalMove(f"order {fact.client_order_id} has no trade {fact.trade_id} to reverse")
    spent, received = trade.cost, trade.amount
    if order.side == "sell":
        spent, received = received, spent
    change(cycle.holdings, order.spend_asset, spent)
    change(cycle.holdings, order.receive_asset, -received)
    if order.purpose == "leg" and order.leg == cycle.leg:
        cycle.leg_spent -= spent
        cycle.leg_received -= received
    cycle.put(without_attested(order, trade))


def _pays_itself(cycle: Cycle, trade: Trade) -> bool:
    """Whether a fee outside the received asset is the cycle's; else the account pays it.

    In the start currency always, below zero too: P/L must tell of it. In others while in hand.
    A rebate (below zero) is the cycle's.
    """
    asset, fee = trade.fee_asset, trade.fee
    return asset == cycle.start_asset or fee < 0 or cycle.holding(asset) >= fee


def _closed(cycle: Cycle, fact: f.OrderClosed, at_ns: int) -> None:
    order = cycle.order(fact.client_order_id)
    settled = order.filled >= fact.filled
    cycle.put(
        replace(
            order,
            state=t.SETTLED if settled else t.TERMINAL,
            told=fact.filled,
            status=intern(fact.status),
            final_ns=at_ns if settled else 0,
        )
    )


def _refused(cycle: Cycle, fact: f.OrderRefused, at_ns: int) -> None:
    order = cycle.order(fact.client_order_id)
    cycle.put(replace(order, state=t.ORDER_REFUSED, status=fact.reason, final_ns=at_ns))


def _unknown(cycle: Cycle, fact: f.OrderUnknown, _at_ns: int) -> None:
    order = cycle.order(fact.client_order_id)
    cycle.put(replace(order, state=t.UNKNOWN, status=fact.reason))


def _absent(cycle: Cycle, fact: f.OrderAbsent, at_ns: int) -> None:
    order = cycle.order(fact.client_order_id)
    cycle.put(replace(order, state=t.ABSENT, status="absent", final_ns=at_ns))


def _cancelling(cycle: Cycle, fact: f.CancelIntended, _at_ns: int) -> None:
    order = cycle.order(fact.client_order_id)
    cycle.put(replace(order, state=t.CANCELLING))


def _attested(cycle: Cycle, fact: f.OrderAttested, at_ns: int) -> None:
    order = cycle.order(fact.client_order_id)
    if fact.verdict == "absent" and not order.trades:
        cycle.put(replace(order, state=t.ABSENT, status=ATTESTED_ABSENT, final_ns=at_ns))


# Each handler takes its own fact; the dictionary is what narrows the type.
APPLY_ORDER: Final[dict[type, Callable[..., None]]] = {
    f.OrderIntended: _intended,
    f.OrderAccepted: _accepted,
    f.OrderFilled: _filled,
    f.OrderClosed: _closed,
    f.OrderRefused: _refused,
    f.OrderUnknown: _unknown,
    f.OrderAbsent: _absent,
    f.CancelIntended: _cancelling,
    f.OrderAttested: _attested,
    f.AttestedFillReversed: _reversed,
}
