"""What a venue's words about an order mean: each fill once, nothing invented, nothing lost."""

from decimal import Decimal

from arb.errors import IllegalMove
from arb.events import facts as f
from arb.limits import FILLS_PER_ORDER_MAX
from arb.machine import commands as c
from arb.machine import table as t
from arb.machine.order_fold import attested_trade_id, trade_of, without_attested
from arb.machine.state import Cycle, Order, Trade
from arb.money import ZERO, plain


def report_order(cycle: Cycle, command: c.ReportOrder) -> list[f.CycleEvent]:
    """Record acceptance, fills and end of an order, and what they do to its cycle.

    What the venue says is recorded even where it cannot be right: an overfill or a fill that
    differs from its first copy is a discrepancy beside the record, never an exception. A trade
    that an operator stated gives way to the real ones.
    """
    order = cycle.order(command.client_order_id)
    events: list[f.CycleEvent] = []
    stated = _stated(cycle, order, command)
    if stated is not None:
        events.append(_reversal(order, stated))
        order = without_attested(order, stated)
    appeared = _accept(order, command, events)
    new = _fills(cycle, order, command, events)
    filled = order.filled + sum((fill.amount for fill in new), ZERO)
    if filled > order.amount and new:
        events.append(_discrepancy("overfilled", order, plain(order.amount), plain(filled)))
    closed = _close(order, command, filled, events)
    events = [event for event in events if not _alarmed(cycle, event)]
    if stated is not None or (order.is_final and (new or appeared or closed)):
        # The cycle moves first: at no moment does it rest, or go on, with this order not final.
        return [*_late(cycle, order, new, appeared=appeared), *events]
    return [*events, *_partly_filled(cycle, order, new, filled)]


def _stated(cycle: Cycle, order: Order, command: c.ReportOrder) -> Trade | None:
    """The trade that an operator stated, once the venue shows a trade of the order that is new."""
    stated = order.trade(attested_trade_id(order.client_order_id))
    is_news = any(
        order.trade(fill.trade_id) is None and _owner(cycle, order, fill.trade_id) is None
        for fill in command.fills
    )
    return stated if is_news else None


def _reversal(order: Order, stated: Trade) -> f.AttestedFillReversed:
    return f.AttestedFillReversed(
        client_order_id=order.client_order_id,
        trade_id=stated.trade_id,
        market=order.market,
        base=order.base,
        quote=order.quote,
        side=order.side,
        price=stated.price,
        amount=stated.amount,
        cost=stated.cost,
        venue_ns=order.venue_time_ns,
    )


def _discrepancy(kind: str, order: Order, was: str, now: str) -> f.DiscrepancyFound:
    return f.DiscrepancyFound(kind=kind, subject=order.client_order_id, was=was, now=now)


def _alarmed(cycle: Cycle, event: f.CycleEvent) -> bool:
    """Whether the venue told the same wrong thing before: one alarm each, however often we read."""
    return (
        isinstance(event, f.DiscrepancyFound)
        and (event.kind, event.subject, event.now) in cycle.discrepancies
    )


def _accept(order: Order, command: c.ReportOrder, events: list[f.CycleEvent]) -> bool:
    """Record the venue's id once; tell whether an order that was given up has appeared."""
    exchange_id = command.exchange_order_id
    if exchange_id is None and command.fills:
        exchange_id = command.fills[0].exchange_order_id
    if exchange_id is None:
        return False
    given_up = order.state in {t.ABSENT, t.ORDER_REFUSED}
    if given_up:
        events.append(_discrepancy(f"{order.state} order exists", order, order.state, exchange_id))
    if given_up or order.state in {t.INTENDED, t.UNKNOWN}:
        events.append(
            f.OrderAccepted(client_order_id=order.client_order_id, exchange_order_id=exchange_id)
        )
    elif order.exchange_order_id not in {None, exchange_id}:
        was = str(order.exchange_order_id)
        events.append(_discrepancy("exchange id changed", order, was, exchange_id))
    return given_up


def _fills(
    cycle: Cycle, order: Order, command: c.ReportOrder, events: list[f.CycleEvent]
) -> list[f.OrderFilled]:
    new: dict[str, f.OrderFilled] = {}
    for fill in command.fills:
        fact = filled_fact(order, fill)
        trade = trade_of(fact)
        known = order.trade(fill.trade_id)
        if known is None and fill.trade_id in new:
            known = trade_of(new[fill.trade_id])
        if known == trade:
            continue
        if known is not None:
            events.append(_wrong_fill("fill changed", fill, _text(known), _text(trade)))
            continue
        owner = _owner(cycle, order, fill.trade_id)
        if owner is not None:
            events.append(_wrong_fill("fill of another order", fill, owner, order.client_order_id))
            continue
        new[fill.trade_id] = fact
        events.append(fact)
    count = len(order.trades) + len(new)
    if new and count > FILLS_PER_ORDER_MAX:
        events.append(_discrepancy("too many fills", order, str(FILLS_PER_ORDER_MAX), str(count)))
    return list(new.values())


def _wrong_fill(kind: str, fill: c.Fill, was: str, now: str) -> f.DiscrepancyFound:
    return f.DiscrepancyFound(kind=kind, subject=fill.trade_id, was=was, now=now)


