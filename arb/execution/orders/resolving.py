"""Find out what became of an order: by the venue's own evidence, never by sending it again."""

import asyncio
from collections.abc import Sequence
from decimal import Decimal

import structlog
from msgspec import Struct
from msgspec.structs import replace

from arb import limits
from arb.clock import NS_PER_S
from arb.exchange.port import FillReport, OrderNotFound, OrderReport, Unreachable
from arb.execution.account.desk import Desk
from arb.execution.orders.vetting import (
    Garbled,
    earliest_ns,
    filled_by,
    fills_of,
    is_older,
    unreadable_change,
    vet_order,
)
from arb.machine import commands as c
from arb.machine import table as t
from arb.machine.state import Order
from arb.money import ZERO, plain

log = structlog.get_logger()


class Attempt(Struct):
    """What was seen of one order so far in this process life."""

    began_s: float | None = None  # the loop's time of the first look
    is_dead: bool = False  # T_dead has passed on the venue's own clock, and on ours
    not_found: int = 0  # in a row, all asked after T_dead
    reads: int = 0
    open_since_ns: int = 0  # of monotonic time, as the next one: a clock may be set back meanwhile
    unfilled_since_ns: int = 0
    complained: bool = False  # of fills that are missing
    doubted: bool = False  # that it filled more than was ordered
    silent: bool = False  # the venue did not answer the last look
    waited: bool = False  # a recorded wait stood before this look: do not wait again

    def delay_s(self) -> float:
        """How long to wait before the next look."""
        delays = limits.RESOLVE_DELAYS_S
        beyond = self.reads - len(delays)
        if beyond < 0:
            return delays[self.reads]
        doubled: float = limits.RESOLVE_DELAY_MAX_S * 2 ** min(beyond, 10)
        return min(doubled, limits.RESOLVE_WAIT_MAX_S)


class Look(Struct, frozen=True):
    """One look at an order: commands that follow, or why it is still open."""

    commands: tuple[c.Command, ...]
    waiting: str = ""


async def look(desk: Desk, order: Order, attempt: Attempt, timeout_s: Decimal) -> Look:
    """Ask the venue about an order once; one that stays open for `timeout_s` is cancelled.

    Raises Unreachable or Banned when nothing can be asked.
    """
    attempt.reads += 1
    if attempt.began_s is None:
        attempt.began_s = asyncio.get_running_loop().time()
    if order.state == t.OPEN and _overdue(desk, attempt, timeout_s):
        reason = "an immediate order is still open"
        request = c.RequestCancel(client_order_id=order.client_order_id, reason=reason)
        return Look((request,))
    if order.state == t.CANCELLING:
        await _cancel(desk, order)
    try:
        report = await desk.access.find(
            lambda: desk.access.venue.order(order.market, order.client_order_id)
        )
    except OrderNotFound:
        return await _not_found(desk, order, attempt)
    if is_older(order, report):  # ours is not shown
        return await _not_found(desk, order, attempt)
    attempt.not_found = 0
    return await _found(desk, order, report, attempt)


def _overdue(desk: Desk, attempt: Attempt, timeout_s: Decimal) -> bool:
    now = desk.clock.monotonic_ns()
    if attempt.open_since_ns == 0:
        attempt.open_since_ns = now
        return False
    return now - attempt.open_since_ns > timeout_s * NS_PER_S


async def _cancel(desk: Desk, order: Order) -> None:
    """Ask for the cancel; whatever the answer, the order's fate is read afterwards."""
    try:
        await desk.access.find(
            lambda: desk.access.venue.cancel(order.market, order.client_order_id)
        )
    except (OrderNotFound, Unreachable) as error:
        log.info("order.cancel", order=order.client_order_id, answer=str(error))


async def _found(desk: Desk, order: Order, report: OrderReport, attempt: Attempt) -> Look:
    vetted = vet_order(order, report)
    if isinstance(vetted, Garbled) and vetted.overfull:
        own = fills_of(_named(order, report.exchange_order_id), await _trades(desk, order))
        vetted = vet_order(order, report, also=own)
    if isinstance(vetted, Garbled):
        return Look(_doubt(order, report, vetted, attempt), f"garbled reply: {vetted.why}")
    told = vetted.filled
    known = order.filled
    if told is None and vetted.status in t.END_STATUSES:
        return Look((), "the venue does not say how much was filled")
    if told is not None and max(told, order.told or ZERO) > known:
        trades = await _trades(desk, order)
        exchange_id = vetted.exchange_order_id
        # An order that was unknown has no venue id yet: take it from the report.
        named = order if order.exchange_order_id else _named(order, exchange_id)
        # Copies are not merged here: the first one counts, and one that differs is alarmed.
        fills = (*vetted.fills, *fills_of(named, trades))
        vetted = c.ReportOrder(
            client_order_id=vetted.client_order_id,
            exchange_order_id=exchange_id,
            status=vetted.status,
            filled=told,
            fills=fills,
        )
    waiting = _unfinished(desk, order, vetted, attempt)
    overdue = waiting != "" and _fills_are_late(desk, attempt)
    if overdue and _took_back(order, vetted):
        return Look((vetted, c.CorrectEnd(client_order_id=order.client_order_id, filled=known)))
    return Look((vetted, *_complaint(order, vetted, attempt, overdue=overdue)), waiting)


