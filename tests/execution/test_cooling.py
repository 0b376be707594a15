"""A path that was left because of price or time rests, whoever runs the engine; a slow leg never loses track."""

from collections.abc import Callable
from typing import Any

import pytest

from arb import crashpoints
from arb.clock import NS_PER_S
from arb.events import facts as f
from arb.events.envelope import Recorded
from arb.machine import table as t
from tests.spec.world import World

PATH = "BTC>ETH>USDT"
LEAVING = {
    "shortfall": ("ETH/BTC", [("0.0399", "90")], []),
    "below_floor": ("ETH/USDT", [("1900", "90")], [("1901", "90")]),
}  # cause -> the book that makes it


def leave(world: World, cause: str) -> None:
    """Make the next cycle leave its path after its first leg."""
    if cause == "nothing":
        world.fault("refused", order=2, times=1)
    else:
        world.on(f.OrderIntended, 1, lambda: world.show_soon(*LEAVING[cause]))


def records_of(world: World, kind: type) -> list[Recorded]:
    return [one for one in world.records() if isinstance(one.fact, kind)]


@pytest.mark.parametrize("cause", ["shortfall", "below_floor", "nothing"])
def test_leaving_a_path_because_of_price_starts_its_cooldown_in_the_same_batch(
    world: World, cause: str
) -> None:
    leave(world, cause)
    assert world.run() == 0
    world.check()
    (cooldown,) = records_of(world, f.CooldownStarted)
    (left,) = records_of(world, f.RecoveryStarted)
    assert cooldown.fact == f.CooldownStarted(
        strategy="demo",
        identity=PATH,
        until_ns=cooldown.at_ns + 300 * NS_PER_S,
        cause=cause,
        cycle_id="demo-1",
    )
    between = world.records()[left.position : cooldown.position - 1]
    assert {one.stream for one in between} <= {"cycle-demo-1"}
    assert {one.at_ns for one in (*between, left)} == {cooldown.at_ns}


@pytest.mark.parametrize(
    ("cause", "begins"), [("shortfall", "leg 2: no_depth ("), ("nothing", "leg 2: refused (")]
)
def test_a_reason_counts_legs_from_one_as_every_view_does(
    world: World, cause: str, begins: str
) -> None:
    leave(world, cause)
    assert world.run() == 0
    (left,) = world.facts(f.RecoveryStarted)
    assert left.reason.startswith(begins)


def test_a_resting_path_is_not_opened_until_its_time_also_after_a_kill(world: World) -> None:
    leave(world, "nothing")
    world.kill_after(lambda fact: isinstance(fact, f.CooldownStarted))
    assert world.run() is None
    (cooldown,) = world.facts(f.CooldownStarted)
    assert world.run(duration_s=60) == 0
    assert list(world.cycles()) == ["demo-1"]
    assert world.run(duration_s=400) == 0
    world.check()
    _, second = records_of(world, f.CycleOpened)
    assert 0 <= second.at_ns - cooldown.until_ns <= 2 * NS_PER_S
    declined = [fact.reasons for fact in world.facts(f.OpportunitiesDeclined)]
    assert any("cooldown" in reasons for reasons in declined)


