"""Reading the markets again holds up nobody, breaks nobody off, and puts nothing back."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from arb.exchange.port import OrderReport, VenueError
from tests.exchange.captured import Asked, Response, Wire, order
from tests.exchange.loopback import EXCHANGE_INFO, NOW_MS, ORDER_ID

FILLED: dict[str, Any] = {
    "symbol": "BTCUSDT",
    "orderId": 28,
    "clientOrderId": ORDER_ID,
    "transactTime": NOW_MS,
    "executedQty": "0.00000000",
    "cummulativeQuoteQty": "0.00000000",
    "status": "EXPIRED",
    "side": "BUY",
    "fills": [],
}


class Slow:
    """A venue whose list of markets comes when it is let go."""

    def __init__(self) -> None:
        self.wire = Wire("binance")
        self.gate = asyncio.Event()
        self.wire.session.answer = self.answer

    @staticmethod
    def answer(asked: Asked) -> object:
        return FILLED if asked.method == "POST" else EXCHANGE_INFO

    async def turns(self, requests: int) -> None:
        for _ in range(1_000):
            if len(self.wire.session.asked) >= requests:
                return
            await asyncio.sleep(0)
        raise AssertionError("nothing was asked")


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Iterator[Slow]:
    made = Slow()

    async def text(self: Response, errors: str = "strict") -> str:
        del errors
        if '"symbols"' in self._body:
            await made.gate.wait()
        return self._body

    monkeypatch.setattr(Response, "text", text)
    yield made
    made.wire.close()


def test_a_reload_that_is_given_up_breaks_no_other_off(slow: Slow) -> None:
    async def story() -> object:
        first = asyncio.create_task(slow.wire.gateway.markets())
        second = asyncio.create_task(slow.wire.gateway.markets())
        await slow.turns(1)
        first.cancel()
        slow.gate.set()
        return (await asyncio.gather(first, second, return_exceptions=True))[1]

    told = slow.wire.run(story())
    assert "ETH/BTC" in told  # type: ignore[operator]  # or it is an exception


def test_of_two_reloads_none_puts_the_old_list_back(slow: Slow) -> None:
    async def story() -> list[object]:
        both = asyncio.gather(
            slow.wire.gateway.markets(), slow.wire.gateway.markets(), return_exceptions=True
        )
        await slow.turns(1)
        slow.gate.set()
        return await both

    told = slow.wire.run(story())
    assert not [one for one in told if isinstance(one, VenueError)]
    assert set(slow.wire.gateway._markets) == {"ETH/USDT", "BTC/USDT", "ETH/BTC", "LTC/BTC"}
    assert set(slow.wire.gateway._markets) <= set(slow.wire.gateway.ccxt.markets)


def test_an_order_does_not_wait_for_a_reload(slow: Slow) -> None:
    async def story() -> object:
        reload = asyncio.create_task(slow.wire.gateway.markets())
        await slow.turns(1)
        try:
            async with asyncio.timeout(5):
                return await slow.wire.gateway.create(order())
        finally:
            reload.cancel()

    assert isinstance(slow.wire.run(story()), OrderReport)