def _doubt(
    order: Order, report: OrderReport, garbled: Garbled, attempt: Attempt
) -> tuple[c.Command, ...]:
    """Record once that the venue tells of more than was ordered and shows no trades of it."""
    if not garbled.overfull or attempt.doubted:
        return ()
    attempt.doubted = True
    return (
        c.ReportDiscrepancy(
            kind="garbled reply",
            subject=order.client_order_id,
            was=plain(order.amount),
            now=plain(report.filled or ZERO),
        ),
    )


def _named(order: Order, exchange_order_id: str | None) -> Order:
    return replace(order, exchange_order_id=exchange_order_id)


def _unfinished(desk: Desk, order: Order, report: c.ReportOrder, attempt: Attempt) -> str:
    if report.status == "open":
        return "it is open at the venue"
    # Also what was told before counts: it is not forgotten because a later word is smaller.
    if filled_by(order, report.fills) < max(report.filled or ZERO, order.told or ZERO):
        if attempt.unfilled_since_ns == 0:
            attempt.unfilled_since_ns = desk.clock.monotonic_ns()
        return "the venue does not show every fill yet"
    return ""


def _fills_are_late(desk: Desk, attempt: Attempt) -> bool:
    since_ns = attempt.unfilled_since_ns
    late_ns = limits.FILLS_MISSING_S * NS_PER_S
    return since_ns > 0 and desk.clock.monotonic_ns() - since_ns >= late_ns


def _took_back(order: Order, report: c.ReportOrder) -> bool:
    """Whether the venue named too much when the order ended: what it says now is what its trades say."""
    return (
        order.state == t.TERMINAL
        and order.told is not None
        and report.status in t.END_STATUSES
        and report.filled == order.filled == filled_by(order, report.fills)
        and order.filled < order.told
    )


def _complaint(
    order: Order, report: c.ReportOrder, attempt: Attempt, *, overdue: bool
) -> tuple[c.Command, ...]:
    """Record once that fills are missing for too long; they are never made up."""
    if attempt.complained or not overdue:
        return ()
    attempt.complained = True
    return (
        c.ReportDiscrepancy(
            kind="fills missing",
            subject=order.client_order_id,
            was=plain(order.filled),
            now=plain(max(report.filled or ZERO, order.told or ZERO)),
        ),
    )


async def _trades(desk: Desk, order: Order) -> Sequence[FillReport]:
    since = earliest_ns(order)
    return await desk.access.read(lambda: desk.access.venue.trades(order.market, since))


async def _not_found(desk: Desk, order: Order, attempt: Attempt) -> Look:
    """Count a not-found; with every proof at hand, the order is absent."""
    if order.exchange_order_id is not None or order.trades:
        return Look((), "the venue accepted it and does not show it now")
    if order.state == t.INTENDED:
        return Look((c.ReportUnknown(client_order_id=order.client_order_id, reason="restart"),))
    was_dead = attempt.is_dead
    venue_ns = await desk.access.venue_time_ns()
    passed_ns = _passed_ns(desk, order, attempt)
    attempt.is_dead = venue_ns > order.dead_ns and passed_ns > order.dead_ns - order.venue_time_ns
    if not was_dead:  # it was asked for before this moment: that proves nothing
        attempt.not_found = 0
        return Look((), "the venue does not show it, and it may still arrive")
    attempt.not_found += 1
    if attempt.not_found < limits.NOT_FOUND_MIN:
        return Look((), "the venue does not show it")
    if not desk.rules.absence_provable:
        return Look((), "this venue cannot prove absence; attest it")
    age_ns = min(venue_ns - order.venue_time_ns, passed_ns)
    if desk.rules.live and age_ns < limits.ABSENT_LIVE_MIN_S * NS_PER_S:
        return Look((), "the venue does not show it; absence is not declared so early")
    if venue_ns - order.venue_time_ns > desk.rules.history_ns:
        return Look((), "it is older than the venue's history; attest it")
    return await _prove_absent(desk, order, attempt, venue_ns)


