"""A history of weeks is a request for each day: each has its own time, and what was read of it is not read again."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from arb import limits
from arb.clock import NS_PER_DAY, NS_PER_S
from arb.exchange.client.connection import Connection
from arb.exchange.client.gateway import Gateway
from arb.exchange.client.listed_markets import market_rules
from arb.exchange.client.pacing import RATIONS, Ration
from arb.exchange.dialects import table as dialects
from arb.exchange.port import Banned, Unreachable
from arb.execution.account.access import Access
from arb.execution.process.virtual_loop import LoopClock, VirtualLoop, run_virtual
from arb.feeds.live import LiveBooks
from tests.exchange.captured import Captured, Response, listed
from tests.exchange.loopback import KEYS, NOW_NS

Story = Callable[["Far"], Awaitable[None]]


class Far:
    """A venue at the end of a slow link, on virtual time."""

    def __init__(self, loop: VirtualLoop, clock: LoopClock) -> None:
        row = dialects.DIALECTS["binance"]
        connection = Connection(venue="binance", options={}, credentials=KEYS)
        self.loop = loop
        self.session = Captured()
        self.session.answer = lambda _: []
        self.gateway = Gateway(connection, row, clock, LiveBooks(clock), self.session)
        self.gateway.ccxt.set_markets([listed("binance")])
        self.gateway._markets, _ = market_rules(self.gateway.ccxt.markets)
        self.gateway._fingerprint = "known"
        self.gateway._line._doubted = False
        self.access = Access(self.gateway, clock)

    async def read(self, days: int) -> object:
        """The trades of so many days, or the error."""
        since_ns = NOW_NS - days * NS_PER_DAY
        try:
            return await self.access.read(lambda: self.gateway.trades("BTC/USDT", since_ns))
        except (Unreachable, Banned) as error:
            return error

    @property
    def asked(self) -> list[str]:
        return [str(one.params["startTime"]) for one in self.session.asked]


def lived(
    monkeypatch: pytest.MonkeyPatch, story: Story, takes: Callable[[int], Awaitable[Any]]
) -> None:
    """Live a story in which the n-th request takes what it takes before it is answered."""
    answered = 0

    async def text(self: Response, errors: str = "strict") -> str:
        nonlocal answered
        del errors
        answered += 1
        await takes(answered)
        return self._body

    monkeypatch.setattr(Response, "text", text)
    loop = VirtualLoop()

    async def main() -> None:
        far = Far(loop, LoopClock(loop, NOW_NS))
        try:
            await story(far)
        finally:
            await far.gateway.close()

    run_virtual(loop, main())


def slowly(seconds: float) -> Callable[[int], Awaitable[None]]:
    return lambda _: asyncio.sleep(seconds)


@pytest.mark.parametrize("days", [3, 30, 90])
def test_a_history_ends_however_far_the_venue_is(
    monkeypatch: pytest.MonkeyPatch, days: int
) -> None:
    async def story(far: Far) -> None:
        assert await far.read(days) == []
        assert len(set(far.asked)) == len(far.asked) == days + 1

    lived(monkeypatch, story, slowly(3))


def test_a_page_that_fails_is_asked_again_and_the_others_are_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def takes(number: int) -> None:
        await asyncio.sleep(0.3)
        if number % 10 in {5, 6, 7}:
            await asyncio.sleep(4)
            raise TimeoutError

    async def story(far: Far) -> None:
        assert await far.read(30) == []
        times = Counter(far.asked)
        assert len(times) == 31
        assert set(times.values()) == {1, 4}

    lived(monkeypatch, story, takes)


def test_a_venue_that_answers_no_more_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    async def takes(number: int) -> None:
        await asyncio.sleep(0.3 if number < 10 else 3_600)

    async def story(far: Far) -> None:
        assert isinstance(await far.read(30), Unreachable)
        assert far.loop.time() < 60

    lived(monkeypatch, story, takes)


def test_a_first_request_has_the_time_of_one(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(far: Far) -> None:
        assert isinstance(await far.read(0), Unreachable)
        tries = 1 + len(limits.READ_RETRY_DELAYS_S)
        assert far.loop.time() == pytest.approx(
            tries * limits.READ_TIMEOUT_S + sum(limits.READ_RETRY_DELAYS_S)
        )

    lived(monkeypatch, story, slowly(3_600))


def test_the_whole_has_an_end_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "READ_WHOLE_S_MAX", 60.0)

    async def story(far: Far) -> None:
        assert isinstance(await far.read(90), Unreachable)
        tries = 1 + len(limits.READ_RETRY_DELAYS_S)
        assert 60 <= far.loop.time() <= 60 + tries * limits.READ_TIMEOUT_S

    lived(monkeypatch, story, slowly(2))


def test_a_ban_that_another_reading_met_ends_it_before_its_next_request(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def story(far: Far) -> None:
        reading = asyncio.ensure_future(far.read(30))
        await asyncio.sleep(3.1)
        asked = len(far.asked)
        far.access.latch(Banned(60 * NS_PER_S))
        assert isinstance(await reading, Banned)
        assert len(far.asked) == asked
        assert far.access.banned

    lived(monkeypatch, story, slowly(0.5))


def test_a_later_request_waits_for_the_venues_ration_as_long_as_that_takes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(RATIONS, "binance", Ration(200, 60, per_cost=5))

    async def story(far: Far) -> None:
        assert await far.read(30) == []
        assert len(set(far.asked)) == len(far.asked) == 31
        # Ten requests' worth a minute, of which a tenth is kept for orders.
        assert far.loop.time() > 3 * 60

    lived(monkeypatch, story, slowly(0.1))
