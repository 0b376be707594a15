"""A venue that ends an order with less filled than was filled: what is gone is not sold a second time."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from arb.clock import NS_PER_MS, NS_PER_S
from arb.errors import IllegalMove
from arb.events import facts as f
from arb.exchange.faults.plan import Strike
from arb.exchange.port import Unreachable
from arb.execution.cycles import patience, untold
from arb.limits import DOUBT_S_MAX, PARK_AFTER_S, SWEEP_INTERVAL_S
from tests.execution.test_set_clock import set_clock
from tests.spec.fault_scripts import order_number
from tests.spec.world import World

Worlds = Callable[..., World]
LEGS = [2, 3]
NEVER_S = 600


def misled(worlds: Worlds, *orders: int, late_s: float = 4, **options: Any) -> World:
    """A world whose venue tells the last trade of some orders late, and shows it in the balances at once."""
    world = worlds(plan={"untold_fill_ns": int(late_s * NS_PER_S)}, **options)
    for order in orders:
        world.fault("untold_fill", call=None, order=order)
    return world


def oversold(world: World) -> dict[str, Decimal]:
    """What cycles owe of each asset."""
    return {
        asset: amount
        for cycle in world.cycles().values()
        for part in (cycle.holdings, cycle.dust)
        for asset, amount in part.items()
        if amount < 0
    }


def nothing_was_sold_twice(world: World) -> None:
    world.check()
    assert oversold(world) == {}
    assert len(world.facts(f.OrderFilled)) == len(world.venue.account.all_fills())


@pytest.mark.parametrize("leg", LEGS)
@pytest.mark.parametrize("late_s", [0.5, 4, 12])
def test_what_the_balances_say_is_gone_is_not_sold_again(
    worlds: Worlds, leg: int, late_s: float
) -> None:
    world = misled(worlds, leg, late_s=late_s)
    assert world.run(cycles=1) == 0
    nothing_was_sold_twice(world)
    assert world.facts(f.EngineHalted, f.RiskTripped, f.ExternalChangeFound) == []
    assert world.cycle().outcome == "completed"
    waits = {one.reason for one in world.facts(f.RecoveryWaiting)}
    assert waits <= {patience.UNTOLD}
    assert late_s < 1 or waits


@pytest.mark.parametrize("order", [1, *LEGS])
def test_nothing_filled_is_a_word_too(worlds: Worlds, order: int) -> None:
    """One level takes all of it: the venue says that it filled nothing."""
    world = misled(worlds, order)
    world.strategies = [world.strategy(amount="500")]
    assert world.run(cycles=1) == 0
    nothing_was_sold_twice(world)
    assert world.facts(f.EngineHalted, f.RiskTripped, f.ExternalChangeFound) == []
    assert world.cycle().outcome in {"completed", "liquidated"}
    assert world.cycle().orders[order - 1].filled > 0


@pytest.mark.parametrize("leg", LEGS)
def test_what_recovery_would_sell_off_waits_for_the_word_as_well(worlds: Worlds, leg: int) -> None:
    world = misled(worlds, leg)
    world.strategies = [world.strategy(retries=0)]
    assert world.run(cycles=1) == 0
    nothing_was_sold_twice(world)
    assert world.facts(f.EngineHalted, f.RiskTripped) == []


def test_the_orders_of_an_unwind_are_not_believed_more(worlds: Worlds) -> None:
    world = misled(worlds, 4)

    def fall() -> None:
        world.show("ETH/USDT", [("1900", "0.2"), ("1899", "90")], [("1901", "90")])
        world.show("ETH/BTC", [("0.037", "90")], [("0.04", "90")])

    world.on(f.OrderIntended, 3, fall)
    assert world.run(cycles=1) == 0
    nothing_was_sold_twice(world)
    cycle = world.cycle()
    assert (cycle.outcome, cycle.orders[3].purpose) == ("liquidated", "unwind")
    assert len(cycle.orders) == 4
    assert world.facts(f.EngineHalted, f.RiskTripped) == []


def test_each_order_has_the_time_to_be_told_of(worlds: Worlds) -> None:
    """What was waited for before an order of the unwind is none of the time that its own trade has."""
    world = misled(worlds, 2, 3, late_s=15)
    world.strategies = [world.strategy(amount="500")]

    def fall() -> None:
        world.show("ETH/USDT", [("1900", "90")], [("1901", "90")])
        world.show("ETH/BTC", [("0.037", "90")], [("0.04", "90")])

    world.on(f.OrderIntended, 2, fall)
    assert world.run(cycles=1) == 0
    nothing_was_sold_twice(world)
    cycle = world.cycle()
    assert (cycle.outcome, [one.purpose for one in cycle.orders]) == (
        "liquidated",
        ["leg", "leg", "unwind"],
    )
    assert world.facts(f.ShortfallFound, f.CycleParked) == []


@pytest.mark.parametrize("leg", LEGS)
def test_where_no_word_comes_the_cycle_is_parked_with_the_reason(worlds: Worlds, leg: int) -> None:
    world = misled(worlds, leg, late_s=NEVER_S)
    began_ns = world.now_ns()
    assert world.run(cycles=1) in {1, 4}
    cycle = world.cycle()
    assert cycle.outcome == "parked"
    assert cycle.error is not None
    assert cycle.error.startswith(patience.UNTOLD)
    assert cycle.ended_ns - began_ns < (PARK_AFTER_S + 5) * NS_PER_S
    assert len(cycle.orders) == leg
    assert world.facts(f.ShortfallFound)
    assert world.facts(f.EngineHalted)  # nothing explains the balances
    world.wait(NEVER_S)
    world.recover()
    world.check()
    assert oversold(world) == {}
    assert world.facts(f.LateFillFound)


def test_what_is_parked_for_that_is_unwound_with_a_reason_alone(worlds: Worlds) -> None:
    """The account has coins of its own: a sale would take them for those of the cycle."""
    world = misled(worlds, 3, late_s=NEVER_S)
    assert world.run(cycles=1) in {1, 4}
    cycle = world.cycle()
    with pytest.raises(IllegalMove, match=rf"--release {cycle.id}, or say with --reason TEXT"):
        world.ask("unwind", cycle.id)
    assert len(world.cycle().orders) == 3
    assert world.ask("unwind", cycle.id, reason="I paid them back").ok


def test_a_clock_that_is_set_back_meanwhile_parks_it_no_later(worlds: Worlds) -> None:
    world = misled(worlds, 3, late_s=NEVER_S)
    world.at(5.0, lambda _life: set_clock(world, -3_600))
    began_s = world.loop.time()
    assert world.run(cycles=1) in {1, 4}
    assert world.cycle().outcome == "parked"
    assert world.loop.time() - began_s < 2 * PARK_AFTER_S + 10


@pytest.mark.parametrize("pause_s", [0, 2, 30])
@pytest.mark.parametrize("fact", [f.OrderClosed, f.RecoveryWaiting])
def test_a_restart_does_not_believe_it_either(worlds: Worlds, fact: type, pause_s: float) -> None:
    world = misled(worlds, 3, late_s=34)
    seen: list[f.Fact] = []

    def fatal(one: f.Fact) -> bool:
        seen.extend([one] if isinstance(one, fact) else [])
        return len(seen) == (3 if fact is f.OrderClosed else 1)

    world.kill_after(fatal)
    assert world.run(cycles=1) is None
    world.wait(pause_s)
    world.run(cycles=0)
    world.wait(NEVER_S)
    world.recover()
    world.check()
    assert oversold(world) == {}
    if pause_s == 30:
        assert world.cycle().outcome == "completed"
        assert world.facts(f.EngineHalted) == []


def silence(world: World, calls: list[str], until_ns: list[int]) -> None:
    """Let the venue not answer some calls until a time that is still to be named."""

    def stop(name: str) -> None:
        real = getattr(world.faulty, name)

        async def call(*asked: Any) -> Any:
            if world.now_ns() < until_ns[0]:
                raise Unreachable("no answer")
            return await real(*asked)

        setattr(world.faulty, name, call)

    for name in calls:
        stop(name)


@pytest.mark.parametrize("calls", [["balances"], ["balances", "order", "trades", "time_ns"]])
@pytest.mark.parametrize("silent_s", [2, 30])
def test_balances_that_cannot_be_read_are_no_leave_to_send(
    worlds: Worlds, calls: list[str], silent_s: int
) -> None:
    """And a venue that does not answer at all could not have told either."""
    world = misled(worlds, 3, late_s=silent_s * 1.2 + 4)
    silent_until = [0]

    silence(world, calls, silent_until)
    world.on(
        f.OrderIntended,
        3,
        lambda: silent_until.__setitem__(0, world.now_ns() + silent_s * NS_PER_S),
    )
    assert world.run(cycles=1) == 0
    nothing_was_sold_twice(world)
    assert world.cycle().outcome == "completed"


def test_what_is_missing_is_not_unexplained_sooner_than_the_venue_could_tell(
    worlds: Worlds,
) -> None:
    """It is silent for longer than a difference is held back, and tells a while after that."""
    world = misled(worlds, 3, late_s=86)
    silent_until = [0]
    silence(world, ["balances", "balance_changes", "order", "trades", "time_ns"], silent_until)

    def begin(_life: object) -> None:
        silent_until[0] = world.now_ns() + 70 * NS_PER_S

    world.at(8.0, begin)
    assert world.run(cycles=1) == 0
    nothing_was_sold_twice(world)
    assert world.facts(f.EngineHalted, f.ExternalChangeFound) == []
    assert world.cycle().outcome == "completed"


def test_a_venue_whose_balances_are_late_is_waited_for(worlds: Worlds) -> None:
    """For as long as it may show what was before the order: then they tell."""
    world = misled(worlds, 3, rules={"visibility_ns": 2 * NS_PER_S})
    real, stale = world.faulty.balances, list[tuple[int, Any]]()

    async def balances() -> Any:
        told = await real()
        return stale[0][1] if stale and world.now_ns() < stale[0][0] else told

    def begin() -> None:
        until_ns = world.now_ns() + 1500 * NS_PER_MS
        stale.append((until_ns, world.venue.account.balances()))

    world.faulty.balances = balances  # type: ignore[method-assign]
    world.on(f.OrderIntended, 3, begin)
    assert world.run(cycles=1) == 0
    nothing_was_sold_twice(world)


def test_a_trade_that_is_told_at_last_does_not_make_up_for_one_that_is_not(worlds: Worlds) -> None:
    """What the first order bought comes as large as what the second has sold: both are told late."""
    world = misled(worlds, late_s=60)
    world.show("BTC/USDT", [("49990", "9")], [("50000", "0.008"), ("50010", "9")])
    world.show("ETH/BTC", [("0.0399", "90")], [("0.04", "0.1"), ("0.04001", "90")])
    until_ns = {1: world.now_ns() + 2_300 * NS_PER_MS, 2: world.now_ns() + 9 * NS_PER_S}

    def strikes(strike: Strike) -> bool:
        number = order_number(strike.client_order_id)
        return strike.fault == "untold_fill" and world.now_ns() < until_ns.get(number or 0, 0)

    world.script(strikes)
    assert world.run(cycles=1) == 0
    nothing_was_sold_twice(world)
    assert world.cycle().outcome in {"completed", "liquidated"}
    told = [one.client_order_id for one in world.facts(f.OrderFilled)]
    first, second = (order.client_order_id for order in world.cycle().orders[:2])
    assert told[:4] == [first, second, first, second]


def thin(world: World) -> None:
    """Let the last leg fill in part, truly."""
    whole = world.stage.book_at("ETH/USDT", world.now_ns())
    assert whole is not None

    def dry() -> None:
        world.show("ETH/USDT", [("2010", "0.1")], [("2011", "0.1")])
        world.stage.put(world.now_ns() + 8 * NS_PER_MS, whole)

    world.on(f.OrderIntended, 3, dry)


def test_a_true_word_costs_one_reading_of_the_balances(world: World) -> None:
    thin(world)
    reads = [0, 0]
    world.on(f.OrderIntended, 3, lambda: reads.__setitem__(0, world.calls("balances")))
    world.on(f.OrderIntended, 4, lambda: reads.__setitem__(1, world.calls("balances")))
    assert world.run() == 0
    world.check()
    assert world.cycle().outcome == "completed"
    assert world.facts(f.RecoveryStarted) == []
    assert len(world.cycle().orders) == 4
    assert reads[1] - reads[0] == 1


@pytest.mark.parametrize("amount", ["0.2", "-0.2"])
def test_money_that_its_owner_moves_meanwhile_stops_nothing(world: World, amount: str) -> None:
    """What the venue reports of it is recorded, and the cycle goes on."""
    thin(world)
    change = Decimal(amount)

    def move() -> None:
        if change > 0:
            world.venue.deposit("ETH", change)
        else:
            world.venue.withdraw("ETH", -change)

    world.on(f.OrderClosed, 3, move)
    assert world.run() == 0
    world.check()
    assert world.cycle().outcome == "completed"
    assert world.cycle().dust.get("ETH", 0) >= 0
    found = world.facts(f.ExternalChangeFound)
    assert [(one.amount, one.explained) for one in found] == [(change, True)]
    assert world.facts(f.EngineHalted) == []


@pytest.mark.parametrize("order", [1, *LEGS])
def test_cycles_that_share_the_currency_sell_nothing_twice(worlds: Worlds, order: int) -> None:
    """Each of four at once is misled; what one of them lacks may be another's."""
    world = misled(worlds, order)
    risk = "risk_controls: {max_open_cycles: 4}\n"
    world.strategies = [world.strategy(extra=risk, amount="1200")]
    world.run(cycles=4)
    world.ask("unpause", reason="x")
    world.wait(30)
    world.recover()
    world.check()
    assert len(world.cycles()) == 4
    assert oversold(world) == {}


