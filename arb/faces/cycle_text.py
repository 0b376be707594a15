"""Cycles as text: a list, a page for each one at work, everything about one, and what is the sum of it."""

from collections.abc import Iterable, Sequence
from decimal import Decimal

from arb.clock import NS_PER_S
from arb.faces.text import (
    amounts,
    coloured,
    counted,
    fields,
    lasting,
    result,
    table,
    when,
    when_seconds,
    wrapped,
)
from arb.machine.net import Net
from arb.money import plain
from arb.projections.queries import CycleView, OrderRow, OrderView

LAST_ORDERS = 3


def path_text(view: CycleView) -> str:
    """`USDT > BTC > ETH > USDT`."""
    return " > ".join([*view.path, view.path[0]])


def active_lines(views: Sequence[CycleView], parked: Sequence[CycleView]) -> Iterable[str]:
    """Cycles at work, each with what it holds and its last orders; then what waits for an operator."""
    if not views:
        yield "no cycle is open"
    for view in views:
        yield from _page(view, view.orders[-LAST_ORDERS:])
        earlier = len(view.orders) - LAST_ORDERS
        if earlier > 0:
            yield f"  and {earlier} earlier, see --details {view.id}"
    for view in parked:
        yield f"{view.id}  {coloured('failed', 'parked')}"
        yield from fields(
            [
                ("holds", amounts(view.metadata.parked)),
                ("P/L", "-" if view.net is None else result(view.net, view.metadata.start_asset)),
                ("because", str(view.columns["error_message"] or "-")),
                ("next", f"monitor.py --unwind {view.id}, or --release {view.id}"),
            ]
        )


def _page(view: CycleView, orders: Sequence[OrderView]) -> Iterable[str]:
    columns, data = view.columns, view.metadata
    step = f"{columns['current_step']} of {len(view.path)} legs done"
    outcome = f" ({data.outcome})" if data.outcome and data.outcome != view.state else ""
    yield f"{view.id}  {coloured(view.state)}{outcome}"
    pairs = [
        ("strategy", str(columns["strategy_name"])),
        ("path", f"{path_text(view)}, {step}"),
        ("began", f"{when_seconds(columns['start_time'])} with {_start(view)}"),
        ("in hand", amounts(data.holdings)),
    ]
    beside = {asset: fee for asset, fee in data.fees.items() if fee and asset not in view.path}
    if beside and view.net is None:
        pairs.append(("fees", f"{amounts(beside)}, not deducted from what it holds"))
    if columns["error_message"] is not None:
        pairs.append(("reason", str(columns["error_message"])))
    if data.next_try_ns:
        pairs.append(("next try", when(data.next_try_ns)))
    yield from fields(pairs)
    yield from _orders(orders)


def _start(view: CycleView) -> str:
    return f"{plain(view.metadata.start_amount)} {view.metadata.start_asset}"


def _orders(orders: Sequence[OrderView]) -> Iterable[str]:
    for order in orders:
        base, _, quote = order.market_symbol.partition("/")
        average = order.average_price
        price = (
            "" if average is None else f" at {plain(average.quantize(_step(order.price)))} {quote}"
        )
        note = f", {order.error_message}" if order.error_message else ""
        text = (
            f"{order.side} {plain(order.filled_amount)} of {plain(order.amount)} {base}{price},"
            f" {order.state}{note}"
        )
        yield from wrapped("  order     ", f"{order.id} {text}")


def _step(price: Decimal) -> Decimal:
    """An average is shown with two more decimals than its limit."""
    exponent = price.as_tuple().exponent
    assert isinstance(exponent, int)
    return Decimal(1).scaleb(min(exponent, 0) - 2)


def history_lines(views: Sequence[CycleView]) -> Iterable[str]:
    """The list of cycles, newest first, and its sums: per currency, never across."""
    if not views:
        yield "no cycles"
        return
    header = ("CYCLE", "STATE", "OUTCOME", "BEGAN", "TOOK", "P/L")
    yield from table(header, [_history_row(view) for view in views])
    yield ""
    yield from _sums(views)


def _history_row(view: CycleView) -> tuple[str, ...]:
    columns, data = view.columns, view.metadata
    pnl = "-" if view.net is None else result(view.net, data.start_asset)
    began = when_seconds(columns["start_time"])
    outcome = data.outcome or "-"
    return view.id, view.state, outcome, began, _took(view), pnl


def _took(view: CycleView) -> str:
    begin, end = view.columns["start_time"], view.columns["end_time"]
    if end is None:
        return "-"
    return lasting(round((Decimal(str(end)) - Decimal(str(begin))) * NS_PER_S))


def _sums(views: Sequence[CycleView]) -> Iterable[str]:
    states: dict[str, int] = {}
    total: dict[str, Net] = {}
    for view in views:
        name = view.metadata.outcome or view.state
        states[name] = states.get(name, 0) + 1
        if view.net is not None:
            asset = view.metadata.start_asset
            total[asset] = total[asset] + view.net if asset in total else view.net
    named = ", ".join(f"{count} {name}" for name, count in sorted(states.items()))
    yield from wrapped(f"{counted(len(views), 'cycle')}: ", named)
    for asset, net in sorted(total.items()):
        yield from wrapped("P/L ", result(net, asset))


def details_lines(view: CycleView, orders: Sequence[OrderRow]) -> Iterable[str]:
    """Everything about one cycle."""
    columns, data = view.columns, view.metadata
    yield from _page(view, ())
    pairs = []
    if columns["end_time"] is not None:
        pairs.append(("ended", f"{when_seconds(columns['end_time'])}, after {_took(view)}"))
    if view.net is not None:
        pairs.append(("P/L", result(view.net, data.start_asset)))
    for name, by_asset in (
        ("returned", data.returned),
        ("parked", data.parked),
        ("dust", data.dust),
        ("fees", data.fees),
    ):
        if by_asset:
            pairs.append((name, amounts(by_asset)))
    pairs.append(("version", f"{data.version}, as of {when_seconds(columns['updated_at'])}"))
    yield from fields(pairs)
    if orders:
        yield ""
        header = ("ORDER", "FOR", "MARKET", "SIDE", "FILLED", "OF", "COST", "STATUS", "VENUE'S ID")
        yield from table(header, [_order_row(order) for order in orders])


def _order_row(order: OrderRow) -> tuple[str, ...]:
    purpose = f"leg {order.leg + 1}" if order.purpose == "leg" else order.purpose
    status = (
        f"{order.status} ({order.word})"
        if order.word and order.word != order.status
        else order.status
    )
    return (
        *(order.client_order_id, purpose, order.market, order.side, plain(order.filled)),
        *(plain(order.amount), plain(order.cost), status, order.venue_order_id or "-"),
    )
