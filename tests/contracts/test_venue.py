"""What any venue does with orders: the same suite for every implementation."""

import asyncio
from collections.abc import Callable
from decimal import Decimal

import pytest

from arb.exchange.port import Balance, OrderNotFound
from arb.feeds.source import Change
from arb.market.book import FeeRates
from tests.contracts.venues import EVERY_VENUE, World, shown, told
from tests.exchange.scripted import (
    BNB_FEES,
    FEES,
    SECOND_NS,
    START_NS,
    at,
    order,
    send,
)
from tests.market.examples import book

pytestmark = EVERY_VENUE


def test_it_tells_its_dialect_time_markets_and_fees(world: Callable[..., World]) -> None:
    async def story() -> None:
        here = world(latency_ns=5 * 10**6)
        rules = here.venue.rules
        assert (rules.venue, rules.live, rules.fee_side) == ("paper", False, "received")
        assert rules.dead_ns(1_000) == 1_000 + SECOND_NS
        assert here.venue.fingerprint == "paper-1"
        assert await here.venue.time_ns() == START_NS + 5 * 10**6
        assert here.clock.now_ns() == START_NS + 10 * 10**6
        assert (await here.venue.markets())["ETH/USDT"].quote == "USDT"
        assert await here.venue.fees() == FEES
        assert (await here.venue.balances())["USDT"] == Balance(Decimal(10_000), Decimal(0))

    asyncio.run(story())


def test_an_ioc_over_two_levels_is_two_trades(world: Callable[..., World]) -> None:
    async def story() -> None:
        venue = world().venue
        report = await venue.create(order(amount="0.8", limit="2001"))
        assert told(report) == ("closed", Decimal("0.8"))
        assert shown(report) == [
            (Decimal(2000), Decimal("0.5")),
            (Decimal(2001), Decimal("0.3")),
        ]
        assert report.fills is not None
        assert [fill.cost for fill in report.fills] == [Decimal(1000), Decimal("600.3")]
        assert [(fill.fee, fill.fee_asset) for fill in report.fills] == [
            (Decimal("0.0005"), "ETH"),
            (Decimal("0.0003"), "ETH"),
        ]
        balances = await venue.balances()
        assert balances["USDT"].free == 10_000 - Decimal("1600.3")
        assert balances["ETH"].free == 5 + Decimal("0.7992")

    asyncio.run(story())


def test_what_an_ioc_does_not_get_expires(world: Callable[..., World]) -> None:
    async def story() -> None:
        venue = world().venue
        report = await venue.create(order(amount="0.8", limit="2000"))
        assert told(report) == ("expired", Decimal("0.5"))
        nothing = await venue.create(order(amount="0.8", limit="1990"))
        assert told(nothing) == ("expired", Decimal(0))
        assert nothing.fills == ()
        assert (await venue.balances())["USDT"] == Balance(Decimal(9_000), Decimal(0))

    asyncio.run(story())


def test_a_fok_fills_whole_or_not_at_all(world: Callable[..., World]) -> None:
    async def story() -> None:
        venue = world().venue
        killed = await venue.create(order(amount="1.6", limit="2001", time_in_force="fok"))
        assert told(killed) == ("expired", Decimal(0))
        filled = await venue.create(order(amount="1.5", limit="2001", time_in_force="fok"))
        assert told(filled) == ("closed", Decimal("1.5"))

    asyncio.run(story())


def test_a_market_order_takes_what_there_is(world: Callable[..., World]) -> None:
    async def story() -> None:
        venue = world().venue
        bought = await venue.create(order(amount="2", limit=None))
        assert told(bought) == ("expired", Decimal("1.5"))
        sold = await venue.create(order(side="sell", amount="0.7", limit=None))
        assert told(sold) == ("closed", Decimal("0.7"))
        balance = (await venue.balances())["USDT"]
        proceeds = Decimal("999.5") + Decimal("0.2") * 1998
        assert balance == Balance(10_000 - 3_001 + proceeds * Decimal("0.999"), Decimal(0))

    asyncio.run(story())


def test_a_resting_order_locks_funds_and_fills_later_as_maker(world: Callable[..., World]) -> None:
    async def story() -> None:
        lower = book("ETH/USDT", [("1980", "1")], [("1989", "0.3"), ("1990", "9")], 2)
        here = world(rows=[at(5, lower)])
        placed = await here.venue.create(
            order(amount="1", limit="1990", time_in_force="gtc", client_order_id="xresting")
        )
        assert told(placed) == ("open", Decimal(0))
        assert (await here.venue.balances())["USDT"] == Balance(Decimal(8010), Decimal(1990))
        assert [one.client_order_id for one in await here.venue.open_orders()] == ["xresting"]
        here.clock.advance_to(START_NS + 10 * SECOND_NS)
        assert told(await here.venue.order("ETH/USDT", "xresting")) == ("closed", Decimal(1))
        (trade,) = await here.venue.trades("ETH/USDT", 0)
        assert (trade.price, trade.amount, trade.fee) == (1990, 1, Decimal("0.0005"))
        assert trade.venue_ns == START_NS + 5 * SECOND_NS
        assert (await here.venue.balances())["USDT"] == Balance(Decimal(8010), Decimal(0))

    asyncio.run(story())


