"""The paper venue's money: what a walk predicts is what it books, and nothing comes from nowhere."""

import asyncio
from collections import Counter
from contextlib import suppress
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from arb.clock import VirtualClock
from arb.exchange.paper.account import PaperAccount
from arb.exchange.paper.venue import PaperVenue
from arb.exchange.port import Refused
from arb.feeds.generated import GeneratedMarket
from arb.market.book import Book, FeeRates
from arb.market.depth import Walk, bound, walk
from tests.exchange.scripted import FEES, START_NS, ScriptedMarket, at, order, send
from tests.market.examples import depths, rules

ETH = rules(notional_min="0.1")
RATES = st.sampled_from(["0", "0.001", "0.00075", "0.0026"])


def venue_over(shown: Book, opening: dict[str, Decimal], rate: str, *, third: bool) -> PaperVenue:
    fees = FeeRates(Decimal(rate), Decimal(rate), "BNB" if third else None)
    source = ScriptedMarket([at(-1, shown)], {"ETH/USDT": ETH})
    account = PaperAccount.open(None, uid="u", opening=opening)
    return PaperVenue(account, source, VirtualClock(START_NS), fees=fees, latency_ns=0)


@settings(deadline=None)
@given(
    shown=depths(ETH),
    side=st.sampled_from(["buy", "sell"]),
    spend=st.integers(10**6, 10**14),
    rate=RATES,
    slippage=st.integers(0, 500),
)
def test_a_walk_predicts_what_the_venue_books_to_the_last_digit(
    shown: Book, side: str, spend: int, rate: str, slippage: int
) -> None:
    offered = spend * Decimal("1E-8")
    worst = bound(side, shown.levels(side)[0][0], Decimal(slippage), ETH.tick_size)
    found = walk(shown, side, offered, ETH, Decimal(rate), worst)
    if not isinstance(found, Walk):
        return
    spent, received = ("USDT", "ETH") if side == "buy" else ("ETH", "USDT")
    venue = venue_over(shown, {spent: offered}, rate, third=False)
    report = asyncio.run(venue.create(order("ETH/USDT", side, found.amount, found.limit)))
    assert (report.status, report.filled) == ("closed", found.amount)
    totals = venue.account.totals()
    assert offered - totals[spent] == found.used
    assert totals[received] == found.received
    assert report.fills is not None
    assert sum(fill.fee or 0 for fill in report.fills) == found.fee


@settings(deadline=None)
@given(shown=depths(ETH), side=st.sampled_from(["buy", "sell"]), spend=st.integers(10**7, 10**12))
def test_a_walk_without_its_fee_predicts_an_account_that_pays_elsewhere(
    shown: Book, side: str, spend: int
) -> None:
    # No market prices BNB in ETH or USDT here, so its fees would fall back: the rate is 0.
    offered = spend * Decimal("1E-8")
    worst = bound(side, shown.levels(side)[0][0], Decimal(100), ETH.tick_size)
    found = walk(shown, side, offered, ETH, Decimal("0.001"), worst, fee_in_received=False)
    if not isinstance(found, Walk):
        return
    spent, received = ("USDT", "ETH") if side == "buy" else ("ETH", "USDT")
    venue = venue_over(shown, {spent: offered}, "0", third=True)
    asyncio.run(venue.create(order("ETH/USDT", side, found.amount, found.limit)))
    assert venue.account.totals()[received] == found.received


GENERATED = GeneratedMarket(5)
STEPS = st.lists(
    st.one_of(
        st.tuples(
            st.just("order"),
            st.sampled_from(sorted(GENERATED.markets)),
            st.sampled_from(["buy", "sell"]),
            st.sampled_from(["ioc", "fok", "gtc", "market"]),
            st.integers(1, 400),  # per mille of a thousand dollars
            st.integers(-60, 60),  # bps from the middle
        ),
        st.tuples(st.just("cancel")),
        st.tuples(st.just("wait"), st.integers(1, 50)),
        st.tuples(
            st.just("change"),
            st.sampled_from(["USDT", "BTC", "BNB"]),
            st.integers(-(10**9), 10**9),
        ),
    ),
    max_size=12,
)
WORTH = {"BTC": 60_000, "ETH": 2_500, "BNB": 550, "SOL": 150, "USDC": 1, "USDT": 1}


