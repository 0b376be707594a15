"""What stops new cycles, also when the engine is killed and started again on the way."""

from collections.abc import Callable
from copy import copy
from decimal import Decimal

import pytest
from msgspec import structs

from arb import crashpoints
from arb.clock import NS_PER_DAY, NS_PER_MS, NS_PER_S, VirtualClock
from arb.events import facts as f
from arb.execution.risk.declined import Refusal
from arb.execution.risk.guards import DUPLICATE, Guards
from arb.machine.risk import (
    CONSECUTIVE_LOSSES,
    DAILY_LOSS,
    EARLIER_KEPT,
    OPENINGS_KEPT,
    evolve_risk,
    identity_of,
)
from arb.simulation.life import Life
from tests.spec.given import opened
from tests.spec.world import World

PATH = identity_of(("USDT", "BTC", "ETH"))
LOSING = ([("1997", "0.3"), ("1996", "90")], [("1998", "90")])
ENDS = (f.CycleCompleted, f.CycleLiquidated, f.CycleParked)


def limited(world: World, **keys: object) -> None:
    """A strategy that loses some 5 USDT with every cycle, within limits."""
    world.show("ETH/USDT", *LOSING)
    keys = {"max_open_cycles": 1, **keys}
    risk = ", ".join(f"{name}: {value}" for name, value in keys.items())
    world.strategies = [world.strategy(extra=f"risk_controls: {{{risk}}}\n")]


def ended(world: World) -> int:
    return len(world.facts(*ENDS))


# --- losses in a row


def test_losses_in_a_row_stop_the_run_and_every_later_one(world: World) -> None:
    limited(world, stop_after_consecutive_losses=3)
    assert world.run(cycles=10) == 4
    assert world.run(cycles=10) == 4
    world.check()
    assert ended(world) == 3
    assert world.account().risk["demo"].tripped == {
        CONSECUTIVE_LOSSES: "3 losses in a row, the limit is 3"
    }


def test_the_trip_stands_in_the_batch_of_the_close_that_caused_it(world: World) -> None:
    limited(world, stop_after_consecutive_losses=2)
    assert world.run(cycles=10) == 4
    (trip,) = [one for one in world.records() if isinstance(one.fact, f.RiskTripped)]
    before = world.records()[trip.position - 2]
    assert isinstance(before.fact, f.CycleCompleted)
    assert before.stream == f"cycle-{trip.fact.cycle_id}"
    assert (before.at_ns, before.meta) == (trip.at_ns, trip.meta)
    assert trip.stream.startswith("account-")


@pytest.mark.parametrize("point", [*crashpoints.ALL[:3], "close"])
@pytest.mark.parametrize("leg", [1, 2, 3])
def test_losses_add_up_over_lives_that_are_killed(world: World, point: str, leg: int) -> None:
    limited(world, stop_after_consecutive_losses=3)
    lives = 0
    while lives < 12:
        lives += 1
        if point == "close":
            world.kill_after(lambda fact: isinstance(fact, f.CycleCompleted))
        else:
            world.kill_at(point, 3 + leg)  # in the second cycle of a life
        if world.run(cycles=5) == 4:
            break
    assert lives < 12
    assert world.recover() == 0
    world.check()
    lost = [fact.pnl < 0 for fact in world.facts(*ENDS)]
    assert lost == [True] * len(lost)
    assert len(lost) == 3
    assert [fact.limit for fact in world.facts(f.RiskTripped)] == [CONSECUTIVE_LOSSES]


def test_a_kill_right_after_the_trip_is_durable_changes_nothing(world: World) -> None:
    limited(world, stop_after_consecutive_losses=1)
    world.kill_after(lambda fact: isinstance(fact, f.RiskTripped))
    assert world.run(cycles=5) is None
    assert world.run(cycles=5) == 4
    world.check()
    assert ended(world) == 1


