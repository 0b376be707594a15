"""Keys of the breaker: how many anomalies within how long pause new cycles, and for how long."""

from collections.abc import Callable, Mapping

import pytest

from arb.clock import NS_PER_S
from arb.errors import ConfigInvalid
from arb.events import facts as f
from arb.execution.runs.assembling import shared
from tests.spec.flipped import flipped
from tests.spec.world import World

BREAKER = "risk_controls.breaker."
QUIET = {
    "risk_controls.max_open_cycles": 1,
    "risk_controls.slippage_cooldown_seconds": 0,
    "risk_controls.stop_after_consecutive_losses": 50,
}


def trips(world: World, keys: Mapping[str, object], *, cycles: int) -> list[f.BreakerTripped]:
    """Run a strategy with keys of the breaker, and give how it tripped."""
    named = {BREAKER + name: value for name, value in keys.items()}
    world.strategies = [flipped({**QUIET, **named})]
    assert world.run(cycles=cycles) == 0
    world.check()
    return world.facts(f.BreakerTripped)


@pytest.mark.parametrize(
    ("key", "fault", "kind"),
    [
        ("max_unknowns", "reply_lost", "unknowns"),
        ("max_refusals", "refused", "refusals"),
    ],
)
def test_as_many_anomalies_as_allowed_pause_new_cycles(
    worlds: Callable[..., World], key: str, fault: str, kind: str
) -> None:
    for most, tripped in ((2, [(kind, 2)]), (3, [])):
        world = worlds()
        world.fault(fault, number=1)
        world.fault(fault, number=2)
        told = trips(world, {key: most}, cycles=3)
        assert [(one.kind, one.count) for one in told] == tripped, most


@pytest.mark.parametrize(("window_s", "tripped"), [(60, True), (3, False)])
def test_anomalies_count_together_only_within_the_window(
    world: World, window_s: int, *, tripped: bool
) -> None:
    keys = {"max_unknowns": 2, "window_seconds": window_s}
    world.fault("reply_lost", number=1)
    world.at(5.0, lambda _life: world.fault("reply_lost", number=1))
    assert (trips(world, keys, cycles=20) != []) is tripped


@pytest.mark.parametrize("cooldown_s", [5, 45])
def test_new_cycles_wait_for_the_breakers_cooldown(world: World, cooldown_s: int) -> None:
    world.fault("reply_lost", number=1)
    (told,) = trips(world, {"max_unknowns": 1, "cooldown_seconds": cooldown_s}, cycles=3)
    (at_ns,) = [one.at_ns for one in world.records() if one.fact == told]
    opened = [one.at_ns for one in world.records() if isinstance(one.fact, f.CycleOpened)]
    after = min(when for when in opened if when > at_ns)
    assert cooldown_s * NS_PER_S <= after - at_ns < (cooldown_s + 3) * NS_PER_S


def test_strategies_of_one_run_have_one_breaker() -> None:
    """It counts what the account meets: of two that differ, one would be ignored."""
    one, same, other = (
        flipped({"name": name, BREAKER + "max_unknowns": most})
        for name, most in (("one", 3), ("same", 3), ("other", 4))
    )
    assert shared([one, same]) == one.strategy
    with pytest.raises(ConfigInvalid, match=r"`risk_controls\.breaker` differs"):
        shared([one, other])