async def act(venue: PaperVenue, clock: VirtualClock, step: tuple[Any, ...]) -> None:
    match step:
        case ("order", market, side, kind, size, bps):
            listed = venue._source.markets[market]
            amount = Decimal(size) / WORTH[listed.base] // listed.step_size * listed.step_size
            middle = venue.book(market).mid() or Decimal(0)  # type: ignore[union-attr]
            price = middle * (10_000 + bps) / 10_000 // listed.tick_size * listed.tick_size
            limit = None if kind == "market" else price
            time_in_force = "ioc" if kind == "market" else kind
            await send(venue, order(market, side, amount, limit, time_in_force=time_in_force))
        case ("cancel",):
            for one in await venue.open_orders():
                assert one.market is not None
                assert one.client_order_id is not None
                await venue.cancel(one.market, one.client_order_id)
        case ("wait", steps):
            clock.advance_to(clock.now_ns() + steps * GENERATED.step_ns)
        case ("change", asset, units):
            venue.deposit(asset, Decimal(units) * Decimal("1E-6"))


def audited(venue: PaperVenue) -> None:
    """Balances are the opening and every trade and change, exactly; locks are those of orders."""
    account = venue.account
    expected: Counter[str] = Counter()
    expected.update(account.opening())  # type: ignore[arg-type]
    orders = {one.number: one for one in account.all_orders()}
    filled: Counter[int] = Counter()
    for fill in account.all_fills():
        owner = orders[fill.order]
        sign = 1 if fill.side == "buy" else -1
        expected[owner.base] += sign * fill.amount  # type: ignore[assignment]
        expected[owner.quote] -= sign * fill.cost  # type: ignore[assignment]
        expected[fill.fee_asset] -= fill.fee  # type: ignore[assignment]
        filled[fill.order] += fill.amount  # type: ignore[assignment]
        assert abs(fill.cost - fill.price * fill.amount) < Decimal("1E-8")
    for change in account.changes(0, reported_only=False):
        expected[change.asset] += change.amount  # type: ignore[assignment]
    locked: Counter[str] = Counter()
    for one in orders.values():
        assert one.filled == filled[one.number] <= one.amount
        assert (one.status == "open") == (one.closed_ns is None)
        assert one.status == "open" or one.locked == 0
        locked[one.spent_asset] += one.locked  # type: ignore[assignment]
    for asset, balance in account.balances().items():
        assert balance.free >= 0
        assert balance.total == expected[asset]
        assert balance.locked == locked[asset]


@settings(max_examples=60, deadline=None)
@given(steps=STEPS, third=st.booleans(), start=st.integers(0, 10**6))
def test_whatever_is_done_every_unit_is_accounted_for(
    *, steps: list[tuple[Any, ...]], third: bool, start: int
) -> None:
    clock = VirtualClock(START_NS + start * GENERATED.step_ns)
    opening = {
        "USDT": Decimal(1_000),
        "BTC": Decimal("0.01"),
        "ETH": Decimal("0.3"),
        "BNB": Decimal("0.0004"),
        "USDC": Decimal(500),
    }
    fees = FeeRates(FEES.taker, FEES.maker, "BNB" if third else None)
    account = PaperAccount.open(None, uid="u", opening=opening)
    venue = PaperVenue(account, GENERATED, clock, fees=fees, latency_ns=10**7)

    async def story() -> None:
        for step in steps:
            with suppress(Refused):
                await act(venue, clock, step)
            audited(venue)

    asyncio.run(story())
