"""Orders on their way: replies that are lost, late, wrong or told twice (cases 5 to 9, 18, 20 to 23)."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from arb.clock import NS_PER_MS, NS_PER_S
from arb.events import facts as f
from arb.exchange.port import (
    DUPLICATE_ORDER_ID,
    FillReport,
    NotSent,
    OrderRequest,
    Refused,
)
from arb.machine import table as t
from tests.spec.world import World

LEGS = [1, 2, 3]
LOST = ["reply_lost", "reply_never", "garbage", "reply_delayed"]


def unknowns(world: World) -> list[str]:
    return [fact.reason for fact in world.facts(f.OrderUnknown)]


def ends_were_told_whole(world: World) -> None:
    """An end that is taken too early costs nothing where the balances tell, but it is wrong all the same."""
    for fact in world.facts(f.OrderClosed):
        assert fact.filled == world.cycle().order(fact.client_order_id).filled


@pytest.mark.parametrize("leg", LEGS)
@pytest.mark.parametrize("fault", LOST)
def test_case_05_an_answer_that_does_not_come_is_resolved_by_asking(
    worlds: Callable[..., World], fault: str, leg: int
) -> None:
    world = worlds(plan={"delay_ns_max": 60 * NS_PER_S})
    world.fault(fault, number=leg)
    assert world.run() == 0
    world.check()
    assert len(unknowns(world)) == 1
    assert world.cycle().outcome == "completed"


@pytest.mark.parametrize("leg", LEGS)
def test_case_06_an_order_of_unknown_fate_is_never_sent_again(world: World, leg: int) -> None:
    world.fault("reply_lost", number=leg)
    world.fault("read_fails", call="order", times=20)
    assert world.run() == 0
    world.check()
    assert world.calls("create") == len(world.facts(f.OrderIntended)) == len(world.orders())


@pytest.mark.parametrize("leg", LEGS)
def test_case_06_a_duplicate_id_is_evidence_that_the_order_exists(world: World, leg: int) -> None:
    real = world.faulty.create
    sent = 0

    async def create(request: OrderRequest) -> Any:
        nonlocal sent
        sent += 1
        told = await real(request)
        if sent == leg:
            raise Refused(DUPLICATE_ORDER_ID, "it was sent")
        return told

    world.faulty.create = create  # type: ignore[method-assign]
    assert world.run() == 0
    world.check()
    assert [DUPLICATE_ORDER_ID in reason for reason in unknowns(world)] == [True]
    assert world.facts(f.OrderRefused) == []
    assert world.cycle().outcome == "completed"


@pytest.mark.parametrize("turns", range(12))
def test_an_answer_that_comes_with_the_end_of_the_run_does_not_outlive_it(
    world: World, turns: int
) -> None:
    """The cycle's task is cancelled in each turn of the loop around the answer's arrival."""
    real = world.faulty.create

    def cancel(left: int) -> None:
        if left:
            world.loop.call_soon(cancel, left - 1)
            return
        (task,) = [one for one in asyncio.all_tasks() if one.get_name() == "cycle demo-1"]
        task.cancel()

    async def create(request: OrderRequest) -> Any:
        told = await real(request)
        world.loop.call_soon(cancel, turns)
        world.faulty.create = real  # type: ignore[method-assign]
        return told

    world.faulty.create = create  # type: ignore[method-assign]
    assert world.run(duration_s=5) == 1
    assert len(world.facts(f.OrderIntended)) <= 2
    assert world.recover() == 0
    world.check()


@pytest.mark.parametrize("leg", LEGS)
def test_case_07_an_order_that_never_arrived_is_absent_once_it_can_no_longer_arrive(
    world: World, leg: int
) -> None:
    world.fault("request_lost", number=leg)
    assert world.run() == 0
    world.check()
    (absent,) = world.facts(f.OrderAbsent)
    intended = world.facts(f.OrderIntended)[leg - 1]
    assert absent.client_order_id == intended.client_order_id
    assert absent.venue_time_ns > intended.dead_ns
    assert absent.not_found >= 3


def test_case_07_not_founds_from_before_t_dead_prove_nothing(world: World) -> None:
    asked: list[int] = []
    real = world.venue.order

    async def order(market: str, client_order_id: str) -> Any:
        asked.append(world.now_ns())
        await asyncio.sleep(0.9)  # an answer tells of the moment when it was asked for
        return await real(market, client_order_id)

    world.venue.order = order  # type: ignore[method-assign]
    world.fault("request_lost", number=2)
    assert world.run() == 0
    dead_ns = world.facts(f.OrderIntended)[1].dead_ns
    (absent,) = world.facts(f.OrderAbsent)
    assert len([at_ns for at_ns in asked if at_ns > dead_ns]) >= absent.not_found >= 3


@pytest.mark.parametrize("leg", LEGS)
def test_case_07_an_order_that_is_hidden_for_a_while_is_found(world: World, leg: int) -> None:
    world.fault("reply_lost", number=leg)
    world.fault("order_hidden", call=None, order=leg)
    assert world.run() == 0
    world.check()
    assert world.facts(f.OrderAbsent) == []


@pytest.mark.parametrize("leg", LEGS)
def test_case_07_a_request_that_arrives_late_is_outside_its_window(
    worlds: Callable[..., World], leg: int
) -> None:
    world = worlds(plan={"delay_ns_max": 20 * NS_PER_S})
    world.fault("request_delayed", number=leg)
    assert world.run() == 0
    world.wait(30)
    world.check()


@pytest.mark.parametrize("leg", [2, 3])
def test_case_08_a_partial_fill_goes_on_with_the_rest(world: World, leg: int) -> None:
    market = ("BTC/USDT", "ETH/BTC", "ETH/USDT")[leg - 1]
    whole = world.stage.book_at(market, world.now_ns())
    assert whole is not None

    def thin() -> None:
        bids, asks = ([(str(one[0][0]), "0.1")] for one in (whole.bids, whole.asks))
        world.show(market, bids, asks)
        world.stage.put(world.now_ns() + 8 * NS_PER_MS, whole)

    world.on(f.OrderIntended, leg, thin)
    assert world.run() == 0
    world.check()
    assert [fact.leg for fact in world.facts(f.LegPartlyFilled)] == [leg - 1]
    assert world.facts(f.RecoveryStarted) == []
    assert world.cycle().outcome == "completed"


def test_case_08_a_first_leg_that_fills_in_part_goes_on_with_what_it_got(world: World) -> None:
    world.on(
        f.OrderIntended, 1, lambda: world.show("BTC/USDT", [("50000", "5")], [("50010", "0.01")])
    )
    assert world.run() == 0
    world.check()
    assert len(world.orders()) == 3
    assert world.orders()[0].status == "expired"


@pytest.mark.parametrize("leg", LEGS)
def test_case_09_a_cancel_that_races_a_fill_is_decided_by_the_fills(world: World, leg: int) -> None:
    """The venue says "open" until we cancel what is filled already."""
    world.fault("reordered_reports", number=leg)
    world.fault("reordered_reports", call="order", order=leg, times=40)
    world.on(f.CancelIntended, 1, world.heal)
    assert world.run() == 0
    world.check()
    assert len(world.facts(f.CancelIntended)) == 1
    assert world.cycle().outcome == "completed"
    ends_were_told_whole(world)


def test_case_18_what_never_left_this_machine_is_refused_and_not_unknown(world: World) -> None:
    real = world.faulty.create
    sent = 0

    async def create(request: OrderRequest) -> Any:
        nonlocal sent
        sent += 1
        if sent == 1:
            raise NotSent("nothing listens")
        return await real(request)

    world.faulty.create = create  # type: ignore[method-assign]
    assert world.run() == 0
    world.check()
    assert unknowns(world) == []
    assert world.facts(f.OrderRefused)[0].reason == "not sent"


@pytest.mark.parametrize("leg", LEGS)
@pytest.mark.parametrize(
    "fault", ["reordered_reports", "duplicated_reports", "altered_reports", "none_fields"]
)
def test_cases_20_21_22_wrong_words_about_an_order_change_nothing(
    world: World, fault: str, leg: int
) -> None:
    world.fault(fault, number=leg)
    world.fault(fault, call="order", times=2)
    world.fault(fault, call="trades", times=2)
    assert world.run() == 0
    world.check()
    assert world.cycle().outcome == "completed"
    ends_were_told_whole(world)


def test_case_21_a_second_copy_at_another_price_is_alarmed_and_not_booked(world: World) -> None:
    world.fault("altered_reports", number=1)
    assert world.run() == 0
    world.check()
    (found,) = world.facts(f.DiscrepancyFound)
    assert found.kind == "fill changed"


@pytest.mark.parametrize("leg", LEGS)
def test_case_23_an_order_whose_fills_do_not_add_up_waits_for_them(world: World, leg: int) -> None:
    """Nothing is made up: after a minute it is a discrepancy, and it is read on."""
    world.fault("reply_lost", number=leg)
    real = world.venue.trades

    async def trades(market: str, since_ns: int) -> Sequence[FillReport]:
        told = await real(market, since_ns)
        return told[:-1] if world.now_ns() < begin + 70 * NS_PER_S else told

    begin = world.now_ns()
    world.venue.trades = trades  # type: ignore[method-assign]
    assert world.run() == 0
    world.check()
    assert [one.kind for one in world.facts(f.DiscrepancyFound)] == ["fills missing"]
    assert world.cycle().orders[leg - 1].state == t.SETTLED


def test_an_order_whose_window_passed_before_it_could_leave_is_not_sent(world: World) -> None:
    # The append takes longer than the window.
    world.on(f.OrderIntended, 2, lambda: world.loop.skip(NS_PER_S))
    assert world.run() == 0
    world.check()
    assert "window passed" in world.facts(f.OrderRefused)[0].detail


@pytest.mark.parametrize("leg", LEGS)
def test_a_refused_order_is_planned_anew_with_a_new_id(world: World, leg: int) -> None:
    world.fault("refused", number=leg)
    assert world.run() == 0
    world.check()
    assert world.cycle().outcome == "completed"
    assert len(world.facts(f.OrderIntended)) == 4


def test_a_first_leg_refused_every_time_ends_the_cycle_with_nothing_spent(world: World) -> None:
    world.fault("refused", times=4)
    assert world.run() == 0
    world.check()
    assert world.cycle().outcome == "refused"
    assert world.cycle().pnl == 0