def _passed_ns(desk: Desk, order: Order, attempt: Attempt) -> int:
    """How long ago the intent was by our own time: the venue's clock alone may be told wrongly.

    What this life waited counts where it is longer: a clock that was set back does not keep an order for ever.
    """
    assert attempt.began_s is not None
    waited_s = asyncio.get_running_loop().time() - attempt.began_s
    return max(desk.clock.now_ns() - order.intended_ns, round(waited_s * NS_PER_S))


async def _prove_absent(desk: Desk, order: Order, attempt: Attempt, venue_ns: int) -> Look:
    open_orders = await desk.access.read(desk.access.venue.open_orders)
    for report in open_orders:
        if report.client_order_id == order.client_order_id:
            return await _found(desk, order, report, attempt)
        if not report.client_order_id and _fits(order, report):
            return Look((), "an open order does not say whose it is")
    trades = await _trades(desk, order)
    own = _told_by_trades(order, trades)
    if own:
        return Look(own, "a trade proves that it exists")
    for trade in trades:
        doubt = await _doubtful(desk, order, trade)
        if doubt is not None:
            return Look((), doubt)
    if desk.rules.live:
        misfit = await balances_forbid(desk, order)
        if misfit is not None:
            return Look((), misfit)
    return Look(
        (
            c.ReportAbsent(
                client_order_id=order.client_order_id,
                not_found=attempt.not_found,
                venue_time_ns=venue_ns,
                trades_read=len(trades),
                evidence="not found, not open, every trade since is another order's",
            ),
        )
    )


def _told_by_trades(order: Order, trades: Sequence[FillReport]) -> tuple[c.ReportOrder, ...]:
    """What trades alone say of an order that the venue does not show."""
    own = fills_of(order, trades)
    if not own:
        return ()
    return (
        c.ReportOrder(
            client_order_id=order.client_order_id,
            exchange_order_id=own[0].exchange_order_id,
            status=None,
            filled=None,
            fills=tuple(own),
        ),
    )


async def told_now(desk: Desk, order: Order) -> tuple[c.Command, ...]:
    """What the venue tells of an order now, by the order itself or by its trades; nothing is concluded.

    Raises Unreachable or Banned when it cannot be asked.
    """
    try:
        report = await desk.access.find(
            lambda: desk.access.venue.order(order.market, order.client_order_id)
        )
    except OrderNotFound:
        return _told_by_trades(order, await _trades(desk, order))
    return (await _found(desk, order, report, Attempt())).commands


async def _doubtful(desk: Desk, order: Order, trade: FillReport) -> str | None:
    """Say why a trade might be this order's; None when its owner is another order."""
    if trade.trade_id is None or trade.exchange_order_id is None:
        return "a trade does not say whose it is"
    owner = trade.client_order_id or None
    if owner is None:
        exchange_id = trade.exchange_order_id
        try:
            report = await desk.access.find(
                lambda: desk.access.venue.order_by_exchange_id(order.market, exchange_id)
            )
        except OrderNotFound:
            return f"trade {trade.trade_id} belongs to an order that the venue does not show"
        if report.exchange_order_id != exchange_id:
            return f"the owner of trade {trade.trade_id} is not clear"
        owner = report.client_order_id or None
        if owner is None and _fits(order, report):
            return f"the owner of trade {trade.trade_id} is not clear"
    if owner == order.client_order_id:
        return f"trade {trade.trade_id} is this order's"
    return None


def _fits(order: Order, report: OrderReport) -> bool:
    """Whether an order without a name could be this one, by what is told of it."""
    amount = report.amount
    unclear = amount is None or not amount.is_finite()
    return (
        report.market in {None, order.market}
        and report.side in {None, order.side}
        and (unclear or amount == order.amount)
    )


async def balances_forbid(desk: Desk, order: Order) -> str | None:
    """Say which balance does not fit the ledger: balances cannot prove absence, but forbid it.

    What the venue itself reports as moved, and what is not recorded while orders are open, fits.
    """
    account = desk.journal.account
    balances = await desk.access.balances()
    off: dict[str, Decimal] = {}
    for asset in (order.base, order.quote):
        balance = balances.get(asset)
        total = ZERO if balance is None else balance.total
        if total != account.expected(asset):
            off[asset] = total - account.expected(asset)
    if off:
        since = account.opened_venue_ns
        told = await desk.access.read(lambda: desk.access.venue.balance_changes(since))
        new = {one.change_id: one for one in told if one.change_id not in desk.recorded_changes}
        for change in new.values():
            if change.asset in off and unreadable_change(change) is None:
                off[change.asset] -= change.amount
    for asset, amount in off.items():
        if amount:
            return (
                f"the {asset} balance does not fit the ledger; attest it if nothing explains that"
            )
    return None
