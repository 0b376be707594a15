"""What a cycle and its orders look like in the tables."""

from decimal import Context, Decimal
from typing import Final

from msgspec import Struct

from arb.clock import NS_PER_S
from arb.events.facts import OpportunitiesDeclined
from arb.machine import table as t
from arb.machine.state import Cycle, Order, path_of
from arb.money import ZERO
from arb.projections.snapshots import encode_json

_AVERAGE: Final = Context(prec=28)  # an average is for looking at; amounts and cost are exact

INSERT_CYCLE: Final = "INSERT INTO cycles VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"
UPDATE_CYCLE: Final = """UPDATE cycles SET current_amount = ?, current_currency = ?,
    current_step = ?, orders_json = ?, end_time = ?, profit_loss = ?, error_message = ?,
    metadata_json = ?, updated_at = ? WHERE id = ?"""
# Apart: it is in an index, whose page would be written with every other change too.
UPDATE_STATE: Final = "UPDATE cycles SET state = ? WHERE id = ?"
INSERT_ORDER: Final = "INSERT INTO orders VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"
UPDATE_ORDER: Final = """UPDATE orders SET status = ?, filled = ?, venue_order_id = ?, cost = ?,
    received = ?, word = ?, final_ns = ? WHERE client_order_id = ?"""
INSERT_POSTING: Final = "INSERT INTO ledger VALUES (?,?,?,?,?,?,?,?,?,?)"
PUT_SNAPSHOT: Final = "INSERT OR REPLACE INTO open_cycles VALUES (?, ?, ?, ?)"
DROP_SNAPSHOT: Final = "DELETE FROM open_cycles WHERE number = ?"
# The last sample that says something stays.
UPSERT_DECLINED: Final = """INSERT INTO declined VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (strategy, reason) DO UPDATE SET count = count + excluded.count,
    last_ns = excluded.last_ns,
    sample = CASE excluded.sample WHEN '' THEN sample ELSE excluded.sample END"""

Row = tuple[str | int | float | None, ...]


def exact(value: Decimal) -> str:
    """A decimal as text, every digit as it came, never with an exponent."""
    text = str(value)
    return f"{value:f}" if "E" in text else text


def seconds(at_ns: int) -> float:
    """Unix seconds, as the documented columns have them."""
    return at_ns / NS_PER_S


class OrderPiece(Struct, gc=False):
    """One order as `orders_json` shows it, kept until the order changes."""

    head: str  # what of `view` never changes
    view: str
    order: Order | None  # None once it is filed: then `packed` is what it was made from
    packed: bytes | None = None


def order_piece(head: str, order: Order, filled: str) -> OrderPiece:
    """Write an order for `orders_json`; `filled` is its filled amount as text."""
    average = f'"{exact(_AVERAGE.divide(order.cost, order.filled))}"' if order.filled else "null"
    trouble = encode_json(order.status).decode() if order.state in _TROUBLED else "null"
    view = (
        f'{head},"state":"{order.state}","filled_amount":"{filled}",'
        f'"remaining_amount":"{exact(order.amount - order.filled)}","average_price":{average},'
        f'"error_message":{trouble}}}'
    )
    return OrderPiece(head, view, order)


def view_head(cycle: Cycle, order: Order) -> str:
    """The legacy field names of an order that never change, as an open JSON object."""
    earlier = 0
    for one in cycle.orders[: order.number - 1]:
        earlier += one.leg == order.leg and one.purpose == order.purpose
    return (
        f'{{"id":"{order.client_order_id}","market_symbol":{encode_json(order.market).decode()},'
        f'"side":"{order.side}","amount":"{exact(order.amount)}","price":"{exact(order.limit)}",'
        f'"timestamp":{seconds(order.intended_ns)!r},"retry_count":{earlier}'
    )


def declined_rows(fact: OpportunitiesDeclined) -> list[Row]:
    """What an interval adds to `declined`, by reason."""
    return [
        (fact.strategy, reason, count, fact.to_ns, fact.samples.get(reason, ""))
        for reason, count in sorted(fact.reasons.items())
    ]


