"""What the open cycles of a strategy may hold together, in several currencies."""

from collections.abc import Callable
from decimal import Decimal

import pytest
from msgspec import structs

from arb.execution.risk.declined import Refusal
from arb.execution.risk.guards import MAX_ALLOCATION, Guards
from arb.machine.evolve import evolve
from arb.machine.state import Cycle
from arb.simulation.life import Life
from arb.strategy.schema import Money
from tests.spec.given import opened
from tests.spec.world import World

OF_BTC = ("BTC/USDT", "BTC/USDC", "ETH/BTC")


def of_btc() -> Cycle:
    """An open cycle that began with 0.02 BTC, which are 1,000 USDT."""
    fact = structs.replace(opened(), start_asset="BTC", start_amount=Decimal("0.02"))
    return evolve(None, fact, 1)


def beside(world: World, allocation: Money, amount: str) -> Refusal | None:
    """What forbids another cycle, of an amount of USDT."""
    found: list[Refusal | None] = []

    def ask(life: Life) -> None:
        desk = life.parts.desk
        (strategy,) = desk.running.values()
        capital = structs.replace(strategy.capital_allocation, max_allocation=allocation)
        limited = structs.replace(strategy, capital_allocation=capital, reference_currency="USDT")
        guards = Guards(desk)
        found.append(guards._over_allocation(limited, [of_btc()], "USDT", Decimal(amount)))

    world.at(0.5, ask)
    world.run(cycles=None, duration_s=1)
    assert len(found) == 1
    return found[0]


@pytest.mark.parametrize(("amount", "fits"), [("499", True), ("501", False)])
def test_a_number_is_for_all_currencies_together(world: World, amount: str, *, fits: bool) -> None:
    assert (beside(world, Decimal(1_500), amount) is None) is fits


def tear(world: World) -> None:
    """Leave a silly bid, and no other way to a price."""
    world.show("BTC/USDT", [("1", "90")], [("50010", "90")])
    for market in OF_BTC[1:]:
        world.stage.hide(world.now_ns(), market)


def hide(world: World) -> None:
    for market in OF_BTC:
        world.stage.hide(world.now_ns(), market)


@pytest.mark.parametrize("act", [hide, tear])
def test_nothing_opens_beside_what_no_book_tells_the_worth_of(
    world: World, act: Callable[[World], None]
) -> None:
    act(world)
    refusal = beside(world, Decimal(1_500), "501")
    assert refusal is not None
    assert refusal.reason == MAX_ALLOCATION
    assert "has no value in USDT now" in refusal.detail


@pytest.mark.parametrize(("amount", "fits"), [("500", True), ("501", False)])
def test_a_limit_for_each_currency_needs_no_value_of_the_others(
    world: World, amount: str, *, fits: bool
) -> None:
    hide(world)
    refusal = beside(world, {"USDT": Decimal(500), "BTC": Decimal("0.01")}, amount)
    assert (refusal is None) is fits