def test_a_resting_order_takes_at_once_what_is_there(world: Callable[..., World]) -> None:
    async def story() -> None:
        higher = book("ETH/USDT", [("2000.5", "0.2")], [("2003", "9")], 2)
        here = world(rows=[at(5, higher)])
        placed = await here.venue.create(
            order(side="sell", amount="0.9", limit="1999", time_in_force="gtc", client_order_id="x")
        )
        assert told(placed) == ("open", Decimal("0.5"))
        here.clock.advance_to(START_NS + 9 * SECOND_NS)
        assert told(await here.venue.order("ETH/USDT", "x")) == ("open", Decimal("0.7"))
        await here.venue.cancel("ETH/USDT", "x")
        assert told(await here.venue.order("ETH/USDT", "x")) == ("canceled", Decimal("0.7"))
        assert (await here.venue.balances())["ETH"] == Balance(Decimal("4.3"), Decimal(0))

    asyncio.run(story())


def test_a_finished_order_cannot_be_canceled(world: Callable[..., World]) -> None:
    async def story() -> None:
        venue = world().venue
        await venue.create(order(client_order_id="xdone"))
        for name in ("xdone", "xnever"):
            with pytest.raises(OrderNotFound):
                await venue.cancel("ETH/USDT", name)

    asyncio.run(story())


def test_orders_are_read_by_our_id_and_by_the_venue_s(world: Callable[..., World]) -> None:
    async def story() -> None:
        venue = world().venue
        placed = await venue.create(order(client_order_id="xmine"))
        assert placed.exchange_order_id is not None
        mine = await venue.order("ETH/USDT", "xmine")
        assert mine == await venue.order_by_exchange_id("ETH/USDT", placed.exchange_order_id)
        assert mine.fills is None
        assert mine.venue_ns == START_NS
        for market, name in (("ETH/USDT", "xother"), ("ETH/BTC", "xmine")):
            with pytest.raises(OrderNotFound):
                await venue.order(market, name)
        for name in ("o99", "x1", "", "o", "o1x"):
            with pytest.raises(OrderNotFound):
                await venue.order_by_exchange_id("ETH/USDT", name)

    asyncio.run(story())


def test_depth_that_was_taken_is_gone_until_its_level_changes(world: Callable[..., World]) -> None:
    async def story() -> None:
        again = book("ETH/USDT", [("1999", "9")], [("2000", "0.6")], 2)
        here = world(rows=[at(5, again)])
        await here.venue.create(order(amount="0.7", limit="2001"))
        left = here.venue.book("ETH/USDT")
        assert left is not None
        assert left.asks == ((Decimal(2001), Decimal("0.8")),)
        assert told(await here.venue.create(order(limit="2000"))) == ("expired", Decimal(0))
        here.clock.advance_to(START_NS + 5 * SECOND_NS)
        assert here.venue.book("ETH/USDT") == again

    asyncio.run(story())


def test_books_are_those_of_the_time(world: Callable[..., World]) -> None:
    here = world(rows=[at(5, book("ETH/USDT", [("1", "1")], [("2", "1")], 2))])
    shown_now = here.venue.book("ETH/USDT")
    assert shown_now is not None
    assert shown_now.sequence == 1
    here.clock.advance_to(START_NS + 5 * SECOND_NS)
    shown_then = here.venue.book("ETH/USDT")
    assert shown_then is not None
    assert shown_then.sequence == 2
    assert here.venue.book("DOGE/USDT") is None
    assert here.venue.heard_ns("ETH/USDT") == START_NS + 5 * SECOND_NS
    assert here.venue.heard_ns("DOGE/USDT") is None


def test_trades_are_told_by_market_and_time_oldest_first(world: Callable[..., World]) -> None:
    async def story() -> None:
        here = world()
        await here.venue.create(order(client_order_id="xone"))
        here.clock.advance_to(START_NS + SECOND_NS)
        await send(here.venue, order(client_order_id="xtwo"))
        await send(here.venue, order("BTC/USDT", "buy", "0.01", "50010"))
        every = await here.venue.trades("ETH/USDT", 0)
        assert [trade.client_order_id for trade in every] == ["xone", "xtwo"]
        assert [trade.trade_id for trade in every] == ["t1", "t2"]
        since = await here.venue.trades("ETH/USDT", START_NS + 1)
        assert [trade.client_order_id for trade in since] == ["xtwo"]

    asyncio.run(story())


def test_a_request_travels_there_and_back(world: Callable[..., World]) -> None:
    async def story() -> None:
        later = book("ETH/USDT", [("1899", "1")], [("1900", "1")], 2)
        here = world(rows=[at(0.02, later)], latency_ns=20 * 10**6)
        report = await here.venue.create(order())
        assert shown(report) == [(Decimal(1900), Decimal("0.1"))]
        assert report.venue_ns == START_NS + 20 * 10**6
        assert here.clock.now_ns() == START_NS + 40 * 10**6

    asyncio.run(story())


@pytest.mark.parametrize("fees", [FEES, BNB_FEES])
def test_the_same_story_twice_is_the_same_to_the_last_digit(
    world: Callable[..., World], fees: FeeRates
) -> None:
    async def story() -> tuple[object, ...]:
        rows: list[Change] = [at(2, book("ETH/USDT", [("1985", "2")], [("1986", "2")], 2))]
        here = world(rows=rows, fees=fees)
        await here.venue.create(order(amount="0.6", limit="2001", client_order_id="xa"))
        await here.venue.create(
            order(amount="1", limit="1990", time_in_force="gtc", client_order_id="xb")
        )
        here.clock.advance_to(START_NS + 3 * SECOND_NS)
        return (
            await here.venue.trades("ETH/USDT", 0),
            await here.venue.balances(),
            here.paper.account.all_orders(),
        )

    assert asyncio.run(story()) == asyncio.run(story())
