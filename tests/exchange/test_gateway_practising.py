"""The gateway at the practice exchange, by the protocols of both venues: one life of an order on each."""

import asyncio
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import pytest

from arb.exchange.client.gateway import Gateway
from arb.exchange.dialects.table import PRACTICE
from arb.exchange.port import (
    DUPLICATE_ORDER_ID,
    FillReport,
    OrderNotFound,
    OrderReport,
    OrderRequest,
    Refused,
)
from tests.exchange.practising import lived
from tests.exchange.practising_gateway import trading
from tests.exchange.scripted import BOOKS, OPENING

OURS = "xabcdaaaaaaaab2aab"
MISSED = "xabcdaaaaaaaac2abb"


def bought(gateway: Gateway, name: str, limit: str, *, late_ns: int = 0) -> OrderRequest:
    return OrderRequest(
        client_order_id=name,
        market="ETH/USDT",
        side="buy",
        kind="limit",
        time_in_force="ioc",
        amount=Decimal("0.7"),
        limit=Decimal(limit),
        venue_time_ns=gateway._line.now_ns() - late_ns,
        window_ns=2 * 10**9,
    )


async def shown(gateway: Gateway, name: str) -> OrderReport:
    """The order, once the exchange shows it."""
    async with asyncio.timeout(5):
        while True:
            try:
                return await gateway.order("ETH/USDT", name)
            except OrderNotFound:
                await asyncio.sleep(0.02)


async def both_trades(gateway: Gateway, since_ns: int) -> Sequence[FillReport]:
    """The order's trades, once the exchange shows them."""
    async with asyncio.timeout(5):
        while True:
            trades = await gateway.trades("ETH/USDT", since_ns)
            if len(trades) > 1:
                return trades
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("venue", sorted(PRACTICE))
def test_an_orders_life_is_told_as_the_exchange_has_it(tmp_path: Path, venue: str) -> None:
    async def story() -> None:
        async with trading(tmp_path, venue, BOOKS) as (there, gateway):
            assert gateway.fingerprint == there.hall.account.uid
            assert await gateway.may_withdraw() is False
            assert (await gateway.fees()).taker == there.hall.fees.taker
            began_ns = await gateway.time_ns()
            request = bought(gateway, OURS, "2001")
            created = await gateway.create(request)
            assert created.client_order_id == OURS
            order = await shown(gateway, OURS)
            assert (order.status, order.filled) == ("closed", Decimal("0.7"))
            trades = await both_trades(gateway, began_ns)
            # Half an ether at 2000, the rest at 2001.
            assert [trade.cost for trade in trades] == [Decimal(1_000), Decimal("400.2")]
            assert {trade.fee_asset for trade in trades} == {"ETH"}
            again = await gateway.order_by_exchange_id("ETH/USDT", order.exchange_order_id or "")
            assert again == order
            held = await gateway.balances()
            assert held["USDT"].total == OPENING["USDT"] - Decimal("1400.2")
            fees = sum((trade.fee or Decimal(0) for trade in trades), Decimal(0))
            assert held["ETH"].total == OPENING["ETH"] + Decimal("0.7") - fees
            with pytest.raises(OrderNotFound):
                await gateway.cancel("ETH/USDT", OURS)
            assert await gateway.open_orders() == ()

    lived(story())


@pytest.mark.parametrize("venue", sorted(PRACTICE))
def test_what_the_exchange_refuses_is_refused_by_proof(tmp_path: Path, venue: str) -> None:
    async def story() -> None:
        async with trading(tmp_path, venue, BOOKS) as (there, gateway):
            for reason, request in (
                ("outside_recv_window", bought(gateway, OURS, "2001", late_ns=5 * 10**9)),
                ("filter", bought(gateway, OURS, "30000")),
            ):
                with pytest.raises(Refused) as refused:
                    await gateway.create(request)
                assert refused.value.reason == reason
            there.hall.change("USDT", -OPENING["USDT"] + 1)
            with pytest.raises(Refused) as refused:
                await gateway.create(bought(gateway, OURS, "2001"))
            assert refused.value.reason == "insufficient_balance"
            assert len(there.hall.account.all_orders()) == 0
            (change,) = await gateway.balance_changes(there.hall.now_ns() - 60 * 10**9)
            assert (change.asset, change.amount) == ("USDT", 1 - OPENING["USDT"])

    lived(story())


@pytest.mark.parametrize("venue", sorted(PRACTICE))
def test_an_order_that_finds_nothing_ends_with_nothing(tmp_path: Path, venue: str) -> None:
    async def story() -> None:
        async with trading(tmp_path, venue, BOOKS) as (_, gateway):
            await gateway.create(bought(gateway, MISSED, "1999.5"))
            missed = await shown(gateway, MISSED)
            assert missed.status in {"expired", "canceled"}
            assert missed.filled == 0
            if venue == "okx":  # a finished id is refused there for good
                with pytest.raises(Refused) as refused:
                    await gateway.create(bought(gateway, MISSED, "1999.5"))
                assert refused.value.reason == DUPLICATE_ORDER_ID

    lived(story())
