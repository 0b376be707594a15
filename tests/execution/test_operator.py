"""What an operator asks, of a running engine and between runs."""

from collections.abc import Callable, Sequence
from decimal import Decimal

import pytest
from msgspec.structs import replace

from arb.clock import NS_PER_S
from arb.errors import IllegalMove
from arb.events import facts as f
from arb.exchange.port import FillReport, OrderReport, OrderRequest
from arb.machine import table as t
from arb.machine.account import EVERYTHING
from arb.simulation.life import Life
from tests.spec.money import wrong_totals
from tests.spec.world import World


def park(world: World) -> None:
    """Leave a cycle with ETH that no market takes."""

    def halt() -> None:
        for market in ("ETH/USDT", "ETH/BTC"):
            world.venue.halt_market(market, halted=True)

    world.on(f.OrderClosed, 2, halt)
    assert world.run() == 1
    assert world.cycle().outcome == "parked"
    world.watchers.clear()


def opens(world: World) -> None:
    for market in ("ETH/USDT", "ETH/BTC"):
        world.venue.halt_market(market, halted=False)


def test_a_pause_stops_new_cycles_until_it_is_lifted(world: World) -> None:
    assert world.ask("pause").ok
    assert world.run(duration_s=5) == 0
    assert world.cycles() == {}
    assert world.ask("unpause").ok
    assert world.run() == 0
    world.check()


def test_a_pause_of_a_running_engine_lets_open_cycles_go_on(world: World) -> None:
    world.at(1.0, lambda life: life.ask("pause"))
    assert world.run(cycles=None, duration_s=20) == 0
    world.check()
    opened = [one.at_ns for one in world.records() if isinstance(one.fact, f.CycleOpened)]
    paused = [one.at_ns for one in world.records() if isinstance(one.fact, f.NewCyclesPaused)]
    assert max(opened) <= paused[0]


@pytest.mark.parametrize(
    "fact",
    [
        f.EngineHalted(reason="why", scope=EVERYTHING),
        f.RiskTripped(strategy="demo", limit="daily_loss", reason="why", cycle_id=""),
    ],
)
def test_a_run_that_may_open_nothing_ends_though_it_is_paused(world: World, fact: f.Fact) -> None:
    async def stop(life: Life) -> None:
        await life.ask("pause")
        await life.parts.desk.journal.note(fact, cause="test")

    world.strategies = [world.strategy(min_profit="900")]
    world.at(1.0, stop)
    assert world.run(cycles=None, duration_s=600) == 4


def test_panic_liquidates_at_the_next_step(world: World) -> None:
    world.fault("reply_delayed", number=2)
    world.on(f.OrderIntended, 2, lambda: world.loop.call_soon(panic))
    lives: list[Life] = []
    world.at(0.0, lives.append)
    tasks = []

    def panic() -> None:
        tasks.append(world.loop.create_task(lives[0].ask("panic")))

    assert world.run() == 0
    world.check()
    assert len(world.facts(f.UnwindStarted)) == 1
    assert len(world.orders()) == 3


def test_panic_waits_for_an_order_of_unknown_fate(world: World) -> None:
    world.fault("request_lost", number=2)
    world.at(0.5, lambda life: life.ask("panic"))
    assert world.run() == 0
    world.check()
    kinds = [type(fact) for fact in world.facts()]
    assert kinds.index(f.OrderAbsent) < kinds.index(f.UnwindStarted)


def test_panic_reaches_a_cycle_that_sleeps_until_its_next_try(
    worlds: Callable[..., World],
) -> None:
    world = worlds(plan={"maintenance_ns": 300 * NS_PER_S})
    world.fault("maintenance", number=2)
    world.at(301, lambda life: life.ask("panic"))
    assert world.run() == 0
    world.check()
    (asked,) = [one.at_ns for one in world.records() if isinstance(one.fact, f.PanicRequested)]
    unwound = [one.at_ns for one in world.records() if isinstance(one.fact, f.UnwindStarted)]
    assert unwound[0] - asked < NS_PER_S


