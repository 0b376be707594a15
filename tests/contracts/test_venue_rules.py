"""What any venue refuses, charges and keeps apart: the same suite for every implementation."""

import asyncio
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from arb.exchange.port import OrderNotFound, Refused
from tests.contracts.venues import EVERY_VENUE, World, shown, told
from tests.exchange.scripted import (
    BNB_FEES,
    OPENING,
    SECOND_NS,
    START_NS,
    at,
    order,
    send,
)
from tests.market.examples import book

pytestmark = EVERY_VENUE


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ({"amount": "0.10001"}, "filter"),
        ({"limit": "2000.001"}, "filter"),
        ({"amount": "0.001"}, "filter"),
        ({"amount": "9001"}, "filter"),
        ({"amount": "0"}, "filter"),
        ({"amount": "-1"}, "filter"),
        ({"limit": "0"}, "filter"),
        ({"market": "DOGE/USDT"}, "unknown_market"),
        ({"side": "hold"}, "bad_order"),
        ({"time_in_force": "day"}, "bad_order"),
        ({"limit": None, "time_in_force": "gtc"}, "bad_order"),
        ({"amount": "8"}, "insufficient_balance"),
        ({"side": "sell", "amount": "5.0001", "limit": "1999"}, "insufficient_balance"),
        ({"market": "BNB/USDT", "side": "buy", "amount": "9000"}, "insufficient_balance"),
    ],
)
def test_an_order_that_breaks_a_rule_is_refused_and_changes_nothing(
    world: Callable[..., World], bad: dict[str, Any], reason: str
) -> None:
    async def story() -> None:
        here = world()
        with pytest.raises(Refused) as caught:
            await here.venue.create(order(**bad))
        assert caught.value.reason == reason
        assert here.paper.account.totals() == OPENING
        assert here.paper.account.all_orders() == ()

    asyncio.run(story())


@pytest.mark.parametrize(
    ("latency_ms", "sent_ms", "window_ms", "taken"),
    [
        (300, 0, 400, True),
        (401, 0, 400, False),
        (200, 0, 199, False),
        (500, 0, 5_000, False),  # the venue's own window counts
        (0, 1_000, 400, True),
        (0, 1_001, 400, False),
    ],
)
def test_an_order_outside_its_window_is_refused(
    world: Callable[..., World],
    *,
    latency_ms: int,
    sent_ms: int,
    window_ms: int,
    taken: bool,
) -> None:
    async def story() -> None:
        here = world(latency_ns=latency_ms * 10**6)
        request = order(
            venue_time_ns=START_NS + sent_ms * 10**6, window_ns=window_ms * 10**6, amount="0.1"
        )
        if taken:
            assert told(await here.venue.create(request)) == ("closed", Decimal("0.1"))
            return
        with pytest.raises(Refused) as caught:
            await here.venue.create(request)
        assert caught.value.reason == "outside_recv_window"
        assert here.paper.account.all_orders() == ()

    asyncio.run(story())


def test_the_window_is_judged_by_the_venue_s_clock(world: Callable[..., World]) -> None:
    async def story() -> None:
        here = world(skew_ns=5 * SECOND_NS)
        assert await here.venue.time_ns() == START_NS + 5 * SECOND_NS
        with pytest.raises(Refused, match="outside_recv_window"):
            await here.venue.create(order())
        assert told(await send(here.venue, order())) == ("closed", Decimal("0.1"))

    asyncio.run(story())


def test_an_id_is_refused_only_while_its_order_is_open(world: Callable[..., World]) -> None:
    async def story() -> None:
        venue = world().venue
        resting = order(amount="1", limit="1990", time_in_force="gtc", client_order_id="xsame")
        await venue.create(resting)
        with pytest.raises(Refused, match="duplicate_order_id"):
            await venue.create(resting)
        await venue.cancel("ETH/USDT", "xsame")
        first = await venue.create(order(client_order_id="xsame"))
        second = await venue.create(order(client_order_id="xsame", amount="0.2"))
        assert first.exchange_order_id != second.exchange_order_id
        newest = await venue.order("ETH/USDT", "xsame")
        assert newest.exchange_order_id == second.exchange_order_id
        assert len(await venue.trades("ETH/USDT", 0)) == 2

    asyncio.run(story())


def test_locked_funds_cannot_be_spent_twice(world: Callable[..., World]) -> None:
    async def story() -> None:
        venue = world().venue
        await venue.create(order(amount="4.5", limit="1990", time_in_force="gtc"))
        with pytest.raises(Refused, match="2000 USDT needed, 1045 free"):
            await venue.create(order(amount="1", limit="2000"))

    asyncio.run(story())


def test_an_order_that_would_meet_its_own_expires(world: Callable[..., World]) -> None:
    async def story() -> None:
        venue = world().venue
        await venue.create(
            order(side="sell", amount="1", limit="2000.5", time_in_force="gtc", client_order_id="x")
        )
        taker = await venue.create(order(amount="1", limit="2001", time_in_force="gtc"))
        assert told(taker) == ("expired", Decimal("0.5"))
        assert shown(taker) == [(Decimal(2000), Decimal("0.5"))]
        assert told(await venue.order("ETH/USDT", "x")) == ("open", Decimal(0))
        whole = await venue.create(order(amount="1", limit="2001", time_in_force="fok"))
        assert told(whole) == ("expired", Decimal(0))
        level = await venue.create(
            order(amount="1", limit="1999", time_in_force="gtc", client_order_id="y")
        )
        assert told(level) == ("open", Decimal(0))
        equal = await venue.create(order(side="sell", amount="0.1", limit="1999"))
        assert told(equal) == ("expired", Decimal(0))

    asyncio.run(story())


