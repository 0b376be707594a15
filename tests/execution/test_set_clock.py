"""This machine's clock is set: no old reading of another one counts, and no rest of what it wrote before."""

from collections.abc import Sequence
from decimal import Decimal

import pytest
from msgspec import structs

from arb import crashpoints
from arb.clock import NS_PER_S, VirtualClock
from arb.events import facts as f
from arb.exchange.paper import venue as paper_venue
from arb.exchange.port import Banned, FillReport, OrderReport, OrderRequest, Unreachable
from arb.execution.account.access import Access
from tests.execution.test_first_moments import come_late
from tests.spec.world import World

DAY_S = 86_400
ONE_CYCLE = "risk_controls: {max_open_cycles: 1}\n"


def set_clock(world: World, seconds: int) -> None:
    """Set the machine's clock forward, or back."""
    world.clock._start_ns += seconds * NS_PER_S


def test_a_reading_of_the_venues_clock_ends_where_ours_is_set_back(world: World) -> None:
    ours = VirtualClock(1_700_000_000 * NS_PER_S)
    access = Access(world.venue, ours)
    told = world.loop.run_until_complete(access.venue_time_ns())
    assert access.venue_time_estimate_ns() == told
    ours.advance_to(ours.now_ns() + NS_PER_S)
    assert access.venue_time_estimate_ns() == told + NS_PER_S
    ours._now_ns -= 3_600 * NS_PER_S
    assert access.venue_time_estimate_ns() is None
    told = world.loop.run_until_complete(access.venue_time_ns())
    assert access.venue_time_estimate_ns() == told


def test_a_ban_ends_when_the_venue_said_though_our_clock_is_set_back(world: World) -> None:
    ours = VirtualClock(1_700_000_000 * NS_PER_S)
    access = Access(world.venue, ours)
    access.latch(Banned(10 * NS_PER_S))
    assert access.banned
    ours._now_ns -= 3_600 * NS_PER_S
    assert access.banned
    assert access.banned_until_ns == ours.now_ns() + 10 * NS_PER_S
    ours.advance_to(ours.now_ns() + 10 * NS_PER_S)
    assert not access.banned


@pytest.mark.parametrize("window_s", [0, 5])
def test_a_path_that_a_clock_ahead_opened_may_be_opened_again(world: World, window_s: int) -> None:
    risk = f"duplicate_suppression_window_seconds: {window_s}, max_open_cycles: 1"
    world.strategies = [world.strategy(extra=f"risk_controls: {{{risk}}}\n")]
    set_clock(world, DAY_S)
    assert world.run() == 0
    set_clock(world, -DAY_S)
    world.show("ETH/USDT", [("2009.5", "90")], [("2011", "90")])
    assert world.run(duration_s=60) == 0
    world.check()
    assert len(world.facts(f.CycleOpened)) == 2


def test_a_breaker_of_a_clock_ahead_rests_no_longer(world: World) -> None:
    breaker = "breaker: {max_refusals: 1, window_seconds: 60, cooldown_seconds: 5}"
    world.strategies = [
        world.strategy(extra=f"risk_controls: {{{breaker}, max_open_cycles: 1}}\n", retries=0)
    ]
    set_clock(world, DAY_S)
    world.fault("refused", number=1, times=1)
    world.kill_after(lambda fact: isinstance(fact, f.BreakerTripped))
    assert world.run(cycles=2) is None
    set_clock(world, -DAY_S)
    before = len(world.facts(f.CycleOpened))
    assert world.run(duration_s=60) == 0
    world.check()
    assert len(world.facts(f.CycleOpened)) == before + 1


@pytest.mark.parametrize("step_s", [-20.0, -1.0, 1.0, 5.0, 30.0])
def test_a_reading_ends_where_wall_time_leaves_monotonic_time(world: World, step_s: float) -> None:
    """Whether forward or back, by hand or by a daemon that found the time: orders would be signed for another one."""
    ours = VirtualClock(1_700_000_000 * NS_PER_S)
    access = Access(world.venue, ours)
    world.loop.run_until_complete(access.venue_time_ns())
    ours.advance_to(ours.now_ns() + 30 * NS_PER_S)
    assert access.venue_time_estimate_ns() is not None
    ours._now_ns += round(step_s * NS_PER_S)
    assert access.venue_time_estimate_ns() is None
    told = world.loop.run_until_complete(access.venue_time_ns())
    assert access.venue_time_estimate_ns() == told


def test_slewing_is_no_step(world: World) -> None:
    ours = VirtualClock(1_700_000_000 * NS_PER_S)
    access = Access(world.venue, ours)
    world.loop.run_until_complete(access.venue_time_ns())
    ours.advance_to(ours.now_ns() + 59 * NS_PER_S)
    ours._now_ns += 59 * NS_PER_S // 2_000  # the most that a daemon slews
    assert access.venue_time_estimate_ns() is not None


