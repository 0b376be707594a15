"""Starting, being interrupted, and a log that fails: with and without money in the air (cases 28, 29)."""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from decimal import Decimal

import pytest

from arb import crashpoints, ids
from arb.clock import NS_PER_S
from arb.errors import ConfigInvalid, Indeterminate, LogLocked
from arb.events import facts as f
from arb.exchange.port import FillReport, Unreachable
from arb.machine import table as t
from arb.simulation.life import Life
from tests.spec.world import World

HOUR_S = 3_600


def down(worlds: Callable[..., World], seconds: int) -> World:
    return worlds(plan={"maintenance_ns": seconds * NS_PER_S})


def strand(world: World) -> None:
    """Leave a cycle open with money in its hands."""
    world.kill_at(crashpoints.EXECUTED_NOT_TOLD, 2)
    assert world.run() is None


def test_a_venue_that_is_down_at_the_start_is_waited_for_a_minute(
    worlds: Callable[..., World],
) -> None:
    world = down(worlds, 55)
    world.fault("maintenance", call="balances", times=1)
    assert world.run() == 0
    world.check()


def test_without_open_cycles_a_venue_that_stays_down_ends_the_run(
    worlds: Callable[..., World],
) -> None:
    world = down(worlds, HOUR_S)
    world.fault("maintenance", call="balances", times=1)
    assert world.run() == 1
    assert 60 * NS_PER_S <= world.now_ns() - world.records()[0].at_ns <= 61 * NS_PER_S
    assert world.facts(f.RunStarted) == []


@pytest.mark.parametrize("call", ["balances", "markets", "open_orders"])
def test_with_open_cycles_the_start_waits_in_recovering(
    worlds: Callable[..., World], call: str
) -> None:
    world = down(worlds, HOUR_S)
    strand(world)
    world.fault("maintenance", call=call, times=1)
    states: list[str] = []
    world.at(600, lambda life: states.append(_only(life).state))
    assert world.recover() == 0
    world.check()
    assert states == [t.RECOVERING]
    reasons = {fact.reason for fact in world.facts(f.RecoveryWaiting)}
    assert any("the venue does not answer" in reason for reason in reasons)


def test_a_ban_at_the_start_is_waited_out_with_open_cycles(worlds: Callable[..., World]) -> None:
    world = worlds(plan={"ban_ns": 300 * NS_PER_S})
    strand(world)
    world.fault("banned", call="balances", times=1)
    asked: list[int] = []
    for second in (10, 200):
        world.at(second, lambda _life: asked.append(sum(world.faulty._calls.values())))
    assert world.recover() == 0
    world.check()
    assert len(set(asked)) == 1


def _only(life: Life) -> "object":
    (cycle,) = life.parts.desk.journal.cycles.values()
    return cycle


def test_an_interrupt_ends_a_start_that_waits(worlds: Callable[..., World]) -> None:
    world = down(worlds, HOUR_S)
    strand(world)
    world.fault("maintenance", call="balances", times=1)
    world.at(300, lambda life: life.engine.interrupt())
    began = world.now_ns()
    assert world.recover() == 130
    assert world.now_ns() - began < 301 * NS_PER_S
    world.check(resting=False)
    world.wait(HOUR_S)
    assert world.recover() == 0
    world.check()


def test_an_operator_may_ask_while_the_start_waits(worlds: Callable[..., World]) -> None:
    world = down(worlds, HOUR_S)
    strand(world)
    world.fault("maintenance", call="balances", times=1)
    world.at(100, lambda life: life.ask("panic"))
    assert world.recover() == 0
    world.check()
    assert world.orders()[-1].side == "sell"


@pytest.mark.parametrize("interrupts", [1, 2])
def test_an_interrupt_lets_running_cycles_end_and_opens_no_new_ones(
    world: World, interrupts: int
) -> None:
    def interrupt(life: Life) -> None:
        assert life.parts.runner.busy
        for _ in range(interrupts):
            life.engine.interrupt()

    world.fault("reply_never", number=1)
    world.at(0.5, interrupt)
    assert world.run(cycles=None) == 130
    world.check(resting=interrupts == 1)
    assert world.recover() == 0
    world.check()


def test_after_an_interrupt_a_cycle_that_cannot_end_is_left_for_recovery(
    worlds: Callable[..., World],
) -> None:
    world = down(worlds, HOUR_S)
    world.fault("maintenance", number=2)
    world.at(10, lambda life: life.engine.interrupt())
    began = world.now_ns()
    assert world.run() == 130
    assert world.now_ns() - began < 60 * NS_PER_S
    world.wait(HOUR_S)
    assert world.recover() == 0
    world.check()


def test_an_engine_that_is_cut_off_while_it_ends_leaves_nobody_at_work(world: World) -> None:
    """It went without stopping its cycles when it was cancelled while its background ended."""
    cut: list[bool] = []

    def interrupt(life: Life) -> None:
        assert life.parts.runner.busy
        tasks = asyncio.all_tasks()
        (engine,) = (task for task in tasks if "Engine.run" in repr(task.get_coro()))
        (sweep,) = (task for task in tasks if task.get_name() == "sweep")
        sweep.add_done_callback(lambda _: cut.append(engine.cancel()))
        for _ in range(2):
            life.engine.interrupt()

    world.fault("reply_never", number=1)
    world.at(0.5, interrupt)
    world.run()  # it fails where somebody is left
    assert cut == [True]
    world.check(resting=False)
    assert world.recover() == 0
    world.check()


