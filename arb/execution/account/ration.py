"""How many orders may leave now: the venue's ration as far as the way to it knows, and our own bound.

An order waits for its turn before its intent is durable, never after: then its price would be an
old one, its window would run, and whether it left at all could become a question.
"""

from collections import deque
from collections.abc import Callable, Iterable

from arb import limits
from arb.clock import NS_PER_S, Clock
from arb.exchange.port import Venue
from arb.machine.state import Cycle


class Ration:
    """The orders that left within the last second, and those that are decided and have not left yet."""

    def __init__(self, clock: Clock, venue: Venue) -> None:
        self._clock = clock
        self.venue_wait_ns: Callable[[int, int], int] = venue.order_wait_ns
        self._sent: deque[int] = deque()  # when, in ns
        self._promised: set[str] = set()

    def wait_ns(self, orders: int, others: Iterable[Cycle]) -> int:
        """How long until the venue takes so many after all that open cycles need at least; 0: now."""
        to_come = sum(max(1, len(cycle.legs) - cycle.leg) for cycle in others)
        return max(self.next_wait_ns(), self.venue_wait_ns(orders, to_come))

    def next_wait_ns(self) -> int:
        """How long until one more order may be decided on, after those that are; 0: now."""
        ours_ns = 0
        if self.sent_in_a_second() + len(self._promised) >= limits.ORDERS_PER_SECOND_MAX:
            first_ns = self._sent[0] if self._sent else self._clock.now_ns()
            ours_ns = max(1, first_ns + NS_PER_S - self._clock.now_ns())
        return max(ours_ns, self.venue_wait_ns(1, len(self._promised)))

    def promise(self, client_order_id: str) -> None:
        """Count an order that is decided; until it leaves, or is let go."""
        self._promised.add(client_order_id)

    def let_go(self, client_order_id: str) -> None:
        """Forget an order that will not leave."""
        self._promised.discard(client_order_id)

    def leave(self, client_order_id: str) -> None:
        """Count an order as it leaves; from here on the way to the venue counts it."""
        self._promised.discard(client_order_id)
        self._sent.append(self._clock.now_ns())

    @property
    def promised(self) -> int:
        """How many orders are decided and have not left."""
        return len(self._promised)

    def assume(self, sent: int, promised: int) -> None:
        """Take so many orders to have left just now, and so many to be decided, and no others."""
        self._sent = deque([self._clock.now_ns()] * sent)
        self._promised = {f"somebody's {number}" for number in range(promised)}

    def sent_in_a_second(self) -> int:
        """How many orders left within the last second."""
        now = self._clock.now_ns()
        if self._sent and now < self._sent[-1]:  # the clock was set back
            self._sent = deque([now] * len(self._sent))
        while self._sent and now - self._sent[0] >= NS_PER_S:
            self._sent.popleft()
        return len(self._sent)
