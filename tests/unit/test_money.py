"""Money is exact: rounding only where it is asked for, and text that comes back as it was."""

from __future__ import annotations

import decimal
import threading
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arb.errors import BadNumber
from arb.money import (
    CONTEXT,
    PRECISION_DIGITS,
    ceil_to,
    floor_to,
    is_multiple,
    parse,
    plain,
    round_up,
    truncate,
    written_out,
)
from tests.spec.properties import examples

amounts = st.decimals(
    min_value=Decimal("-1E15"), max_value=Decimal("1E15"), allow_nan=False, places=12
)
units = st.one_of(
    st.integers(-10, 4).map(lambda places: Decimal(1).scaleb(places)),
    st.sampled_from([Decimal("0.05"), Decimal("0.25"), Decimal("2.5"), Decimal(3)]),
)
powers = st.integers(-10, 2).map(lambda places: Decimal(1).scaleb(places))


@given(amounts, units)
@examples(300)
def test_rounding_down_gives_the_last_multiple_not_above(value: Decimal, unit: Decimal) -> None:
    floored = floor_to(value, unit)
    assert floored <= value < floored + unit
    assert is_multiple(floored, unit)


@given(amounts, units)
@examples(300)
def test_rounding_up_gives_the_first_multiple_not_below(value: Decimal, unit: Decimal) -> None:
    ceiled = ceil_to(value, unit)
    assert ceiled - unit < value <= ceiled
    assert is_multiple(ceiled, unit)


@given(amounts, units)
@examples(200)
def test_a_multiple_is_rounded_to_itself(value: Decimal, unit: Decimal) -> None:
    multiple = floor_to(value, unit)
    assert floor_to(multiple, unit) == ceil_to(multiple, unit) == multiple
    assert (floor_to(value, unit) == ceil_to(value, unit)) == is_multiple(value, unit)


@given(amounts, powers)
@examples(200)
def test_truncating_goes_towards_zero_and_rounding_up_away_from_it(
    value: Decimal, unit: Decimal
) -> None:
    assert abs(truncate(value, unit)) <= abs(value) < abs(truncate(value, unit)) + unit
    assert abs(round_up(value, unit)) - unit < abs(value) <= abs(round_up(value, unit))


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**20), max_value=10**20))
@examples(300)
def test_plain_text_is_the_same_number_without_exponent_or_trailing_zeros(value: Decimal) -> None:
    text = plain(value)
    assert parse(text) == value
    assert "E" not in text.upper()
    assert text == "0" or not text.startswith("-0") or text.startswith("-0.")
    assert "." not in text or not text.endswith(("0", "."))
    assert plain(parse(text)) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("1E-8", "0.00000001"),
        ("1E+3", "1000"),
        ("-0", "0"),
        ("-0.00", "0"),
        ("0.10", "0.1"),
        ("100", "100"),
    ],
)
def test_examples_of_plain_text(value: str, text: str) -> None:
    assert plain(Decimal(value)) == text


@pytest.mark.parametrize(
    "text", ["", " ", "NaN", "sNaN", "Infinity", "-inf", "1,5", "0x1", "1e", "one"]
)
def test_text_that_is_no_finite_number_is_refused(text: str) -> None:
    with pytest.raises(BadNumber, match="amount"):
        parse(text)


@pytest.mark.parametrize("value", [None, 0.1, 1, b"1", Decimal(1)])
def test_only_text_is_read_as_money(value: object) -> None:
    with pytest.raises(BadNumber, match="fee: expected text"):
        parse(value, what="fee")  # type: ignore[arg-type]


def test_a_float_never_meets_a_decimal_unnoticed() -> None:
    with pytest.raises(decimal.FloatOperation):
        Decimal(0.1)  # noqa: RUF032 -- the mistake itself
    with pytest.raises(decimal.FloatOperation):
        _ = Decimal(1) < 0.5


@given(amounts, amounts)
@examples(200)
def test_sums_and_products_of_venue_amounts_are_exact(one: Decimal, other: Decimal) -> None:
    exact = decimal.Context(prec=200)
    assert one + other == exact.add(one, other)
    assert one * other == exact.multiply(one, other)


def test_every_thread_counts_with_the_same_digits() -> None:
    found: list[int] = []
    thread = threading.Thread(target=lambda: found.append(decimal.getcontext().prec))
    thread.start()
    thread.join()
    assert found == [PRECISION_DIGITS] == [CONTEXT.prec] == [decimal.getcontext().prec]


def test_numbers_of_a_json_text_are_written_out_to_their_last_zero() -> None:
    text = '{"BTC":"5.1E-7","ETH":"-9E-7","none":"0E-8","limit":"2.010E+3","plain":"1.50"}'
    out = (
        '{"BTC":"0.00000051","ETH":"-0.0000009","none":"0.00000000","limit":"2010","plain":"1.50"}'
    )
    assert written_out(text) == out


@pytest.mark.parametrize("held", ["OE-7", "left 1E-7 over", "1E-999999999", "BRE-1"])
def test_other_text_and_sizes_that_no_money_has_stay_as_they_are(held: str) -> None:
    assert written_out(f'{{"id":"{held}"}}') == f'{{"id":"{held}"}}'
