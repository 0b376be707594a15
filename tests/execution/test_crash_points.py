"""Killed between any two steps of the order protocol, at each leg, with each kind of fee."""

from collections.abc import Callable

import pytest

from arb import crashpoints
from arb.events import facts as f
from arb.simulation.life import APPEND
from tests.spec.world import World

LEGS = (1, 2, 3)
APPENDS_MAX = 60
FEES = ("received", "third")
SENDING = (
    crashpoints.INTENT_DURABLE,
    crashpoints.EXECUTED_NOT_TOLD,
    crashpoints.TOLD_NOT_APPENDED,
)


def make(worlds: Callable[..., World], fees: str) -> World:
    return worlds(bnb="10", fee_asset="BNB") if fees == "third" else worlds()


@pytest.mark.parametrize("fees", FEES)
@pytest.mark.parametrize("leg", LEGS)
@pytest.mark.parametrize("point", SENDING)
def test_a_kill_while_an_order_is_sent_loses_nothing(
    worlds: Callable[..., World], point: str, leg: int, fees: str
) -> None:
    world = make(worlds, fees)
    world.kill_at(point, leg)
    assert world.run() is None
    assert world.recover() == 0
    world.check()
    sent = len(world.orders())
    assert world.run() == 0
    world.check()
    assert len(world.orders()) >= sent + 3


@pytest.mark.parametrize("fees", FEES)
@pytest.mark.parametrize("leg", LEGS)
def test_a_kill_while_recovery_chooses_is_recovered_again(
    worlds: Callable[..., World], leg: int, fees: str
) -> None:
    world = make(worlds, fees)
    world.kill_at(crashpoints.EXECUTED_NOT_TOLD, leg)
    assert world.run() is None
    world.kill_at(crashpoints.RECOVERING)
    assert world.run(cycles=0) is None
    assert world.recover() == 0
    world.check()


@pytest.mark.parametrize("fees", FEES)
@pytest.mark.parametrize("hop", [1, 2])
def test_case_27_a_kill_during_a_panic_sell_plans_anew_from_what_is_held(
    worlds: Callable[..., World], hop: int, fees: str
) -> None:
    world = make(worlds, fees)
    world.kill_at(crashpoints.EXECUTED_NOT_TOLD, 2)
    assert world.run() is None
    world.ask("panic")
    world.kill_at(crashpoints.UNWINDING, hop)
    assert world.run(cycles=0) is None
    assert world.recover() == 0
    world.check()
    assert world.cycle().outcome in {"liquidated", "completed"}
    assert world.orders()[-1].side == "sell"


@pytest.mark.parametrize("point", SENDING)
def test_case_27_a_kill_while_a_hop_is_sent_sells_it_once(world: World, point: str) -> None:
    world.kill_at(crashpoints.TOLD_NOT_APPENDED, 2)
    assert world.run() is None
    world.ask("panic")
    world.kill_at(point)
    assert world.run(cycles=0) is None
    assert world.recover() == 0
    world.check()
    sold = [order for order in world.orders() if order.side == "sell"]
    assert sum(order.filled for order in sold) <= world.orders()[1].filled


def test_case_01_a_kill_before_the_intent_is_durable_leaves_nothing_to_do(world: World) -> None:
    world.kill_after(lambda fact: isinstance(fact, f.AccountOpened))
    assert world.run() is None
    assert world.recover() == 0
    world.check()
    assert world.orders() == []


def test_case_01_a_kill_before_any_append_leaves_no_order_that_the_log_does_not_know(
    worlds: Callable[..., World],
) -> None:
    """Before each append of a cycle's life in turn, until one gets to its end."""
    for nth in range(1, APPENDS_MAX):
        world = worlds()
        world.kill_at(APPEND, 2 * nth - 1)  # a life comes to an append before it and after it
        died = world.run() is None
        intended = {one.client_order_id for one in world.facts(f.OrderIntended)}
        assert {order.client_order_id for order in world.orders()} <= intended
        assert world.recover() == 0
        world.check()
        if not died:
            assert nth > len(LEGS)
            return
    pytest.fail("a cycle has more appends than this")


@pytest.mark.parametrize("leg", LEGS)
def test_case_02_an_intent_that_was_not_sent_is_resolved_by_asking_and_never_sent_after(
    world: World, leg: int
) -> None:
    """The restart cannot tell it from one that was sent."""
    world.kill_at(crashpoints.INTENT_DURABLE, leg)
    assert world.run() is None
    name = world.facts(f.OrderIntended)[-1].client_order_id
    assert world.recover() == 0
    world.check()
    (unknown,) = world.facts(f.OrderUnknown)
    assert (unknown.client_order_id, unknown.reason) == (name, "restart")
    (absent,) = world.facts(f.OrderAbsent)
    assert absent.client_order_id == name
    assert name not in [order.client_order_id for order in world.orders()]


@pytest.mark.parametrize("leg", LEGS)
def test_case_03_an_order_sent_by_a_process_that_died_is_found_by_its_own_id(
    world: World, leg: int
) -> None:
    world.kill_at(crashpoints.EXECUTED_NOT_TOLD, leg)
    assert world.run() is None
    name = world.facts(f.OrderIntended)[-1].client_order_id
    assert [order.client_order_id for order in world.orders()].count(name) == 1
    assert name not in [fact.client_order_id for fact in world.facts(f.OrderAccepted)]
    assert world.recover() == 0
    world.check()
    accepted = [fact.client_order_id for fact in world.facts(f.OrderAccepted)]
    assert accepted.count(name) == 1
    assert world.facts(f.OrderRefused) == []


@pytest.mark.parametrize("leg", LEGS)
def test_case_04_an_answer_that_was_heard_and_not_stored_is_stored_once(
    world: World, leg: int
) -> None:
    world.kill_at(crashpoints.TOLD_NOT_APPENDED, leg)
    assert world.run() is None
    name = world.facts(f.OrderIntended)[-1].client_order_id
    assert [one for one in world.facts(f.OrderFilled) if one.client_order_id == name] == []
    assert world.recover() == 0
    world.check()
    booked = [one.trade_id for one in world.facts(f.OrderFilled) if one.client_order_id == name]
    told = [one for one in world.venue.account.all_fills() if one.client_order_id == name]
    assert len(booked) == len(set(booked)) == len(told) > 0
    assert world.facts(f.OrderRefused) == []


@pytest.mark.parametrize(
    "fatal",
    [f.OrderIntended, f.OrderFilled, f.OrderClosed, f.LegSettled, f.CycleCompleted],
    ids=lambda kind: kind.__name__,
)
@pytest.mark.parametrize("nth", [1, 2, 3])
def test_a_kill_right_after_a_fact_is_durable_loses_nothing(
    world: World, fatal: type, nth: int
) -> None:
    seen = 0

    def last(fact: f.Fact) -> bool:
        nonlocal seen
        seen += isinstance(fact, fatal)
        return seen == nth and isinstance(fact, fatal)

    world.kill_after(last)
    died = world.run(cycles=3) is None
    assert world.recover() == 0
    world.check()
    assert died


def test_killed_again_and_again_it_gets_to_the_end(world: World) -> None:
    lives = 0
    while lives < 40:
        point = crashpoints.ALL[lives % len(crashpoints.ALL)]
        world.kill_at(point, 1 + lives % 3)
        lives += 1
        if world.run(cycles=2) is not None:
            break
    assert world.recover() == 0
    world.check()