def test_panic_while_the_venue_is_being_read_is_not_slept_over(world: World) -> None:
    """The decision under way does not know of it yet; the next one follows at once."""

    def hide() -> None:
        for market in ("ETH/USDT", "ETH/BTC"):
            world.stage.hide(world.now_ns(), market)

    world.on(f.OrderClosed, 2, hide)
    lives: list[Life] = []
    asked: list[int] = []
    world.at(0.0, lives.append)
    real = world.faulty.balances

    async def balances() -> object:
        (cycle,) = lives[0].parts.desk.journal.cycles.values() or [None]
        its_own = cycle is not None and 0 < cycle.next_try_ns <= world.now_ns()
        if its_own and cycle.waits == 3 and not asked:
            asked.append(world.now_ns())
            await lives[0].ask("panic")
        return await real()

    world.faulty.balances = balances  # type: ignore[method-assign]
    assert world.run() == 1
    world.check()
    after = [one.at_ns for one in world.records() if isinstance(one.fact, f.RecoveryWaiting)]
    soon = [at_ns for at_ns in after if 0 < at_ns - asked[0] < NS_PER_S // 10]
    assert len(soon) == 2


def test_panic_sells_also_where_selling_by_itself_is_not_allowed(world: World) -> None:
    world.strategies = [world.strategy(extra="panic_sell: {enabled: false}\n")]
    world.kill_after(lambda fact: isinstance(fact, f.LegSettled) and fact.leg == 1)
    assert world.run() is None
    world.ask("panic")
    assert world.recover() == 0
    world.check()
    assert world.cycle().outcome != "parked"


def test_without_panic_sell_what_cannot_go_on_is_parked_and_unwound_when_asked(
    world: World,
) -> None:
    world.strategies = [world.strategy(extra="panic_sell: {enabled: false}\n")]
    world.on(f.OrderClosed, 2, lambda: world.show("ETH/USDT", [("1500", "90")], [("1501", "90")]))
    assert world.run() == 1
    world.check()
    assert world.cycle().outcome == "parked"
    assert world.ask("unwind", "demo-1").ok
    assert world.recover() == 0
    world.check()
    assert world.cycle().outcome == "liquidated"


def test_what_is_parked_stays_owned_until_it_is_unwound(world: World) -> None:
    park(world)
    opens(world)
    parked = world.cycle().parked["ETH"]
    assert world.account().owned_closed["ETH"] == parked
    world.at(0.5, lambda life: life.ask("unwind", "demo-1"))
    assert world.run(cycles=None, duration_s=2) == 0
    world.check()
    assert world.cycle().parked == {}
    assert "ETH" not in world.account().owned_closed or (
        world.account().owned_closed["ETH"] < Decimal("0.001")
    )


def test_what_is_released_belongs_to_the_account_again(world: World) -> None:
    park(world)
    assert world.ask("release", "demo-1").ok
    world.check()
    assert world.account().owned_closed == {}
    with pytest.raises(IllegalMove, match="demo-1 is failed: it holds nothing that could be rel"):
        world.ask("release", "demo-1")


def test_an_unwind_that_cannot_be_is_refused_and_leaves_no_trace(world: World) -> None:
    assert world.run() == 0
    before = len(world.records())
    told = "demo-1 is completed: it holds nothing that could be sold; --details demo-1 shows"
    with pytest.raises(IllegalMove, match=told):
        world.ask("unwind", "demo-1")
    world.wait(5)
    order = world.facts(f.OrderIntended)[0]
    with pytest.raises(IllegalMove, match="is filled already"):
        world.ask("attest", order.client_order_id, verdict="filled", reason="I saw it")
    assert len(world.records()) == before


@pytest.mark.parametrize("verdict", ["absent", "filled"])
def test_an_order_on_its_way_is_not_attested(world: World, verdict: str) -> None:
    """To believe it absent while it flies would buy twice."""
    world.fault("reply_delayed", number=1)
    refused: list[str] = []

    async def attest(life: Life) -> None:
        (order,) = next(iter(life.parts.desk.journal.cycles.values())).pending_orders()
        try:
            await life.ask("attest", order.client_order_id, verdict=verdict, reason="believe me")
        except IllegalMove as error:
            refused.append(str(error))

    lives: list[Life] = []
    world.at(0.0, lives.append)
    tasks = []

    def begin() -> None:
        tasks.append(world.loop.create_task(attest(lives[0])))

    world.on(f.OrderIntended, 1, lambda: world.loop.call_later(0.002, begin))
    assert world.run() == 0
    world.check()
    assert len(refused) == 1


def test_an_order_that_may_still_arrive_is_not_attested(world: World) -> None:
    world.fault("request_lost", number=1)
    world.kill_after(lambda fact: isinstance(fact, f.OrderUnknown))
    assert world.run() is None
    order = world.facts(f.OrderIntended)[0].client_order_id
    with pytest.raises(IllegalMove, match="may still arrive"):
        world.ask("attest", order, verdict="absent", reason="believe me")
    world.wait(5)
    assert world.ask("attest", order, verdict="absent", reason="statement").ok
    assert world.recover() == 0
    world.check()


@pytest.mark.parametrize("skew_s", [-10, 10])
def test_when_an_order_can_no_longer_arrive_does_not_depend_on_the_venues_clock(
    world: World, skew_s: int
) -> None:
    """The venue's clock is 10 s away from ours: its T_dead says nothing about our time of day."""
    world.venue._skew_ns = skew_s * NS_PER_S
    world.fault("request_lost", number=1)
    world.kill_after(lambda fact: isinstance(fact, f.OrderUnknown))
    assert world.run() is None
    (order,) = world.facts(f.OrderIntended)
    world.wait((order.dead_ns - order.venue_time_ns) / NS_PER_S - 0.1)
    with pytest.raises(IllegalMove, match="may still arrive"):
        world.ask("attest", order.client_order_id, verdict="absent", reason="statement")
    world.wait(0.2)
    assert world.ask("attest", order.client_order_id, verdict="absent", reason="statement").ok
    assert world.recover() == 0
    world.check()


def test_a_wrong_attestation_shows_as_a_difference_and_halts(world: World) -> None:
    world.fault("request_lost", number=1)
    world.kill_after(lambda fact: isinstance(fact, f.OrderUnknown))
    assert world.run() is None
    world.wait(5)
    order = world.facts(f.OrderIntended)[0].client_order_id
    assert world.ask("attest", order, verdict="filled", reason="a mistake").ok
    assert world.recover() in {0, 1}
    assert {fact.scope for fact in world.facts(f.EngineHalted)} == {"BTC", "USDT"}
    assert world.run() == 4
    # The attested trade is not the venue's; with the difference beside it the sums are right.
    world.check(resting=False)
    assert wrong_totals(world.facts(), world.venue.account) == []


def unknown_at_the_second_leg(world: World) -> str:
    """Leave an order that the venue filled and that nobody could read."""
    world.strategies = [world.strategy(retries=0)]
    world.fault("reply_lost", number=2)
    world.fault("read_fails", call="order", times=60)
    world.kill_after(lambda fact: isinstance(fact, f.RecoveryWaiting))
    assert world.run() is None
    world.wait(5)
    order = world.cycle().orders[1]
    assert order.state == t.UNKNOWN
    return order.client_order_id


def test_the_real_trades_of_an_order_take_the_place_of_a_right_attestation(world: World) -> None:
    """Booked beside it they would be an order twice, and the user's own coins would be sold."""
    order = unknown_at_the_second_leg(world)
    world.heal()
    assert world.ask("attest", order, verdict="filled", reason="the statement says so").ok
    assert world.recover() in {0, 1}
    world.check()
    (taken_back,) = world.facts(f.AttestedFillReversed)
    assert taken_back.client_order_id == order
    booked = [one for one in world.facts(f.OrderFilled) if one.client_order_id == order]
    real = [one for one in world.venue.account.all_fills() if one.client_order_id == order]
    assert [one.amount for one in booked[1:]] == [one.amount for one in real]
    ends = world.cycle().orders[1]
    assert (ends.state, ends.filled) == (t.SETTLED, sum(one.amount for one in real))
    assert [one for one in world.facts(f.ExternalChangeFound) if not one.explained] == []
    assert world.facts(f.EngineHalted) == []
    assert "overfilled" not in {one.kind for one in world.facts(f.DiscrepancyFound)}


def test_a_running_engine_lets_the_venue_speak_before_an_operator(world: World) -> None:
    """It asks for the order and its trades; while they cannot be read, nobody's word is taken."""
    world.strategies = [world.strategy(retries=0)]
    world.fault("reply_lost", number=2)
    world.fault("read_fails", call="order", times=60)
    refused: list[str] = []

    async def attest(life: Life) -> None:
        (order,) = next(iter(life.parts.desk.journal.cycles.values())).pending_orders()
        try:
            await life.ask("attest", order.client_order_id, verdict="filled", reason="I saw it")
        except IllegalMove as error:
            refused.append(str(error))

    def heal_and_attest(life: Life) -> object:
        world.heal()
        return attest(life)

    world.at(6, attest)
    world.at(6.5, heal_and_attest)
    assert world.run() == 0
    world.check()
    assert "cannot be asked" in refused[0]
    assert "the venue itself tells" in refused[1]
    assert world.facts(f.OrderAttested, f.DiscrepancyFound) == []
    assert world.cycle().outcome == "completed"


def test_what_is_attested_is_what_the_venue_said_is_missing(world: World) -> None:
    """It said that a part was filled, and does not show the trades."""
    world.strategies = [world.strategy(retries=0)]
    hidden = [True]
    real_create, real_trades = world.faulty.create, world.venue.trades

    async def create(request: OrderRequest) -> OrderReport:
        told = await real_create(request)
        return replace(told, fills=()) if request.market == "ETH/BTC" else told

    async def trades(market: str, since_ns: int) -> Sequence[FillReport]:
        told = await real_trades(market, since_ns)
        return () if market == "ETH/BTC" and hidden else told

    world.faulty.create, world.venue.trades = create, trades  # type: ignore[method-assign]
    world.on(
        f.OrderIntended, 2, lambda: world.show("ETH/BTC", [("0.0399", "0.2")], [("0.04", "0.2")])
    )

    async def attest(life: Life) -> None:
        (order,) = next(iter(life.parts.desk.journal.cycles.values())).pending_orders()
        assert order.told == Decimal("0.2")
        await life.ask("attest", order.client_order_id, verdict="filled", reason="I saw it")
        hidden.clear()

    world.at(20, attest)
    assert world.run() in {0, 1, 4}
    stated = [one for one in world.facts(f.OrderFilled) if one.trade_id.startswith("attested-")]
    assert [one.amount for one in stated] == [Decimal("0.2")]
    world.check()
    assert len(world.facts(f.AttestedFillReversed)) == 1


def test_a_halt_is_durable_until_it_is_lifted_with_a_reason(world: World) -> None:
    assert world.run() == 0
    world.venue.withdraw("USDT", Decimal(100), reported=False)
    assert world.run() == 4
    assert world.run() == 4
    assert not world.ask("unpause").ok
    assert world.ask("unpause", reason="it was me").ok
    assert world.run() == 0
    world.check()


def test_a_halted_engine_still_recovers_and_unwinds(world: World) -> None:
    world.kill_after(lambda fact: isinstance(fact, f.LegSettled) and fact.leg == 1)
    assert world.run() is None
    world.venue.withdraw("USDT", Decimal(100), reported=False)
    assert world.run() == 4
    world.check()
    assert world.cycle().state in t.CLOSED


def test_the_breaker_trips_on_unknowns_and_closes_again_by_itself(world: World) -> None:
    world.strategies = [
        world.strategy(
            extra="risk_controls: {max_open_cycles: 1, breaker: {max_unknowns: 2,"
            " window_seconds: 60, cooldown_seconds: 30}}\n"
        )
    ]
    world.fault("reply_lost", number=1)
    world.fault("reply_lost", number=4)
    assert world.run(cycles=4) == 0
    world.check()
    (tripped,) = world.facts(f.BreakerTripped)
    assert (tripped.kind, tripped.count) == ("unknowns", 2)
    opened = [one.at_ns for one in world.records() if isinstance(one.fact, f.CycleOpened)]
    assert opened[2] >= tripped.until_ns