def new_order(cycle: Cycle, order: Order) -> Row:
    """A whole row of `orders`."""
    return (
        *(order.client_order_id, cycle.id, order.market, order.side, exact(order.amount)),
        *(exact(order.limit), order.state, exact(order.filled), order.exchange_order_id),
        *(exact(order.cost), exact(order.received), order.purpose, order.leg, order.number),
        *(order.status, order.intended_ns, order.final_ns or None),
    )


def changed_order(order: Order, filled: str) -> Row:
    """What of a row of `orders` may change, and its key: the parameters of UPDATE_ORDER."""
    return (
        *(order.state, filled, order.exchange_order_id, exact(order.cost), exact(order.received)),
        *(order.status, order.final_ns or None, order.client_order_id),
    )


_TROUBLED: Final = frozenset({t.UNKNOWN, t.ORDER_REFUSED, t.ABSENT})


def in_hand(cycle: Cycle) -> tuple[str, Decimal]:
    """The main asset that the cycle has now, or ended with: (asset, amount)."""
    if cycle.is_closed:
        return _at_the_end(cycle)
    if not cycle.holdings:
        return cycle.start_asset, ZERO if cycle.orders_sent else cycle.start_amount
    done = min(cycle.leg, len(cycle.legs) - 1)
    spent = cycle.legs[done].spend_asset
    amount = cycle.holdings.get(spent, ZERO)
    if amount > 0:
        return spent, amount
    # Else what an earlier leg left over, newest first, else anything.
    path = path_of(cycle)
    for asset in (*reversed(path[: done + 1]), *path[done + 1 :], *sorted(cycle.holdings)):
        if cycle.holding(asset) > 0:
            return asset, cycle.holding(asset)
    return cycle.start_asset, cycle.holding(cycle.start_asset)


def _at_the_end(cycle: Cycle) -> tuple[str, Decimal]:
    for asset, amount in sorted(cycle.parked.items()):
        return asset, amount
    returned = cycle.returned_start()
    if returned * 2 < cycle.start_amount:
        for asset, amount in sorted(cycle.returned.items()):
            if asset != cycle.start_asset:
                return asset, amount
    # Declined before anything was reserved: the money never left.
    return cycle.start_asset, returned if cycle.reserved else cycle.start_amount


def cycle_row(cycle: Cycle, orders_json: str, metadata_json: str) -> Row:
    """The 15 documented columns of a cycle."""
    currency, amount = in_hand(cycle)
    return (
        *(
            cycle.id,
            cycle.strategy,
            encode_json(path_of(cycle)).decode(),
            float(cycle.start_amount),
        ),
        *(float(amount), currency, cycle.state, cycle.leg, orders_json, seconds(cycle.opened_ns)),
        seconds(cycle.ended_ns) if cycle.ended_ns else None,
        None if cycle.pnl is None else float(cycle.pnl),
        *(cycle.error, metadata_json, seconds(cycle.updated_ns)),
    )


def cycle_change(cycle: Cycle, orders_json: str, metadata_json: str) -> Row:
    """What of a cycle's row may change but its state, and its id: the parameters of UPDATE_CYCLE."""
    currency, amount = in_hand(cycle)
    return (
        *(float(amount), currency, cycle.leg, orders_json),
        seconds(cycle.ended_ns) if cycle.ended_ns else None,
        None if cycle.pnl is None else float(cycle.pnl),
        *(cycle.error, metadata_json, seconds(cycle.updated_ns), cycle.id),
    )


def fixed_metadata(cycle: Cycle) -> str:
    """What `metadata_json` says besides the moving part, to be joined onto it."""
    fixed = {
        "start_asset": cycle.start_asset,
        "start_amount": exact(cycle.start_amount),
        "floor": exact(cycle.floor),
        "config": cycle.config,
    }
    return "," + encode_json(fixed).decode()[1:]
