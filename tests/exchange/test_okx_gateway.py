"""Our own gateway, in OKX's dialect, at the practice exchange that speaks it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from arb.clock import NS_PER_S
from arb.exchange.client.connection import Address, Connection, Credentials
from arb.exchange.client.gateway import Gateway
from arb.exchange.client.pacing import RATIONS, Ration
from arb.exchange.dialects.table import PRACTICE
from arb.exchange.paper.desk import FILTER, INSUFFICIENT_BALANCE, Placement
from arb.exchange.port import (
    DUPLICATE_ORDER_ID,
    Balance,
    Maintenance,
    OrderNotFound,
    OrderReport,
    Refused,
    Unreachable,
)
from arb.exchange.practice.server import Practice
from arb.execution.process.real_clock import RealClock
from arb.feeds.live import LiveBooks
from tests.exchange.practising import lived, running_at
from tests.exchange.scripted import order

D = Decimal


@pytest.fixture(autouse=True)
def _unpaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(RATIONS, "okx", Ration(10_000, 2))


@asynccontextmanager
async def spoken(folder: Path, **settings: Any) -> AsyncIterator[tuple[Practice, Gateway]]:
    """Run the exchange, and a gateway that is led to it."""
    async with running_at(folder, venue="okx", **settings) as running:
        keys = running.keys
        connection = Connection(
            venue="okx",
            connect_to=Address("127.0.0.1", running.port),
            ca_file=running.ca,
            options={},
            practice=True,
            credentials=Credentials(
                keys.okx_key, keys.okx_secret, keys.okx_password, source="here"
            ),
        )
        clock = RealClock()
        gateway = Gateway(connection, PRACTICE["okx"], clock, LiveBooks(clock))
        try:
            await gateway.start()
            yield running, gateway
        finally:
            await gateway.close()


async def sent(gateway: Gateway, name: str, **fields: Any) -> OrderReport:
    asked = order(client_order_id=name, venue_time_ns=await gateway.time_ns(), **fields)
    return await gateway.create(asked)


def test_an_order_is_read_by_our_id_and_its_trades_add_up(tmp_path: Path) -> None:
    async def story() -> None:
        async with spoken(tmp_path) as (running, gateway):
            told = await sent(gateway, "xone", amount="0.8")
            assert (told.exchange_order_id, told.filled, told.fills) == ("1", None, None)
            seen = await gateway.order("ETH/USDT", "xone")
            assert (seen.status, seen.filled, seen.amount) == ("canceled", D("0.5"), D("0.8"))
            assert await gateway.order_by_exchange_id("ETH/USDT", "1") == seen
            since_ns = await gateway.time_ns() - 60 * NS_PER_S
            (fill,) = await gateway.trades("ETH/USDT", since_ns)
            assert (fill.client_order_id, fill.exchange_order_id) == ("xone", "1")
            assert (fill.cost, fill.fee, fill.fee_asset) == (D(1_000), D("0.0005"), "ETH")
            assert gateway.fingerprint == running.hall.account.uid
            assert (await gateway.balances())["USDT"] == Balance(D(9_000), D(0))

    lived(story())


def test_what_rests_is_listed_and_cancelled_and_what_others_moved_is_told(tmp_path: Path) -> None:
    async def story() -> None:
        async with spoken(tmp_path) as (running, gateway):
            resting = ("xrest", "ETH/USDT", "buy", "limit", "gtc")
            running.hall.place(Placement(*resting, D("0.1"), D(1_990)))
            (listed,) = await gateway.open_orders()
            assert (listed.client_order_id, listed.status) == ("xrest", "open")
            await gateway.cancel("ETH/USDT", "xrest")
            assert (await gateway.order("ETH/USDT", "xrest")).status == "canceled"
            with pytest.raises(OrderNotFound):
                await gateway.order("ETH/USDT", "xnone")
            running.hall.change("BTC", D("-0.25"))
            running.hall.change("ETH", D(2))
            moved = await gateway.balance_changes(await gateway.time_ns() - NS_PER_S)
            assert [(one.asset, one.amount) for one in moved] == [
                ("BTC", D("-0.25")),
                ("ETH", D(2)),
            ]
            fees = await gateway.fees()
            assert (fees.taker, fees.maker, fees.fee_asset) == (D("0.001"), D("0.0005"), None)
            assert await gateway.may_withdraw() is False

    lived(story())


def test_what_a_create_proves_is_read_from_the_venues_own_codes(tmp_path: Path) -> None:
    async def story() -> None:
        async with spoken(tmp_path) as (running, gateway):
            await sent(gateway, "xonce")
            refusals: list[tuple[str, dict[str, Any]]] = [
                (DUPLICATE_ORDER_ID, {"name": "xonce"}),
                (INSUFFICIENT_BALANCE, {"name": "xrich", "amount": "9", "limit": "2001"}),
                (FILTER, {"name": "xfar", "limit": "3000"}),
            ]
            for reason, fields in refusals:
                with pytest.raises(Refused) as refused:
                    await sent(gateway, **fields)
                assert refused.value.reason == reason
            for fault in ("reply_504_timeout", "reply_200_object", "reply_200_html"):
                running.faults.arm(fault, "order.create")
                with pytest.raises(Unreachable):
                    await sent(gateway, f"x{len(fault)}", amount="0.01")
            running.faults.arm("clock_skew", "order.create")
            with pytest.raises(Refused):
                await sent(gateway, "xskew")
            running.faults.arm("maintenance", "order.create")
            with pytest.raises((Maintenance, Unreachable)):
                await sent(gateway, "xclosed")
            running.faults.closed_until_ns = 0
            assert len(running.hall.account.all_orders()) == 4

    lived(story())


def test_an_order_that_comes_after_its_window_is_not_executed(tmp_path: Path) -> None:
    async def story() -> None:
        async with spoken(tmp_path) as (running, gateway):
            late = order(
                client_order_id="xlate",
                venue_time_ns=await gateway.time_ns() - NS_PER_S,
                window_ns=NS_PER_S // 2,
            )
            with pytest.raises(Refused):
                await gateway.create(late)
            running.faults.arm("execution_late", "order.create")
            running.faults.some = lambda number: number - 1  # type: ignore[method-assign] -- as late as can be
            with pytest.raises(Refused):
                await sent(gateway, "xslow", window_ns=NS_PER_S // 4)
            assert running.hall.account.all_orders() == ()

    lived(story())