def test_money_that_leaves_without_a_word_is_waited_for_and_then_unexplained(world: World) -> None:
    """It may be what the order sold: nobody can tell, so the rest is left to an operator."""
    thin(world)
    world.on(f.OrderClosed, 3, lambda: world.venue.withdraw("ETH", Decimal("0.2"), reported=False))
    began_ns = world.now_ns()
    assert world.run() == 4
    world.check()
    cycle = world.cycle()
    assert cycle.outcome == "parked"
    assert cycle.ended_ns - began_ns < (PARK_AFTER_S + 5) * NS_PER_S
    found = world.facts(f.ExternalChangeFound)
    assert [(one.amount, one.explained) for one in found] == [(Decimal("-0.2"), False)]
    assert [one.scope for one in world.facts(f.EngineHalted)] == ["ETH"]


def test_where_nobody_else_can_move_the_account_nothing_is_read(world: World) -> None:
    """As in a backtest."""
    thin(world)
    reads = [0, 0]
    world.at(0, lambda life: setattr(life.parts.desk, "alone", True))
    world.on(f.OrderIntended, 3, lambda: reads.__setitem__(0, world.calls("balances")))
    world.on(f.OrderIntended, 4, lambda: reads.__setitem__(1, world.calls("balances")))
    assert world.run() == 0
    world.check()
    assert world.cycle().outcome == "completed"
    assert reads[1] == reads[0] > 0


def test_cycles_that_wait_one_after_the_other_keep_no_difference_unseen(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As long as one of them waited nothing was judged, and new ones opened."""
    monkeypatch.setattr(untold, "awaited", lambda _desk: {"USDT"})
    world.strategies = [world.strategy(min_profit="900")]
    world.at(1.0, lambda _life: world.venue.withdraw("USDT", Decimal(70), reported=False))
    began_ns = world.now_ns()
    assert world.run(cycles=None, duration_s=200) == 4
    (halted,) = [one for one in world.records() if isinstance(one.fact, f.EngineHalted)]
    seconds = (halted.at_ns - began_ns) / NS_PER_S
    assert DOUBT_S_MAX < seconds < DOUBT_S_MAX + 3 * SWEEP_INTERVAL_S
    world.check()
