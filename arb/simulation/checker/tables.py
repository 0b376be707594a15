"""The tables that other programs read, held against the events."""

from collections import Counter
from collections.abc import Hashable
from pathlib import Path

from arb.simulation.checker.story import Story
from arb.simulation.checker.words import Violation, connect, dec


def check(db: Path, story: Story) -> list[Violation]:
    """Judge the documented columns of `cycles`, `orders` and `ledger`."""
    connection = connect(db)
    try:
        names = {name for (name,) in connection.execute("SELECT name FROM sqlite_schema")}
        missing = {"cycles", "orders", "ledger"} - names
        if missing:
            return [Violation("projections", f"there is no table {one}") for one in sorted(missing)]
        cycles = connection.execute("SELECT id, strategy_name, state FROM cycles").fetchall()
        orders = connection.execute(
            "SELECT client_order_id, cycle_id, market, side, amount, price, status, filled,"
            " cost, venue_order_id FROM orders"
        ).fetchall()
        ledger = connection.execute(
            "SELECT position, cycle_id, asset, amount, kind, trade_id FROM ledger"
        ).fetchall()
    finally:
        connection.close()
    numbers = slice(4, 6)
    return [
        *_differ(
            "cycles", cycles, [(one.id, one.strategy, one.state) for one in story.cycles.values()]
        ),
        *_differ(
            "orders",
            [
                (*row[:4], *map(dec, row[numbers]), row[6], dec(row[7]), dec(row[8]), row[9])
                for row in orders
            ],
            [
                (
                    *(order.id, cycle.id, order.market, order.side, order.amount, order.limit),
                    *(order.state, order.filled, order.cost, order.exchange_id),
                )
                for cycle in story.cycles.values()
                for order in cycle.orders.values()
            ],
        ),
        *_differ(
            "ledger",
            [(*row[:3], dec(row[3]), *row[4:]) for row in ledger],
            [
                (line.position, line.cycle_id, line.asset, line.amount, line.kind, line.trade_id)
                for line in story.postings
            ],
        ),
    ]


def _differ(table: str, shown: list[Hashable], proven: list[Hashable]) -> list[Violation]:
    there, due = Counter(shown), Counter(proven)
    return [
        *(Violation("projections", f"{table} has {row}, the events do not") for row in there - due),
        *(Violation("projections", f"{table} lacks {row}") for row in due - there),
    ]