@pytest.mark.parametrize("leg", [1, 2, 3])
@pytest.mark.parametrize("kind", [f.OrderIntended, f.OrderClosed])
def test_case_28_when_the_log_cannot_tell_nothing_more_is_sent(
    world: World, kind: type, leg: int
) -> None:
    """The append that fails may be in the file or not; the next start finds out."""
    world.strategies = [world.strategy(extra="risk_controls: {max_open_cycles: 2}\n")]

    def fail() -> None:
        world.failing = Indeterminate("the disk said no")

    world.on(kind, leg, fail)
    assert world.run(cycles=2) == 1
    assert world.sent_at_failure is not None
    # One may have passed the gate just before.
    assert world.left["create"] - world.sent_at_failure <= 1
    world.failing = None
    assert world.recover() == 0
    world.check()


def test_case_28_below_the_reserve_of_free_space_no_cycle_opens_and_open_ones_go_on(
    world: World,
) -> None:
    lives: list[Life] = []
    world.at(0.0, lives.append)
    world.on(f.OrderIntended, 1, lambda: setattr(world, "space_low", True))
    assert world.run(cycles=None, duration_s=30) == 0
    world.check()
    assert [cycle.outcome for cycle in world.cycles().values()] == ["completed"]
    assert lives[0].parts.trader.declined.total["disk_space"] > 0
    world.space_low = False
    assert world.run() == 0
    world.check()
    assert len(world.cycles()) == 2


def test_case_28_an_intent_that_is_durable_is_not_sent_once_the_log_failed(world: World) -> None:
    def fail() -> None:
        world.failing = Indeterminate("the disk said no")

    world.on(f.OrderIntended, 2, fail)
    world.at(0.0, lambda life: _break_on_failure(world, life))
    assert world.run() == 1
    assert world.calls("create") == 1
    world.failing = None
    assert world.recover() == 0
    world.check()


def _break_on_failure(world: World, life: Life) -> None:
    """Let another task meet the failed log before the intent's own task goes on."""
    journal = life.parts.desk.journal
    world.on(f.OrderIntended, 2, lambda: setattr(journal, "broken", world.failing))


def test_case_29_an_account_with_another_instances_open_orders_is_refused(world: World) -> None:
    other = ids.client_order_id("bbbb", 1, 1)
    world.venue.foreign_order(
        "BTC/USDT", "buy", Decimal("0.01"), limit=Decimal(40_000), time_in_force="gtc",
        client_order_id=other,
    )  # fmt: skip
    assert world.run() == LogLocked.exit_code
    assert world.cycles() == {}
    assert world.orders()[0].status == "open"


def test_the_account_is_compared_before_anything_new_begins(world: World) -> None:
    assert world.run() == 0
    world.venue.withdraw("BTC", Decimal("0.5"), reported=False)
    orders = len(world.orders())
    assert world.run() == 4
    assert len(world.orders()) == orders


def test_no_recover_leaves_open_cycles_alone(world: World) -> None:
    strand(world)
    orders = len(world.orders())
    assert world.run(cycles=0, recover=False) == 0
    assert len(world.orders()) == orders
    assert world.recover() == 0
    world.check()


def test_open_cycles_come_to_rest_also_where_nothing_new_can_be_planned(world: World) -> None:
    """A path that the venue no longer lists must not keep an open cycle's money where it is."""
    world.kill_after(lambda fact: isinstance(fact, f.LegSettled))
    assert world.run() is None
    world.strategies = [world.strategy(cycle="[USDT, BTC, DOGE]")]
    assert world.run() == ConfigInvalid.exit_code
    world.check()


@pytest.mark.parametrize("silent_s", [0, 70])
def test_a_venue_that_falls_silent_after_its_markets_were_read_doubles_no_cycle(
    world: World, silent_s: int
) -> None:
    """Everything is planned again when it answers: each opportunity is still wanted once."""
    world.strategies = [world.strategy(extra="risk_controls: {max_open_cycles: 9}")]
    world.kill_after(lambda fact: isinstance(fact, f.LegSettled))
    assert world.run() is None
    real, answers_ns = world.venue.trades, world.now_ns() + silent_s * NS_PER_S

    async def trades(market: str, since_ns: int) -> Sequence[FillReport]:
        if world.now_ns() < answers_ns:
            raise Unreachable("nobody answers")
        return await real(market, since_ns)

    world.venue.trades = trades  # type: ignore[method-assign]
    assert world.run(cycles=None, duration_s=silent_s + 20) == 0
    opened = Counter(one.at_ns for one in world.records() if isinstance(one.fact, f.CycleOpened))
    assert max(opened.values()) == 3, "one for each market that is told at that moment"
