"""Faults of what is told and shown."""

from decimal import Decimal

import pytest

from arb.clock import NS_PER_MS
from arb.exchange.faults.plan import FaultPlan
from arb.exchange.faults.venue import FaultyVenue
from arb.exchange.port import (
    FillReport,
    OrderNotFound,
    OrderReport,
)
from tests.exchange.faulty import World, on_create, run, truth
from tests.exchange.scripted import OPENING, SECOND_NS, START_NS, order, send


def test_garbage_looks_like_success_and_the_order_is_there() -> None:
    async def story() -> None:
        here = World(FaultPlan(garbage=1.0), on_create)
        report = await here.venue.create(order(client_order_id="x"))
        assert not report.exchange_order_id
        assert await truth(here) == [("x", Decimal("0.1"))]
        assert (await here.venue.order("ETH/USDT", "x")).status == "closed"

    run(story)


def test_fields_can_be_none() -> None:
    async def story() -> None:
        here = World(FaultPlan(none_fields=1.0))
        nones = set()
        for _ in range(40):
            report = await send(here.venue, order(amount="0.01"))
            fields = [
                *_fields(report),
                *(field for one in report.fills or () for field in _fields(one)),
            ]
            nones.add(fields.count(None))
        assert nones == {1}

    run(story)


def _fields(report: OrderReport | FillReport) -> list[object]:
    return [getattr(report, name) for name in report.__struct_fields__]


def test_reports_are_told_twice_out_of_order_and_altered() -> None:
    async def story() -> None:
        for fault in ("duplicated_reports", "altered_reports", "reordered_reports"):
            here = World(FaultPlan(**{fault: 1.0}), lambda one: one.call == "trades")
            true = (await here.venue.create(order(amount="0.8", limit="2001"))).fills
            assert true is not None
            told = await here.venue.trades("ETH/USDT", 0)
            if fault == "reordered_reports":
                assert set(told) == set(true)
                continue
            assert tuple(told[:2]) == true
            (copy,) = told[2:]
            assert copy.trade_id in {one.trade_id for one in true}
            assert (copy in true) == (fault == "duplicated_reports")

    run(story)


def test_an_older_state_of_an_order_is_told() -> None:
    async def story() -> None:
        here = World(FaultPlan(reordered_reports=1.0), lambda one: one.call == "order")
        await here.venue.create(order(client_order_id="x"))
        old = await here.venue.order("ETH/USDT", "x")
        assert (old.status, old.filled) == ("open", 0)

    run(story)


def test_a_hidden_order_is_hidden_everywhere_and_never_beyond_the_window() -> None:
    async def story() -> None:
        here = World(FaultPlan(order_hidden=1.0))
        report = await here.venue.create(order(amount="0.8", limit="2001", client_order_id="x"))
        assert (report.status, report.filled) == ("closed", Decimal("0.8"))
        assert report.exchange_order_id is not None
        with pytest.raises(OrderNotFound):
            await here.venue.order("ETH/USDT", "x")
        with pytest.raises(OrderNotFound):
            await here.venue.order_by_exchange_id("ETH/USDT", report.exchange_order_id)
        assert await here.venue.trades("ETH/USDT", 0) == ()
        shown = {asset: one.total for asset, one in (await here.venue.balances()).items()}
        assert shown == OPENING
        here.clock.advance_to(START_NS + here.venue.rules.visibility_ns)
        assert (await here.venue.order("ETH/USDT", "x")).filled == Decimal("0.8")
        assert len(await here.venue.trades("ETH/USDT", 0)) == 2
        assert await here.venue.balances() == here.paper.account.balances()
        assert here.venue.struck == {"order_hidden": 1}

    run(story)


def test_a_hidden_resting_order_shows_its_funds_as_free() -> None:
    async def story() -> None:
        here = World(FaultPlan(order_hidden=1.0))
        await here.venue.create(order(amount="1", limit="1990", time_in_force="gtc"))
        assert await here.venue.open_orders() == ()
        assert (await here.venue.balances())["USDT"].free == 10_000
        here.clock.advance_to(START_NS + here.venue.rules.visibility_ns)
        assert len(await here.venue.open_orders()) == 1
        assert (await here.venue.balances())["USDT"].locked == 1990

    run(story)


