from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arb.market.book import FeeRates
from arb.market.booking import BOOKED_UNIT, booked_cost, booked_fee, fee_taken_from

AMOUNTS = st.integers(0, 10**18).map(lambda number: number * BOOKED_UNIT)


def test_a_cost_is_cut_and_a_fee_is_rounded_up() -> None:
    assert booked_cost(Decimal("0.03999"), Decimal("0.000001")) == Decimal("0.00000003")
    assert booked_fee(Decimal("0.00000003"), Decimal("0.001")) == Decimal("0.00000001")
    assert booked_fee(Decimal(5), Decimal("0.001")) == Decimal("0.005")
    assert booked_fee(Decimal(5), Decimal(0)) == 0


def test_a_fee_never_exceeds_what_was_received() -> None:
    assert booked_fee(Decimal("1E-10"), Decimal("0.001")) == Decimal("1E-10")


@settings(deadline=None)
@given(price=AMOUNTS, amount=AMOUNTS, rate=st.integers(0, 10_000))
def test_bookings_are_within_one_unit_of_the_exact_value(
    price: Decimal, amount: Decimal, rate: int
) -> None:
    cost = booked_cost(price, amount)
    assert 0 <= price * amount - cost < BOOKED_UNIT
    fee = booked_fee(amount, rate * Decimal("1E-5"))
    assert 0 <= fee - amount * rate * Decimal("1E-5") < BOOKED_UNIT
    assert fee % BOOKED_UNIT == cost % BOOKED_UNIT == 0


@pytest.mark.parametrize(("fee_asset", "taken"), [(None, True), ("ETH", True), ("BNB", False)])
def test_a_fee_comes_out_of_what_is_received_unless_a_third_asset_pays(
    *, fee_asset: str | None, taken: bool
) -> None:
    assert fee_taken_from(FeeRates(Decimal(0), Decimal(0), fee_asset), "ETH") == taken
