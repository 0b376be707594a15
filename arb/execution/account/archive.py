"""What the engine looks up in its own log beyond what it keeps in memory."""

from typing import Protocol

from arb.machine.state import Cycle


class Archive(Protocol):
    """Read access to acknowledged history; it never blocks the writer."""

    def load(self, cycle_id: str) -> Cycle | None:
        """Fold a cycle from its stream; None if there is none."""
        ...

    def cycle_of_order(self, client_order_id: str) -> str | None:
        """The cycle that intended an order."""
        ...

    def order_of_venue_id(self, market: str, exchange_order_id: str) -> str | None:
        """Our id of an order that the venue names so."""
        ...

    def given_up_orders(self, market: str, since_ns: int) -> list[str]:
        """Our ids of orders of a market that ended since a time without a venue's id."""
        ...
