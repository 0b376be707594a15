"""An order that would wait for the venue's ration is not sent, and how long it would wait is told before."""

import asyncio

import pytest

from arb.clock import NS_PER_S
from arb.exchange.client.pacing import RATION_OTHERS, RATIONS, Pacing, at_endpoint, lane, pacing_of
from arb.exchange.port import NotSent
from arb.execution.process.virtual_loop import LoopClock, VirtualLoop, run_virtual
from tests.exchange.test_pacing import SMALL, START_NS, Desk, played


def test_an_order_that_would_wait_for_long_is_not_sent_at_all() -> None:
    async def story(desk: Desk) -> None:
        with lane("order", patience_ns=NS_PER_S // 2):
            for _ in range(5):
                await desk.pacing.take(0)
            with pytest.raises(NotSent, match=r"in 2\.0 s, which is too late"):
                await desk.pacing.take(0)
            await desk.clock.sleep(1.6)
            await desk.pacing.take(0)
        desk.went.append((desk.now_s, "order", "", 0))

    assert played(SMALL, story).times("order") == [2.0]


def test_orders_that_wait_behind_another_are_not_sent_late_either() -> None:
    async def story(desk: Desk) -> None:
        with lane("order", patience_ns=NS_PER_S // 2):
            for _ in range(5):
                await desk.pacing.take(0)
            await desk.clock.sleep(1.6)
            told = await asyncio.gather(
                *(desk.pacing.take(0) for _ in range(7)), return_exceptions=True
            )
        assert [type(one) for one in told] == [type(None)] * 5 + [NotSent] * 2
        desk.went.append((desk.now_s, "order", "", 0))

    assert played(SMALL, story).times("order") == [2.0]


def test_an_order_whose_patience_passes_behind_another_request_is_told_as_not_sent_then() -> None:
    """A cancel before it waits for weight; the engine must not be left to think that it may be on its way."""

    async def story(desk: Desk) -> None:
        with lane("order", orders=0):
            await desk.pacing.take(SMALL.weight)

        async def cancel() -> None:
            with lane("order", orders=0):
                await desk.pacing.take(1)
                desk.went.append((desk.now_s, "order", "", 0))

        async def create() -> None:
            with (
                lane("order", patience_ns=NS_PER_S // 2),
                pytest.raises(NotSent, match="too late"),
            ):
                await desk.pacing.take(1)
            desk.went.append((desk.now_s, "read", "not sent", 0))

        await asyncio.gather(cancel(), create())

    went = played(SMALL, story)
    assert went.times("read") == [pytest.approx(0.5, abs=0.01)]
    assert len(went.times("order")) == 1


def test_how_long_orders_would_wait_is_told_without_waiting() -> None:
    async def story(desk: Desk) -> None:
        waits = desk.pacing.order_wait_ns
        assert [waits(5, 0), waits(9, 0)] == [0, 0]  # more than there ever is has a whole window
        assert [waits(1, 4), waits(2, 4), waits(1, 5)] == [0, 2 * NS_PER_S, 2 * NS_PER_S]
        await desk.ask("order", 0.1)
        await desk.clock.sleep(0.5)
        await desk.ask("order", 0.1)
        expected = [0, 1.5 * NS_PER_S, 2 * NS_PER_S, 1.5 * NS_PER_S, 2 * NS_PER_S]
        assert [waits(3, 0), waits(4, 0), waits(5, 0), waits(1, 3), waits(3, 5)] == expected

    played(SMALL, story)


@pytest.mark.parametrize("venue", [*RATIONS, "some other"])
def test_every_venue_tells_how_long_orders_wait(venue: str) -> None:
    async def story(clock: LoopClock) -> None:
        pacing = pacing_of(venue, clock)
        at_endpoint("POST order")
        assert pacing.order_wait_ns(3, 0) == 0
        allowed = min(RATIONS.get(venue, RATION_OTHERS).orders, key=lambda one: one.orders)
        with lane("order"):
            for _ in range(allowed.orders):
                await pacing.take(0)
        assert pacing.order_wait_ns(1, 0) == allowed.window_s * NS_PER_S

    loop = VirtualLoop()
    run_virtual(loop, story(LoopClock(loop, START_NS)))


def test_orders_that_others_sent_with_the_account_are_believed() -> None:
    async def story(desk: Desk) -> None:
        waits = desk.pacing.order_wait_ns
        await desk.ask("order", 0.2)
        desk.pacing.note({"X-MBX-ORDER-COUNT-10S": "98", "X-MBX-ORDER-COUNT-1D": "300"})
        assert [waits(2, 0), waits(3, 0)] == [0, 10 * NS_PER_S]
        for odd in ("5", "", "-3", "1e3", "\u0663"):
            desk.pacing.note({"X-MBX-ORDER-COUNT-10S": odd})
        assert [waits(2, 0), waits(3, 0)] == [0, 10 * NS_PER_S]

    played(RATIONS["binance"], story)


class SetBack:
    """A clock that somebody sets back by an hour."""

    def __init__(self) -> None:
        self.at_ns = START_NS

    def now_ns(self) -> int:
        return self.at_ns

    async def sleep(self, seconds: float) -> None:
        self.at_ns += round(seconds * NS_PER_S)


def test_a_clock_that_is_set_back_makes_no_ration_last_longer() -> None:
    """What was spent would seem to be spent in an hour, and whoever waits would wait until then."""

    async def story() -> list[float]:
        clock = SetBack()
        pacing = Pacing(clock, SMALL)
        with lane("order"):
            for _ in range(5):
                await pacing.take(2)
        clock.at_ns -= 3_600 * NS_PER_S
        waits = [pacing.order_wait_ns(1, 0)]
        await clock.sleep(1.5)
        waits.append(pacing.order_wait_ns(1, 0))
        await clock.sleep(0.5)
        waits.append(pacing.order_wait_ns(5, 0))
        return [one / NS_PER_S for one in waits]

    assert asyncio.run(story()) == [2.0, 0.5, 0]


def test_where_each_endpoint_has_a_ration_orders_wait_for_their_own_alone() -> None:
    """Many cancels, or looks at orders of unknown fate, would have held up the legs of other cycles."""

    async def story(clock: LoopClock) -> None:
        pacing = pacing_of("okx", clock)
        at_endpoint("POST trade/cancel-order")
        with lane("order", orders=0):
            await pacing.take(20)
        at_endpoint("POST trade/order")
        assert [pacing.order_wait_ns(1, 0), pacing.order_wait_ns(3, 57)] == [0, 0]
        assert pacing.order_wait_ns(3, 58) > 0, "also before the first order"
        with lane("order"):
            await pacing.take(1 / 3)
        at_endpoint("GET trade/order")
        with lane("read"):
            await pacing.take(1)
        assert pacing.order_wait_ns(3, 56) == 0
        assert pacing.order_wait_ns(3, 57) > 0

    loop = VirtualLoop()
    run_virtual(loop, story(LoopClock(loop, START_NS)))
