"""A market whose books a test writes, a paper venue over it, and an engine's hand to send orders."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Final

from arb.clock import VirtualClock
from arb.exchange.paper.account import PaperAccount
from arb.exchange.paper.venue import PaperVenue
from arb.exchange.port import OrderReport, OrderRequest, Venue
from arb.feeds.source import Change, Shown
from arb.market.book import Book, FeeRates, MarketRules
from tests.market.examples import book, rules

START_NS: Final = 1_700_000_000 * 10**9
SECOND_NS: Final = 10**9
FEES: Final = FeeRates(taker=Decimal("0.001"), maker=Decimal("0.0005"))
BNB_FEES: Final = FeeRates(taker=Decimal("0.001"), maker=Decimal("0.0005"), fee_asset="BNB")
OPENING: Final = {
    "USDT": Decimal(10_000),
    "BTC": Decimal(1),
    "ETH": Decimal(5),
    "BNB": Decimal(2),
}
MARKETS: Final = {
    "ETH/USDT": rules("ETH/USDT"),
    "BTC/USDT": rules("BTC/USDT", "0.01", "0.00001"),
    "ETH/BTC": rules("ETH/BTC", "0.00001", "0.0001", "0.0001"),
    "BNB/USDT": rules("BNB/USDT", "0.01", "0.001"),
}
BOOKS: Final = (
    book("ETH/USDT", [("1999", "0.5"), ("1998", "1")], [("2000", "0.5"), ("2001", "1")]),
    book("BTC/USDT", [("50000", "1")], [("50010", "1")]),
    book("ETH/BTC", [("0.0399", "10")], [("0.04", "10")]),
    book("BNB/USDT", [("500", "10")], [("501", "10")]),
)


class ScriptedMarket:
    """A MarketSource of given rows; a row's sequence is its book's."""

    def __init__(
        self, rows: Sequence[Change], markets: Mapping[str, MarketRules] = MARKETS
    ) -> None:
        self._rows = list(rows)
        self._markets = markets

    @property
    def markets(self) -> Mapping[str, MarketRules]:
        return self._markets

    def book_at(self, market: str, at_ns: int) -> Book | None:
        standing = None
        for row in self._rows:
            if row.market == market and row.at_ns <= at_ns:
                standing = row.book
        return standing

    def shown(self, market: str, after_ns: int, until_ns: int) -> Iterator[Shown]:
        for row in self._rows:
            if row.market == market and after_ns < row.at_ns <= until_ns:
                yield row.at_ns, row.book

    def changes(self, after_ns: int) -> Iterator[Change]:
        return (row for row in self._rows if row.at_ns > after_ns)


def at(seconds: float, shown: Book) -> Change:
    """A row some seconds after the start."""
    return Change(START_NS + round(seconds * SECOND_NS), shown.market, shown)


def paper_venue(
    *,
    path: Path | None = None,
    rows: Sequence[Change] = (),
    opening: Mapping[str, Decimal] = OPENING,
    fees: FeeRates = FEES,
    clock: VirtualClock | None = None,
    latency_ns: int = 0,
    skew_ns: int = 0,
) -> PaperVenue:
    """A paper venue at the start of the script, with the example books and then `rows`."""
    return PaperVenue(
        PaperAccount.open(path, uid="paper-1", opening=opening),
        ScriptedMarket([*(at(-1, shown) for shown in BOOKS), *rows]),
        VirtualClock(START_NS) if clock is None else clock,
        fees=fees,
        latency_ns=latency_ns,
        skew_ns=skew_ns,
    )


_ids = itertools.count()


def order(
    market: str = "ETH/USDT",
    side: str = "buy",
    amount: str | Decimal = "0.1",
    limit: str | Decimal | None = "2000",
    *,
    time_in_force: str = "ioc",
    client_order_id: str | None = None,
    venue_time_ns: int = START_NS,
    window_ns: int = 400 * 10**6,
) -> OrderRequest:
    """An order as an engine sends it; without a limit it is a market order."""
    return OrderRequest(
        client_order_id=f"xtest{next(_ids)}" if client_order_id is None else client_order_id,
        market=market,
        side=side,
        kind="market" if limit is None else "limit",
        time_in_force=time_in_force,
        amount=Decimal(amount),
        limit=None if limit is None else Decimal(limit),
        venue_time_ns=venue_time_ns,
        window_ns=window_ns,
    )


async def send(venue: Venue, request: OrderRequest) -> OrderReport:
    """Send an order with the venue's time as its timestamp."""
    fields = {name: getattr(request, name) for name in request.__struct_fields__}
    fields["venue_time_ns"] = await venue.time_ns()
    return await venue.create(OrderRequest(**fields))
