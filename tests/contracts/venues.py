"""Every implementation of a venue, built alike: what the contract suites run against."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

import pytest

from arb.clock import VirtualClock
from arb.exchange.faults.plan import FaultPlan
from arb.exchange.faults.venue import FaultyVenue, VenueWithBooks
from arb.exchange.paper.venue import PaperVenue
from arb.exchange.port import OrderReport
from tests.exchange.scripted import START_NS, paper_venue


class World:
    """A venue, the paper venue at its heart, and the clock they share."""

    def __init__(self, wrap: Callable[..., VenueWithBooks], **options: Any) -> None:
        self.clock = VirtualClock(START_NS)
        self.paper: PaperVenue = paper_venue(clock=self.clock, **options)
        self.venue = wrap(self.paper, self.clock)


def _plain(paper: PaperVenue, clock: VirtualClock) -> VenueWithBooks:
    return paper


def _faultless(paper: PaperVenue, clock: VirtualClock) -> VenueWithBooks:
    return FaultyVenue(paper, FaultPlan(), clock, 1)


EVERY_VENUE: Final = pytest.mark.parametrize(
    "world",
    [
        pytest.param(lambda **options: World(_plain, **options), id="paper"),
        pytest.param(lambda **options: World(_faultless, **options), id="faultless"),
    ],
)


def told(report: OrderReport) -> tuple[str | None, Decimal | None]:
    return report.status, report.filled


def shown(report: OrderReport) -> list[tuple[Decimal | None, Decimal | None]]:
    assert report.fills is not None
    return [(fill.price, fill.amount) for fill in report.fills]