def rests(world: World) -> list[int]:
    """How long each cooldown lasts, in seconds."""
    found = records_of(world, f.CooldownStarted)
    return [(one.fact.until_ns - one.at_ns) // NS_PER_S for one in found]


def test_each_further_failure_of_a_path_doubles_its_rest_also_after_a_kill(world: World) -> None:
    world.strategies = [world.strategy(extra="risk_controls: {slippage_cooldown_seconds: 7}\n")]
    for number in range(4):
        world.heal()
        leave(world, "nothing")
        if number == 2:
            world.kill_after(lambda fact: isinstance(fact, f.CooldownStarted))
        assert world.run(cycles=1) == (None if number == 2 else 0)
        if number == 2:
            assert world.recover() == 0
    world.check()
    assert rests(world) == [7, 14, 28, 56]
    opened = [one.at_ns for one in records_of(world, f.CycleOpened)]
    until = [one.fact.until_ns for one in records_of(world, f.CooldownStarted)]
    assert all(at_ns >= before for at_ns, before in zip(opened[1:], until, strict=False))


def test_a_success_of_the_path_sets_its_rest_back(world: World) -> None:
    world.strategies = [world.strategy(extra="risk_controls: {slippage_cooldown_seconds: 7}\n")]
    for fails in (True, True, False, True):
        world.heal()
        if fails:
            leave(world, "nothing")
        assert world.run(cycles=1) == 0
    world.check()
    assert rests(world) == [7, 14, 7]


def test_another_path_and_another_strategy_do_not_rest_with_it(world: World) -> None:
    leave(world, "nothing")
    rests = world.strategy("demo")
    turned = world.strategy("turned", cycle="[BTC, ETH, USDT]", amount="0.02", min_profit="500")
    world.strategies = [rests, turned]
    assert world.run(cycles=1) == 0
    world.strategies = [world.strategy("demo"), world.strategy("other")]
    assert world.run(cycles=1) == 0
    world.check()
    assert [cycle.strategy for cycle in world.cycles().values()] == ["demo", "other"]


def test_the_same_path_from_another_currency_rests_too(world: World) -> None:
    leave(world, "nothing")
    assert world.run() == 0
    turned = world.strategy("demo", cycle="[ETH, USDT, BTC]", amount="0.5")
    world.strategies = [turned]
    assert world.run(duration_s=20) == 0
    assert list(world.cycles()) == ["demo-1"]
    reverse = world.strategy("demo", cycle="[USDT, ETH, BTC]", min_profit="-500")
    world.strategies = [reverse]
    assert world.run() == 0
    world.check()


def test_a_cooldown_of_no_seconds_is_none(world: World) -> None:
    leave(world, "nothing")
    world.strategies = [world.strategy(extra="risk_controls: {slippage_cooldown_seconds: 0}\n")]
    assert world.run() == 0
    assert world.facts(f.CooldownStarted) == []


@pytest.mark.parametrize("leg", [1, 2, 3])
def test_a_restart_is_no_reason_to_rest(world: World, leg: int) -> None:
    world.kill_at(crashpoints.EXECUTED_NOT_TOLD, leg)
    assert world.run() is None
    world.wait(30)
    assert world.recover() == 0
    world.check()
    assert world.facts(f.CooldownStarted) == []


def test_a_missed_first_leg_is_no_reason_to_rest(world: World) -> None:
    world.fault("refused", order=1)
    world.strategies = [world.strategy(retries=0)]
    assert world.run() == 0
    assert world.cycle().outcome == t.REFUSED
    assert world.facts(f.CooldownStarted) == []


def test_a_halted_market_is_neither_price_nor_time(world: World) -> None:
    world.on(
        f.OrderIntended, 1, lambda: world.stage.hide(world.now_ns() + 8 * 10**6, "ETH/BTC")
    )  # fmt: skip
    assert world.run() == 0
    world.check()
    assert world.facts(f.RecoveryStarted) != []
    assert world.facts(f.CooldownStarted) == []


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("all", 0),
        ("USDT->BTC->ETH", 0),
        ("BTC > ETH > USDT > BTC", 0),
        ("USDT/ETH/BTC", 1),
        ("", 1),
    ],
)
def test_an_operator_ends_a_cooldown(world: World, words: str, code: int) -> None:
    leave(world, "nothing")
    assert world.run() == 0
    answer = world.ask("clear-cooldown", words, reason="looked")
    assert (answer.ok, answer.exit_code) == (code == 0, code)
    assert world.run(duration_s=5) == 0
    world.check()
    assert len(world.cycles()) == (2 if code == 0 else 1)
    assert [fact.reason for fact in world.facts(f.CooldownCleared)] == ["looked"] * (1 - code)


# --- time


def slow(world: World, limit_ms: int, **more: Any) -> None:
    world.strategies = [world.strategy(extra=f"max_leg_latency_ms: {limit_ms}\n", **more)]


