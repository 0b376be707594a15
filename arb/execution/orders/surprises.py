"""Orders that met another book than the one that was told: nothing is planned on that book again.

A venue's stream is behind its matching. To plan on an unchanged book would send the same order into
the same void, as often as it may be tried, before the stream has said a word.
"""

from typing import Final

from arb.clock import NS_PER_MS, NS_PER_S
from arb.execution.account.desk import Desk
from arb.machine.state import Cycle, Order

LOOK_NS: Final = 5 * NS_PER_MS  # between two looks whether a book has changed


class Surprises:
    """Remembers which book stood when an order was answered, in this process life."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._met: dict[str, tuple[int, int | None]] = {}  # order -> when, on which book

    def note(self, order: Order) -> None:
        """An order was sent: remember the book that was told when its reply had come."""
        now_ns = self._desk.clock.now_ns()
        self._met[order.client_order_id] = now_ns, self._sequence(order.market)

    def forget(self, order: Order) -> None:
        """Its cycle is over."""
        self._met.pop(order.client_order_id, None)

    async def let_books_catch_up(self, cycle: Cycle) -> None:
        """Wait until the book of a last order that fell short was told anew, or can be behind no longer."""
        last = cycle.orders[-1] if cycle.orders else None
        met = None if last is None else self._met.pop(last.client_order_id, None)
        if last is None or met is None or last.filled >= last.amount:
            return
        until_ns = met[0] + self._desk.rules.books_lag_ns
        while (left_ns := until_ns - self._desk.clock.now_ns()) > 0:
            sequence = self._sequence(last.market)
            if sequence is not None and sequence != met[1]:
                return
            await self._desk.clock.sleep(min(LOOK_NS, left_ns) / NS_PER_S)

    def _sequence(self, market: str) -> int | None:
        book = self._desk.book(market)
        return None if book is None else book.sequence