def test_a_fee_in_a_third_asset_is_valued_at_its_own_bid(world: Callable[..., World]) -> None:
    async def story() -> None:
        here = world(fees=BNB_FEES)
        assert here.venue.rules.fee_side == "third"
        bought = await here.venue.create(order(amount="0.5"))
        assert bought.fills is not None
        # 0.0005 ETH are 0.9995 USDT at the ETH bid and 0.001999 BNB at the BNB bid.
        assert [(fill.fee, fill.fee_asset) for fill in bought.fills] == [
            (Decimal("0.001999"), "BNB")
        ]
        sold = await here.venue.create(order(side="sell", amount="0.3", limit="1999"))
        assert sold.fills is not None
        assert [(fill.fee, fill.fee_asset) for fill in sold.fills] == [
            (Decimal("0.0011994"), "BNB")
        ]
        balances = await here.venue.balances()
        assert balances["ETH"].total == Decimal("5.2")
        assert balances["BNB"].total == 2 - Decimal("0.001999") - Decimal("0.0011994")

    asyncio.run(story())


def test_a_fee_asset_that_runs_out_in_mid_order_leaves_the_rest_to_the_received_asset(
    world: Callable[..., World],
) -> None:
    async def story() -> None:
        here = world(fees=BNB_FEES, opening={**OPENING, "BNB": Decimal("0.002")})
        report = await here.venue.create(order(amount="0.8", limit="2001"))
        assert report.fills is not None
        assert [(fill.fee, fill.fee_asset) for fill in report.fills] == [
            (Decimal("0.001999"), "BNB"),
            (Decimal("0.0003"), "ETH"),
        ]
        assert (await here.venue.balances())["BNB"].total == Decimal("0.000001")

    asyncio.run(story())


def test_an_order_whose_fee_asset_ran_out_does_not_come_back_to_it(
    world: Callable[..., World],
) -> None:
    async def story() -> None:
        # The second fill's fee, 0.0011994 BNB, could be paid.
        here = world(fees=BNB_FEES, opening={**OPENING, "BNB": Decimal("0.0015")})
        report = await here.venue.create(order(amount="0.8", limit="2001"))
        assert report.fills is not None
        assert [fill.fee_asset for fill in report.fills] == ["ETH", "ETH"]
        assert (await here.venue.balances())["BNB"].total == Decimal("0.0015")

    asyncio.run(story())


def test_buying_the_fee_asset_pays_from_what_was_bought(world: Callable[..., World]) -> None:
    async def story() -> None:
        here = world(fees=BNB_FEES, opening={"USDT": Decimal(1000)})
        await here.venue.create(order("BNB/USDT", "buy", "1", "501"))
        assert (await here.venue.balances())["BNB"].free == Decimal("0.999")

    asyncio.run(story())


def test_a_halted_market_takes_no_order_and_shows_no_book(world: Callable[..., World]) -> None:
    async def story() -> None:
        crossed = book("ETH/USDT", [("1900", "1")], [("1901", "9")], 2)
        here = world(rows=[at(5, crossed)])
        await here.venue.create(order(amount="1", limit="1990", time_in_force="gtc"))
        here.paper.halt_market("ETH/USDT", halted=True)
        assert not (await here.venue.markets())["ETH/USDT"].active
        assert here.venue.book("ETH/USDT") is None
        with pytest.raises(Refused, match="market_halted"):
            await here.venue.create(order())
        here.clock.advance_to(START_NS + 6 * SECOND_NS)
        assert await here.venue.trades("ETH/USDT", 0) == ()
        here.paper.halt_market("ETH/USDT", halted=False)
        assert (await here.venue.markets())["ETH/USDT"].active
        assert here.venue.book("ETH/USDT") == crossed

    asyncio.run(story())


def test_what_is_older_than_the_history_is_not_told(world: Callable[..., World]) -> None:
    async def story() -> None:
        here = world()
        await here.venue.create(order(client_order_id="xold"))
        here.clock.advance_to(START_NS + here.venue.rules.history_ns + 1)
        assert await here.venue.trades("ETH/USDT", 0) == ()
        with pytest.raises(OrderNotFound):
            await here.venue.order("ETH/USDT", "xold")
        assert len(here.paper.account.all_fills()) == 1

    asyncio.run(story())


def test_deposits_and_withdrawals_are_told_where_they_are_reported(
    world: Callable[..., World],
) -> None:
    async def story() -> None:
        here = world()
        here.paper.deposit("SOL", Decimal(3))
        here.paper.withdraw("USDT", Decimal(100), reported=False)
        here.paper.withdraw("USDT", Decimal(50))
        told_changes = await here.venue.balance_changes(0)
        assert [(one.asset, one.amount) for one in told_changes] == [
            ("SOL", Decimal(3)),
            ("USDT", Decimal(-50)),
        ]
        assert (await here.venue.balances())["USDT"].total == 9_850
        with pytest.raises(Refused, match="insufficient_balance"):
            here.paper.withdraw("SOL", Decimal("3.1"))

    asyncio.run(story())


def test_another_client_s_orders_are_shown_without_an_id_of_ours(
    world: Callable[..., World],
) -> None:
    async def story() -> None:
        here = world()
        resting = here.paper.foreign_order(
            "ETH/USDT", "buy", Decimal(1), limit=Decimal(1990), time_in_force="gtc"
        )
        here.paper.foreign_order("ETH/USDT", "sell", Decimal("0.1"), client_order_id="web-7")
        (open_order,) = await here.venue.open_orders()
        assert open_order.client_order_id is None
        assert open_order.exchange_order_id == resting.exchange_order_id
        (trade,) = await here.venue.trades("ETH/USDT", 0)
        assert trade.client_order_id == "web-7"

    asyncio.run(story())
