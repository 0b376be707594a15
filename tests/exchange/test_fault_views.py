"""What is shown is one world: order, trades and balances agree at every moment."""

import asyncio
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from arb.clock import NS_PER_MS, VirtualClock
from arb.exchange.faults.plan import FaultPlan
from arb.exchange.faults.venue import FaultyVenue
from arb.exchange.paper.account import PaperAccount
from arb.exchange.paper.venue import PaperVenue
from arb.exchange.port import OrderNotFound, Refused
from arb.feeds.generated import GeneratedMarket
from arb.market.book import FeeRates
from tests.exchange.scripted import FEES, START_NS, order, send

GENERATED = GeneratedMarket(9)
MARKETS = ("BTC/USDT", "ETH/BTC", "ETH/USDT")
OPENING = {"USDT": Decimal(3_000), "BNB": Decimal("0.01")}
STEPS = st.lists(
    st.tuples(
        st.sampled_from(MARKETS),
        st.sampled_from(["buy", "sell"]),
        st.integers(1, 1_000),  # per mille of what is really there
        st.sampled_from(["ioc", "gtc"]),
        st.integers(0, 700),  # ms to wait
    ),
    max_size=8,
)


async def shown(venue: FaultyVenue) -> tuple[dict[str, Decimal], dict[str, Any]]:
    """Add up the balances that the shown trades explain, and read those that are shown."""
    explained = dict(OPENING)
    trades: dict[str, Decimal] = {}
    for market in MARKETS:
        base, quote = market.split("/")
        for trade in await venue.trades(market, 0):
            assert trade.amount is not None
            assert trade.cost is not None
            assert trade.fee is not None
            assert trade.fee_asset is not None
            assert trade.exchange_order_id is not None
            sign = 1 if trade.side == "buy" else -1
            for asset, amount in (
                (base, sign * trade.amount),
                (quote, -sign * trade.cost),
                (trade.fee_asset, -trade.fee),
            ):
                explained[asset] = explained.get(asset, Decimal(0)) + amount
            owner = trade.exchange_order_id
            trades[owner] = trades.get(owner, Decimal(0)) + trade.amount
    balances = await venue.balances()
    for one in venue.inner.account.all_orders():  # type: ignore[attr-defined]
        name = one.exchange_order_id
        try:
            report = await venue.order_by_exchange_id(one.market, name)
        except OrderNotFound:
            assert name not in trades
            continue
        assert report.filled == trades.get(name, Decimal(0))
    return explained, dict(balances)


@settings(max_examples=60, deadline=None)
@given(
    steps=STEPS,
    seed=st.integers(0, 10**6),
    hidden=st.sampled_from([0.0, 0.5, 1.0]),
    late=st.sampled_from([0.0, 0.5, 1.0]),
    third=st.booleans(),
)
def test_what_is_shown_adds_up_at_every_moment_and_is_never_negative(
    *, steps: list[tuple[Any, ...]], seed: int, hidden: float, late: float, third: bool
) -> None:
    clock = VirtualClock(START_NS)
    fees = FeeRates(FEES.taker, FEES.maker, "BNB" if third else None)
    account = PaperAccount.open(None, uid="u", opening=OPENING)
    paper = PaperVenue(account, GENERATED, clock, fees=fees, latency_ns=0)
    venue = FaultyVenue(paper, FaultPlan(order_hidden=hidden, late_fill=late), clock, seed)

    async def agree() -> None:
        explained, balances = await shown(venue)
        assert {asset: one.total for asset, one in balances.items() if one.total} == {
            asset: amount for asset, amount in explained.items() if amount
        }
        assert all(one.free >= 0 and one.locked >= 0 for one in balances.values())

    async def story() -> None:
        for market, side, share, time_in_force, wait_ms in steps:
            rules = GENERATED.markets[market]
            book = paper.book(market)
            assert book is not None
            touch = book.levels(side)[0][0]
            held = account.free(rules.quote if side == "buy" else rules.base) * share / 1000
            amount = held / touch if side == "buy" else held
            amount = amount // rules.step_size * rules.step_size
            try:
                await send(venue, order(market, side, amount, touch, time_in_force=time_in_force))
            except Refused:
                continue
            await agree()
            clock.advance_to(clock.now_ns() + wait_ms * NS_PER_MS)
            await agree()
        clock.advance_to(clock.now_ns() + 3_000 * NS_PER_MS)
        await agree()
        assert await venue.balances() == account.balances()

    asyncio.run(story())
