"""The paper venue of a simulation: it remembers every create that reached it, its books can go stale, and it may ration."""

from contextlib import suppress
from typing import Any

from arb.clock import Clock
from arb.exchange.client.pacing import ORDER_PATIENCE_NS, Pacing, Ration, lane
from arb.exchange.paper.account import PaperAccount
from arb.exchange.paper.desk import PaperDesk
from arb.exchange.paper.venue import PaperVenue
from arb.exchange.port import OrderNotFound, OrderReport, OrderRequest
from arb.market.book import Book
from arb.simulation.market import Stage


class SimulatedVenue(PaperVenue):
    """A paper venue on a stage, with a memory of requests; `ration`: as a way to a real one keeps it."""

    def __init__(
        self,
        account: PaperAccount,
        clock: Clock,
        *,
        stage: Stage,
        ration: Ration | None = None,
        **settings: Any,  # noqa: ANN401 -- passed on
    ) -> None:
        super().__init__(account, stage, clock, **settings)
        self._pacing = None if ration is None else Pacing(clock, ration)
        self.creates: list[tuple[str, int]] = []  # client order id, when it was on its way
        self._stage = stage

    def order_wait_ns(self, orders: int, ahead: int) -> int:
        """How long until its ration takes so many orders; 0: now, or it has none."""
        return 0 if self._pacing is None else self._pacing.order_wait_ns(orders, ahead)

    async def create(self, request: OrderRequest) -> OrderReport:
        """Take an order, and remember that it was asked for; raises NotSent beyond the ration."""
        if self._pacing is not None:
            with lane("order", patience_ns=ORDER_PATIENCE_NS):
                await self._pacing.take(0)
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