def test_a_reset_lets_the_next_run_trade_and_counts_from_nothing(world: World) -> None:
    limited(world, stop_after_consecutive_losses=2)
    assert world.run(cycles=10) == 4
    answer = world.ask("reset-risk", CONSECUTIVE_LOSSES, reason="looked")
    assert answer.ok
    assert world.run(cycles=1) == 0
    assert world.run(cycles=10) == 4
    world.check()
    assert ended(world) == 4
    (reset,) = world.facts(f.RiskReset)
    assert (reset.strategy, reset.limit, reset.reason) == ("demo", CONSECUTIVE_LOSSES, "looked")


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("consecutive_losses", 0),
        ("demo:consecutive_losses", 0),
        ("demo:all", 0),
        ("all", 0),
        ("daily_loss", 1),
        ("other:all", 1),
        ("luck", 2),
        ("", 2),
    ],
)
def test_a_reset_names_a_limit_that_is_tripped(world: World, name: str, code: int) -> None:
    limited(world, stop_after_consecutive_losses=1)
    assert world.run() == 4
    answer = world.ask("reset-risk", name)
    assert (answer.ok, answer.exit_code) == (code == 0, code)
    assert (world.account().risk["demo"].tripped == {}) is (code == 0)


def test_a_reset_reaches_a_running_engine(world: World) -> None:
    limited(world, stop_after_consecutive_losses=1)
    other = world.strategy("other", cycle="[USDT, ETH, BTC]", min_profit="900")
    world.strategies = [*world.strategies, other]
    world.at(5.0, lambda life: life.ask("reset-risk", "all"))
    assert world.run(cycles=2) == 0  # the other one may trade all the time, so the run goes on
    world.check()
    assert ended(world) == 2
    assert world.answers[0].ok


def test_one_strategy_that_is_tripped_does_not_stop_another(world: World) -> None:
    world.show("ETH/USDT", *LOSING)
    going = "risk_controls: {stop_after_consecutive_losses: 50, max_open_cycles: 1}\n"
    world.strategies = [
        world.strategy("tripped", extra=going.replace("50", "1")),
        world.strategy("going", extra=going),
    ]
    assert world.run(cycles=4) == 0
    world.check()
    names = [cycle.strategy for cycle in world.cycles().values()]
    assert names.count("tripped") == 1
    assert names.count("going") >= 3


# --- a day's loss


def test_a_days_loss_stops_the_run_and_the_next_day_does_not_lift_it(world: World) -> None:
    limited(world, max_daily_loss=12, stop_after_consecutive_losses=50)
    assert world.run(cycles=20) == 4
    results = [fact.pnl for fact in world.facts(f.CycleCompleted)]
    assert -sum(results[:-1]) < 12 <= -sum(results)
    world.wait(86_400)
    assert world.run(cycles=20) == 4
    world.check()
    assert set(world.account().risk["demo"].tripped) == {DAILY_LOSS}


