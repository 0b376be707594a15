"""Notice that a log is older than its account: a restored copy would give out its ids twice."""

from collections.abc import Iterable, Sequence

import structlog

from arb import ids
from arb.errors import LogDamaged, LogLocked
from arb.exchange.port import OrderNotFound, OrderReport
from arb.execution.account.archive import Archive
from arb.execution.account.desk import Desk

log = structlog.get_logger()


def refuse_used(desk: Desk, archive: Archive, client_order_id: str | None) -> None:
    """Refuse an order that carries this log's instance and does not stand in it; raises LogDamaged.

    Orders of another instance, and of other clients, are none of its business.
    """
    if client_order_id is None or not ids.is_ours(client_order_id):
        return
    instance = ids.parse_client_order_id(client_order_id).instance
    if instance != desk.journal.account.instance:
        return
    if archive.cycle_of_order(client_order_id) is None:
        raise LogDamaged(
            f"the venue knows order {client_order_id} of this log, and the log does not: it is an "
            "older copy, which would give out the same ids again; `tools/replay.py --accept-head "
            "--reason TEXT` goes on with new ones, on the record"
        )


def refuse_others(desk: Desk, archive: Archive, open_orders: Sequence[OrderReport]) -> None:
    """Refuse an account on which orders of an engine are open that this log did not intend.

    Raises LogLocked for another instance's, LogDamaged for those of a later copy of this log. Those of
    others are told: they lock money, and are never touched.
    """
    theirs = [one for one in open_orders if not ids.is_ours(one.client_order_id or "")]
    if theirs:
        log.warning("orders.foreign", n=len(theirs), first=str(theirs[0].exchange_order_id))
    for report in open_orders:
        name = report.client_order_id
        if name is None or not ids.is_ours(name) or archive.cycle_of_order(name) is not None:
            continue
        refuse_used(desk, archive, name)
        other = ids.parse_client_order_id(name).instance
        raise LogLocked(
            f"order {name} of another instance ({other}) is open on this account; end it there, "
            "or cancel it at the venue, then start again"
        )


async def refuse_used_next(desk: Desk, archive: Archive, markets: Iterable[str]) -> None:
    """Ask for the ids that come next: an order that filled nothing leaves no trade to notice.

    They are those of the next cycle and, on the markets of its path and of its orders, of each open
    one. Raises LogDamaged; Unreachable or Banned when the venue cannot be asked.
    """
    journal = desk.journal
    instance = journal.account.instance
    await _refuse_if_used(desk, archive, markets, (instance, journal.account.next_number, 1))
    for cycle in tuple(journal.cycles.values()):  # an operator may open others again meanwhile
        own = {leg.market for leg in cycle.legs} | {order.market for order in cycle.orders}
        there = sorted(own & set(desk.markets))
        await _refuse_if_used(desk, archive, there, (instance, cycle.number, cycle.orders_sent + 1))


async def _refuse_if_used(
    desk: Desk, archive: Archive, markets: Iterable[str], numbers: tuple[str, int, int]
) -> None:
    name = ids.client_order_id(*numbers)
    for market in markets:
        if await _exists(desk, market, name):
            refuse_used(desk, archive, name)


async def _exists(desk: Desk, market: str, name: str) -> bool:
    try:
        report = await desk.access.find(lambda: desk.access.venue.order(market, name))
    except OrderNotFound:
        return False
    return report.client_order_id == name
