"""Streams over a scripted client on virtual time, and whether anything of them is left at the end."""

import asyncio
from collections.abc import Callable, Coroutine
from decimal import Decimal
from typing import Any

from arb.clock import NS_PER_S
from arb.exchange.client.streams import Streams
from arb.execution.process.virtual_loop import LoopClock, VirtualLoop, run_virtual
from arb.feeds.live import LiveBooks
from tests.exchange.scripted_pro import ScriptedPro

START_NS = 1_700_000_000 * NS_PER_S
A, B, C = "BTC/USDT", "ETH/BTC", "ETH/USDT"


class Scene:
    def __init__(self, clock: LoopClock, **client: Any) -> None:
        self.clock = clock
        self.pro = ScriptedPro(clock, **client)
        self.books = LiveBooks(clock)
        self.hints: list[str | None] = []
        self.alarms: list[tuple[str, str]] = []
        self.streams = Streams(
            self.pro,
            self.books,
            clock,
            self.hints.append,
            lambda what, subject: self.alarms.append((what, subject)),
        )

    async def watching(self, *markets: str) -> None:
        """Watch, and let each market's first book come."""
        watch = asyncio.create_task(self.streams.watch(markets))
        await asyncio.sleep(0.001)
        for market in markets:
            self.pro.say(market, 100, 1)
        await watch

    def bid(self, market: str) -> Decimal | None:
        book = self.books.book(market)
        return None if book is None else book.bids[0][0]

    @property
    def bids(self) -> list[Decimal | None]:
        return [self.bid(one) for one in (A, B, C)]

    def age_s(self, market: str) -> float:
        heard = self.books.heard_ns(market)
        assert heard is not None
        return (self.clock.now_ns() - heard) / NS_PER_S


async def settle(seconds: float = 0.001) -> None:
    await asyncio.sleep(seconds)


def played(story: Callable[[Scene], Coroutine[Any, Any, None]], **client: Any) -> Scene:
    loop = VirtualLoop()
    scene = Scene(LoopClock(loop, START_NS), **client)

    async def main() -> None:
        before = asyncio.all_tasks()
        await story(scene)
        await scene.streams.close()
        assert asyncio.all_tasks() == before, "a task is left"

    run_virtual(loop, main())
    return scene