def test_yesterdays_losses_do_not_count_today(world: World) -> None:
    limited(world, max_daily_loss="{USDT: 12}", stop_after_consecutive_losses=50)
    for _ in range(4):
        assert world.run(cycles=1) == 0
        world.wait(86_400)
    world.check()
    lost = -sum(fact.pnl for fact in world.facts(f.CycleCompleted))
    assert lost > 12
    days = {one.at_ns // NS_PER_DAY for one in world.records() if isinstance(one.fact, ENDS)}
    assert len(days) == 4
    assert world.facts(f.RiskTripped) == []


def test_fees_that_nothing_values_stop_new_cycles(worlds: Callable[..., World]) -> None:
    world = worlds(bnb="10", fee_asset="BNB")
    limited(world)
    world.on(
        f.OrderIntended, 3, lambda: world.stage.hide(world.now_ns() + 8 * NS_PER_MS, "BNB/USDT")
    )
    assert world.run(cycles=5) == 4
    assert world.run(cycles=5) == 4
    world.check()
    assert ended(world) == 1
    assert "no value in USDT" in world.facts(f.RiskTripped)[0].reason


def test_a_parked_cycle_is_a_loss_until_it_is_unwound(world: World) -> None:
    limited(world, max_daily_loss=500)

    def halt(*, halted: bool = True) -> None:
        for market in ("ETH/USDT", "ETH/BTC"):
            world.venue.halt_market(market, halted=halted)

    world.on(f.OrderClosed, 2, halt)
    assert world.run() == 4
    world.watchers.clear()
    assert world.account().risk["demo"].days[0].losses > 900
    halt(halted=False)
    world.ask("unwind", "demo-1")
    assert world.recover() == 0
    world.check()
    assert world.account().risk["demo"].days[0].losses < 100
    assert set(world.account().risk["demo"].tripped) == {DAILY_LOSS}
    world.ask("reset-risk", "all")
    assert world.run() == 0


def test_limits_are_those_that_are_set_now(world: World) -> None:
    """A cycle that a stricter configuration finds open is judged by it."""
    limited(world, stop_after_consecutive_losses=50)
    world.kill_at(crashpoints.TOLD_NOT_APPENDED, 2)
    assert world.run() is None
    limited(world, stop_after_consecutive_losses=1)
    assert world.run(cycles=3) == 4
    world.check()
    assert ended(world) == 1


# --- how much at once


def test_open_cycles_never_hold_more_than_their_allocation(world: World) -> None:
    capital = "{mode: fixed_amount, amount: 300, max_allocation: 700}"
    risk = "risk_controls: {max_open_cycles: 9, stop_after_consecutive_losses: 50}\n"
    world.strategies = [world.strategy(capital=capital, extra=risk)]
    for number in range(1, 30):
        world.fault("reply_delayed", number=number)
    assert world.run(cycles=6) == 0
    world.check()
    held: dict[str, Decimal] = {}
    most = Decimal(0)
    for one in world.records():
        if isinstance(one.fact, f.CycleOpened):
            held[one.stream] = one.fact.start_amount
        elif isinstance(one.fact, (*ENDS, f.CycleMissed)):
            held.pop(one.stream, None)
        most = max(most, sum(held.values(), Decimal(0)))
    assert 595 < most <= 600  # two cycles, each of whole lots


def test_the_largest_position_caps_a_fraction(world: World) -> None:
    risk = "risk_controls: {max_position_size: 250}\n"
    world.strategies = [
        world.strategy(capital="{mode: fixed_fraction, fraction: 0.5}", extra=risk)
    ]  # fmt: skip
    assert world.run() == 0
    assert 245 < world.cycle().start_amount <= 250  # in whole lots


@pytest.mark.parametrize(("reserve", "opens"), [("9.5", True), ("10.5", False)])
def test_no_cycle_opens_below_the_fee_reserve(
    worlds: Callable[..., World], reserve: str, *, opens: bool
) -> None:
    world = worlds(bnb="10", fee_asset="BNB")
    world.strategies = [world.strategy(fees=f", fee_currency: BNB, reserve: {reserve}")]
    assert world.run(duration_s=5) == 0
    assert (world.cycles() != {}) is opens
    if not opens:
        (told,) = world.facts(f.OpportunitiesDeclined)
        sample = "10 BNB is available for fees, the reserve is 10.5"
        assert told.samples == {"fee_reserve": sample}


# --- the same again


def opened_ns(world: World) -> list[int]:
    return [one.at_ns for one in world.records() if isinstance(one.fact, f.CycleOpened)]


def test_a_path_is_not_opened_twice_within_the_window_also_by_another_run(world: World) -> None:
    limited(world, duplicate_suppression_window_seconds=30)
    assert world.run() == 0
    world.show("ETH/USDT", [("2009.5", "90")], [("2011", "90")])
    assert world.run(duration_s=60) == 0
    world.check()
    one, other, *_ = opened_ns(world)
    assert 30 * NS_PER_S <= other - one < 40 * NS_PER_S


def test_a_path_is_not_opened_twice_on_the_same_books_however_much_later(world: World) -> None:
    limited(world, duplicate_suppression_window_seconds=1)
    assert world.run(cycles=None, duration_s=30) == 0
    assert world.run(cycles=None, duration_s=30) == 0
    assert len(opened_ns(world)) == 1
    world.show("ETH/USDT", [("2010", "90")], [("2011", "90")])
    assert world.run() == 0
    world.check()
    assert len(opened_ns(world)) == 2


def opened_on(number: int) -> f.CycleOpened:
    """A path of its own."""
    coin = f"X{number}"
    legs = (f.LegRoute("m", "buy", "USDT", coin), f.LegRoute("m", "sell", coin, "USDT"))
    return structs.replace(opened(), legs=legs)


@pytest.mark.parametrize("openings", [OPENINGS_KEPT + 1, OPENINGS_KEPT + EARLIER_KEPT + 1])
def test_a_path_is_not_opened_twice_within_the_window_however_many_others_were(
    world: World, openings: int
) -> None:
    """Where it is not known any more, whether it was opened, it is not opened either."""
    limited(world, duplicate_suppression_window_seconds=3_600)
    found: list[Refusal | None] = []

    def crowd(life: Life) -> None:
        desk = life.parts.desk
        strategy = next(iter(desk.running.values()))
        now_ns = world.now_ns()
        for number in range(openings):
            opened_ns = now_ns - (openings - number) * NS_PER_S
            evolve_risk(desk.journal.account.risk, opened_on(number), opened_ns)
        guards = Guards(desk)
        found.extend(
            guards._duplicate(strategy, identity_of(("USDT", coin)), {}, ())
            for coin in ("X0", f"X{openings - 1}", "NEW")
        )

    world.at(0.1, crowd)
    world.run(cycles=None, duration_s=1)
    first, last, new = found
    assert isinstance(first, Refusal)
    assert isinstance(last, Refusal)
    assert first.reason == last.reason == DUPLICATE
    assert "was opened 1 s ago" in last.detail
    forgets = openings > OPENINGS_KEPT + EARLIER_KEPT
    assert isinstance(new, Refusal) == forgets
    assert ("may be among the paths that are forgotten" in first.detail) == forgets


def test_nothing_is_forgotten_at_the_beginning_of_time(world: World) -> None:
    """A recording may count its seconds from nothing."""
    limited(world, duplicate_suppression_window_seconds=3_600)
    found: list[Refusal | None] = []

    def early(life: Life) -> None:
        desk = copy(life.parts.desk)
        desk.clock = VirtualClock(5 * NS_PER_S)
        (strategy,) = desk.running.values()
        guards = Guards(desk)
        found.append(guards._duplicate(strategy, PATH, {}, ()))
        evolve_risk(desk.journal.account.risk, opened(), 0)
        found.append(guards._duplicate(strategy, PATH, {}, ()))

    world.at(0.1, early)
    world.run(cycles=None, duration_s=1)
    first, again = found
    assert first is None
    assert isinstance(again, Refusal)


# --- one book


@pytest.mark.parametrize("fault", ["late_fill", "refused", "reply_delayed", "order_hidden"])
def test_the_engines_book_of_limits_is_the_one_in_the_tables(world: World, fault: str) -> None:
    """A restart goes on from the table what the engine had in memory."""
    limited(world, max_daily_loss=30, max_open_cycles=3, slippage_cooldown_seconds=4)
    if fault in {"late_fill", "order_hidden"}:
        world.fault(fault, call="view", order=3)
    else:
        world.fault(fault, order=2, times=2)
    lives: list[Life] = []
    for cycles in (4, 4, 0):
        world.at(0.0, lives.append)
        world.run(cycles=cycles)
        world.wait(10)  # whatever the venue shows late is there for the next one
    world.check()
    engines = lives[-1].parts.desk.journal.account
    assert engines.risk == world.account().risk
    # A late fill here is of an order whose rest was sold: twice sold has no result.
    assert bool(engines.risk["demo"].results) is (fault != "late_fill")
