"""A paper venue behind faults, and the truth within."""

import asyncio
from collections.abc import Callable, Coroutine
from decimal import Decimal
from typing import Any

from arb.clock import VirtualClock
from arb.exchange.faults.plan import FaultPlan, Only, Strike
from arb.exchange.faults.venue import FaultyVenue
from arb.exchange.paper.venue import PaperVenue
from tests.exchange.scripted import START_NS, paper_venue


class World:
    def __init__(self, plan: FaultPlan, only: Only | None = None, **options: Any) -> None:
        self.clock = VirtualClock(START_NS)
        self.paper: PaperVenue = paper_venue(clock=self.clock, **options)
        self.venue = FaultyVenue(self.paper, plan, self.clock, 7, only=only)


def run(story: Callable[[], Coroutine[None, None, None]]) -> None:
    asyncio.run(story())


def first_create(strike: Strike) -> bool:
    return (strike.call, strike.number) == ("create", 1)


def on_create(strike: Strike) -> bool:
    return strike.call == "create"


async def truth(here: World) -> list[tuple[str | None, Decimal]]:
    return [(one.client_order_id, one.filled) for one in here.paper.account.all_orders()]