@pytest.mark.parametrize("leg", [0, 1])
def test_a_slow_leg_is_compared_with_liquidating_before_the_next_order(
    worlds: Callable[..., World], leg: int
) -> None:
    world = worlds(plan={"delay_ns_max": 2 * NS_PER_S})
    slow(world, 200)
    world.fault("reply_delayed", number=leg + 1)
    assert world.run() == 0
    world.check()
    facts = world.facts(*f.CYCLE_MOVES, f.OrderIntended)
    kinds = [type(fact) for fact in facts]
    at = kinds.index(f.RecoveryStarted)
    assert kinds[at - 1] is f.LegSettled
    assert facts[at].reason.startswith(f"leg {leg + 1} took ")
    assert facts[at].reason.endswith(" ms, the limit is 200 ms")
    # It still pays, so the path goes on; nothing was sent before that was known.
    assert kinds[at + 1] is f.CycleResumed
    assert kinds.count(f.OrderIntended) == 3
    assert world.cycle().outcome == "completed"
    (cooldown,) = world.facts(f.CooldownStarted)
    assert cooldown.cause == "latency"


def test_a_slow_leg_that_no_longer_pays_is_sold(world: World) -> None:
    slow(world, 200)
    world.fault("reply_delayed", number=1)
    world.on(f.OrderIntended, 1, lambda: world.show_soon(*LEAVING["below_floor"]))
    assert world.run() == 0
    world.check()
    assert world.cycle().outcome in {"liquidated", "completed"}
    assert [fact.side for fact in world.facts(f.OrderIntended)] == ["buy", "sell"]


def test_a_slow_last_leg_completes_like_any_other(world: World) -> None:
    slow(world, 200)
    world.fault("reply_delayed", number=3)
    assert world.run() == 0
    world.check()
    assert world.cycle().outcome == "completed"
    assert world.facts(f.RecoveryStarted, f.CooldownStarted) == []


def test_a_leg_within_its_limit_goes_on(world: World) -> None:
    slow(world, 60_000)
    world.fault("reply_delayed", number=1)
    assert world.run() == 0
    assert world.facts(f.RecoveryStarted, f.CooldownStarted) == []


def test_a_first_leg_that_is_slow_and_gets_nothing_ends_missed(world: World) -> None:
    slow(world, 50, retries=3)
    world.fault("refused", order=1)
    assert world.run() == 0
    world.check()
    assert world.cycle().outcome == t.REFUSED
    assert len(world.facts(f.OrderIntended)) == 1


@pytest.mark.parametrize("leg", [1, 2, 3])
@pytest.mark.parametrize("point", crashpoints.ALL[:3])
def test_the_time_that_the_engine_was_dead_is_not_the_legs(
    world: World, point: str, leg: int
) -> None:
    slow(world, 500)
    world.kill_at(point, leg)
    assert world.run() is None
    world.wait(3_600)
    assert world.recover() == 0
    world.check()
    assert world.facts(f.CooldownStarted) == []


@pytest.mark.parametrize("nth", range(1, 7))
def test_a_kill_around_a_slow_leg_loses_nothing(worlds: Callable[..., World], nth: int) -> None:
    """Whatever is durable when it strikes: holdings are as the fills say, and nothing is sent twice."""
    world = worlds()
    slow(world, 200)
    for number in (1, 2, 3):
        world.fault("reply_delayed", number=number)
    seen = 0

    def strikes(_fact: f.Fact) -> bool:
        nonlocal seen
        seen += isinstance(_fact, f.LegSettled | f.CycleResumed | f.CycleCompleted | f.OrderFilled)
        return seen == nth

    world.kill_after(strikes)
    assert world.run() is None
    assert world.recover() == 0
    world.check()
    assert world.cycle().outcome in {"completed", "liquidated"}


def test_a_leg_that_is_slow_over_several_orders_is_counted_from_its_first(world: World) -> None:
    slow(world, 150)
    world.fault("refused")
    assert world.run() == 0
    world.check()
    # The first pause is within the limit, the second one is not.
    assert len(world.facts(f.OrderIntended)) == 2
    assert world.cycle().outcome == t.REFUSED
