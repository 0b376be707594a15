"""Keys that say how much a cycle begins with."""

from collections.abc import Callable, Mapping
from decimal import Decimal

import pytest

from tests.spec.flipped import flipped
from tests.spec.world import World

FRACTION = {"capital_allocation.mode": "fixed_fraction", "capital_allocation.amount": None}


def begun(world: World, keys: Mapping[str, object]) -> Decimal:
    """How much a cycle of such a strategy begins with."""
    world.strategies = [flipped(keys)]
    assert world.run() == 0
    world.check()
    return world.cycle().start_amount


@pytest.mark.parametrize("amount", [200, 400])
def test_a_fixed_amount_is_what_a_cycle_begins_with(world: World, amount: int) -> None:
    found = begun(world, {"capital_allocation.amount": amount})
    assert amount - 10 < found <= amount  # in whole lots


@pytest.mark.parametrize("fraction", ["0.02", "0.04"])
def test_a_fraction_is_of_what_the_account_has(world: World, fraction: str) -> None:
    found = begun(world, {**FRACTION, "capital_allocation.fraction": fraction})
    whole = Decimal(fraction) * 10_000
    assert whole - 10 < found <= whole


def test_the_mode_says_whether_the_account_decides_how_much(
    worlds: Callable[..., World],
) -> None:
    grew = {}
    for keys in (
        {"capital_allocation.mode": "fixed_amount"},
        {**FRACTION, "capital_allocation.fraction": "0.1"},
    ):
        poor, rich = (
            begun(worlds(opening={"USDT": Decimal(has), "BTC": Decimal(1)}), keys)
            for has in (5_000, 10_000)
        )
        grew[keys["capital_allocation.mode"]] = rich > poor
    assert grew == {"fixed_amount": False, "fixed_fraction": True}


def test_an_order_takes_no_more_than_its_share_of_a_level(worlds: Callable[..., World]) -> None:
    """With so little slippage only the first levels count: 0.012 BTC, of which half is taken."""
    keys = {"max_slippage_bps": "0.5"}
    whole = begun(worlds(), keys)
    half = begun(worlds(), {**keys, "capital_allocation.max_depth_share": "0.5"})
    assert 580 < whole <= Decimal(50010) * Decimal("0.012")
    assert 285 < half <= whole / 2
