"""Send one order, once. Refused only by proof, accepted only by proof, all else is unknown."""

import asyncio
from collections.abc import Callable

import structlog

from arb import crashpoints, limits
from arb.exchange.port import (
    DUPLICATE_ORDER_ID,
    KEY_REVOKED,
    Banned,
    KeyRevoked,
    NotSent,
    OrderReport,
    OrderRequest,
    Refused,
)
from arb.execution.account.access import meant_for_us
from arb.execution.account.desk import Desk
from arb.execution.orders.vetting import NOT_SENT as NOT_SENT  # noqa: PLC0414 -- others take it from here
from arb.execution.orders.vetting import Garbled, vet_order
from arb.machine import commands as c
from arb.machine.state import Cycle, Order
from arb.money import plain

log = structlog.get_logger()


class Gate:
    """The last look at an order before it leaves: every order passes it, unwinds included."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self.panics: set[str] = set()  # cycles that an operator wants liquidated

    def closed(self, cycle: Cycle, order: Order) -> str | None:
        """Name the bound that the order would break; None lets it pass and counts it."""
        wrong = self.objection(cycle, order)
        if wrong is None:
            self._desk.ration.leave(order.client_order_id)
        return wrong

    def objection(self, cycle: Cycle, order: Order) -> str | None:
        """Name the bound that the order would break now."""
        desk = self._desk
        sent = desk.ration.sent_in_a_second()
        if sent >= limits.ORDERS_PER_SECOND_MAX:
            return f"{sent} orders were sent within a second"
        if desk.journal.broken is not None:
            return "the log cannot say what it holds"
        if desk.access.key_revoked is not None:
            return "the venue does not accept our key"
        if desk.access.banned:
            return "the venue told us to be silent"
        if cycle.id in self.panics and not cycle.has_traded:
            return "an operator asked to liquidate before anything was bought"
        if order.reserve > cycle.holding(order.spend_asset):
            return f"no reservation for {plain(order.reserve)} {order.spend_asset}"
        return self._far_from_mid(order) or self._too_large(cycle, order)

    def _far_from_mid(self, order: Order) -> str | None:
        book = self._desk.book(order.market)
        levels = () if book is None else book.levels(order.side)
        if book is None or not levels:
            return f"{order.market} has nothing to {order.side} from"
        mid, distance = book.mid(), book.distance_bps(order.limit)
        if mid is None or distance is None:  # who is left there may ask any price
            return f"{order.market} has one side only: nothing tells what its price is worth"
        if distance > limits.DISTANCE_FROM_MID_BPS_MAX:
            return f"limit {plain(order.limit)} is {distance:.0f} bps from mid {plain(mid)}"
        return None

    def _too_large(self, cycle: Cycle, order: Order) -> str | None:
        desk = self._desk
        worth = desk.value_at_any(order.spend_asset, order.reserve, cycle.start_asset)
        if worth is None:
            return None if order.purpose == "unwind" else f"nothing values {order.spend_asset}"
        if cycle.cap and worth > cycle.cap:
            return f"it is worth {plain(worth)} {cycle.start_asset}, the cap is {plain(cycle.cap)}"
        return None


async def send(
    desk: Desk,
    gate: Gate,
    cycle: Cycle,
    order: Order,
    recheck: Callable[[], str | None] | None = None,
) -> c.Command:
    """Send an intended order and say what that proved; `recheck` may find that it is too late for it.

    The intent is durable when this is called, and this is called once for it in one process life;
    a later life does not call it at all.
    """
    crashpoints.reach(crashpoints.INTENT_DURABLE)
    order_id = order.client_order_id
    estimate = desk.access.venue_time_estimate_ns()
    window_ns = desk.rules.recv_window_ns
    if estimate is None or estimate > order.venue_time_ns + window_ns:
        return c.ReportRefused(
            client_order_id=order_id, reason=NOT_SENT, detail="its window passed before sending"
        )
    wrong = (recheck and recheck()) or gate.closed(cycle, order)
    if wrong is not None:
        return c.ReportRefused(client_order_id=order_id, reason=NOT_SENT, detail=wrong)
    request = OrderRequest(
        client_order_id=order_id,
        market=order.market,
        side=order.side,
        kind="limit",
        time_in_force=order.time_in_force,
        amount=order.amount,
        limit=order.limit,
        venue_time_ns=order.venue_time_ns,
        window_ns=window_ns,
    )
    outcome = await _create(desk, order, request)
    crashpoints.reach(crashpoints.TOLD_NOT_APPENDED)
    return outcome


async def _create(desk: Desk, order: Order, request: OrderRequest) -> c.Command:
    order_id = order.client_order_id
    try:
        # Not `wait_for`: before Python 3.12 it loses a cancellation that comes with the answer.
        async with asyncio.timeout(limits.CREATE_TIMEOUT_S):
            reply = await desk.access.venue.create(request)
    except Refused as error:
        if error.reason == DUPLICATE_ORDER_ID:
            # The venue has an order of this id: that is evidence of ours, to be read.
            return c.ReportUnknown(client_order_id=order_id, reason=str(error))
        if error.reason == KEY_REVOKED:
            desk.access.key_revoked = KeyRevoked(error.detail)
        return c.ReportRefused(client_order_id=order_id, reason=error.reason, detail=error.detail)
    except NotSent as error:
        return c.ReportRefused(client_order_id=order_id, reason=NOT_SENT, detail=str(error))
    except Banned as error:
        # A ban is the venue's proof that it took nothing.
        desk.access.latch(error)
        return c.ReportRefused(client_order_id=order_id, reason="banned", detail=str(error))
    except asyncio.CancelledError:
        if meant_for_us():
            raise
        return c.ReportUnknown(client_order_id=order_id, reason="the client broke the call off")
    except Exception as error:  # noqa: BLE001 -- whatever it is, it proves nothing
        log.warning("order.unknown", order=order_id, error=repr(error))
        why = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        return c.ReportUnknown(client_order_id=order_id, reason=why)
    return judge(order, reply)


def judge(order: Order, reply: OrderReport) -> c.Command:
    """Say what a reply to a create proves."""
    if not isinstance(reply, OrderReport):
        return c.ReportUnknown(client_order_id=order.client_order_id, reason="no order in reply")
    vetted = vet_order(order, reply)
    if isinstance(vetted, Garbled):
        return c.ReportUnknown(
            client_order_id=order.client_order_id, reason=f"garbled reply: {vetted.why}"
        )
    return vetted
