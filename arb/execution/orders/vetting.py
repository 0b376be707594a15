"""Check a venue's words before they become facts: accepted only by proof, garbled otherwise. Pure.

A reply proves acceptance when it names the venue's id, our id (or market, side and amount), and a
known status. A fill counts when every number is there, of the right sign, and of this order.
"""

from collections.abc import Iterable
from decimal import Decimal

from msgspec import Struct

from arb.clock import NS_PER_S
from arb.exchange.port import BalanceChange, FillReport, OrderReport
from arb.machine import commands as c
from arb.machine.order_fold import ATTESTED_ABSENT
from arb.machine.state import Order
from arb.machine.table import END_STATUSES
from arb.money import ZERO, plain

CLOCKS_DIFFER_NS = 5 * NS_PER_S  # what a reading of the venue's clock may be wrong by, and more
NOT_SENT = "not sent"  # why an order was refused: by us, before it left
KNOWN_STATUSES = END_STATUSES | {"open"}


class Garbled(Struct, frozen=True, gc=False):
    """A reply that proves nothing, and why."""

    why: str
    overfull: bool = False  # it tells of more than was ordered: only trades can prove that


def vet_order(
    order: Order, report: OrderReport, *, also: Iterable[c.Fill] = ()
) -> c.ReportOrder | Garbled:
    """Turn a reply about an order into a command, or say why it proves nothing.

    `also`: fills of the order that were read elsewhere; they count as proof, and are not reported.
    """
    wrong = _wrong_order(order, report)
    if wrong is not None:
        return Garbled(wrong)
    assert report.exchange_order_id is not None
    fills: list[c.Fill] = []
    for told in report.fills or ():
        fill = vet_fill(order, told, report.exchange_order_id)
        # A fill that cannot be read is read again from the trades; the order's end waits for it.
        if isinstance(fill, c.Fill):
            fills.append(fill)
    filled = report.filled
    if filled is not None and not _amount(filled, zero=True):
        return Garbled(f"filled is {filled}")
    if filled is not None and filled > max(order.amount, filled_by(order, [*fills, *also])):
        why = f"filled is {plain(filled)} of {plain(order.amount)}, and no trades prove it"
        return Garbled(why, overfull=True)
    return c.ReportOrder(
        client_order_id=order.client_order_id,
        exchange_order_id=report.exchange_order_id,
        status=report.status,
        filled=filled,
        fills=tuple(fills),
    )


def filled_by(order: Order, fills: Iterable[c.Fill]) -> Decimal:
    """Add up an order's distinct trades: the ones in the log and the ones that are told now."""
    amounts = {trade.trade_id: trade.amount for trade in order.trades}
    for fill in fills:
        amounts.setdefault(fill.trade_id, fill.amount)
    return sum(amounts.values(), ZERO)


def _wrong_order(order: Order, report: OrderReport) -> str | None:
    if not isinstance(report.exchange_order_id, str) or not report.exchange_order_id:
        return "no exchange order id"
    if report.client_order_id != order.client_order_id:
        same = (report.market, report.side, report.amount) == (
            order.market,
            order.side,
            order.amount,
        )
        if report.client_order_id is not None or not same:
            return f"it is about order {report.client_order_id}"
    if is_older(order, report):
        return "it is about an order that was made before ours was intended"
    if report.market is not None and report.market != order.market:
        return f"it is about market {report.market}"
    if report.side is not None and report.side != order.side:
        return f"it is about a {report.side}"
    if report.status not in KNOWN_STATUSES:
        return f"unknown status {report.status!r}"
    return None


def is_older(order: Order, report: OrderReport) -> bool:
    """Whether an order was made so long before ours was intended that only its name is the same.

    A copy of the log that was put back gives ids out again.
    """
    return report.venue_ns is not None and report.venue_ns < earliest_ns(order)


def earliest_ns(order: Order) -> int:
    """The earliest moment of the venue's clock at which an order of ours, or a trade of it, may have been made.

    Our estimate of that clock may have been ahead: ours was set forward after the last reading. The
    venue then takes what seems to come from the future, as far ahead as the window of the signature
    reaches; T_dead allows for that window, and for more.
    """
    lasts_ns = order.dead_ns - order.venue_time_ns
    return order.venue_time_ns - lasts_ns - CLOCKS_DIFFER_NS