def test_a_step_within_a_reading_is_noticed_too(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = VirtualClock(1_700_000_000 * NS_PER_S)
    read = world.venue.time_ns

    async def stepping() -> int:
        told = await read()
        ours._now_ns += 20 * NS_PER_S
        return told

    monkeypatch.setattr(world.venue, "time_ns", stepping)
    access = Access(world.venue, ours)
    world.loop.run_until_complete(access.venue_time_ns())
    assert access.venue_time_estimate_ns() is None


@pytest.mark.parametrize("fault", [None, "reply_lost"])
@pytest.mark.parametrize("ahead_s", [6, 20, 29])
def test_an_order_that_was_signed_ahead_is_found_with_its_trades(
    world: World, monkeypatch: pytest.MonkeyPatch, fault: str | None, ahead_s: int
) -> None:
    """As on a venue whose window is half a minute both ways: the trade is older than the intent."""
    monkeypatch.setattr(paper_venue, "FUTURE_NS_MAX", 30 * NS_PER_S)
    world.venue._rules = structs.replace(world.venue._rules, recv_window_ns=30 * NS_PER_S)

    def behind() -> None:
        world.venue._skew_ns = -ahead_s * NS_PER_S

    world.on(f.OrderIntended, 1, behind)
    if fault is not None:
        world.fault(fault, number=1)
    assert world.run() == 0
    world.check()
    assert world.cycle().outcome == "completed"
    first, trade = world.cycle().orders[0], world.facts(f.OrderFilled)[0]
    assert trade.venue_ns < first.venue_time_ns - 5 * NS_PER_S
    assert world.facts(f.DiscrepancyFound) == []


def set_ours(world: World, seconds: int) -> None:
    """Set this machine's clock, and leave the venue's as it is."""
    set_clock(world, seconds)
    world.venue._skew_ns -= seconds * NS_PER_S


def lived_s(world: World) -> float:
    """Live once; gives how long that took, whatever clocks say."""
    began_s = world.loop.time()
    world.run()
    world.check()
    return world.loop.time() - began_s


def test_a_wait_of_before_is_over_where_the_clock_was_set_back_meanwhile(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The venue is away for 16 s, our clock is set back, and what was bought shows its trades late."""
    world.strategies = [world.strategy(extra=ONE_CYCLE)]
    world.fault("reply_lost", order=1, times=1)
    find, trades, late = world.venue.order, world.venue.trades, [True]

    async def away(market: str, client_order_id: str) -> OrderReport:
        if world.loop.time() < 16:
            raise Unreachable("away")
        return await find(market, client_order_id)

    async def lagging(market: str, since_ns: int) -> Sequence[FillReport]:
        told = await trades(market, since_ns)
        return () if world.loop.time() >= 16 and told and late and late.pop() else told

    monkeypatch.setattr(world.venue, "order", away)
    monkeypatch.setattr(world.venue, "trades", lagging)
    world.at(15.0, lambda _life: set_ours(world, -7_200))
    assert lived_s(world) < 60
    assert late == []
    assert world.cycle().outcome == "completed"


def test_an_order_that_rests_is_cancelled_in_time_where_the_clock_was_set_back_meanwhile(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.strategies = [world.strategy(extra=ONE_CYCLE)]
    real, rested = world.venue.create, list[str]()

    async def create(request: OrderRequest) -> OrderReport:
        if rested:
            return await real(request)
        rested.append(request.client_order_id)
        return world.venue.foreign_order(
            request.market, request.side, request.amount, limit=Decimal(40_000),
            time_in_force="gtc", client_order_id=request.client_order_id,
        )  # fmt: skip

    monkeypatch.setattr(world.venue, "create", create)
    world.at(1.0, lambda _life: set_ours(world, -7_200))
    assert lived_s(world) < 60
    assert world.orders()[0].status == "canceled"


def test_balances_are_judged_where_the_clock_was_set_back_meanwhile(world: World) -> None:
    """What fills had moved counted as too fresh to be judged until the clock was there again."""
    world.strategies = [world.strategy(extra=ONE_CYCLE)]
    halted: list[float] = []
    world.on(f.EngineHalted, 1, lambda: halted.append(world.loop.time()))

    def strike(_life: object) -> None:
        set_ours(world, -7_200)
        world.venue.deposit("BTC", Decimal("0.3"), reported=False)

    world.at(3.0, strike)
    world.at(60.0, lambda life: life.engine.interrupt())
    world.run(cycles=None)
    world.check()
    assert halted
    assert halted[0] < 30


def test_a_cycle_of_before_waits_for_its_books_where_the_clock_was_set_back_meanwhile(
    world: World,
) -> None:
    """It was taken for one of this life, and sold what could have gone on a moment later."""
    world.kill_at(crashpoints.EXECUTED_NOT_TOLD, 1)
    assert world.run() is None
    set_ours(world, -7_200)
    come_late(world, ["ETH/BTC"])
    assert world.recover() == 0
    world.check()
    assert world.cycle().outcome == "completed"
    assert world.facts(f.UnwindStarted) == []


def test_a_run_ends_when_its_time_is_over_where_the_clock_was_set_back_meanwhile(
    world: World,
) -> None:
    world.strategies = [world.strategy(extra=ONE_CYCLE)]
    world.at(1.0, lambda _life: set_ours(world, -7_200))
    began_s = world.loop.time()
    assert world.run(cycles=None, duration_s=30) == 0
    world.check()
    assert world.loop.time() - began_s < 60


def test_an_interrupted_run_ends_in_time_where_the_clock_was_set_back_meanwhile(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its cycle cannot end: nobody says what became of its order."""
    world.strategies = [world.strategy(extra=ONE_CYCLE)]
    world.fault("reply_lost", number=2)

    async def away(_market: str, _client_order_id: str) -> OrderReport:
        raise Unreachable("away")

    monkeypatch.setattr(world.venue, "order", away)
    world.at(5.0, lambda life: life.engine.interrupt())
    world.at(6.0, lambda _life: set_ours(world, -7_200))
    began_s = world.loop.time()
    assert world.run() == 130
    assert world.loop.time() - began_s < 60
    monkeypatch.undo()
    assert world.recover() == 0
    world.check()
