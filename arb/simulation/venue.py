"""The paper venue of a simulation: it remembers every create that reached it, and its books can go stale."""

from contextlib import suppress
from typing import Any

from arb.exchange.paper_desk import PaperDesk
from arb.exchange.paper_venue import PaperVenue
from arb.exchange.port import OrderNotFound, OrderReport, OrderRequest
from arb.market.book import Book
from arb.simulation.market import Stage


class SimulatedVenue(PaperVenue):
    """A paper venue on a stage, with a memory of requests."""

    def __init__(self, *parts: Any, stage: Stage, **settings: Any) -> None:  # noqa: ANN401 -- passed on
        super().__init__(parts[0], stage, *parts[1:], **settings)
        self.creates: list[tuple[str, int]] = []  # client order id, when it was on its way
        self._stage = stage

    async def create(self, request: OrderRequest) -> OrderReport:
        """Take an order, and remember that it was asked for."""
        self.creates.append((request.client_order_id, self._now_ns()))
        return await super().create(request)

    def take_back(self, market: str, client_order_id: str) -> None:
        """Cancel an order that somebody placed by hand, if it still rests."""
        with suppress(OrderNotFound):
            self._desk.cancel(market, client_order_id, self._now_ns())

    def smooth(self) -> None:
        """Let orders meet the books as they stand, from now on."""
        self._desk = PaperDesk(self.account, self._stage, self._fees)

    def book(self, market: str) -> Book | None:
        """The book as it was last heard."""
        now_ns = self._now_ns()
        heard_ns = self._stage.heard_ns(market, now_ns)
        return super().book(market) if heard_ns == now_ns else self._desk.book(market, heard_ns)

    def heard_ns(self, market: str) -> int | None:
        """When the market's connection was last heard."""
        now_ns = super().heard_ns(market)
        return None if now_ns is None else self._stage.heard_ns(market, now_ns)