def test_a_late_fill_is_late_in_the_order_its_trades_and_the_balances() -> None:
    async def story() -> None:
        here = World(FaultPlan(late_fill=1.0))
        report = await here.venue.create(order(amount="0.8", limit="2001", client_order_id="x"))
        assert (report.status, report.filled) == ("canceled", Decimal("0.5"))
        assert [one.trade_id for one in report.fills or ()] == ["t1"]
        early = await here.venue.order("ETH/USDT", "x")
        assert (early.status, early.filled) == ("canceled", Decimal("0.5"))
        assert [one.trade_id for one in await here.venue.trades("ETH/USDT", 0)] == ["t1"]
        balances = await here.venue.balances()
        assert (balances["USDT"].free, balances["ETH"].free) == (9_000, Decimal("5.4995"))
        here.clock.advance_to(START_NS + 3 * SECOND_NS)
        late = await here.venue.order("ETH/USDT", "x")
        assert (late.status, late.filled) == ("closed", Decimal("0.8"))
        assert [one.trade_id for one in await here.venue.trades("ETH/USDT", 0)] == ["t1", "t2"]
        assert await here.venue.balances() == here.paper.account.balances()

    run(story)


def test_an_untold_fill_is_late_in_the_order_and_its_trades_and_stands_in_the_balances() -> None:
    async def story() -> None:
        here = World(FaultPlan(untold_fill=1.0))
        report = await here.venue.create(order(amount="0.8", limit="2001", client_order_id="x"))
        assert (report.status, report.filled) == ("canceled", Decimal("0.5"))
        early = await here.venue.order("ETH/USDT", "x")
        assert (early.status, early.filled) == ("canceled", Decimal("0.5"))
        assert [one.trade_id for one in await here.venue.trades("ETH/USDT", 0)] == ["t1"]
        assert await here.venue.balances() == here.paper.account.balances()
        here.clock.advance_to(START_NS + 8 * SECOND_NS)
        late = await here.venue.order("ETH/USDT", "x")
        assert (late.status, late.filled) == ("closed", Decimal("0.8"))
        assert [one.trade_id for one in await here.venue.trades("ETH/USDT", 0)] == ["t1", "t2"]
        assert await here.venue.balances() == here.paper.account.balances()

    run(story)


def test_what_was_built_on_is_shown() -> None:
    async def story() -> None:
        plan = FaultPlan(order_hidden=1.0)
        here = World(
            plan, lambda one: one.client_order_id == "xbuy", opening={"USDT": Decimal(1000)}
        )
        await here.venue.create(order(amount="0.4", client_order_id="xbuy"))
        with pytest.raises(OrderNotFound):
            await here.venue.order("ETH/USDT", "xbuy")
        await here.venue.create(order(side="sell", amount="0.3", limit="1999"))
        assert (await here.venue.order("ETH/USDT", "xbuy")).filled == Decimal("0.4")
        assert len(await here.venue.trades("ETH/USDT", 0)) == 2
        assert await here.venue.balances() == here.paper.account.balances()

    run(story)


def test_how_an_order_is_shown_outlives_the_engine_that_sent_it() -> None:
    async def story() -> None:
        plan = FaultPlan(order_hidden=0.5, late_fill=0.5)
        here = World(plan)
        for number in range(12):
            await here.venue.create(order(amount="0.05", client_order_id=f"x{number}"))
        again = FaultyVenue(here.paper, plan, here.clock, 7)
        for ms in (0, 120, 200, 290, 300, 1_500, 2_000, 3_000):
            here.clock.advance_to(START_NS + ms * NS_PER_MS)
            assert await again.balances() == await here.venue.balances()
            assert await again.trades("ETH/USDT", 0) == await here.venue.trades("ETH/USDT", 0)
        assert again.struck == here.venue.struck
        assert 0 < here.venue.struck["order_hidden"] < 12
        assert 0 < here.venue.struck["late_fill"] < 12

    run(story)
