"""A cycle as JSON: the 15 documented columns with exact decimals as text, and what it holds."""

import json
from collections.abc import Sequence
from decimal import Decimal

from msgspec.structs import asdict

from arb.events.facts import Amounts
from arb.machine.state import Cycle
from arb.money import plain
from arb.projections import rows, snapshots
from arb.projections.fold import Live
from arb.projections.queries import CycleView, OrderRow, order_row, view_of

JsonValue = str | int | float | bool | list["JsonValue"] | dict[str, "JsonValue"] | None


def amounts_json(amounts: Amounts) -> dict[str, JsonValue]:
    """Exact decimals as text, in order of asset."""
    return {asset: plain(amount) for asset, amount in sorted(amounts.items())}


def decimal_json(value: Decimal | None) -> str | None:
    """An exact decimal as text."""
    return None if value is None else plain(value)


def view_json(view: CycleView, placed: Sequence[OrderRow]) -> dict[str, JsonValue]:
    """A row of `cycles` with its rows of `orders`, by the names of their columns."""
    data = view.metadata
    exact: dict[str, JsonValue] = {
        "initial_amount": plain(data.start_amount),
        "current_amount": plain(view.current_amount),
        "profit_loss": decimal_json(data.pnl),
    }
    orders: list[JsonValue] = [
        {
            name: plain(value) if isinstance(value, Decimal) else value
            for name, value in asdict(order).items()
        }
        for order in placed
    ]
    return {
        **view.columns,
        **exact,
        "orders": orders,
        "holdings": amounts_json(data.holdings),
        "outcome": data.outcome,
        "net": None if view.net is None else decimal_json(view.net.after),
        "parked": amounts_json(data.parked),
        "dust": amounts_json(data.dust),
        "returned": amounts_json(data.returned),
        "fees": amounts_json(data.fees),
        "version": data.version,
    }


def cycle_json(cycle: Cycle) -> dict[str, JsonValue]:
    """A folded cycle, written as its row would be."""
    return view_json(as_view(cycle), order_rows(cycle))


def as_view(cycle: Cycle) -> CycleView:
    """A folded cycle as the row that the tables would have for it."""
    live = Live(cycle, is_new=True)
    live.refresh_orders([], [])
    metadata = live.metadata_json(snapshots.moving_text(cycle))
    return view_of(rows.cycle_row(cycle, live.orders_json(), metadata))


def order_rows(cycle: Cycle) -> list[OrderRow]:
    """A folded cycle's orders as their rows."""
    return [order_row(rows.new_order(cycle, order)) for order in cycle.orders]


def line(value: JsonValue) -> str:
    """One line of JSON."""
    return json.dumps(value, ensure_ascii=False)


def lines(values: list[dict[str, JsonValue]]) -> str:
    """A JSON array, one element a line."""
    return "[" + ",\n ".join(line(value) for value in values) + "]"