def could_be(order: Order, nameless: OrderReport) -> bool:
    """Whether an order that the venue tells without our id could be this one.

    What never left, and what an operator knows to be absent, is at no venue. What was made after
    T_dead is another's.
    """
    if order.exchange_order_id is not None or order.status in {NOT_SENT, ATTESTED_ABSENT}:
        return False
    made_ns = nameless.venue_ns
    return (
        nameless.side in {None, order.side}
        and nameless.amount in {None, order.amount}
        and (made_ns is None or made_ns <= order.dead_ns)
    )


def _amount(value: object, *, zero: bool = False) -> bool:
    if not isinstance(value, Decimal) or not value.is_finite():
        return False
    return value > 0 or (zero and value == ZERO)


def vet_fill(order: Order, told: FillReport, exchange_order_id: str) -> c.Fill | Garbled:
    """Turn a trade into a fill of an order, or say which field is missing, wrong or another's."""
    wrong = unreadable(told) or _charged(told) or _wrong_trade(order, told, exchange_order_id)
    if wrong is not None:
        return Garbled(wrong)
    trade_id, price, amount, cost = told.trade_id, told.price, told.amount, told.cost
    fee, fee_asset, venue_ns = told.fee, told.fee_asset, told.venue_ns
    assert trade_id is not None
    assert price is not None
    assert amount is not None
    assert cost is not None
    assert fee is not None
    assert fee_asset is not None
    assert venue_ns is not None
    return c.Fill(
        trade_id=trade_id,
        exchange_order_id=exchange_order_id,
        price=price,
        amount=amount,
        cost=cost,
        fee=fee,
        fee_asset=fee_asset,
        venue_ns=venue_ns,
    )


def _charged(told: FillReport) -> str | None:
    """Say so where a trade of ours is paid for instead: orders that never rest get no rebate."""
    wrong = told.fee is not None and told.fee < ZERO
    return f"trade {told.trade_id}: fee is {told.fee}" if wrong else None


def unreadable(told: FillReport) -> str | None:
    """Say what is missing or wrong in a trade, whosever it is; None when it can be booked."""
    trade_id = told.trade_id
    if not isinstance(trade_id, str) or not trade_id:
        return "no trade id"
    for name, value in (("price", told.price), ("amount", told.amount)):
        if not _amount(value):
            return f"trade {trade_id}: {name} is {value}"
    if not _amount(told.cost, zero=True):
        return f"trade {trade_id}: cost is {told.cost}"
    # Below zero it is a rebate: others rest on the account, and are paid for it.
    if not isinstance(told.fee, Decimal) or not told.fee.is_finite():
        return f"trade {trade_id}: fee is {told.fee}"
    if not isinstance(told.fee_asset, str) or not told.fee_asset:
        return f"trade {trade_id}: no fee asset"
    if not isinstance(told.venue_ns, int) or told.venue_ns <= 0:
        return f"trade {trade_id}: no time"
    return None


def unreadable_change(told: BalanceChange) -> str | None:
    """Say what is missing or wrong in a deposit or withdrawal; None when it can be booked."""
    if not told.change_id or not told.asset:
        return f"change {told.change_id!r} of asset {told.asset!r}"
    if not told.amount.is_finite() or told.amount == 0:
        return f"change {told.change_id}: amount is {told.amount}"
    if told.venue_ns <= 0:
        return f"change {told.change_id}: time is {told.venue_ns}"
    return None


def _wrong_trade(order: Order, told: FillReport, exchange_order_id: str) -> str | None:
    if told.market is not None and told.market != order.market:
        return f"trade {told.trade_id} is of market {told.market}"
    if told.side is not None and told.side != order.side:
        return f"trade {told.trade_id} is a {told.side}"
    # A venue that leaves out whose trade it is says nothing; one that names another says so.
    if told.exchange_order_id not in {None, exchange_order_id}:
        return f"trade {told.trade_id} is of order {told.exchange_order_id}"
    if told.client_order_id and told.client_order_id != order.client_order_id:
        return f"trade {told.trade_id} is of order {told.client_order_id}"
    return None


def fills_of(order: Order, trades: Iterable[FillReport]) -> list[c.Fill]:
    """Pick an order's fills out of a list of trades; what cannot be read is left for another try."""
    found: list[c.Fill] = []
    for told in trades:
        ours = told.client_order_id == order.client_order_id
        same = (
            order.exchange_order_id is not None
            and told.exchange_order_id == order.exchange_order_id
        )
        if not ours and not same:
            continue
        if told.exchange_order_id is None:
            continue
        fill = vet_fill(order, told, told.exchange_order_id)
        if isinstance(fill, c.Fill):
            found.append(fill)
    return found