def _owner(cycle: Cycle, order: Order, trade_id: str) -> str | None:
    """The other order of the same market that has this trade: ids are unique in a market."""
    for other in cycle.orders:
        if other.market == order.market and other.number != order.number and other.trade(trade_id):
            return other.client_order_id
    return None


def _text(trade: Trade) -> str:
    numbers = (trade.price, trade.amount, trade.cost, trade.fee)
    return "|".join([*map(plain, numbers), trade.fee_asset])


def filled_fact(order: Order, fill: c.Fill) -> f.OrderFilled:
    """A checked trade as a fact of its order."""
    return f.OrderFilled(
        client_order_id=order.client_order_id,
        exchange_order_id=fill.exchange_order_id,
        trade_id=fill.trade_id,
        market=order.market,
        base=order.base,
        quote=order.quote,
        side=order.side,
        price=fill.price,
        amount=fill.amount,
        cost=fill.cost,
        fee=fill.fee,
        fee_asset=fill.fee_asset,
        venue_ns=fill.venue_ns,
    )


def _close(
    order: Order, command: c.ReportOrder, known: Decimal, events: list[f.CycleEvent]
) -> bool:
    """Record the end once; an end that names more than we were told and hold is recorded again."""
    if command.status not in t.END_STATUSES or command.filled is None:
        return False
    told = command.filled
    # An order that is accepted again has no end yet, whatever was told before it was given up.
    before = None if order.state in {t.ABSENT, t.ORDER_REFUSED} else order.told
    if before is not None and told <= max(before, known):
        return False
    if told < known:
        # An older copy of the report: the fills we hold prove more.
        events.append(_discrepancy("filled went back", order, plain(known), plain(told)))
        told = known
    events.append(
        f.OrderClosed(client_order_id=order.client_order_id, status=command.status, filled=told)
    )
    return True


def correct_end(cycle: Cycle, command: c.CorrectEnd) -> list[f.CycleEvent]:
    """Settle an order at less than the venue said when it ended; the difference is alarmed."""
    order = cycle.order(command.client_order_id)
    if order.state != t.TERMINAL or order.told is None:
        raise IllegalMove(f"order {order.client_order_id} is {order.state}: no end to correct")
    if command.filled != order.filled or command.filled >= order.told:
        raise IllegalMove(
            f"order {order.client_order_id}: {plain(command.filled)} does not fit what its trades"
            f" add up to, {plain(order.filled)} of {plain(order.told)}"
        )
    return [
        _discrepancy("filled went back", order, plain(order.told), plain(command.filled)),
        f.OrderClosed(
            client_order_id=order.client_order_id, status=order.status, filled=command.filled
        ),
    ]


def _late(
    cycle: Cycle, order: Order, new: list[f.OrderFilled], *, appeared: bool
) -> list[f.CycleEvent]:
    """What news of a final order does to its cycle: open it again, or stop it."""
    if cycle.is_closed:
        if appeared:
            return [f.OrderReappeared(client_order_id=order.client_order_id)]
        trade_id = new[-1].trade_id if new else ""
        return [f.LateFillFound(client_order_id=order.client_order_id, trade_id=trade_id)]
    if cycle.state == t.RECOVERING:
        return []
    return [f.RecoveryStarted(reason=f"late word of order {order.client_order_id}")]


def _partly_filled(
    cycle: Cycle, order: Order, new: list[f.OrderFilled], filled: Decimal
) -> list[f.CycleEvent]:
    if not new or cycle.state not in t.RUNNING or order.purpose != "leg" or filled >= order.amount:
        return []
    spent, received = cycle.leg_spent, cycle.leg_received
    for fill in new:
        gross = fill.amount if fill.side == "buy" else fill.cost
        spent += fill.cost if fill.side == "buy" else fill.amount
        received += gross - (fill.fee if fill.fee_asset == order.receive_asset else ZERO)
    return [f.LegPartlyFilled(leg=cycle.leg, spent=spent, received=received)]


def attest(cycle: Cycle, command: c.AttestOrder) -> list[f.CycleEvent]:
    """Record an operator's word about an order that the venue can no longer tell of."""
    order = cycle.order(command.client_order_id)
    if order.is_final:
        raise IllegalMove(f"order {order.client_order_id} is {order.state}: its fate is known")
    if order.state == t.INTENDED:
        raise IllegalMove(f"order {order.client_order_id} may be on its way: run the engine first")
    attested = f.OrderAttested(
        client_order_id=order.client_order_id, verdict=command.verdict, reason=command.reason
    )
    if command.verdict == "absent":
        if not order.trades:
            return [attested]
        # What it filled is known; attested is that nothing more comes.
        closed = f.OrderClosed(
            client_order_id=order.client_order_id, status="canceled", filled=order.filled
        )
        return [attested, closed]
    if command.verdict != "filled" or command.fill is None:
        raise IllegalMove(f"verdict must be absent or filled, was {command.verdict!r}")
    if command.fill.fee:
        raise IllegalMove(f"order {order.client_order_id}: nobody can attest a fee")
    if order.trade(command.fill.trade_id) is not None:
        raise IllegalMove(f"fill {command.fill.trade_id} is recorded: attest what is missing")
    report = c.ReportOrder(
        client_order_id=order.client_order_id,
        exchange_order_id=order.exchange_order_id or command.fill.exchange_order_id,
        status="closed",
        filled=order.filled + command.fill.amount,
        fills=(command.fill,),
    )
    return [attested, *report_order(cycle, report)]
